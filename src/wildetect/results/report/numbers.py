"""The numbers that report.html shows, gathered in one pass over the results."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wildetect.results.records import ImageResult
from wildetect.results.report.overlay import class_colour
from wildetect.results.rows import CONFIDENCE_DIGITS

__all__ = [
    "BINS",
    "BusyImage",
    "ClassNumbers",
    "Histogram",
    "Numbers",
    "bin_of",
    "colour_code",
    "numbers_of",
    "round_numbers",
]

BINS = 20
"""Steps of 0.05: thresholds that people use are limits of a bin, so that counts above them are exact."""

_BUSIEST = 20
_WIDTH, _HEIGHT = 640.0, 240.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 10.0, 12.0, 34.0
_GAP = 2.0
_TICKS = 4


class BusyImage(NamedTuple):
    """An image with many detections."""

    detections: int
    name: str


@dataclass(slots=True)
class ClassNumbers:
    """What was found of one class.

    Attributes:
        class_id: Its number in the model.
        name: Its name.
        bins: Detections by confidence, from low to high.
        image_bins: Images with at least one, by the confidence of the surest in each: those from a bin on
            add up to the images that are left above its threshold.
    """

    class_id: int
    name: str
    bins: list[int] = field(default_factory=lambda: [0] * BINS)
    image_bins: list[int] = field(default_factory=lambda: [0] * BINS)

    @property
    def count(self) -> int:
        """All detections of the class."""
        return sum(self.bins)

    @property
    def images(self) -> int:
        """All images with at least one."""
        return sum(self.image_bins)

    @property
    def colour(self) -> str:
        """As in the overlays."""
        return colour_code(self.class_id)


@dataclass(frozen=True, slots=True)
class Numbers:
    """What was found.

    Attributes:
        found: Classes with detections, the commonest first.
        absent: Names of the classes without.
        busiest: Images with most detections.
    """

    found: list[ClassNumbers]
    absent: list[str]
    busiest: list[BusyImage]

    @property
    def highest(self) -> int:
        """Detections of the commonest class."""
        return max((one.count for one in self.found), default=0)


class Bar(NamedTuple):
    """A part of a histogram's column, in units of the drawing."""

    class_id: int
    bin: int
    y: float
    height: float
    colour: str
    title: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """Confidence of all detections, classes stacked.

    Attributes:
        bars: Parts of columns.
        ticks: Number and height of each line across.
    """

    bars: list[Bar]
    ticks: list[tuple[int, float]]
    width: float = _WIDTH
    height: float = _HEIGHT
    left: float = _LEFT
    right: float = _WIDTH - _RIGHT
    floor: float = _HEIGHT - _BOTTOM
    bar_width: float = (_WIDTH - _LEFT - _RIGHT) / BINS - _GAP

    @classmethod
    def of(cls, numbers: Numbers) -> Histogram:
        """Stack the commonest class lowest."""
        totals = [sum(one.bins[place] for one in numbers.found) for place in range(BINS)]
        ticks = round_numbers(max(totals, default=0))
        unit = (_HEIGHT - _TOP - _BOTTOM) / ticks[-1]
        bars, floors = [], [_HEIGHT - _BOTTOM] * BINS
        for one in numbers.found:
            for place, count in enumerate(one.bins):
                if count:
                    floors[place] -= count * unit
                    title = f"{one.name}: {count:,} from {place / BINS:.2f} to {(place + 1) / BINS:.2f}"
                    y, height = round(floors[place], 2), round(count * unit, 2)
                    bars.append(Bar(one.class_id, place, y, height, one.colour, title))
        return cls(bars, [(tick, round(_HEIGHT - _BOTTOM - tick * unit, 2)) for tick in ticks])

    def x(self, confidence: float) -> float:
        """Where a confidence lies, from left to right."""
        return round(self.left + confidence * (self.right - self.left), 2)


def bin_of(confidence: NDArray[np.float32]) -> NDArray[np.int64]:
    """The bin of each confidence, shape (n,).

    Rounded first: 0.35 as a float32 lies a little below 0.35, and is meant as 0.35.
    """
    rounded = confidence.astype(np.float64).round(CONFIDENCE_DIGITS)
    return np.clip(np.floor(rounded * BINS + 1e-9), 0, BINS - 1).astype(np.int64)


def colour_code(class_id: int) -> str:
    """The class's colour as "#rrggbb"."""
    red, green, blue = class_colour(class_id)
    return f"#{red:02x}{green:02x}{blue:02x}"


def numbers_of(results: Iterable[ImageResult], class_names: Sequence[str]) -> Numbers:
    """Count the results by class and confidence."""
    classes = [ClassNumbers(class_id, name) for class_id, name in enumerate(class_names)]
    busiest: list[tuple[int, int, str]] = []
    for place, result in enumerate(results):
        if result.detections is None or not len(result.detections):
            continue
        keys = result.detections.class_id * BINS + bin_of(result.detections.confidence)
        surest: dict[int, int] = {}
        for key, count in zip(*(part.tolist() for part in np.unique(keys, return_counts=True)), strict=True):
            classes[key // BINS].bins[key % BINS] += count
            surest[key // BINS] = key % BINS  # keys rise: the last one of a class is its highest bin
        for class_id, highest in surest.items():
            classes[class_id].image_bins[highest] += 1
        # of equally busy images the first ones stay
        entry = (len(result.detections), -place, result.name)
        (heapq.heappushpop if len(busiest) == _BUSIEST else heapq.heappush)(busiest, entry)
    return Numbers(
        found=sorted((one for one in classes if one.count), key=lambda one: -one.count),
        absent=[one.name for one in classes if not one.count],
        busiest=[BusyImage(count, name) for count, _, name in sorted(busiest, reverse=True)],
    )


def round_numbers(highest: int) -> list[int]:
    """Numbers for an axis from 0 to at least `highest`, in steps of 1, 2 or 5 times a power of ten."""
    step = next(
        factor * 10**power
        for power in itertools.count()
        for factor in (1, 2, 5)
        if factor * 10**power * _TICKS >= highest
    )
    return [step * number for number in range(max(-(-highest // step), 1) + 1)]
