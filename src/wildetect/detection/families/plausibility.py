"""Do a network's output values look like those of the family it is declared to be?

Wrong feeding and a wrong family fail quietly: boxes come out, in wrong places. Some mistakes show in
the range of the values, on any picture; these are looked for when a model is registered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wildetect.detection.families.decoders import NANODET_BINS, Frame
from wildetect.registry.manifest import Family

__all__ = ["implausible"]

Array = NDArray[Any]

_TOLERANCE = 1e-2  # int8 and float16 networks overshoot 1 a little


def implausible(family: Family, outputs: Sequence[Array], frame: Frame, classes: int) -> str | None:
    """Why the outputs for one picture cannot be the family's, for a person; None if they can.

    Args:
        family: As declared.
        outputs: Without the batch dimension, of shapes that fit the family.
        frame: Size of the network's input.
        classes: Number of class names.
    """
    floats = [output.astype(np.float32) if output.dtype.kind == "f" else output for output in outputs]
    if not all(np.isfinite(output).all() for output in floats):
        return "some values are not finite numbers"
    return _CHECKS[family](floats, frame, classes)


def _probabilities(values: Array, what: str) -> str | None:
    if values.size and (values.min() < -_TOLERANCE or values.max() > 1 + _TOLERANCE):
        return f"{what} should lie between 0 and 1, but reach from {values.min():.4g} to {values.max():.4g}"
    return None


def _classes(values: Array, classes: int) -> str | None:
    if values.size and np.any(values != np.round(values)):
        return "the class column holds fractions"
    if values.size and not 0 <= values.min() <= values.max() < classes:
        return f"class {values.max():.0f} is reported, but there are only {classes} class names"
    return None


def _yolov8(outputs: Sequence[Array], frame: Frame, _classes: int) -> str | None:
    boxes, scores = outputs[0][:4], outputs[0][4:]
    if scores.size and (problem := _probabilities(scores, "scores")):
        return problem
    return _sizes(boxes.T, frame)


def _sizes(boxes: Array, frame: Frame) -> str | None:
    """Decoded cx, cy, w, h in px: sizes are positive, and centres of a whole grid spread over the input."""
    if boxes.size and boxes[:, 2:].min() < 0:
        return "some boxes have a negative width or height: they are not decoded"
    if len(boxes) > frame.width and boxes[:, :2].max() < max(frame) / 4:
        return f"all box centres lie within {boxes[:, :2].max():.3g} px of the corner: they are not decoded"
    return None


def _end_to_end(outputs: Sequence[Array], _frame: Frame, classes: int) -> str | None:
    rows = outputs[0]
    return _probabilities(rows[:, 4], "scores (column 5)") or _classes(rows[:, 5], classes)


def _end_to_end_7(outputs: Sequence[Array], _frame: Frame, classes: int) -> str | None:
    rows = outputs[0]
    return _probabilities(rows[:, 2], "scores (column 3)") or _classes(rows[:, 1], classes)


def _yolov5(outputs: Sequence[Array], frame: Frame, _classes: int) -> str | None:
    rows = outputs[0]
    return _probabilities(rows[:, 4:], "objectness and classes") or _sizes(rows[:, :4], frame)


def _yolov5_raw(outputs: Sequence[Array], _frame: Frame, _classes: int) -> str | None:
    return _probabilities(outputs[0], "all values")


def _yolox(outputs: Sequence[Array], frame: Frame, _classes: int) -> str | None:
    rows = outputs[0]
    if problem := _probabilities(rows[:, 4:], "objectness and classes"):
        return problem
    if rows.size and rows[:, :2].max() > max(frame) / 2:
        return "the boxes are decoded already: the family is yolov5, fed as yolox is"
    return None


def _detr(outputs: Sequence[Array], _frame: Frame, classes: int) -> str | None:
    labels = next((output for output in outputs if output.dtype.kind in "iu"), None)
    scores = next((output for output in outputs if output.ndim == 1 and output.dtype.kind == "f"), None)
    if labels is None or scores is None:
        return "labels should be whole numbers and scores floating point"
    return _probabilities(scores, "scores") or _classes(labels, classes)


def _nanodet(outputs: Sequence[Array], _frame: Frame, _classes: int) -> str | None:
    if len(outputs) == 1:
        return _probabilities(outputs[0][:, : -4 * NANODET_BINS], "class scores")
    scores = [output for output in outputs if output.shape[1] != 4 * NANODET_BINS]
    return next((problem for part in scores if (problem := _probabilities(part, "class scores"))), None)


def _fastestdet(outputs: Sequence[Array], _frame: Frame, _classes: int) -> str | None:
    return _probabilities(np.delete(outputs[0], [1, 2, 3, 4], axis=0), "objectness and classes")


_CHECKS: dict[Family, Callable[[Sequence[Array], Frame, int], str | None]] = {
    "yolov8": _yolov8,
    "end-to-end": _end_to_end,
    "end-to-end-7": _end_to_end_7,
    "yolov5": _yolov5,
    "yolov5-raw": _yolov5_raw,
    "yolox": _yolox,
    "detr": _detr,
    "nanodet": _nanodet,
    "fastestdet": _fastestdet,
}
