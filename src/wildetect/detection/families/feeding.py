"""How the detector families are fed, and which shapes their outputs have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wildetect.detection.families.decoders import NANODET_BINS, NANODET_PLUS_STRIDES, Frame, cells
from wildetect.registry.manifest import Family

__all__ = ["OUTPUTS", "RANKS", "Shape", "default_feeding", "families_fitting", "fits", "needs_nms"]

Shape = tuple[int | None, ...]
"""Lengths of an output's dimensions; None where any is possible."""

OUTPUTS: dict[Family, str] = {
    "yolov8": "(1, 4+C, N)",
    "end-to-end": "(1, N, 6) or (N, 6)",
    "end-to-end-7": "(N, 7)",
    "yolov5": "(1, N, 5+C)",
    "yolov5-raw": "(1, N, 5+C) with three rows for each cell of strides 8, 16, 32",
    "yolox": "(1, N, 5+C) with one row for each cell of strides 8, 16, 32",
    "detr": "labels (1, N), boxes (1, N, 4), scores (1, N)",
    "nanodet": "for each stride (1, N, C) and (1, N, 32), or all in one (1, N, C+32)",
    "fastestdet": "(1, 5+C, rows, columns)",
}
"""The outputs of each family, for a person; C is the number of classes."""

RANKS: dict[Family, int] = {family: 3 if family == "fastestdet" else 2 for family in OUTPUTS}
"""Number of dimensions that the largest output for one picture has, without the batch."""

_FEEDING: dict[Family, dict[str, Any]] = {
    "yolox": {"channel_order": "bgr", "scale": 1.0, "resize": "letterbox-corner"},
    "detr": {"resize": "stretch"},
    "nanodet": {
        "channel_order": "bgr",
        "scale": 1.0,
        "mean": (103.53, 116.28, 123.675),
        "std": (57.375, 57.12, 58.395),
        "pad": 0,
    },
    "fastestdet": {"channel_order": "bgr", "resize": "stretch"},
}
_NANODET_SIDES = 4 * NANODET_BINS
_WITHOUT_NMS = ("end-to-end", "end-to-end-7", "detr")


def default_feeding(family: Family) -> dict[str, Any]:
    """Fields of `Feeding` in which a family differs from the defaults; size and dtype are the file's."""
    return dict(_FEEDING.get(family, {}))


def needs_nms(family: Family) -> bool:
    """Whether the network leaves several boxes on one animal."""
    return family not in _WITHOUT_NMS


def fits(family: Family, shapes: Sequence[Shape], frame: Frame | None, classes: int | None) -> bool:
    """Whether a family's outputs can have these shapes.

    Args:
        family: One of `FAMILIES`.
        shapes: Of all outputs, with or without a batch dimension; an empty one is unknown.
        frame: Size of the network's input, if known.
        classes: Number of classes, if known.
    """
    if any(not shape for shape in shapes):
        return True
    return _CHECKS[family](shapes, frame, classes)


def families_fitting(
    shapes: Sequence[Shape], frame: Frame | None = None, classes: int | None = None
) -> tuple[Family, ...]:
    """The families whose outputs can have these shapes. Several is normal: a shape does not name a family."""
    return tuple(family for family in _CHECKS if fits(family, shapes, frame, classes))


def _single(shape: Shape, rank: int) -> Shape | None:
    """The shape without its batch dimension, if it has `rank` others."""
    if len(shape) == rank + 1:
        return shape[1:]
    return shape if len(shape) == rank else None


def _alike(length: int | None, expected: int | None) -> bool:
    return length is None or expected is None or length == expected


def _yolov8(shapes: Sequence[Shape], _frame: Frame | None, classes: int | None) -> bool:
    shape = _single(shapes[0], 2)
    if shape is None or len(shapes) > 1:
        return False
    rows, boxes = shape
    if classes is not None:
        return _alike(rows, 4 + classes)
    return rows is None or boxes is None or 4 < rows < boxes  # noqa: PLR2004 - a box and at least one class


def _rows_of(columns: int) -> Callable[[Sequence[Shape], Frame | None, int | None], bool]:
    def check(shapes: Sequence[Shape], _frame: Frame | None, _classes: int | None) -> bool:
        shape = _single(shapes[0], 2)
        return shape is not None and len(shapes) == 1 and shape[1] == columns

    return check


def _objects(shapes: Sequence[Shape], _frame: Frame | None, classes: int | None) -> bool:
    # some exports give the maps of each stride besides: (1, anchors, rows, columns, 5+C)
    shape = _single(shapes[0], 2)
    if shape is None or any(len(other) != 5 for other in shapes[1:]):  # noqa: PLR2004
        return False
    rows, columns = shape
    if classes is not None:
        return _alike(columns, 5 + classes)
    return columns is None or (columns > 5 and (rows is None or columns < rows))  # noqa: PLR2004


def _objects_on_grid(rows_per_cell: int) -> Callable[[Sequence[Shape], Frame | None, int | None], bool]:
    def check(shapes: Sequence[Shape], frame: Frame | None, classes: int | None) -> bool:
        if not _objects(shapes, frame, classes):
            return False
        rows = shapes[0][-2]
        return frame is None or _alike(rows, rows_per_cell * cells(frame))

    return check


def _detr(shapes: Sequence[Shape], _frame: Frame | None, _classes: int | None) -> bool:
    ranks = sorted(len(shape) for shape in shapes)
    if ranks not in ([2, 2, 3], [1, 1, 2]):
        return False
    return _alike(max(shapes, key=len)[-1], 4)


def _nanodet(shapes: Sequence[Shape], frame: Frame | None, classes: int | None) -> bool:
    inner = [single for shape in shapes if (single := _single(shape, 2))]
    if len(inner) < len(shapes):
        return False
    if len(inner) == 1:
        rows, columns = inner[0]
        on_grid = frame is None or _alike(rows, cells(frame, NANODET_PLUS_STRIDES))
        if classes is not None:
            return on_grid and _alike(columns, classes + _NANODET_SIDES)
        return on_grid and (columns is None or _NANODET_SIDES < columns < (rows or columns + 1))
    if any(columns is None for _, columns in inner):
        return False
    sides = [shape for shape in inner if shape[1] == _NANODET_SIDES]
    scores = [shape for shape in inner if shape[1] != _NANODET_SIDES]
    if not scores and classes in {None, _NANODET_SIDES}:  # as many classes as there are bins
        return len(sides) % 2 == 0
    same = all(_alike(shape[1], classes or scores[0][1]) for shape in scores)
    return same and len(sides) == len(scores)


def _fastestdet(shapes: Sequence[Shape], _frame: Frame | None, classes: int | None) -> bool:
    shape = _single(shapes[0], 3)
    if shape is None or len(shapes) > 1:
        return False
    return _alike(shape[0], None if classes is None else 5 + classes) and (shape[0] or 6) > 5  # noqa: PLR2004


_CHECKS: dict[Family, Callable[[Sequence[Shape], Frame | None, int | None], bool]] = {
    "yolov8": _yolov8,
    "end-to-end": _rows_of(6),
    "end-to-end-7": _rows_of(7),
    "yolov5": _objects,
    "yolov5-raw": _objects_on_grid(3),
    "yolox": _objects_on_grid(1),
    "detr": _detr,
    "nanodet": _nanodet,
    "fastestdet": _fastestdet,
}
