"""summary.html: a census on one page, to be printed on A4 or letter paper."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from wildetect.census.exports.citation import digest_of
from wildetect.census.exports.form import CensusForm, ExportedCensuses, Publication
from wildetect.census.output.parts import EstimateRecord
from wildetect.census.output.record import CensusRecord
from wildetect.results.files import write_text
from wildetect.results.report.map import round_length
from wildetect.results.report.numbers import colour_code
from wildetect.results.report.page import environment, policy, text_of
from wildetect.wording import listed, number_of

__all__ = ["SUMMARY", "write_summary"]

_OWN = Path(__file__).with_name("templates")
_MOST_SPECIES = 8
_MOST_NAMES = 5
_MOST_CAUTIONS = 3
_LONGEST = 240  # signs of a caution: the page is one
_WIDTH, _HEIGHT, _EDGE = 600.0, 180.0, 14.0
_DEGREE = 111_320.0  # m of longitude at the equator; near enough for a drawing
_WORDS = {"sampling": "sampling", "detector": "the detector's errors", "availability": "animals out of sight"}


class _Number(NamedTuple):
    """A row of the table of numbers."""

    species: str | None
    value: float | None
    lower: float | None
    upper: float | None
    detected: int
    holds: str


class _Dot(NamedTuple):
    """An animal on the map."""

    x: float
    y: float
    colour: str


class _Map(NamedTuple):
    """What the map shows, in its own units."""

    width: float
    height: float
    photographs: list[tuple[float, float]]
    animals: list[_Dot]
    legend: list[tuple[str, str]]
    bar: float
    bar_text: str


def write_summary(path: Path, publication: Publication) -> None:
    """Write the page.

    Args:
        path: The file.
        publication: The census, with what people said of its animals.

    Raises:
        InputError: The file cannot be written.
    """
    record, style = publication.record, text_of(_OWN / "summary.css")
    numbers = [_number(record, one) for one in record.headlines]
    species = [one for one in numbers if one.species is not None]
    numbers = species if len(species) == 1 else numbers  # of one species all together are that one
    shown = [*numbers[: _MOST_SPECIES - 1], numbers[-1]] if len(numbers) > _MOST_SPECIES else numbers
    cautions = [_short(f"{one.what} {one.fix}") for one in record.cautions]
    reasons = [f"No number: {one}" for one in dict.fromkeys(e.refusal for e in record.headlines) if one]
    page = environment(_OWN).get_template("summary.html.j2")
    write_text(
        path,
        page.generate(
            record=record,
            effort=_effort(record),
            numbers=shown,
            more_numbers=len(numbers) - len(shown),
            doubtful=any(one.doubt for one in record.headlines),
            map=None if publication.grid else _map(record),
            no_map=f"Not drawn: {publication.grid}." if publication.grid else "No photograph has a place.",
            method=list(_method(record)),
            detector=_detector(record),
            review=_review(publication),
            cautions=[*reasons, *cautions][:_MOST_CAUTIONS],
            more_cautions=max(len(reasons) + len(cautions) - _MOST_CAUTIONS, 0),
            digest=digest_of(record),
            style=style,
            policy=policy(style),
        ),
    )


def _number(record: CensusRecord, one: EstimateRecord) -> _Number:
    """The corrected number where a review gives one, else the estimate."""
    summary = record.summary.get(one.species or "all")
    corrected = summary.corrected if summary else None
    if corrected is None:
        holds = one.limits_hold or ("no limits" if one.estimate is not None else "no number: see cautions")
        return _Number(one.species, one.estimate, one.lower, one.upper, one.detected, holds)
    holds = listed(_WORDS[hold] for hold in corrected.holds)
    return _Number(
        one.species, corrected.value, corrected.lower, corrected.upper, one.detected, f"{holds}; reviewed"
    )


def _effort(record: CensusRecord) -> str:
    days = sorted(one.taken[:10] for one in record.photographs if one.taken)
    when = "" if not days else f", {days[0]}" if days[0] == days[-1] else f", {days[0]} to {days[-1]}"
    searched = math.fsum(one.searched_km2 for one in record.strata)
    flown = math.fsum(one.length_km for one in record.transects)
    areas = [one.area_km2 for one in record.strata if one.area_km2]
    of_all = f" of {math.fsum(areas):,.4g} km²" if areas else ""
    lost = f" {len(record.left_out):,} more have no place and do not count." if record.left_out else ""
    return (
        f"{number_of(len(record.photographs), 'photograph')}{when}, "
        f"{number_of(len(record.transects), 'transect')} of together "
        f"{flown:,.4g} km, {searched:,.4g} km²{of_all} searched.{lost}"
    )


def _method(record: CensusRecord) -> Iterator[str]:
    """Five lines."""
    methods = listed(sorted({one.method for one in record.estimates if one.estimate is not None}))
    threshold = record.detections.settings.get("confidence")
    least = record.settings.get("confidence")
    least = threshold if least is None else least
    yield "Photographs were taken from the air and placed on the ground by position and height."
    names = listed(record.searched_for, most=_MOST_NAMES)
    yield f"{record.model} searched them for {names}; boxes count from a confidence of {least}."
    yield (
        f"Boxes of overlapping photographs within {record.tolerance.metres:.1f} m are one animal "
        f"({record.tolerance.source})."
    )
    if methods:
        yield f"Numbers of the area follow from the searched strips: {methods}."
    else:
        yield "Nothing follows for the area, only what was detected is given: see the cautions."
    shapes = sorted({one.shape for each in record.estimates for one in each.limits if one.chosen})
    if shapes:
        yield f"Limits are {listed(shapes)}; what they hold stands beside them."
    else:
        yield "Limits are not given."


def _detector(record: CensusRecord) -> str:
    newest = record.detector.newest if record.detector else None
    if newest is None:
        unknown = record.detector.unknown if record.detector else None
        return f"{record.model}: {unknown or 'how well it finds animals is not known'}."
    recall, precision = (
        "unknown" if one is None else f"{one:.2f}"
        for one in (newest.overall.recall, newest.overall.precision)
    )
    return f"{record.model}: recall {recall}, precision {precision}, measured on {newest.where}."


def _review(publication: Publication) -> str:
    record = publication.record
    looked = Counter(listed(one.by) for one in publication.identified.values())
    if not looked:
        return f"Not reviewed by people: {record.not_corrected or 'nobody has looked at these animals'}."
    people = "; ".join(f"{name}: {number:,}" for name, number in looked.most_common(5))
    rejected = len(record.animals) - len(publication.animals)
    said = f"; in {rejected:,} they saw no animal" if rejected else ""
    reason = f" The numbers are not corrected: {record.not_corrected}." if record.not_corrected else ""
    return (
        f"People looked at {looked.total():,} of {number_of(len(record.animals), 'animal')} "
        f"({people}){said}.{reason}"
    )


def _map(record: CensusRecord) -> _Map | None:
    """Photographs and animals in a plane, north up."""
    if not record.photographs:
        return None
    spots = [(one.longitude, one.latitude) for one in record.photographs]
    spots += [(one.longitude, one.latitude) for one in record.animals]
    west, north = min(x for x, _ in spots), max(y for _, y in spots)
    shrunk = math.cos(math.radians(north))
    wide = max((max(x for x, _ in spots) - west) * shrunk * _DEGREE, 1.0)
    high = max((north - min(y for _, y in spots)) * _DEGREE, 1.0)
    scale = min((_WIDTH - 2 * _EDGE) / wide, (_HEIGHT - 2 * _EDGE) / high)
    left = (_WIDTH - wide * scale) / 2

    def place(longitude: float, latitude: float) -> tuple[float, float]:
        x = left + (longitude - west) * shrunk * _DEGREE * scale
        return round(x, 1), round(_EDGE + (north - latitude) * _DEGREE * scale, 1)

    names = list(record.model.class_names) or sorted(record.counts.per_class)
    colours = {name: colour_code(number) for number, name in enumerate(names)}
    seen = Counter(one.species for one in record.animals)
    metres = round_length(min(wide, _WIDTH / scale / 4))
    return _Map(
        _WIDTH,
        _HEIGHT,
        [place(one.longitude, one.latitude) for one in record.photographs],
        [
            _Dot(*place(one.longitude, one.latitude), colours.get(one.species, "#000"))
            for one in record.animals
        ],
        [(name, colours.get(name, "#000")) for name, _ in seen.most_common(_MOST_SPECIES)],
        round(metres * scale, 1),
        f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m",  # noqa: PLR2004 - metres of a km
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rsplit(' ', 1)[0]} … (census_report.html)"


def _write(path: Path, censuses: ExportedCensuses) -> list[str]:
    write_summary(path, censuses.one)
    return []


SUMMARY = CensusForm(
    name="summary",
    file="summary.html",
    about="one page to print, on A4 or letter paper or as a PDF from the browser: numbers with limits and "
    "what they hold, map, method, effort, detector, review, cautions",
    write=_write,
    reviewed=True,
)
