"""Windows and boxes: intersection over union and over the smaller box, clipping, shifting.

Boxes are arrays of shape (n, 4) with columns x_min, y_min, x_max, y_max in px ("xyxy"); x grows to the
right, y downwards, and the left edge of the first pixel is at 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wildetect.settings.words import OverlapMetric

__all__ = [
    "SAME_BOX",
    "Boxes",
    "Window",
    "areas",
    "clip",
    "intersections",
    "ios",
    "iou",
    "overlap",
    "same_boxes",
    "shift",
]

Boxes = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of whole pixels in an image.

    Attributes:
        x: Column of the leftmost pixel.
        y: Row of the topmost pixel.
        width: Number of columns.
        height: Number of rows.
    """

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column to the right of the window."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row below the window."""
        return self.y + self.height


def areas(xyxy: Boxes) -> NDArray[np.float64]:
    """Areas of (n, 4) boxes in px², shape (n,); a box turned inside out has none."""
    sides = np.maximum(xyxy[:, 2:].astype(np.float64) - xyxy[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1])


def intersections(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Common areas in px² of every box of (n, 4) with every box of (m, 4), shape (n, m)."""
    a = first.astype(np.float64)[:, None]
    b = second.astype(np.float64)[None]
    sides = np.maximum(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0)
    return np.asarray(sides[..., 0] * sides[..., 1])


def iou(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Intersection over union of every box of (n, 4) with every box of (m, 4), shape (n, m), 0 to 1."""
    common = intersections(first, second)
    return _ratio(common, areas(first)[:, None] + areas(second)[None] - common)


SAME_BOX = 0.5
"""Intersection over union from which two boxes show the same thing, as COCO's AP50 has it."""


def same_boxes(first: Boxes, second: Boxes, may_be: NDArray[np.bool_] | None = None) -> list[tuple[int, int]]:
    """Match the boxes of two looks at one image: the most alike first, each once, by IoU from 0.5 on.

    Args:
        first: Shape (n, 4).
        second: Shape (m, 4).
        may_be: Which pairs may be matched, shape (n, m); null: all.

    Returns:
        Rows of both, by rising row of the first.
    """
    shares = iou(first, second)
    if may_be is not None:
        shares = np.where(may_be, shares, 0.0)
    rows, columns = np.nonzero(shares >= SAME_BOX)
    # stable: of equal shares the first box is served first
    order = np.argsort(-shares[rows, columns], kind="stable")
    found: dict[int, int] = {}
    taken: set[int] = set()
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in found and column not in taken:
            found[row] = column
            taken.add(column)
    return sorted(found.items())


def ios(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Intersection over the smaller box's area, for (n, 4) with (m, 4), shape (n, m), 0 to 1."""
    return _ratio(intersections(first, second), np.minimum(areas(first)[:, None], areas(second)[None]))


def overlap(first: Boxes, second: Boxes, metric: OverlapMetric) -> NDArray[np.float64]:
    """IoU or IoS, as `metric` says, of (n, 4) with (m, 4), shape (n, m)."""
    return iou(first, second) if metric == "IOU" else ios(first, second)


def clip(xyxy: Boxes, width: float, height: float) -> NDArray[np.float32]:
    """Boxes of (n, 4) cut to an image of `width` x `height` px."""
    limits = np.array([width, height, width, height], dtype=np.float32)
    return np.clip(xyxy.astype(np.float32), 0, limits)


def shift(xyxy: Boxes, x: float, y: float) -> NDArray[np.float32]:
    """Boxes of (n, 4) moved by `x` px to the right and `y` px downwards."""
    # float64 in between: a raster is wide, and the sum shall be rounded only once
    return (xyxy.astype(np.float64) + np.array([x, y, x, y], dtype=np.float64)).astype(np.float32)


def _ratio(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quotients, with 0 where the denominator is 0 (two boxes without area have nothing in common)."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
