"""YOLOv10, YOLO26 and exports with NMS in the graph: (n, 6) of xyxy, score, class, or in another order."""

from __future__ import annotations

from wildetect.detection.families.family import DetectorFamily, Outputs, Reading, Shapes
from wildetect.detection.families.rows.columns import MOST_ODD, Layout, misfit, read_rows, real_rows
from wildetect.detection.families.shapes import one_table
from wildetect.detections import Detections
from wildetect.settings.registration import Column

__all__ = ["END_TO_END"]

_COLUMNS: tuple[Column, ...] = ("x1", "y1", "x2", "y2", "score", "class")


def _fits(shapes: Shapes) -> bool:
    return one_table(shapes, len(_COLUMNS))


def _decode(outputs: Outputs, reading: Reading, confidence: float) -> Detections:
    return read_rows(outputs[0], _COLUMNS, reading, confidence)


def _implausible(outputs: Outputs, reading: Reading) -> str | None:
    layout = Layout(reading.columns or _COLUMNS, reading.box_unit or "px")
    return misfit(real_rows(outputs[0]), layout, reading, MOST_ODD)


END_TO_END = DetectorFamily(
    name="end-to-end",
    exported_from="YOLOv10, YOLO26, and files with NMS in the graph: rows of x1, y1, x2, y2, score, class; "
    "other orders are found out, or set by `columns`",
    outputs="(1, N, 6) or (N, 6)",
    fits=_fits,
    decode=_decode,
    implausible=_implausible,
    lists_animals=True,
    ultralytics=True,
    columns=_COLUMNS,
)
