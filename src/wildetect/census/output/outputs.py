"""The files of a census, all made of one document and one list of animals."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from wildetect.census.estimates.sample_records import ALL_STRATA
from wildetect.census.output.document import CensusFacts, record_of
from wildetect.census.output.maps import ground_of, write_geojson, write_geopackage
from wildetect.census.output.pairs import Pictures, doubtful_pairs, empty_pairs, near_pairs
from wildetect.census.output.record import CensusRecord, read_census_file, write_census_file
from wildetect.census.output.report import write_census_report
from wildetect.census.output.rows import animal_rows
from wildetect.census.output.tables import write_animals, write_transects
from wildetect.census.result import Census
from wildetect.errors import InputError
from wildetect.registry.names import name_for_mlflow
from wildetect.registry.runs import RunRecord
from wildetect.results.leftovers import remove_drafts
from wildetect.results.lock import sole_writer
from wildetect.results.report.numbers import colour_code
from wildetect.results.run import Logged

__all__ = ["FILES", "census_record", "write_census"]

FILES = (
    "animals.csv",
    "transects.csv",
    "animals.geojson",
    "animals.gpkg",
    "census_report.html",
    "census.json",
)

_COMPARED = (
    *("campaign", "counts", "tolerance", "estimates", "cautions", "detections", "model", "detector"),
    "settings",
)


def write_census(folder: Path, census: Census, facts: CensusFacts, *, with_map: bool) -> CensusRecord:
    """Write all files of a census; each whole or not at all, census.json last.

    Args:
        folder: It exists.
        census: The numbers.
        facts: What they rest on.
        with_map: Draw the map in the report.

    Returns:
        The content of census.json.

    Raises:
        ConfigurationError: Another run is writing into the folder.
        InputError: A file cannot be written.
    """
    with sole_writer(folder):
        remove_drafts(folder)
        record = replace(record_of(census, facts), files=FILES)
        record = replace(record, mlflow=_logged_before(folder, record))
        # while the files are written there is no census: an earlier one must not pass for this one
        with suppress(OSError):
            (folder / "census.json").unlink(missing_ok=True)
        animals = animal_rows(census)
        write_animals(folder / "animals.csv", animals)
        write_transects(folder / "transects.csv", census, animals)
        ground = ground_of(census)
        write_geojson(folder / "animals.geojson", ground, animals)
        colours = {census.class_names[number]: colour_code(number) for number in census.wanted}
        write_geopackage(folder / "animals.gpkg", ground, animals, colours=colours, changed=facts.started)
        pairs = Pictures(doubtful_pairs(census), near_pairs(census), empty_pairs(census))
        write_census_report(folder / "census_report.html", record, census, pairs, with_map=with_map)
        write_census_file(folder, record)
    return record


def _logged_before(folder: Path, record: CensusRecord) -> Logged | None:
    """Where MLflow has the census of a folder, if its census.json says the same as the new one; else None."""
    try:
        earlier = read_census_file(folder)
    except InputError:
        return None
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
        tags={"campaign": campaign, "state": record.state},
        folder=folder,
        files=record.files,
        model=record.model.registered,
    )


def _estimates(record: CensusRecord) -> dict[str, float]:
    found: dict[str, float] = {}
    for one in record.headlines:
        name = name_for_mlflow(one.species or ALL_STRATA)
        numbers = {"estimate": one.estimate, "lower": one.lower, "upper": one.upper}
        found |= {f"{key}_{name}": number for key, number in numbers.items() if number is not None}
    return found
