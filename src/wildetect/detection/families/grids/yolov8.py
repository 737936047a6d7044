"""YOLOv8, YOLO11, YOLO12: (4+C, n) of cx, cy, w, h in px and one score a class."""

from __future__ import annotations

import numpy as np

from wildetect.detection.families.family import Array, DetectorFamily, Frame, Outputs, Reading, Shapes
from wildetect.detection.families.shapes import alike, around, probabilities, sizes_in_px, without_batch
from wildetect.detections import Detections

__all__ = ["YOLOV8", "odd_columns", "read_columns"]

_BOX = 4
_STRIDES = ((8, 16, 32), (4, 8, 16, 32), (8, 16, 32, 64))
"""Strides of the grids in px of the input: the usual ones, and those of the variants p2 and p6."""


def _fits(shapes: Shapes) -> bool:
    shape = without_batch(shapes.outputs[0], 2)
    if shape is None or len(shapes.outputs) > 1:
        return False
    rows, boxes = shape
    if rows is None and boxes is not None and boxes not in _cells(shapes.frame):
        return False  # a free number of rows of so many columns is a list of boxes
    if shapes.classes is not None:
        return alike(rows, _BOX + shapes.classes)
    return rows is None or boxes is None or _BOX < rows < boxes


def _cells(frame: Frame | None) -> set[int]:
    """How many boxes the grids of a picture give, one a cell; an export of free size leaves it open."""
    if frame is None:
        return set()
    return {sum((frame.width // one) * (frame.height // one) for one in strides) for strides in _STRIDES}


def read_columns(table: Array, confidence: float) -> Detections:
    """Read a table (4+C, n): a box and one score a class in each column."""
    boxes, scores = table[:_BOX], table[_BOX:]
    best = scores.max(axis=0)
    kept = np.flatnonzero(best >= confidence)
    class_id = scores[:, kept].argmax(axis=0)
    return Detections(around(boxes[:, kept].T), best[kept], class_id)


def odd_columns(table: Array, reading: Reading) -> str | None:
    """Say why a table (4+C, n) cannot hold boxes in px and scores."""
    boxes, scores = table[:_BOX], table[_BOX:]
    return probabilities(scores, "scores") or sizes_in_px(boxes.T, reading.frame)


def _decode(outputs: Outputs, _reading: Reading, confidence: float) -> Detections:
    return read_columns(outputs[0], confidence)


def _implausible(outputs: Outputs, reading: Reading) -> str | None:
    return odd_columns(outputs[0], reading)


YOLOV8 = DetectorFamily(
    name="yolov8",
    exported_from="YOLOv8, YOLO11, YOLO12",
    outputs="(1, 4+C, N)",
    fits=_fits,
    decode=_decode,
    implausible=_implausible,
    ultralytics=True,
)
