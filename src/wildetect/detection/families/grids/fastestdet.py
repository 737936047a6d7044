"""FastestDet: a map (5+C, rows, columns) of objectness, x, y, w, h and one score a class."""

from __future__ import annotations

import numpy as np

from wildetect.detection.families.family import DetectorFamily, Outputs, Reading, Shapes
from wildetect.detection.families.shapes import alike, around, probabilities, without_batch
from wildetect.detections import Detections

__all__ = ["FASTESTDET"]

_BEFORE_CLASSES = 5


def _fits(shapes: Shapes) -> bool:
    shape = without_batch(shapes.outputs[0], 3)
    if shape is None or len(shapes.outputs) > 1:
        return False
    classes = shapes.classes
    depth, rows, columns = shape
    if shapes.frame and rows and columns and rows * shapes.frame.width != columns * shapes.frame.height:
        return False  # its cells are squares
    return alike(depth, None if classes is None else _BEFORE_CLASSES + classes) and (
        depth is None or depth > _BEFORE_CLASSES
    )


def _decode(outputs: Outputs, reading: Reading, confidence: float) -> Detections:
    """Read score = objectness^0.6 * class^0.4, xy = (cell + tanh) / cells, wh = sigmoid, in shares."""
    values = outputs[0].astype(np.float32)
    rows, columns = values.shape[1:]
    values = values.reshape(len(values), -1)
    score = values[0] ** np.float32(0.6) * values[_BEFORE_CLASSES:].max(axis=0) ** np.float32(0.4)
    kept = np.flatnonzero(score >= confidence)
    values = values[:, kept]
    cell = np.stack([kept % columns, kept // columns])
    centre = (cell + np.tanh(values[1:3])) / np.array([[columns], [rows]])
    size = 1 / (1 + np.exp(-values[3:5]))
    boxes = np.vstack([centre, size]).T * np.array([*reading.frame, *reading.frame], dtype=np.float32)
    return Detections(around(boxes), score[kept], values[_BEFORE_CLASSES:].argmax(axis=0))


def _implausible(outputs: Outputs, _reading: Reading) -> str | None:
    return probabilities(np.delete(outputs[0], [1, 2, 3, 4], axis=0), "objectness and classes")


FASTESTDET = DetectorFamily(
    name="fastestdet",
    exported_from="FastestDet",
    outputs="(1, 5+C, rows, columns)",
    fits=_fits,
    decode=_decode,
    implausible=_implausible,
    feeding={"channel_order": "bgr", "resize": "stretch"},
    rank=3,
)
