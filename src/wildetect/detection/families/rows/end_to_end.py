"""YOLOv10, YOLO26 and exports with NMS in the graph: (n, 6) of xyxy, score, class."""

from __future__ import annotations

from wildetect.detection.families.family import DetectorFamily, Outputs, Reading, Shapes
from wildetect.detection.families.shapes import in_classes, one_table, probabilities
from wildetect.detections import Detections

__all__ = ["END_TO_END"]

_COLUMNS = 6


def _fits(shapes: Shapes) -> bool:
    return one_table(shapes, _COLUMNS)


def _decode(outputs: Outputs, _reading: Reading, confidence: float) -> Detections:
    rows = outputs[0][outputs[0][:, 4] >= confidence]
    return Detections(rows[:, :4], rows[:, 4], rows[:, 5])


def _implausible(outputs: Outputs, reading: Reading) -> str | None:
    rows = outputs[0]
    return probabilities(rows[:, 4], "scores (column 5)") or in_classes(rows[:, 5], reading.classes)


END_TO_END = DetectorFamily(
    name="end-to-end",
    exported_from="YOLOv10, YOLO26, and files with NMS in the graph: rows of x1, y1, x2, y2, score, class",
    outputs="(1, N, 6) or (N, 6)",
    fits=_fits,
    decode=_decode,
    implausible=_implausible,
    leaves_doubles=False,
    ultralytics=True,
)
