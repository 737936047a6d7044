"""The files of a census, all made of one document and one list of animals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from wildetect.census.estimates.sample_records import ALL_STRATA
from wildetect.census.output.blurring import blurred, coarse_ground, coarse_rows
from wildetect.census.output.document import CensusFacts, record_of
from wildetect.census.output.maps import PROJECT, Ground, ground_of, write_geojson, write_geopackage
from wildetect.census.output.pairs import Pictures, doubtful_pairs, empty_pairs, near_pairs
from wildetect.census.output.record import CensusRecord, read_census_file, write_census_file
from wildetect.census.output.report import write_census_report
from wildetect.census.output.rows import AnimalRow, animal_rows
from wildetect.census.output.tables import write_animals, write_table, write_transects
from wildetect.census.result import Census
from wildetect.errors import InputError
from wildetect.how_far import doing
from wildetect.registry.names import name_for_mlflow
from wildetect.registry.runs import RunRecord
from wildetect.results.blurring import BLURRED, WITHHELD, Grid, Places
from wildetect.results.files import all_together, digests_of, keep_edited, way_from, write_text
from wildetect.results.leftovers import PLACES, remove_drafts
from wildetect.results.lock import sole_writer
from wildetect.results.report.numbers import colour_code
from wildetect.results.run_parts import BlurredFiles, Logged
from wildetect.tables.dictionary import COLUMN_HEAD, TABLES, columns_of

__all__ = ["FILES", "CensusWanted", "census_record", "write_census"]

COLUMNS = "columns.csv"
FILES = (
    "animals.csv",
    "transects.csv",
    "animals.geojson",
    "animals.gpkg",
    PROJECT,
    COLUMNS,
    "census_report.html",
    "census.json",
)

_COMPARED = (
    *("campaign", "counts", "tolerance", "estimates", "cautions", "detections", "model", "detector"),
    "settings",
)


@dataclass(frozen=True, kw_only=True)
class CensusWanted:
    """What to write.

    Attributes:
        with_map: Draw the map in the report.
        places: When files with coarsened places are written beside these, for others.
    """

    with_map: bool = True
    places: Places = field(default_factory=Places)


def write_census(folder: Path, census: Census, facts: CensusFacts, wanted: CensusWanted) -> CensusRecord:
    """Write all files of a census, and then have them take the place of those of an earlier one.

    A census that cannot be written to its end leaves the earlier one as it was. Where places are coarsened,
    the same files are written for others into a folder of their own.

    Args:
        folder: It exists.
        census: The numbers.
        facts: What they rest on.
        wanted: What to write.

    Returns:
        The content of census.json.

    Raises:
        ConfigurationError: Another run is writing into the folder.
        InputError: A file cannot be written.
    """
    with sole_writer(folder):
        remove_drafts(folder)
        record = replace(record_of(census, facts), files=FILES)
        way = way_from(folder, facts.run_folder)
        record = replace(record, detections=replace(record.detections, from_here=way))
        record = replace(record, mlflow=_logged_before(folder, record), sensitive=wanted.places.species)
        animals, ground = animal_rows(census), ground_of(census)
        pairs = Pictures(doubtful_pairs(census), near_pairs(census), empty_pairs(census))
        grid = wanted.places.grid(_found(record))
        with _drafts(folder) as (draft, coarse_draft):
            if grid is not None:
                record = replace(record, blurred=BlurredFiles(grid.km, (*FILES, PLACES)))
                coarse_draft.mkdir(parents=True)
                write_text(coarse_draft / PLACES, f"{str(grid).capitalize()}; {WITHHELD}.\n")
                coarse = _Drawn(coarse_ground(census, ground, animals, grid), coarse_rows(animals, grid))
                _write(coarse_draft, census, blurred(record, grid), coarse, pairs, with_map=False)
            made = _write(draft, census, record, _Drawn(ground, animals), pairs, with_map=wanted.with_map)
            keep_edited(folder, _digests_before(folder))
    return made


@contextmanager
def _drafts(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Folders to write a census and its coarsened files into, which come to stand in `folder` at the end.

    Raises:
        InputError: They cannot be made, or a file cannot take its place: another program has it open.
    """
    # census.json goes first and comes last: while files of two censuses lie together there is no census
    with all_together(folder, [*(f"{BLURRED}/{name}" for name in (PLACES, *FILES)), *FILES]) as draft:
        yield draft, draft / BLURRED
    with suppress(OSError):  # files of others keep it
        (folder / BLURRED).rmdir()


