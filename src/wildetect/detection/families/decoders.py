"""Read the outputs of each detector family; one function a family.

Each takes the outputs for one picture (without the batch dimension), the size of the network's input,
and the lowest confidence to report; boxes come out as xyxy in px of that input. What the families
have in common with their papers and exports is checked against golden boxes in the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wildetect.detections import Detections
from wildetect.registry.manifest import Family

__all__ = ["DECODERS", "NANODET_BINS", "NANODET_PLUS_STRIDES", "Decoder", "Frame", "cells"]

Array = NDArray[Any]
Floats = NDArray[np.float32]

NANODET_BINS = 8
_STRIDES = (8, 16, 32)
NANODET_PLUS_STRIDES = (8, 16, 32, 64)
_YOLOV5_ANCHORS = {
    8: ((10, 13), (16, 30), (33, 23)),
    16: ((30, 61), (62, 45), (59, 119)),
    32: ((116, 90), (156, 198), (373, 326)),
}


class Frame(NamedTuple):
    """Size of the network's input in px."""

    width: int
    height: int


Decoder = Callable[[Sequence[Array], Frame, float], Detections]


def cells(frame: Frame, strides: Sequence[int] = _STRIDES) -> int:
    """Number of grid cells of all strides together; a part of a cell at the border counts."""
    return sum(-(-frame.width // stride) * -(-frame.height // stride) for stride in strides)


def decode_yolov8(outputs: Sequence[Array], _frame: Frame, confidence: float) -> Detections:
    """YOLOv8, 11, 12: (4+C, n) of cx, cy, w, h and one score a class."""
    boxes, scores = outputs[0][:4], outputs[0][4:]
    best = scores.max(axis=0)
    kept = np.flatnonzero(best >= confidence)
    class_id = scores[:, kept].argmax(axis=0)
    return Detections(_corners(boxes[:, kept].T), best[kept], class_id)


def decode_end_to_end(outputs: Sequence[Array], _frame: Frame, confidence: float) -> Detections:
    """YOLOv10, YOLO26 and exports with NMS in the graph: (n, 6) of xyxy, score, class."""
    rows = outputs[0][outputs[0][:, 4] >= confidence]
    return Detections(rows[:, :4], rows[:, 4], rows[:, 5])


def decode_end_to_end_7(outputs: Sequence[Array], _frame: Frame, confidence: float) -> Detections:
    """NMS in the graph over a batch: (n, 7) of picture, class, score, xyxy."""
    rows = outputs[0][outputs[0][:, 2] >= confidence]
    return Detections(rows[:, 3:7], rows[:, 2], rows[:, 1])


def decode_yolov5(outputs: Sequence[Array], _frame: Frame, confidence: float) -> Detections:
    """YOLOv5 and 7 with decoded boxes: (n, 5+C) of cx, cy, w, h, objectness and one score a class."""
    rows, score, class_id = _objects(outputs[0], confidence)[1:]
    return Detections(_corners(rows[:, :4]), score, class_id)


def decode_yolov5_raw(outputs: Sequence[Array], frame: Frame, confidence: float) -> Detections:
    """YOLOv5 as its sigmoid left it: (n, 5+C), for each stride anchor by anchor, row by row.

    With v of 0 to 1: xy = (2 v - 0.5 + cell) * stride, wh = (2 v)² * anchor (ultralytics/yolov5, Detect).
    """
    kept, rows, score, class_id = _objects(outputs[0], confidence)
    grid, stride, anchor = (part[kept] for part in _yolov5_grid(frame))
    centre = (2 * rows[:, :2] - 0.5 + grid) * stride
    return Detections(_corners(np.hstack([centre, (2 * rows[:, 2:4]) ** 2 * anchor])), score, class_id)


def decode_yolox(outputs: Sequence[Array], frame: Frame, confidence: float) -> Detections:
    """YOLOX: (n, 5+C), for each stride row by row; xy = (v + cell) * stride, wh = exp(v) * stride."""
    kept, rows, score, class_id = _objects(outputs[0], confidence)
    grid, stride = (part[kept] for part in _grid(frame, _STRIDES))
    centre = (rows[:, :2] + grid) * stride
    return Detections(_corners(np.hstack([centre, np.exp(rows[:, 2:4]) * stride])), score, class_id)


def decode_detr(outputs: Sequence[Array], _frame: Frame, confidence: float) -> Detections:
    """RT-DETR, D-FINE, DEIM: labels (n,), boxes (n, 4) as xyxy, scores (n,), in any order.

    The boxes are in the units of the second input: the size of the network's input is given there.
    """
    boxes = next(output for output in outputs if output.ndim == 2)  # noqa: PLR2004 - labels and scores have 1
    labels = next(output for output in outputs if output.dtype.kind in "iu")
    scores = next(output for output in outputs if output.ndim == 1 and output.dtype.kind == "f")
    kept = np.flatnonzero(scores >= confidence)
    return Detections(boxes[kept], scores[kept], labels[kept])


def decode_nanodet(outputs: Sequence[Array], frame: Frame, confidence: float) -> Detections:
    """NanoDet: for each stride scores (n, C) and distances (n, 32); NanoDet-Plus: one output, (n, C+32).

    Each side's distance from the cell is the mean of a distribution over 8 bins, in strides. NanoDet
    measures from the cell's centre, NanoDet-Plus from its corner (RangiLyu/nanodet, gfl_head.py and
    nanodet_plus_head.py: the latter's centre priors have no half cell in them).
    """
    if len(outputs) == 1:
        scores, distances = np.split(outputs[0], [-4 * NANODET_BINS], axis=1)
        grid, stride = _grid(frame, NANODET_PLUS_STRIDES)
        return _distributions(scores, distances, grid * stride, stride, confidence)
    found = []
    for level in sorted({len(output) for output in outputs}, reverse=True):
        first, second = (output for output in outputs if len(output) == level)
        scores, distances = (second, first) if second.shape[1] != 4 * NANODET_BINS else (first, second)
        grid, stride = _grid(frame, (_stride_of(level, frame),))
        found.append(_distributions(scores, distances, (grid + 0.5) * stride, stride, confidence))
    return Detections.concatenate(found)


def decode_fastestdet(outputs: Sequence[Array], frame: Frame, confidence: float) -> Detections:
    """FastestDet: a map (5+C, rows, columns) of objectness, x, y, w, h and one score a class.

    score = objectness^0.6 * class^0.4; xy = (cell + tanh) / cells, wh = sigmoid, as shares of the input.
    """
    values = outputs[0].astype(np.float32)
    rows, columns = values.shape[1:]
    values = values.reshape(len(values), -1)
    score = values[0] ** np.float32(0.6) * values[5:].max(axis=0) ** np.float32(0.4)
    kept = np.flatnonzero(score >= confidence)
    values = values[:, kept]
    cell = np.stack([kept % columns, kept // columns])
    centre = (cell + np.tanh(values[1:3])) / np.array([[columns], [rows]])
    size = 1 / (1 + np.exp(-values[3:5]))
    boxes = np.vstack([centre, size]).T * np.array([*frame, *frame], dtype=np.float32)
    return Detections(_corners(boxes), score[kept], values[5:].argmax(axis=0))


DECODERS: dict[Family, Decoder] = {
    "yolov8": decode_yolov8,
    "end-to-end": decode_end_to_end,
    "end-to-end-7": decode_end_to_end_7,
    "yolov5": decode_yolov5,
    "yolov5-raw": decode_yolov5_raw,
    "yolox": decode_yolox,
    "detr": decode_detr,
    "nanodet": decode_nanodet,
    "fastestdet": decode_fastestdet,
}


def _corners(boxes: Array) -> Floats:
    """Boxes (n, 4) of cx, cy, w, h as xyxy."""
    boxes = boxes.astype(np.float32)
    half = boxes[:, 2:] / 2
    return np.hstack([boxes[:, :2] - half, boxes[:, :2] + half])


def _objects(output: Array, confidence: float) -> tuple[NDArray[np.intp], Floats, Floats, NDArray[np.intp]]:
    """Rows of (n, 5+C) with objectness x best class >= confidence: positions, rows, score, class."""
    # no class score is above 1, so that objectness alone rules most rows out
    kept = np.flatnonzero(output[:, 4] >= confidence)
    rows = output[kept].astype(np.float32)
    class_id = rows[:, 5:].argmax(axis=1)
    score = rows[:, 4] * rows[np.arange(len(rows)), 5 + class_id]
    sure = score >= confidence
    return kept[sure], rows[sure], score[sure], class_id[sure]


@lru_cache(maxsize=8)
def _grid(frame: Frame, strides: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Column and row (n, 2) and stride (n, 1) of each cell, stride by stride, row by row."""
    grids, sizes = [], []
    for stride in strides:
        columns, rows = -(-frame.width // stride), -(-frame.height // stride)
        row, column = np.divmod(np.arange(rows * columns), columns)
        grids.append(np.stack([column, row], axis=1))
        sizes.append(np.full((rows * columns, 1), stride))
    return np.concatenate(grids).astype(np.float32), np.concatenate(sizes).astype(np.float32)


@lru_cache(maxsize=8)
def _yolov5_grid(frame: Frame) -> tuple[Floats, Floats, Floats]:
    """Cell (n, 2), stride (n, 1) and anchor (n, 2) of each row: stride, then anchor, then row and column."""
    grids, sizes, anchors = [], [], []
    for stride, shapes in _YOLOV5_ANCHORS.items():
        grid, size = _grid(frame, (stride,))
        grids += [grid] * len(shapes)
        sizes += [size] * len(shapes)
        anchors.append(np.repeat(np.array(shapes, dtype=np.float32), len(grid), axis=0))
    return np.concatenate(grids), np.concatenate(sizes), np.concatenate(anchors)


def _stride_of(level: int, frame: Frame) -> int:
    for stride in (*NANODET_PLUS_STRIDES, 128):
        if cells(frame, (stride,)) == level:
            return stride
    raise ValueError(f"no stride has {level} cells in {frame.width} x {frame.height} px")


def _distributions(
    scores: Array, bins: Array, origin: Floats, stride: Floats, confidence: float
) -> Detections:
    """Boxes from distributions (n, 4 * 8) over the distances left, top, right, bottom of `origin`."""
    best = scores.max(axis=1)
    kept = np.flatnonzero(best >= confidence)
    logits = bins[kept].astype(np.float32).reshape(-1, 4, NANODET_BINS)
    weights = np.exp(logits - logits.max(axis=2, keepdims=True))
    mean = (weights @ np.arange(NANODET_BINS, dtype=np.float32)) / weights.sum(axis=2)
    distance = mean * stride[kept]
    corners = np.hstack([origin[kept] - distance[:, :2], origin[kept] + distance[:, 2:]])
    return Detections(corners, best[kept], scores[kept].argmax(axis=1))
