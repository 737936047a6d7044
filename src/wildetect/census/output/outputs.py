"""The files of a census, all made of one document and one list of animals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from wildetect.census.output.document import CensusFacts, census_document, write_census_file
from wildetect.census.output.maps import ground_of, write_geojson, write_geopackage
from wildetect.census.output.pairs import doubtful_pairs
from wildetect.census.output.report import write_census_report
from wildetect.census.output.rows import animal_rows
from wildetect.census.output.tables import write_animals, write_transects
from wildetect.census.result import Census
from wildetect.registry.names import name_for_mlflow
from wildetect.registry.runs import RunRecord
from wildetect.results.leftovers import remove_drafts
from wildetect.results.lock import sole_writer
from wildetect.results.report.numbers import colour_code

__all__ = ["FILES", "census_record", "write_census"]

FILES = (
    "animals.csv",
    "transects.csv",
    "animals.geojson",
    "animals.gpkg",
    "census_report.html",
    "census.json",
)

_COMPARED = ("campaign", "counts", "tolerance", "estimates", "cautions", "detections", "model", "settings")


def write_census(folder: Path, census: Census, facts: CensusFacts, *, with_map: bool) -> dict[str, Any]:
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
        document = census_document(census, facts)
        document |= {"files": list(FILES), "mlflow": _logged_before(folder, document)}
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
        pairs = doubtful_pairs(census)
        write_census_report(folder / "census_report.html", document, census, pairs, with_map=with_map)
        write_census_file(folder, document)
    return document


def _logged_before(folder: Path, document: Mapping[str, Any]) -> Any:
    """Where MLflow has the census of a folder, if its census.json says the same as the new one; else None."""
    try:
        earlier = json.loads((folder / "census.json").read_text(encoding="utf-8"))
        plain = json.loads(json.dumps({key: document[key] for key in _COMPARED}))
        same = all(earlier[key] == plain[key] for key in _COMPARED)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return earlier.get("mlflow") if same else None


def census_record(document: Mapping[str, Any], folder: Path) -> RunRecord:
    """What MLflow keeps of a census: settings to compare by, numbers with their limits, the files.

    Args:
        document: The content of census.json.
        folder: Holds the files.
    """
    counts, model = document["counts"], document["model"]
    named = {f"model_{key}": model[key] for key in ("name", "version", "sha256", "family") if model[key]}
    return RunRecord(
        parameters={**document["settings"], **named, "campaign": document["campaign"]["id"]},
        metrics={
            "animals_seen": counts["animals"],
            "boxes": counts["boxes"],
            "photographs": counts["photographs"],
            **{f"seen_{name_for_mlflow(name)}": number for name, number in counts["per_class"].items()},
            **_estimates(document),
            **{f"animals_{one['name']}": one["animals"] for one in document["tolerance"]["counts"]},
            "tolerance_m": document["tolerance"]["metres"],
            "cautions": len(document["cautions"]),
            "seconds": document["times"]["seconds"],
        },
        tags={"campaign": document["campaign"]["id"], "state": document["state"]},
        folder=folder,
        files=document["files"],
        model=(model["name"], model["version"]) if model["version"] else None,
    )


def _estimates(document: Mapping[str, Any]) -> dict[str, float]:
    found = {}
    for one in document["estimates"]:
        if one["stratum"] == "all":
            name = name_for_mlflow(one["species"] or "all")
            for key in ("estimate", "lower", "upper"):
                if one[key] is not None:
                    found[f"{key}_{name}"] = one[key]
    return found