def _found(record: CensusRecord) -> list[str]:
    """Classes of which there is an animal, as the detector or people say."""
    found = [name for name, number in record.counts.per_class.items() if number]
    return [*found, *(name for name, one in record.summary.items() if one.reviewed)]


class _Drawn(NamedTuple):
    """Animals, and what is drawn beneath them."""

    ground: Ground
    animals: Sequence[AnimalRow]


@doing("the files of the census are written")
def _write(
    folder: Path, census: Census, record: CensusRecord, drawn: _Drawn, pairs: Pictures, *, with_map: bool
) -> CensusRecord:
    ground, animals = drawn
    write_animals(folder / "animals.csv", animals)
    write_transects(folder / "transects.csv", census, animals)
    write_geojson(folder / "animals.geojson", ground, animals)
    own = [name for name in TABLES if name.partition(": ")[0] in FILES]
    write_table(folder / COLUMNS, COLUMN_HEAD, ((table, *column) for table, column in columns_of(own)))
    colours = {census.class_names[number]: colour_code(number) for number in census.wanted}
    changed = datetime.fromisoformat(record.times.started)
    write_geopackage(
        folder / "animals.gpkg", ground, animals, colours=colours, title=record.campaign.id, changed=changed
    )
    write_census_report(folder / "census_report.html", record, census, pairs, with_map=with_map)
    tables = (name for name in FILES if name not in {"census.json", "census_report.html"})
    record = replace(record, digests=digests_of(folder, tables))
    write_census_file(folder, record)
    return record


def _digests_before(folder: Path) -> Mapping[str, str]:
    with suppress(InputError):
        return read_census_file(folder).digests
    return {}


def _logged_before(folder: Path, record: CensusRecord) -> Logged | None:
    """Where MLflow has the census of a folder, if its census.json says the same as the new one; else None."""
    try:
        earlier = read_census_file(folder)
    except InputError:
        return None
    way = earlier.detections.from_here  # older files do not note it
    record = replace(record, detections=replace(record.detections, from_here=way))
    same = all(getattr(earlier, name) == getattr(record, name) for name in _COMPARED)
    return earlier.mlflow if same else None


def census_record(record: CensusRecord, folder: Path) -> RunRecord:
    """What MLflow keeps of a census: settings to compare by, numbers with their limits, the files.

    Args:
        record: The content of census.json.
        folder: Holds the files.
    """
    counts, campaign = record.counts, record.campaign.id
    return RunRecord(
        parameters={**record.settings, **record.model.parameters, "campaign": campaign},
        metrics={
            "animals_detected": counts.animals,
            "boxes": counts.boxes,
            "photographs": counts.photographs,
            **{f"detected_{name_for_mlflow(name)}": number for name, number in counts.per_class.items()},
            **_estimates(record),
            **{f"animals_{one.name}": one.animals for one in record.tolerance.counts},
            "tolerance_m": record.tolerance.metres,
            "cautions": len(record.cautions),
            "seconds": record.times.seconds,
        },
        tags={"campaign": campaign, "state": record.state, **_places(record)},
        folder=folder / BLURRED if record.blurred else folder,  # others get to see what is in MLflow
        files=record.blurred.files if record.blurred else record.files,
        model=record.model.registered,
    )


def _places(record: CensusRecord) -> dict[str, str]:
    return {} if record.blurred is None else {"places": str(Grid(record.blurred.km))}


def _estimates(record: CensusRecord) -> dict[str, float]:
    found: dict[str, float] = {}
    for one in record.headlines:
        name = name_for_mlflow(one.species or ALL_STRATA)
        numbers = {"estimate": one.estimate, "lower": one.lower, "upper": one.upper}
        found |= {f"{key}_{name}": number for key, number in numbers.items() if number is not None}
    return found
