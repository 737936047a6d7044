"""YOLOX: (n, 5+C), for each stride row by row; xy = (v + cell) * stride, wh = exp(v) * stride."""

from __future__ import annotations

import numpy as np

from wildetect.detection.families.family import DetectorFamily, Outputs, Reading, Shapes
from wildetect.detection.families.grids.cells import STRIDES, fit_objects, grid, objects
from wildetect.detection.families.shapes import around, probabilities
from wildetect.detections import Detections

__all__ = ["YOLOX"]


def _fits(shapes: Shapes) -> bool:
    return fit_objects(shapes, 1)


def _decode(outputs: Outputs, reading: Reading, confidence: float) -> Detections:
    kept, rows, score, class_id = objects(outputs[0], confidence)
    cell, stride = (part[kept] for part in grid(reading.frame, STRIDES))
    centre = (rows[:, :2] + cell) * stride
    return Detections(around(np.hstack([centre, np.exp(rows[:, 2:4]) * stride])), score, class_id)


def _implausible(outputs: Outputs, reading: Reading) -> str | None:
    rows = outputs[0]
    if problem := probabilities(rows[:, 4:], "objectness and classes"):
        return problem
    if rows.size and rows[:, :2].max() > max(reading.frame) / 2:
        return "the boxes are decoded already: the family is yolov5, fed as yolox is"
    return None


YOLOX = DetectorFamily(
    name="yolox",
    exported_from="YOLOX",
    outputs="(1, N, 5+C) with one row for each cell of strides 8, 16, 32",
    fits=_fits,
    decode=_decode,
    implausible=_implausible,
    feeding={"channel_order": "bgr", "scale": 1.0, "resize": "letterbox-corner"},
)
