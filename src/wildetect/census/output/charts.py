"""The small charts of census_report.html: limits of estimates, numbers by confidence, rates of overlaps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wildetect.census.estimates.records import Estimate
from wildetect.census.merging.records import OverlapRecord
from wildetect.census.output.parts import CountAtConfidence
from wildetect.results.report.numbers import colour_code, round_numbers

__all__ = ["ConfidenceChart", "OverlapChart", "Whisker", "confidence_chart", "overlap_chart", "whiskers"]

_WIDTH, _HEIGHT = 640.0, 260.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 14.0, 14.0, 46.0
_MOST_LINES = 6
_MOST_DOTS = 800
_LEAST_EXPECTED = 3  # boxes: of fewer a rate is chance


class Whisker(NamedTuple):
    """An estimate on a line from 0 to the highest limit, in hundredths of it; what is unknown is null.

    Attributes:
        detected: The number detected.
        estimate: The estimate.
        lower: Its lower limit.
        upper: Its upper limit.
    """

    detected: float
    estimate: float | None
    lower: float | None
    upper: float | None


def whiskers(estimates: Sequence[Estimate]) -> list[Whisker]:
    """Estimates, all on one scale."""
    numbers = [(one.detected, one.estimate, one.lower, one.upper) for one in estimates]
    highest = max((number or 0 for each in numbers for number in each), default=0) or 1
    return [
        Whisker(
            round(100 * detected / highest, 2),
            *(None if number is None else round(100 * number / highest, 2) for number in others),
        )
        for detected, *others in numbers
    ]


class Line(NamedTuple):
    """How the number of one species, or of all, moves: a path of steps."""

    name: str
    path: str
    colour: str | None


@dataclass(frozen=True, slots=True)
class ConfidenceChart:
    """Animals detected by confidence.

    Attributes:
        lines: All species first.
        ticks: Number and height of each line across.
        thresholds: Confidence and place of each mark below.
        chosen: Where the threshold of this census lies; null where each class has its own.
    """

    lines: tuple[Line, ...]
    ticks: tuple[tuple[int, float], ...]
    thresholds: tuple[tuple[float, float], ...]
    chosen: float | None
    width: float = _WIDTH
    height: float = _HEIGHT
    left: float = _LEFT
    right: float = _WIDTH - _RIGHT
    top: float = _TOP
    floor: float = _HEIGHT - _BOTTOM


def confidence_chart(
    numbers: Sequence[CountAtConfidence], class_names: Sequence[str], chosen: float | None
) -> ConfidenceChart | None:
    """Draw `confidence` of census.json; null where there is nothing to show.

    Args:
        numbers: One for each threshold.
        class_names: Names of the model's classes; give each class its colour.
        chosen: The threshold of this census.
    """
    if len(numbers) < 2 or not numbers[0].animals:  # noqa: PLR2004 - a line has two ends
        return None
    ticks = round_numbers(max(one.animals for one in numbers))
    unit = (_HEIGHT - _TOP - _BOTTOM) / ticks[-1]

    def x(confidence: float) -> float:
        return round(_LEFT + confidence * (_WIDTH - _LEFT - _RIGHT), 1)

    def path(counts: Sequence[int]) -> str:
        places = [
            f"{x(one.threshold)} {_HEIGHT - _BOTTOM - count * unit:.1f}"
            for one, count in zip(numbers, counts, strict=True)
        ]
        return "M" + "L".join(places)

    species = sorted(numbers[0].per_class, key=lambda name: -numbers[0].per_class[name])
    lines = [Line("all species", path([one.animals for one in numbers]), None)]
    if len(species) == 1:
        lines = []
    lines += [
        Line(name, path([one.per_class[name] for one in numbers]), colour_code(class_names.index(name)))
        for name in species[:_MOST_LINES]
    ]
    return ConfidenceChart(
        tuple(lines),
        tuple((tick, round(_HEIGHT - _BOTTOM - tick * unit, 1)) for tick in ticks),
        tuple((step / 10, x(step / 10)) for step in range(0, 11, 2)),
        None if chosen is None or not math.isfinite(chosen) else x(chosen),
    )


@dataclass(frozen=True, slots=True)
class OverlapChart:
    """Partner rates of pairs of photographs by the time between them.

    Attributes:
        along: A path of dots: pairs of one line of flight.
        across: A path of dots: pairs of different lines.
        rates: Rate in hundredths and height of each line across.
        times: Text and place of each mark below.
    """

    along: str
    across: str
    rates: tuple[tuple[int, float], ...]
    times: tuple[tuple[str, float], ...]
    width: float = _WIDTH
    height: float = _HEIGHT
    left: float = _LEFT
    right: float = _WIDTH - _RIGHT
    floor: float = _HEIGHT - _BOTTOM


_TIMES = {1: "1 s", 10: "10 s", 60: "1 min", 600: "10 min", 3600: "1 h", 36_000: "10 h", 864_000: "10 days"}


def overlap_chart(overlaps: Sequence[OverlapRecord]) -> OverlapChart | None:
    """Draw `overlaps` of census.json; null where no pair tells its time and has boxes enough.

    Args:
        overlaps: One for each two photographs.
    """
    told = [
        (one.seconds, one.partner_rate, one.line)
        for one in overlaps
        if one.seconds is not None and one.partner_rate is not None and one.expected >= _LEAST_EXPECTED
    ]
    told = told[:: -(-len(told) // _MOST_DOTS) or 1]
    if not told:
        return None
    longest = max(seconds for seconds, _, _ in told)
    last = next((seconds for seconds in _TIMES if seconds >= longest), max(_TIMES))
    unit = (_WIDTH - _LEFT - _RIGHT) / math.log10(1 + last)

    def x(seconds: float) -> float:
        return round(_LEFT + unit * math.log10(1 + min(seconds, last)), 1)

    def y(rate: float) -> float:
        return round(_HEIGHT - _BOTTOM - rate * (_HEIGHT - _BOTTOM - _TOP), 1)

    def dots(which: str) -> str:
        return "".join(f"M{x(seconds)} {y(rate)}h0" for seconds, rate, line in told if line == which)

    return OverlapChart(
        dots("along"),
        dots("across"),
        tuple((rate, y(rate / 100)) for rate in (0, 25, 50, 75, 100)),
        tuple((text, x(seconds)) for seconds, text in _TIMES.items() if seconds <= last),
    )
