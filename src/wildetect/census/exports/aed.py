"""Rows of the African Elephant Database, by the rules of the IUCN's African Elephant Specialist Group.

Source: africanelephantdatabase.org/reliability: a total count (A) is definite; of a sample with limits (B)
the larger of its lower limit and the number actually seen is definite, the rest of the estimate probable, and
what the upper limit adds possible; of a count without limits (D) what was seen is definite, the rest
possible. Areas add: estimates by their sum, limits by the root of the sum of their squares.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from wildetect.census.estimates.methods.table import COMPLETE
from wildetect.census.estimates.sample_records import ALL_STRATA
from wildetect.census.exports.form import CensusForm, ExportedCensuses
from wildetect.census.output.parts import EstimateRecord, SpeciesSummary
from wildetect.census.output.record import CensusRecord
from wildetect.census.output.tables import write_table
from wildetect.errors import ConfigurationError
from wildetect.evaluation.reviewed_sample import CorrectedNumber
from wildetect.results.blurring import Grid
from wildetect.wording import listed

__all__ = ["AED", "AedRow", "Categories", "added", "aed_rows", "categories", "write_aed"]

ELEPHANT = "elephant"
NOT_REVIEWED = (
    "definite, probable and possible take the number actually seen by people: review the detections first"
)
NOT_LOOKED_FOR = "the detector of this census does not know the class"
CORRECTED = "corrected by the review of the detections: the limits hold the detector's errors, too"


@dataclass(frozen=True, slots=True)
class Categories:
    """What is known how surely, in animals."""

    definite: float
    probable: float
    possible: float


@dataclass(frozen=True, slots=True)
class AedRow:
    """A row of aed.csv; what a person is to fill in, or nobody knows, is null.

    Attributes:
        input_zone: The survey's id.
        species: The class counted.
        cause_of_change: To be filled in: RS, RS', NP, DT, DA, NG, PL, DD or NA.
        survey_type: AS for an aerial sample, AT for an aerial total count.
        reliability: A, B or D.
        year: Year of the photographs.
        estimate: Animals.
        limits_95: Half of the width of the 95% limits by t, as the database has them (+-).
        lower: 95% limit.
        upper: 95% limit.
        seen: Animals that people confirmed.
        definite: Definite animals by the rules above.
        probable: The same.
        possible: The same.
        source: To be filled in: the report that is quoted.
        pfs: To be filled in by the database.
        area_km2: Area that the estimate is for.
        longitude: Longitude of the middle of the photographs.
        latitude: The same.
        remark: Why something is missing, or what makes the limits doubtful.
    """

    input_zone: str
    species: str
    cause_of_change: str | None
    survey_type: str | None
    reliability: str | None
    year: int | None
    estimate: float | None
    limits_95: float | None
    lower: float | None
    upper: float | None
    seen: int | None
    definite: float | None
    probable: float | None
    possible: float | None
    source: str | None
    pfs: str | None
    area_km2: float | None
    longitude: float | None
    latitude: float | None
    remark: str


def categories(estimate: float, limits: tuple[float, float] | None, seen: float | None) -> Categories:
    """Definite, probable and possible of one area.

    Args:
        estimate: Animals.
        limits: 95% limits; null without any.
        seen: Animals actually seen; null for a total count, where the estimate is definite.
    """
    if seen is None:
        return Categories(estimate, 0.0, 0.0)
    if limits is None:
        return Categories(min(seen, estimate), 0.0, max(estimate - seen, 0.0))
    lower, upper = limits
    definite = max(lower, seen)
    return Categories(definite, max(estimate - definite, 0.0), max(upper - max(estimate, definite), 0.0))


def added(areas: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Estimate and half width of the limits of several areas together."""
    return math.fsum(estimate for estimate, _ in areas), math.hypot(*(half for _, half in areas))


def aed_rows(censuses: Sequence[CensusRecord], species: str | None) -> Iterator[AedRow]:
    """A row for each census and species, and one for all areas of a species where there are several.

    Args:
        censuses: What the census.json of each holds.
        species: The class; null for all whose name holds "elephant".

    Raises:
        ConfigurationError: No census counted such a class.
    """
    known = list(dict.fromkeys(name for record in censuses for name in _species(record)))
    names = [name for name in known if (name == species if species else ELEPHANT in name.casefold())]
    if not names:
        raise ConfigurationError(
            f"no {species or ELEPHANT} was looked for; the classes are {listed(known, none='none')}",
            hint="Name the class with --species.",
        )
    for name in names:
        rows = [_row(record, name, record.headline_of(name)) for record in censuses]
        yield from rows
        if len(rows) > 1:
            yield _sum(name, rows)


def _species(record: CensusRecord) -> Iterator[str]:
    """Those that were detected, the most frequent first, then those that were looked for and not found."""
    yield from (one.species for one in record.headlines if one.species is not None)
    yield from record.searched_for


def write_aed(path: Path, rows: Sequence[AedRow]) -> None:
    """Write aed.csv; the numbers of animals are rounded to whole ones.

    Raises:
        InputError: The file cannot be written.
    """
    head = [field.name for field in fields(AedRow)]
    write_table(path, head, ([_cell(getattr(row, name)) for name in head] for row in rows))


def _cell(value: object) -> object:
    return "" if value is None else value


