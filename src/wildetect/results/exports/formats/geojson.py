"""Detections as points on the map, oriented ones as polygons: GeoJSON as RFC 7946 has it.

WGS 84, longitude first, no `crs` member. A detection without a position has a null geometry, which
section 3.2 provides for: nothing is lost on the way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from wildetect.results.exports.format import ExportedRun, ExportFormat
from wildetect.results.exports.reviewed_rows import ReviewedRow, reviewed_rows
from wildetect.results.files import remove_earlier, write_text
from wildetect.results.records import ImageResult
from wildetect.results.rows import PositionOf, Row, has_positions, position_of, rows

__all__ = ["GEOJSON", "write_geojson"]

_REVIEWED = "reviewed.geojson"


def write_geojson(path: Path, results: Iterable[ImageResult], class_names: Sequence[str]) -> None:
    """Write detections.geojson: a point for each detection, a polygon for an oriented box with a place.

    The property `position_of` says whose position it is: that of the "detection" where the image is
    georeferenced, that of the "photograph" (the camera) otherwise, null where it is unknown; "cell" where
    places are coarsened to the middles of cells.

    Raises:
        InputError: The file cannot be written.
    """
    write_text(path, _pieces(_detections(results, class_names)))


def _pieces(features: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield '{"type": "FeatureCollection", "features": ['
    comma = ""
    for feature in features:
        yield f"{comma}\n{json.dumps(feature, ensure_ascii=False, allow_nan=False)}"
        comma = ","
    yield "\n]}\n"


def _detections(results: Iterable[ImageResult], class_names: Sequence[str]) -> Iterator[dict[str, Any]]:
    for result in results:
        whose = position_of(result)
        for row in rows(result):
            yield _feature(row, result.name, class_names[row.class_id], whose)


def _reviewed(row: ReviewedRow) -> dict[str, Any]:
    x_min, y_min, x_max, y_max = row.xyxy
    return {
        "type": "Feature",
        "geometry": row.position and {"type": "Point", "coordinates": list(row.position)},
        "properties": {
            "image": row.image,
            "class": row.class_name,
            "confidence": row.confidence,
            "x_min": x_min,
            "y_min": y_min,
            "x_max": x_max,
            "y_max": y_max,
            "position_of": row.whose,
            "id": row.id,
        },
    }


def _feature(row: Row, image: str, class_name: str, whose: PositionOf | None) -> dict[str, Any]:
    x_min, y_min, x_max, y_max = row.xyxy
    return {
        "type": "Feature",
        "geometry": _polygon(row) or (row.position and {"type": "Point", "coordinates": list(row.position)}),
        "properties": {
            "image": image,
            "class": class_name,
            "confidence": row.confidence,
            "x_min": x_min,
            "y_min": y_min,
            "x_max": x_max,
            "y_max": y_max,
            **({} if row.corners is None else {"corners": list(row.corners)}),
            "position_of": whose,
            "id": row.id,
        },
    }


def _polygon(row: Row) -> dict[str, Any] | None:
    """An oriented box with a place: closed and counter-clockwise (section 3.1.6)."""
    outline = row.outline
    if outline is None:
        return None
    ring = [list(corner) for corner in (*outline, outline[0])]
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))
    return {"type": "Polygon", "coordinates": [ring if area > 0 else ring[::-1]]}


def _write(run: ExportedRun) -> list[str]:
    path = run.folder / "detections.geojson"
    reviewed = run.folder / _REVIEWED
    if not has_positions(run.results):
        remove_earlier(path, reviewed)
        return []
    write_geojson(path, run.results, run.class_names)
    if not run.reviewed:
        remove_earlier(reviewed)
        return [path.name]
    write_text(reviewed, _pieces(map(_reviewed, reviewed_rows(run))))
    return [path.name, reviewed.name]


GEOJSON = ExportFormat(
    name="geojson",
    about="any GIS; not written where no position is known; reviewed.geojson as reviewed.csv",
    files=("detections.geojson", _REVIEWED),
    write=_write,
    always=True,
)
