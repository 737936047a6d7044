"""census.json: everything that a census found, and what it rests on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wildetect.census.estimates.estimates import Estimate
from wildetect.census.output.rows import (
    animal_rows,
    box_document,
    class_counts,
    merge_documents,
    photograph_documents,
    transect_documents,
)
from wildetect.census.output.summary import corrected_documents, summary_document
from wildetect.census.result import Census
from wildetect.results.files import write_text
from wildetect.results.run import DetectionRun, package_versions
from wildetect.settings.census import Availability

__all__ = [
    "CensusFacts",
    "census_document",
    "summary_of",
    "write_census_file",
]


# one item a line: what is long is still read by people, and quick to write
_LONG = (
    "animals",
    "confidence",
    "merges",
    "photographs",
    "transects",
    "strata",
    "estimates",
    "corrected",
    "left_out",
    "cautions",
)


_SUMMARY_LEFT_OUT = ("animals", "merges", "photographs")


def summary_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without its longest lists: what `--json` prints."""
    return {name: value for name, value in document.items() if name not in _SUMMARY_LEFT_OUT}


def write_census_file(folder: Path, document: Mapping[str, Any]) -> None:
    """Write census.json, whole or not at all.

    Raises:
        InputError: It cannot be written.
    """
    write_text(folder / "census.json", _pieces(document))


def _pieces(document: Mapping[str, Any]) -> Iterator[str]:
    yield "{"
    for number, (name, value) in enumerate(document.items()):
        yield f"{',' if number else ''}\n{json.dumps(name)}: "
        if name in _LONG and value:
            lines = (json.dumps(one, ensure_ascii=False, allow_nan=False) for one in value)
            yield "[\n" + ",\n".join(lines) + "\n]"
        else:
            yield json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2)
    yield "\n}\n"


PACKAGES = ("numpy", "scipy", "shapely", "pyproj", "pyogrio", "rasterio", "pillow")


_DIGITS = 4


@dataclass(frozen=True, kw_only=True)
class CensusFacts:
    """What a census knows besides its numbers.

    Attributes:
        campaign: id, pilot_name, target_species.
        settings: What shapes the numbers, by name.
        run: What run.json says of the detections.
        run_folder: Where it lies.
        started: When the census was begun.
        seconds: How long it took.
        availability: Of the species for which it is known.
    """

    campaign: Mapping[str, Any]
    settings: Mapping[str, Any]
    run: DetectionRun
    run_folder: Path
    started: datetime
    seconds: float
    availability: Mapping[str, Availability] = field(default_factory=dict)


def census_document(census: Census, facts: CensusFacts) -> dict[str, Any]:
    """The content of census.json; lengths are in m or km, areas in km², angles in degrees."""
    return {
        "state": "finished",
        "campaign": dict(facts.campaign),
        "summary": summary_document(census, facts.availability),
        "counts": _counts(census),
        "tolerance": {
            "metres": round(census.tolerance.metres, _DIGITS),
            "source": census.tolerance.source,
            "counts": [
                {
                    "name": one.name,
                    "metres": round(one.metres, _DIGITS),
                    "animals": one.animals,
                    "per_class": class_counts(census, one.per_class),
                }
                for one in census.counts
            ],
        },
        "confidence": [
            {
                "threshold": one.threshold,
                "boxes": one.boxes,
                "animals": one.animals,
                "per_class": class_counts(census, one.per_class),
            }
            for one in census.by_confidence
        ],
        "estimates": list(_estimates(census)),
        "corrected": corrected_documents(census),
        "strata": list(_strata(census)),
        "transects": list(transect_documents(census)),
        "sampling": {
            "transects_from": census.transects.source,
            "systematic": census.sample.systematic,
            "notes": [*census.transects.notes, *census.sample.notes],
        },
        "cautions": [asdict(caution) for caution in census.cautions],
        "left_out": [one._asdict() for one in census.left_out],
        "detections": _detections(facts),
        "model": asdict(facts.run.model),
        "settings": dict(facts.settings),
        "projection": census.views.projection.name,
        "times": {
            "started": facts.started.astimezone(UTC).isoformat(timespec="seconds"),
            "seconds": round(facts.seconds, 3),
        },
        "versions": package_versions(PACKAGES),
        "mlflow": None,  # the server's address and the run's id, once it is logged
        "files": [],
        "photographs": list(photograph_documents(census)),
        "merges": list(merge_documents(census)),
        "animals": [
            row._asdict() | {"boxes": [box_document(census, box) for box in row.boxes]}
            for row in animal_rows(census)
        ],
    }


def _counts(census: Census) -> dict[str, Any]:
    seen = len(census.animals.class_id)
    on_transects = sum(len(one.animals) for stratum in census.sample.strata for one in stratum.transects)
    chosen = next(one for one in census.counts if one.name == "chosen")
    return {
        "animals": seen,
        "boxes": len(census.boxes.class_id),
        "photographs": len(census.views.views),
        "per_class": class_counts(census, chosen.per_class),
        "on_transects": on_transects,
        "off_transects": len(census.sample.off_transect),
        "outside_strata": len(census.sample.outside),
        "boxes_left_out": sum(one.boxes for one in census.left_out),
    }


def _estimates(census: Census) -> Iterator[dict[str, Any]]:
    for one in census.estimates:
        species = None if one.class_id is None else census.class_names[one.class_id]
        yield {"species": species, "stratum": one.stratum, **_plain(one.estimate)}


def _plain(estimate: Estimate) -> dict[str, Any]:
    plain = _rounded(asdict(estimate))
    return plain | {"limits": [_rounded(one) for one in plain["limits"]]}


def _rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: round(value, _DIGITS) if isinstance(value, float) else value for name, value in values.items()
    }


def _strata(census: Census) -> Iterator[dict[str, Any]]:
    for stratum in census.sample.strata:
        area = stratum.area_km2
        yield {
            "name": stratum.name,
            "area_km2": None if area is None else round(area, 6),
            "searched_km2": round(stratum.searched_km2, 6),
            "possible_transects": None if stratum.possible is None else round(stratum.possible, _DIGITS),
            "transects": len(stratum.transects),
            "animals": len(stratum.animals),
            "searched_share": None if area is None else round(stratum.searched_km2 / area, 6),
            "reach": None if stratum.reach is None else _rounded(asdict(stratum.reach)),
            "notes": list(stratum.notes),
        }


def _detections(facts: CensusFacts) -> dict[str, Any]:
    run = facts.run
    return {
        "folder": str(facts.run_folder),
        "started": run.times.started,
        "images": asdict(run.images),
        "detections": run.detections,
        "settings": dict(run.settings),
        "failures": [asdict(one) for one in run.failures],
        "mlflow": None if run.mlflow is None else asdict(run.mlflow),
    }