def _row(record: CensusRecord, species: str, one: EstimateRecord | None) -> AedRow:
    if one is None:  # of another detector's classes: an area that is left out would be missed by nobody
        one = EstimateRecord(
            species=species, stratum=ALL_STRATA, method="none", detected=0, counted=0, refusal=NOT_LOOKED_FOR
        )
    total = one.method in COMPLETE
    summary = record.summary.get(species, SpeciesSummary(one.detected))
    seen, corrected = summary.reviewed, summary.corrected
    estimate, limits, half = _numbers(one, corrected)
    known = None
    if estimate is not None and (total or seen is not None):
        known = categories(estimate, limits, None if total else seen)
    remarks = [one.refusal, one.doubt, None if known or estimate is None else NOT_REVIEWED]
    if corrected is not None and estimate is not None:
        remarks.append(CORRECTED)
    places = [(each.longitude, each.latitude) for each in record.photographs]
    years = [int(each.taken[:4]) for each in record.photographs if each.taken]
    return AedRow(
        input_zone=record.campaign.id,
        species=species,
        cause_of_change=None,
        survey_type=None if estimate is None else "AT" if total else "AS",
        reliability=None if estimate is None else "A" if total else "D" if limits is None else "B",
        year=max(years, default=None),
        estimate=_whole(estimate),
        limits_95=_whole(half),
        lower=_whole(limits[0] if limits else None),
        upper=_whole(limits[1] if limits else None),
        seen=seen,
        definite=_whole(known.definite if known else None),
        probable=_whole(known.probable if known else None),
        possible=_whole(known.possible if known else None),
        source=None,
        pfs=None,
        area_km2=one.area_km2,
        longitude=_middle([east for east, _ in places]),
        latitude=_middle([north for _, north in places]),
        remark="; ".join(each for each in remarks if each),
    )


def _sum(species: str, rows: Sequence[AedRow]) -> AedRow:
    """All areas together; without numbers where one has none, as a part would be missing."""
    missing = [row.input_zone for row in rows if row.estimate is None or row.limits_95 is None]
    estimate = half = None
    remark = f"no sum, as there is no estimate with limits for {listed(missing)}" if missing else ""
    known = None
    if not missing:
        estimate, half = added([(row.estimate or 0.0, row.limits_95 or 0.0) for row in rows])
        seen = [row.seen for row in rows]
        if all(one is not None for one in seen):
            number = math.fsum(one or 0 for one in seen)
            known = categories(estimate, (estimate - half, estimate + half), number)
        else:
            remark = NOT_REVIEWED
    areas = [row.area_km2 for row in rows]
    return AedRow(
        input_zone="all areas",
        species=species,
        cause_of_change=None,
        survey_type=None,
        reliability=None,
        year=max((row.year for row in rows if row.year is not None), default=None),
        estimate=_whole(estimate),
        limits_95=_whole(half),
        lower=_whole(None if estimate is None or half is None else max(estimate - half, 0.0)),
        upper=_whole(None if estimate is None or half is None else estimate + half),
        seen=None if known is None else sum(row.seen or 0 for row in rows),
        definite=_whole(known.definite if known else None),
        probable=_whole(known.probable if known else None),
        possible=_whole(known.possible if known else None),
        source=None,
        pfs=None,
        area_km2=None if None in areas else math.fsum(area or 0.0 for area in areas),
        longitude=None,
        latitude=None,
        remark=remark,
    )


def _numbers(
    one: EstimateRecord, corrected: CorrectedNumber | None
) -> tuple[float | None, tuple[float, float] | None, float | None]:
    """Estimate, limits and half of their width: what a review set right, where there is one."""
    if one.estimate is not None and corrected is not None:
        lower, upper = corrected.lower, corrected.upper
        return corrected.value, (lower, upper), (upper - lower) / 2
    limits = None if one.lower is None or one.upper is None else (one.lower, one.upper)
    return one.estimate, limits, _half(one)


def _half(one: EstimateRecord) -> float | None:
    """Half of the width of the limits by t with the chosen standard error; 0 for a total count."""
    if one.method in COMPLETE:
        return 0.0
    chosen = next((each.spread for each in one.limits if each.chosen), None)
    by_t = [each for each in one.limits if each.shape == "t" and each.spread == chosen]
    return by_t[0].upper - one.estimate if by_t and one.estimate is not None else None


def _whole(number: float | None) -> float | None:
    return None if number is None else round(number)


def _middle(degrees: Sequence[float]) -> float | None:
    return round(math.fsum(degrees) / len(degrees), 2) if degrees else None


def _rows(censuses: ExportedCensuses) -> list[AedRow]:
    """The rows, with the middles of cells for places where those are coarsened."""
    rows = aed_rows([one.record for one in censuses.publications], censuses.species)
    grids = [one.grid for one in censuses.publications if one.grid is not None]
    return [_coarse(row, grids[0]) for row in rows] if grids else list(rows)


def _coarse(row: AedRow, grid: Grid) -> AedRow:
    """The row with the middle of a cell for the middle of its photographs."""
    if row.longitude is None or row.latitude is None:
        return row
    longitude, latitude = grid.middle(row.longitude, row.latitude)
    remark = "; ".join(one for one in (row.remark, str(grid)) if one)
    return replace(row, longitude=longitude, latitude=latitude, remark=remark)


def _check(censuses: ExportedCensuses) -> None:
    _rows(censuses)


def _write(path: Path, censuses: ExportedCensuses) -> list[str]:
    write_aed(path, _rows(censuses))
    return []


AED = CensusForm(
    name="aed",
    file="aed.csv",
    about="estimate, limits, survey type, reliability, definite, probable and possible by the rules of the "
    "African Elephant Specialist Group, a row for each census; several censuses are added up in one more, "
    "limits as the root of the sum of their squares",
    write=_write,
    check=_check,
    together=True,
)
