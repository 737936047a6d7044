"""Grids of cells over the network's input, and rows of objectness and classes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from wildetect.detection.families.family import Array, Frame, Shapes
from wildetect.detection.families.shapes import alike, without_batch

__all__ = ["STRIDES", "cells", "fit_objects", "grid", "objects"]

Floats = NDArray[np.float32]

STRIDES = (8, 16, 32)
_BEFORE_CLASSES = 5  # box and objectness
_MAP_RANK = 5


def cells(frame: Frame, strides: Sequence[int] = STRIDES) -> int:
    """Count the grid cells of all strides together; a part of a cell at the border counts."""
    return sum(-(-frame.width // stride) * -(-frame.height // stride) for stride in strides)


@lru_cache(maxsize=8)
def grid(frame: Frame, strides: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Give column and row (n, 2) and stride (n, 1) of each cell, stride by stride, row by row."""
    grids, sizes = [], []
    for stride in strides:
        columns, rows = -(-frame.width // stride), -(-frame.height // stride)
        row, column = np.divmod(np.arange(rows * columns), columns)
        grids.append(np.stack([column, row], axis=1))
        sizes.append(np.full((rows * columns, 1), stride))
    return np.concatenate(grids).astype(np.float32), np.concatenate(sizes).astype(np.float32)


def objects(output: Array, confidence: float) -> tuple[NDArray[np.intp], Floats, Floats, NDArray[np.intp]]:
    """Pick rows of (n, 5+C) with objectness x best class >= confidence.

    Returns:
        Positions, rows, score and class.
    """
    # no class score is above 1, so that objectness alone rules most rows out
    kept = np.flatnonzero(output[:, 4] >= confidence)
    rows = output[kept].astype(np.float32)
    class_id = rows[:, _BEFORE_CLASSES:].argmax(axis=1)
    score = rows[:, 4] * rows[np.arange(len(rows)), _BEFORE_CLASSES + class_id]
    sure = score >= confidence
    return kept[sure], rows[sure], score[sure], class_id[sure]


def fit_objects(shapes: Shapes, rows_per_cell: int | None = None) -> bool:
    """Say whether outputs can be rows of box, objectness and classes.

    Args:
        shapes: Shapes of the file's outputs.
        rows_per_cell: Rows for each cell of strides 8, 16 and 32; None: any number.
    """
    # some exports give the maps of each stride besides: (1, anchors, rows, columns, 5+C)
    shape = without_batch(shapes.outputs[0], 2)
    if shape is None or any(len(other) != _MAP_RANK for other in shapes.outputs[1:]):
        return False
    rows, columns = shape
    if rows_per_cell and shapes.frame and not alike(rows, rows_per_cell * cells(shapes.frame)):
        return False
    if shapes.classes is not None:
        return alike(columns, _BEFORE_CLASSES + shapes.classes)
    return columns is None or (columns > _BEFORE_CLASSES and (rows is None or columns < rows))
