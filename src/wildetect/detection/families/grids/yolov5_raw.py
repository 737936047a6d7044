"""YOLOv5 as its sigmoid left it: (n, 5+C), for each stride anchor by anchor, row by row."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from wildetect.detection.families.family import DetectorFamily, Frame, Outputs, Reading, Shapes
from wildetect.detection.families.grids.cells import fit_objects, grid, objects
from wildetect.detection.families.shapes import around, probabilities
from wildetect.detections import Detections

__all__ = ["YOLOV5_RAW"]

Floats = NDArray[np.float32]

_ANCHORS = {
    8: ((10, 13), (16, 30), (33, 23)),
    16: ((30, 61), (62, 45), (59, 119)),
    32: ((116, 90), (156, 198), (373, 326)),
}
_ROWS_PER_CELL = 3


@lru_cache(maxsize=8)
def _anchored_grid(frame: Frame) -> tuple[Floats, Floats, Floats]:
    """Cell (n, 2), stride (n, 1) and anchor (n, 2) of each row: stride, then anchor, then row and column."""
    grids, sizes, anchors = [], [], []
    for stride, shapes in _ANCHORS.items():
        cell, size = grid(frame, (stride,))
        grids += [cell] * len(shapes)
        sizes += [size] * len(shapes)
        anchors.append(np.repeat(np.array(shapes, dtype=np.float32), len(cell), axis=0))
    return np.concatenate(grids), np.concatenate(sizes), np.concatenate(anchors)


def _fits(shapes: Shapes) -> bool:
    return fit_objects(shapes, _ROWS_PER_CELL)


def _decode(outputs: Outputs, reading: Reading, confidence: float) -> Detections:
    """Read v of 0 to 1: xy = (2 v - 0.5 + cell) * stride, wh = (2 v)² * anchor (ultralytics/yolov5)."""
    kept, rows, score, class_id = objects(outputs[0], confidence)
    cell, stride, anchor = (part[kept] for part in _anchored_grid(reading.frame))
    centre = (2 * rows[:, :2] - 0.5 + cell) * stride
    return Detections(around(np.hstack([centre, (2 * rows[:, 2:4]) ** 2 * anchor])), score, class_id)


def _implausible(outputs: Outputs, _reading: Reading) -> str | None:
    return probabilities(outputs[0], "all values")


YOLOV5_RAW = DetectorFamily(
    name="yolov5-raw",
    exported_from="YOLOv5, with the raw outputs of its sigmoid",
    outputs="(1, N, 5+C) with three rows for each cell of strides 8, 16, 32",
    fits=_fits,
    decode=_decode,
    implausible=_implausible,
)
