"""census_report.html: the number with its limits, and all that it rests on, in one file without a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from wildetect.census.estimates.methods.table import methods_among
from wildetect.census.estimates.records import SAMPLING_ONLY, Limits
from wildetect.census.estimates.sample_records import ALL_STRATA
from wildetect.census.output.charts import Whisker, confidence_chart, overlap_chart, whiskers
from wildetect.census.output.drawing import census_map
from wildetect.census.output.known_quality import quality_of_species
from wildetect.census.output.pairs import Pictures
from wildetect.census.output.parts import Available, EstimateRecord, PhotographRecord, SpeciesSummary
from wildetect.census.output.record import CensusRecord
from wildetect.census.result import Census
from wildetect.how_far import doing
from wildetect.results.files import write_text
from wildetect.results.report.numbers import colour_code
from wildetect.results.report.page import TEMPLATES, environment, policy, text_of
from wildetect.wording import listed

__all__ = ["distinct_estimates", "write_census_report"]

_OWN = Path(__file__).with_name("templates")
TOLERANCE_FROM: dict[str, str] = {
    "settings": "is that of the settings",
    "stated position errors": "follows from the position errors that the photographs state",
    "assumed position errors": "follows from an assumed position error of 3 m: no photograph states its own",
    "position errors, some assumed": "follows from the position errors that photographs state, and an "
    "assumed 3 m where they state none",
}
_LIMITS = {"most_files": 200, "most_transects": 500, "few_transects": 30, "most_overlaps": 12}
"""How many of a kind are shown, by their names in the template."""


class _Refusal(NamedTuple):
    """Why some numbers are not given."""

    what: str
    text: str


@doing("the report is written")
def write_census_report(
    path: Path,
    record: CensusRecord,
    census: Census,
    pictures: Pictures,
    *,
    with_map: bool = True,
) -> None:
    """Write the report of a census.

    Args:
        path: The file.
        record: The content of census.json, which gives every number.
        census: Gives what is drawn.
        pictures: Boxes side by side.
        with_map: Draw the map.

    Raises:
        InputError: The file cannot be written.
    """
    style = text_of(TEMPLATES / "report.css", _OWN / "census_report.css")
    headlines, estimates = record.headlines, record.estimates
    order = _Order(record)
    shown = sorted(distinct_estimates(estimates), key=order)
    page = environment(_OWN).get_template("census_report.html.j2")
    pieces = page.generate(
        census=record,
        headlines=_with_whiskers(headlines),
        refusals=list(_refusals(headlines)),
        methods=_methods(record),
        explained=_explained(record),
        estimates=shown,
        notes=list(_notes(estimates)),
        other_limits=list(_other_limits(shown)),
        summary=_summary(record, order),
        limits_hold=SAMPLING_ONLY,
        tolerance_from=TOLERANCE_FROM,
        quality=record.detector and record.detector.newest,
        known_of=quality_of_species(record),
        held=_held(record),
        searched=sum(one.searched_km2 for one in record.strata),
        taken=_taken(record.photographs),
        map=census_map(census) if with_map else None,
        chart=_chart(record),
        overlap_chart=overlap_chart(record.overlaps),
        colours={name: colour_code(number) for number, name in enumerate(census.class_names)},
        pairs=pictures.joined,
        near_pairs=pictures.near,
        empty_pairs=pictures.empty,
        merges=len(record.merges),
        sources=list(_sources(record.photographs)),
        ranges=list(_ranges(record.photographs)),
        files=[name for name in record.files if name != path.name],
        **_LIMITS,
        **_there_is(record, shown),
        style=style,
        policy=policy(style),
    )
    write_text(path, pieces)


def _there_is(record: CensusRecord, shown: Sequence[EstimateRecord]) -> dict[str, bool]:
    """What there is any of, by its name in the template."""
    headlines, species = record.headlines, record.summary.values()
    return {
        "any_estimate": any(one.estimate is not None for one in headlines),
        "has_strata": any(one.stratum != ALL_STRATA for one in shown),
        "any_limits": any(one.lower is not None for one in headlines),
        "doubtful": any(one.doubt for one in headlines),
        "reviewed": any(one.reviewed is not None for one in species),
        "corrected": any(one.corrected is not None for one in species),
    }


def distinct_estimates(estimates: Sequence[EstimateRecord]) -> list[EstimateRecord]:
    """Without rows that say the same again: the sum of one stratum, and all species where there is one."""
    strata = {one.stratum for one in estimates} - {ALL_STRATA}
    species = {one.species for one in estimates} - {None}
    return [
        one
        for one in estimates
        if not (len(strata) == 1 and one.stratum == ALL_STRATA)
        and not (len(species) == 1 and one.species is None)
    ]


def _with_whiskers(headlines: Sequence[EstimateRecord]) -> list[tuple[EstimateRecord, Whisker]]:
    rows = list(zip(headlines, whiskers(headlines), strict=True))
    species = [row for row in rows if row[0].species is not None]
    return species if len(species) == 1 else rows  # of one species all together are that one


def _other_limits(
    estimates: Sequence[EstimateRecord],
) -> Iterator[tuple[EstimateRecord, dict[str, Limits]]]:
    """For each estimate, and each way to a standard error, the limits by the shape of their distribution."""
    for one in estimates:
        for _, limits in groupby(one.limits, key=lambda limits: limits.spread):
            yield one, {each.shape: each for each in limits}


class _Numbers(NamedTuple):
    """A row of the table of detected, reviewed and corrected numbers."""

    species: str | None
    numbers: SpeciesSummary
    available: Available | None


def _summary(record: CensusRecord, order: _Order) -> list[_Numbers]:
    """The rows in the order of the table above it."""
    available = {one.species: one.available for one in record.corrected if one.stratum == ALL_STRATA}
    rows = [
        _Numbers(species, numbers, available.get(species))
        for name, numbers in record.summary.items()
        for species in [None if name == ALL_STRATA else name]
    ]
    species = [row for row in rows if row.species is not None]
    return species if len(species) == 1 else sorted(rows, key=lambda row: order.of(row.species))


def _held(record: CensusRecord) -> list[str]:
    """Which errors the limits of the corrected numbers hold, in words."""
    words = {"sampling": "sampling error", "detector": "the detector's errors", "availability": "hiding"}
    found = (one.corrected for one in record.summary.values() if one.corrected is not None)
    return [words[hold] for hold in dict.fromkeys(hold for one in found for hold in one.holds)]


def _refusals(headlines: Sequence[EstimateRecord]) -> Iterator[_Refusal]:
    """Each reason once, with what it is about."""
    about: dict[str, list[EstimateRecord]] = {}
    for one in headlines:
        if one.refusal:
            about.setdefault(one.refusal, []).append(one)
    for reason, estimates in about.items():
        what = "No estimate" if all(one.estimate is None for one in estimates) else "No limits"
        names = [one.species for one in estimates if one.species is not None]
        whose = f" for {listed(names)}" if names and len(estimates) < len(headlines) else ""
        yield _Refusal(what + whose, reason)


def _notes(estimates: Sequence[EstimateRecord]) -> Iterator[tuple[str, list[str]]]:
    """Each note once, with the species that it is about; none where it is about all that are counted."""
    about: dict[str, set[str | None]] = {}
    for one in estimates:
        for note in one.notes:
            about.setdefault(note, set()).add(one.species)
    species = {one.species for one in estimates}
    for note, names in about.items():
        yield note, [] if names >= species else sorted(name for name in names if name is not None)


class _Order:
    """Sorts for the page: the species of which most were detected first, all together last."""

    def __init__(self, record: CensusRecord) -> None:
        self._places = {one.species: place for place, one in enumerate(record.headlines) if one.species}

    def __call__(self, estimate: EstimateRecord) -> int:
        return self.of(estimate.species)

    def of(self, species: str | None) -> int:
        """Return the place of a species, or of all together; one that only people named comes before all."""
        last = len(self._places)
        return last + 1 if species is None else self._places.get(species, last)


def _methods(record: CensusRecord) -> str:
    return listed(one.said for one in methods_among(one.method for one in record.estimates))


def _explained(record: CensusRecord) -> str | None:
    """The template that explains the method: that of the samples, where there are some."""
    used = methods_among(one.method for one in record.estimates)
    return next((one.explained for one in sorted(used, key=lambda one: one.complete)), None)


def _taken(photographs: Sequence[PhotographRecord]) -> str:
    days = sorted({one.taken[:10] for one in photographs if one.taken})
    return "" if not days else days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def _chart(record: CensusRecord) -> Any:
    chosen = record.settings.get("confidence")
    if chosen is None:
        chosen = record.detections.settings.get("confidence")
    number = float(chosen) if isinstance(chosen, int | float) else None
    return confidence_chart(record.confidence, record.model.class_names, number)


def _sources(photographs: Sequence[PhotographRecord]) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """For each value where it came from, with the number of photographs."""
    found: dict[str, Counter[str]] = {}
    for photograph in photographs:
        for value, origin in photograph.sources.items():
            found.setdefault(value, Counter())[origin] += 1
    for value, origins in found.items():
        yield value, origins.most_common()


def _ranges(photographs: Sequence[PhotographRecord]) -> Iterator[tuple[str, str, str, str]]:
    for name, found, unit, digits in (
        ("height above ground", [one.height_m for one in photographs], "m", 0),
        ("pixel on the ground", [one.gsd_cm for one in photographs], "cm", 1),
        ("position error", [one.position_error_m for one in photographs], "m", 1),
    ):
        values = [value for value in found if value is not None]
        if values:
            yield name, f"{min(values):.{digits}f}", f"{max(values):.{digits}f}", unit
