"""Ultralytics' RT-DETR: (n, 4+C) of cx, cy, w, h in fractions of the picture and one score a class.

Source: `RTDETRDecoder.forward` and `RTDETRPredictor` of ultralytics: the picture is stretched to the square,
each row's best class counts. Ultralytics does no NMS; here doubles are removed, as queries may agree.
"""

from __future__ import annotations

import numpy as np

from wildetect.detection.families.family import DetectorFamily, Outputs, Reading, Shapes
from wildetect.detection.families.shapes import alike, around, probabilities, without_batch
from wildetect.detections import Detections

__all__ = ["RT_DETR"]

_BOX = 4
_ROWS = (50, 1000)  # queries; published models have 300
_MOST_COLUMNS = 400  # Objects365 has the most classes of the published ones
_LARGEST = 2.0


def _fits(shapes: Shapes) -> bool:
    shape = without_batch(shapes.outputs[0], 2)
    if shape is None or len(shapes.outputs) > 1:
        return False
    rows, columns = shape
    if rows is not None and not _ROWS[0] <= rows <= _ROWS[1]:
        return False
    if shapes.classes is not None:
        return alike(columns, _BOX + shapes.classes)
    return columns is None or _BOX < columns <= _MOST_COLUMNS


def _decode(outputs: Outputs, reading: Reading, confidence: float) -> Detections:
    rows = outputs[0].astype(np.float32)
    best = rows[:, _BOX:].max(axis=1)
    kept = np.flatnonzero(best >= confidence)
    boxes = rows[kept, :_BOX] * np.array([*reading.frame, *reading.frame], dtype=np.float32)
    return Detections(around(boxes), best[kept], rows[kept, _BOX:].argmax(axis=1))


def _implausible(outputs: Outputs, _reading: Reading) -> str | None:
    boxes, scores = outputs[0][:, :_BOX], outputs[0][:, _BOX:]
    if boxes.size and (boxes.min() < -_LARGEST or boxes.max() > _LARGEST):
        return f"box coordinates reach {np.abs(boxes).max():.4g}: they are not fractions of the picture"
    if boxes.size and boxes[:, 2:].min() < 0:
        return "some boxes have a negative width or height"
    return probabilities(scores, "class scores")


RT_DETR = DetectorFamily(
    name="rt-detr",
    exported_from="RT-DETR from Ultralytics",
    outputs="(1, N, 4+C) with centres in fractions of the picture",
    fits=_fits,
    decode=_decode,
    implausible=_implausible,
    feeding={"resize": "stretch"},
    lists_animals=True,
    ultralytics=True,
)
