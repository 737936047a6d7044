"""Detections and photographs as a GeoPackage: one SQLite file, a layer of each, for QGIS and other GIS.

Oriented boxes on the map have a layer of their outlines besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from wildetect.results.exports.format import ExportedRun, ExportFormat
from wildetect.results.exports.geopackage_layers import Layer, Shape, plain, point, polygon, write_layers
from wildetect.results.exports.qgis import form_of, points_style, style_of
from wildetect.results.exports.reviewed_rows import ReviewedRow, reviewed_rows
from wildetect.results.records import ImageResult
from wildetect.results.report.numbers import colour_code
from wildetect.results.rows import position_of, rows

__all__ = ["GEOPACKAGE", "write_geopackage"]

_DETECTIONS = {
    "image": "TEXT NOT NULL",
    "class": "TEXT NOT NULL",
    "confidence": "DOUBLE NOT NULL",
    **dict.fromkeys(("x_min", "y_min", "x_max", "y_max"), "DOUBLE NOT NULL"),
    "position_of": "TEXT",
    "id": "TEXT NOT NULL",
    "verdict": "TEXT",
}
_OUTLINES = {
    "image": "TEXT NOT NULL",
    "class": "TEXT NOT NULL",
    "confidence": "DOUBLE NOT NULL",
    "id": "TEXT NOT NULL",
}
_REVIEWED = {
    "image": "TEXT NOT NULL",
    "class": "TEXT NOT NULL",
    "confidence": "DOUBLE",
    **dict.fromkeys(("x_min", "y_min", "x_max", "y_max"), "DOUBLE NOT NULL"),
    "position_of": "TEXT",
    "id": "TEXT NOT NULL",
}
_PHOTOGRAPHS = {"image": "TEXT NOT NULL", "detections": "INTEGER", "failure": "TEXT", "verdict": "TEXT"}


def write_geopackage(
    path: Path,
    results: Iterable[ImageResult],
    class_names: Sequence[str],
    *,
    changed: datetime,
    reviewed: Sequence[ReviewedRow] | None = None,
) -> None:
    """Write detections.gpkg. What has no position is a row without a point.

    Args:
        path: The file.
        results: Gone through several times.
        class_names: Names of the classes, by class id.
        changed: The time that the file gives as that of its last change.
        reviewed: The animals that people saw, for a layer of their own; null where nobody looked.

    Raises:
        InputError: The file cannot be written.
    """
    colours = {name: colour_code(number) for number, name in enumerate(class_names)}
    detections = Layer(
        "detections",
        "One point for each detection; position_of says whose position it is.",
        "POINT",
        _DETECTIONS,
        _detections(results, class_names),
        style_of(
            points_style("class", colours),
            form=form_of({"verdict": ("right", "wrong", "unsure")}, free=("class",), none=True),
        ),
    )
    photographs = Layer(
        "photographs",
        "One point for each image, the position of the camera.",
        "POINT",
        _PHOTOGRAPHS,
        _photographs(results),
        style_of("", form=form_of({"verdict": ("nothing-here",)}, none=True)),
    )
    layers = [detections, photographs]
    if any(result.outlines is not None for result in results):
        text = "The outline of each oriented box; id is that of its detection."
        layers.append(Layer("outlines", text, "POLYGON", _OUTLINES, _outlines(results, class_names)))
    if reviewed is not None:
        text = "One point for each animal that people saw in photographs that they looked at as a whole."
        style = style_of(points_style("class", colours))
        layers.append(Layer("reviewed", text, "POINT", _REVIEWED, _reviewed(reviewed), style))
    write_layers(path, layers, changed=changed)


def _detections(
    results: Iterable[ImageResult], class_names: Sequence[str]
) -> Iterator[tuple[Shape | None, *tuple[object, ...]]]:
    for result in results:
        whose, name = position_of(result), plain(result.name)
        for row in rows(result):
            place = None if row.position is None else point(*row.position)
            yield place, name, class_names[row.class_id], row.confidence, *row.xyxy, whose, row.id, None


def _reviewed(animals: Iterable[ReviewedRow]) -> Iterator[tuple[Shape | None, *tuple[object, ...]]]:
    for one in animals:
        place = None if one.position is None else point(*one.position)
        yield place, plain(one.image), one.class_name, one.confidence, *one.xyxy, one.whose, one.id


def _outlines(
    results: Iterable[ImageResult], class_names: Sequence[str]
) -> Iterator[tuple[Shape | None, *tuple[object, ...]]]:
    for result in results:
        for row in rows(result):
            if row.outline is not None:
                name = plain(result.name)
                yield polygon(row.outline), name, class_names[row.class_id], row.confidence, row.id


def _photographs(results: Iterable[ImageResult]) -> Iterator[tuple[Shape | None, *tuple[object, ...]]]:
    for result in results:
        known = result.longitude is not None and result.latitude is not None
        place = point(result.longitude or 0.0, result.latitude or 0.0) if known else None
        count = None if result.detections is None else len(result.detections)
        yield place, plain(result.name), count, result.failure, None


def _write(run: ExportedRun) -> list[str]:
    path = run.folder / "detections.gpkg"
    reviewed = list(reviewed_rows(run)) if run.reviewed else None
    write_geopackage(path, run.results, run.class_names, changed=run.record.times.begun, reviewed=reviewed)
    return [path.name]


GEOPACKAGE = ExportFormat(
    name="gpkg",
    about="QGIS and other GIS; and `review.import`, once verdicts are in it; its layer reviewed is as "
    "reviewed.csv",
    files=("detections.gpkg",),
    write=_write,
)
