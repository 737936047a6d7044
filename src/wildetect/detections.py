"""Detections of one tile or image, as arrays of equal length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wildetect import geometry

__all__ = ["Detections"]


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Detections:
    """Boxes with their confidence and class.

    Attributes:
        xyxy: Boxes, shape (n, 4), float32, px of the tile or image they belong to.
        confidence: Shape (n,), float32, 0 to 1.
        class_id: Shape (n,), int64, index into the model's class names.
        corners: Corners of oriented boxes, shape (n, 8), float32: x and y of all four one after the other,
            px as in `xyxy`, which then are the upright boxes around them; None where boxes are upright.
    """

    xyxy: NDArray[np.float32]
    confidence: NDArray[np.float32]
    class_id: NDArray[np.int64]
    corners: NDArray[np.float32] | None

    def __init__(
        self,
        xyxy: ArrayLike,
        confidence: ArrayLike,
        class_id: ArrayLike,
        corners: ArrayLike | None = None,
    ) -> None:
        object.__setattr__(self, "xyxy", np.asarray(xyxy, dtype=np.float32).reshape(-1, 4))
        object.__setattr__(self, "confidence", np.asarray(confidence, dtype=np.float32).reshape(-1))
        object.__setattr__(self, "class_id", np.asarray(class_id, dtype=np.int64).reshape(-1))
        turned = None if corners is None else np.asarray(corners, dtype=np.float32).reshape(-1, 8)
        object.__setattr__(self, "corners", turned)
        lengths = len(self.xyxy), len(self.confidence), len(self.class_id)
        if len(set(lengths)) > 1 or (turned is not None and len(turned) != lengths[0]):
            raise ValueError(f"xyxy, confidence and class_id differ in length: {lengths}")

    def __len__(self) -> int:
        return len(self.confidence)

    @classmethod
    def empty(cls) -> Detections:
        """No detections."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))

    @classmethod
    def concatenate(cls, parts: Sequence[Detections]) -> Detections:
        """All detections of `parts`, in their order."""
        if not parts:
            return cls.empty()
        return cls(
            np.concatenate([part.xyxy for part in parts]),
            np.concatenate([part.confidence for part in parts]),
            np.concatenate([part.class_id for part in parts]),
            np.concatenate([part.outlines for part in parts]) if any(map(_is_turned, parts)) else None,
        )

    def select(self, which: NDArray[Any] | slice) -> Detections:
        """Those at the given positions, in that order, or where a mask of shape (n,) is true."""
        corners = None if self.corners is None else self.corners[which]
        return Detections(self.xyxy[which], self.confidence[which], self.class_id[which], corners)

    def relabelled(self, confidence: ArrayLike, class_id: ArrayLike) -> Detections:
        """The same boxes with another confidence and class."""
        return Detections(self.xyxy, confidence, class_id, self.corners)

    @property
    def sizeless(self) -> NDArray[np.bool_]:
        """Which boxes have no width or no height, or are turned inside out, shape (n,)."""
        return np.asarray((self.xyxy[:, 2:] <= self.xyxy[:, :2]).any(axis=1))

    @property
    def outlines(self) -> NDArray[np.float32]:
        """The four corners of each box, oriented or upright, as `corners` has them, shape (n, 8)."""
        return self.xyxy[:, [0, 1, 2, 1, 2, 3, 0, 3]] if self.corners is None else self.corners

    def shift(self, x: float, y: float) -> Detections:
        """The same detections moved by `x` px to the right and `y` px downwards."""
        corners = None
        if self.corners is not None:
            corners = self.corners + np.array([x, y] * 4, np.float32)
        return Detections(geometry.shift(self.xyxy, x, y), self.confidence, self.class_id, corners)

    def clip(self, width: float, height: float) -> Detections:
        """Boxes cut to an image of `width` x `height` px; those wholly outside it are left out.

        Corners stay where they are: cut, oriented boxes would have more of them.
        """
        inside = geometry.clip(self.xyxy, width, height)
        cut = Detections(inside, self.confidence, self.class_id, self.corners)
        return cut.select((cut.xyxy[:, 2] > cut.xyxy[:, 0]) & (cut.xyxy[:, 3] > cut.xyxy[:, 1]))

    def ranked(self) -> Detections:
        """Highest confidence first; ties by class, then by box, so that no order of input matters."""
        return self.select(self.ranking())

    def ranking(self) -> NDArray[np.intp]:
        """Positions that put the detections into the order of `ranked`, shape (n,)."""
        x_min, y_min, x_max, y_max = self.xyxy.T
        return np.lexsort((y_max, x_max, y_min, x_min, self.class_id, -self.confidence))


def _is_turned(part: Detections) -> bool:
    return part.corners is not None
