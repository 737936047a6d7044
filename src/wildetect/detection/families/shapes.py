"""Shapes and values that several families share: dimensions, ranges, boxes around a centre."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wildetect.detection.families.family import Array, Frame, Reading, Shape, Shapes
from wildetect.detections import Detections
from wildetect.wording import number_of

__all__ = [
    "LabelledBoxes",
    "alike",
    "around",
    "corners_in_px",
    "in_classes",
    "not_corners",
    "one_table",
    "probabilities",
    "sizes_in_px",
    "without_batch",
]

Floats = NDArray[np.float32]

_LARGEST_FRACTION = 2.0  # boxes reach a little beyond the picture
_MOST_ODD = 0.5  # faint boxes of quantised networks may be turned inside out
_TOLERANCE = 1e-2  # int8 and float16 networks overshoot 1 a little


def without_batch(shape: Shape, rank: int) -> Shape | None:
    """Drop the batch dimension of a shape; None if it has not `rank` other dimensions."""
    if len(shape) == rank + 1:
        return shape[1:]
    return shape if len(shape) == rank else None


def one_table(shapes: Shapes, columns: int) -> bool:
    """Say whether the first output holds rows of so many columns, and at most their number comes besides."""
    shape = without_batch(shapes.outputs[0], 2)
    others = shapes.outputs[1:]
    return shape is not None and all(len(other) == 1 for other in others) and alike(shape[1], columns)


def alike(length: int | None, expected: int | None) -> bool:
    """Say whether two lengths can be the same; None is any."""
    return length is None or expected is None or length == expected


def around(boxes: Array) -> Floats:
    """Turn boxes (n, 4) of cx, cy, w, h into xyxy."""
    boxes = boxes.astype(np.float32)
    half = boxes[:, 2:] / 2
    return np.hstack([boxes[:, :2] - half, boxes[:, :2] + half])


def probabilities(values: Array, what: str) -> str | None:
    """Say why values cannot be probabilities."""
    if values.size and (values.min() < -_TOLERANCE or values.max() > 1 + _TOLERANCE):
        return f"{what} should lie between 0 and 1, but reach from {values.min():.4g} to {values.max():.4g}"
    return None


def in_classes(values: Array, reading: Reading) -> str | None:
    """Say why values cannot be numbers of classes."""
    first, classes = reading.first_label or 0, reading.classes
    if values.size and np.any(values != np.round(values)):
        return "the class column holds fractions"
    if values.size and values.max() - first >= classes:
        return f"class {values.max():.0f} is reported, but there are only {number_of(classes, 'class name')}"
    if values.size and values.min() < first:
        return f"class {values.min():.0f} is reported, but the first one is {first}"
    return None


def not_corners(boxes: Array, reading: Reading) -> str | None:
    """Say why boxes (n, 4) cannot be xyxy in the unit that the reading says."""
    if not len(boxes):
        return None
    if (boxes[:, 2:] < boxes[:, :2]).any(axis=1).mean() > _MOST_ODD:
        return "its boxes have their right or lower edge before the left or upper: they are not x1 y1 x2 y2"
    largest = float(np.abs(boxes).max())
    if reading.box_unit == "fraction" and largest > _LARGEST_FRACTION:
        return f"box coordinates reach {largest:.4g}: they are px, not fractions of the picture"
    if reading.box_unit != "fraction" and largest <= 1:
        return f"no box coordinate is above {largest:.3g}: they are fractions (box_unit: fraction), not px"
    return None


def corners_in_px(boxes: Array, reading: Reading) -> Floats:
    """Give boxes (n, 4) of xyxy in px of the network's input.

    Raises:
        ValueError: They cannot be such boxes.
    """
    if problem := not_corners(boxes, reading):
        raise ValueError(problem)
    boxes = boxes.astype(np.float32)
    if reading.box_unit == "fraction":
        boxes = boxes * np.array([*reading.frame, *reading.frame], dtype=np.float32)
    return boxes


def sizes_in_px(boxes: Array, frame: Frame) -> str | None:
    """Say why boxes (n, 4) of cx, cy, w, h cannot be px: a negative size, or all centres in a corner."""
    if boxes.size and boxes[:, 2:].min() < 0:
        return "some boxes have a negative width or height: they are not decoded"
    if len(boxes) > frame.width and boxes[:, :2].max() < max(frame) / 4:
        return f"all box centres lie within {boxes[:, :2].max():.3g} px of the corner: they are not decoded"
    return None


class LabelledBoxes(NamedTuple):
    """Boxes (n, 4) of xyxy, their scores (n,) and their classes (n,), as a network gives them."""

    boxes: Array
    scores: Array
    labels: Array

    def read(self, reading: Reading, confidence: float) -> Detections:
        """Give those of at least this confidence, in px of the network's input.

        Raises:
            ValueError: They are not corners in the unit that the reading says.
        """
        kept = np.flatnonzero(self.scores >= confidence)
        return Detections(corners_in_px(self.boxes[kept], reading), self.scores[kept], self.labels[kept])

    def odd(self, reading: Reading) -> str | None:
        """Say why they cannot be what they are taken for."""
        wrong = probabilities(self.scores, "scores") or in_classes(self.labels, reading)
        return wrong or not_corners(self.boxes, reading)
