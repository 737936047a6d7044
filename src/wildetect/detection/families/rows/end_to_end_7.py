"""NMS in the graph over a batch: (n, 7) of picture, class, score, xyxy."""

from __future__ import annotations

from wildetect.detection.families.family import Array, DetectorFamily, Outputs, Reading, Shapes
from wildetect.detection.families.shapes import in_classes, one_table, probabilities
from wildetect.detections import Detections

__all__ = ["END_TO_END_7"]

_COLUMNS = 7


def _fits(shapes: Shapes) -> bool:
    return one_table(shapes, _COLUMNS)


def _one_picture(outputs: Outputs, index: int, size: int, _rank: int) -> list[Array]:
    rows = outputs[0].reshape(-1, outputs[0].shape[-1])
    return [rows[rows[:, 0] == index] if size > 1 else rows]


def _decode(outputs: Outputs, _reading: Reading, confidence: float) -> Detections:
    rows = outputs[0][outputs[0][:, 2] >= confidence]
    return Detections(rows[:, 3:7], rows[:, 2], rows[:, 1])


def _implausible(outputs: Outputs, reading: Reading) -> str | None:
    rows = outputs[0]
    return probabilities(rows[:, 2], "scores (column 3)") or in_classes(rows[:, 1], reading.classes)


END_TO_END_7 = DetectorFamily(
    name="end-to-end-7",
    exported_from="the same with the picture's number first: batch, class, score, x1, y1, x2, y2",
    outputs="(N, 7)",
    fits=_fits,
    decode=_decode,
    implausible=_implausible,
    leaves_doubles=False,
    marks_pictures=True,
    one_picture=_one_picture,
)
