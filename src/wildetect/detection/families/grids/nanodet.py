"""NanoDet: for each stride scores (n, C) and distances (n, 32); NanoDet-Plus: one output, (n, C+32)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wildetect.detection.families.family import Array, DetectorFamily, Frame, Outputs, Reading, Shapes
from wildetect.detection.families.grids.cells import cells, grid
from wildetect.detection.families.shapes import alike, probabilities, without_batch
from wildetect.detections import Detections

__all__ = ["NANODET"]

Floats = NDArray[np.float32]

_BINS = 8
_SIDES = 4 * _BINS
_PLUS_STRIDES = (8, 16, 32, 64)


def _fits(shapes: Shapes) -> bool:
    inner = [single for shape in shapes.outputs if (single := without_batch(shape, 2))]
    if len(inner) < len(shapes.outputs):
        return False
    if len(inner) == 1:
        rows, columns = inner[0]
        on_grid = shapes.frame is None or alike(rows, cells(shapes.frame, _PLUS_STRIDES))
        if shapes.classes is not None:
            return on_grid and alike(columns, shapes.classes + _SIDES)
        return on_grid and (columns is None or _SIDES < columns < (rows or columns + 1))
    if any(columns is None for _, columns in inner):
        return False
    sides = [shape for shape in inner if shape[1] == _SIDES]
    scores = [shape for shape in inner if shape[1] != _SIDES]
    if not scores and shapes.classes in {None, _SIDES}:  # as many classes as there are bins
        return len(sides) % 2 == 0
    same = all(alike(shape[1], shapes.classes or scores[0][1]) for shape in scores)
    return same and len(sides) == len(scores)


def _decode(outputs: Outputs, reading: Reading, confidence: float) -> Detections:
    """Read each side's distance from the cell: the mean of a distribution over 8 bins, in strides.

    NanoDet measures from the cell's centre, NanoDet-Plus from its corner (RangiLyu/nanodet, gfl_head.py and
    nanodet_plus_head.py: the latter's centre priors have no half cell in them).
    """
    frame = reading.frame
    if len(outputs) == 1:
        scores, distances = np.split(outputs[0], [-_SIDES], axis=1)
        cell, stride = grid(frame, _PLUS_STRIDES)
        return _distributions((scores, distances), cell * stride, stride, confidence)
    found = []
    for level in sorted({len(output) for output in outputs}, reverse=True):
        first, second = (output for output in outputs if len(output) == level)
        parts = (second, first) if second.shape[1] != _SIDES else (first, second)
        cell, stride = grid(frame, (_stride_of(level, frame),))
        found.append(_distributions(parts, (cell + 0.5) * stride, stride, confidence))
    return Detections.concatenate(found)


def _stride_of(level: int, frame: Frame) -> int:
    for stride in (*_PLUS_STRIDES, 128):
        if cells(frame, (stride,)) == level:
            return stride
    raise ValueError(f"no stride has {level} cells in {frame.width} x {frame.height} px")


def _distributions(
    parts: tuple[Array, Array], origin: Floats, stride: Floats, confidence: float
) -> Detections:
    """Boxes from scores and distributions (n, 4 * 8) over the distances to the four sides of `origin`."""
    scores, bins = parts
    best = scores.max(axis=1)
    kept = np.flatnonzero(best >= confidence)
    logits = bins[kept].astype(np.float32).reshape(-1, 4, _BINS)
    weights = np.exp(logits - logits.max(axis=2, keepdims=True))
    mean = (weights @ np.arange(_BINS, dtype=np.float32)) / weights.sum(axis=2)
    distance = mean * stride[kept]
    corners = np.hstack([origin[kept] - distance[:, :2], origin[kept] + distance[:, 2:]])
    return Detections(corners, best[kept], scores[kept].argmax(axis=1))


def _implausible(outputs: Outputs, _reading: Reading) -> str | None:
    if len(outputs) == 1:
        return probabilities(outputs[0][:, :-_SIDES], "class scores")
    scores = [output for output in outputs if output.shape[1] != _SIDES]
    return next((problem for part in scores if (problem := probabilities(part, "class scores"))), None)


NANODET = DetectorFamily(
    name="nanodet",
    exported_from="NanoDet, NanoDet-Plus",
    outputs="for each stride (1, N, C) and (1, N, 32), or all in one (1, N, C+32)",
    fits=_fits,
    decode=_decode,
    implausible=_implausible,
    feeding={
        "channel_order": "bgr",
        "scale": 1.0,
        "mean": (103.53, 116.28, 123.675),
        "std": (57.375, 57.12, 58.395),
        "pad": 0,
    },
    every_output=True,
)
