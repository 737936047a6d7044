"""NMS in the graph over a batch: (n, 7), the picture's number before class, score and box in some order."""

from __future__ import annotations

from wildetect.detection.families.family import Array, DetectorFamily, Outputs, Reading, Shapes
from wildetect.detection.families.rows.columns import MOST_ODD, Layout, misfit, read_rows, real_rows
from wildetect.detection.families.shapes import one_table
from wildetect.detections import Detections
from wildetect.settings.registration import Column

__all__ = ["END_TO_END_7"]

_COLUMNS: tuple[Column, ...] = ("batch", "class", "score", "x1", "y1", "x2", "y2")


def _fits(shapes: Shapes) -> bool:
    return one_table(shapes, len(_COLUMNS))


def _one_picture(outputs: Outputs, index: int, size: int, _rank: int) -> list[Array]:
    rows = outputs[0].reshape(-1, outputs[0].shape[-1])
    return [rows[rows[:, 0] == index] if size > 1 else rows]


def _decode(outputs: Outputs, reading: Reading, confidence: float) -> Detections:
    return read_rows(outputs[0], _COLUMNS, reading, confidence)


def _implausible(outputs: Outputs, reading: Reading) -> str | None:
    layout = Layout(reading.columns or _COLUMNS, reading.box_unit or "px")
    return misfit(real_rows(outputs[0]), layout, reading, MOST_ODD)


END_TO_END_7 = DetectorFamily(
    name="end-to-end-7",
    exported_from="the same with the picture's number first: batch, class, score, x1, y1, x2, y2; or in the "
    "orders of YOLOv7's end-to-end export and of YOLO-NAS' flat format, which are found out",
    outputs="(N, 7)",
    fits=_fits,
    decode=_decode,
    implausible=_implausible,
    lists_animals=True,
    marks_pictures=True,
    columns=_COLUMNS,
    one_picture=_one_picture,
)
