"""Detections as CSV, one row each, written and read back. The same results always give the same bytes."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from wildetect.detections import Detections
from wildetect.results.exports.format import ExportedRun, ExportFormat
from wildetect.results.exports.reviewed_rows import reviewed_rows
from wildetect.results.files import remove_earlier, write_text
from wildetect.results.records import ImageResult
from wildetect.results.rows import CONFIDENCE_DIGITS, DEGREE_DIGITS, PX_DIGITS, rows
from wildetect.tables.writing import table_pieces

__all__ = ["CSV", "CSV_COLUMNS", "read_csv", "write_csv"]

CSV_COLUMNS = (
    "image",
    "class",
    "confidence",
    "x_min",
    "y_min",
    "x_max",
    "y_max",
    "latitude",
    "longitude",
    "id",
)
_REVIEWED = "reviewed.csv"


def write_csv(path: Path, results: Iterable[ImageResult], class_names: Sequence[str]) -> None:
    """Write detections.csv: one row a detection, boxes in px.

    The position is that of the detection where the image lies on the map, else that of the photograph.

    Raises:
        InputError: The file cannot be written.
    """
    write_text(path, table_pieces(CSV_COLUMNS, _csv_rows(results, class_names)))


def _csv_rows(results: Iterable[ImageResult], class_names: Sequence[str]) -> Iterator[list[object]]:
    for result in results:
        for row in rows(result):
            longitude, latitude = row.position or (None, None)
            yield [
                result.name,
                class_names[row.class_id],
                _number(row.confidence, CONFIDENCE_DIGITS),
                *(_number(edge, PX_DIGITS) for edge in row.xyxy),
                _number(latitude, DEGREE_DIGITS),
                _number(longitude, DEGREE_DIGITS),
                row.id,
            ]


def _reviewed_rows(run: ExportedRun) -> Iterator[list[object]]:
    for row in reviewed_rows(run):
        longitude, latitude = row.position or (None, None)
        yield [
            row.image,
            row.class_name,
            _number(row.confidence, CONFIDENCE_DIGITS),
            *(_number(edge, PX_DIGITS) for edge in row.xyxy),
            _number(latitude, DEGREE_DIGITS),
            _number(longitude, DEGREE_DIGITS),
            row.id,
        ]


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def read_csv(path: Path, class_names: Sequence[str]) -> dict[str, Detections]:
    """The boxes of a detections.csv in px, by image; an image without any has no entry."""
    rows: dict[str, list[dict[str, str]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["image"], []).append(row)
    corners = ("x_min", "y_min", "x_max", "y_max")
    return {
        image: Detections(
            np.array([[float(box[corner]) for corner in corners] for box in boxes], dtype=np.float32),
            np.array([float(box["confidence"]) for box in boxes], dtype=np.float32),
            np.array([class_names.index(box["class"]) for box in boxes], dtype=np.int64),
        )
        for image, boxes in rows.items()
    }


def _write(run: ExportedRun) -> list[str]:
    write_csv(run.folder / "detections.csv", run.results, run.class_names)
    path = run.folder / _REVIEWED
    if not run.reviewed:
        remove_earlier(path)
        return ["detections.csv"]
    write_text(path, table_pieces(CSV_COLUMNS, _reviewed_rows(run)))
    return ["detections.csv", path.name]


CSV = ExportFormat(
    name="csv",
    about="spreadsheets, R, pandas; and `review.import`, once it is corrected; reviewed.csv: the animals "
    "that people saw in photographs that they looked at as a whole",
    files=("detections.csv", _REVIEWED),
    write=_write,
    always=True,
)
