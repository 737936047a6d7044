"""Tables with one row a box, whose columns come in several orders.

Published orders: Ultralytics and YOLOv10 (x1 y1 x2 y2 score class), PaddleDetection (class score x1 y1 x2
y2), YOLOv7's end2end export (batch x1 y1 x2 y2 class score), SuperGradients' flat format of YOLO-NAS (batch
x1 y1 x2 y2 score class), tables behind ONNX's NonMaxSuppression (batch class score x1 y1 x2 y2). Boxes are
corners or centres, in px of the network's input or in fractions of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wildetect.detection.families.family import Array, Frame, Reading
from wildetect.detection.families.shapes import around, in_classes, probabilities
from wildetect.detections import Detections
from wildetect.settings.registration import CENTRES, CORNERS, BoxUnit, Column
from wildetect.wording import commas

__all__ = ["MOST_ODD", "Layout", "layouts", "misfit", "read_rows", "real_rows", "xyxy_of"]

Floats = NDArray[np.float32]

_SHARE = 0.02  # of the rows may be odd: int8 networks turn a faint box inside out
MOST_ODD = 0.5  # of few rows one may be odd, and faint boxes of some networks lie anywhere
_ANY = 2**31
_BEYOND = 0.5  # of the picture's side; boxes of animals at the border reach out a little
_FRACTION_UP_TO = 2.0  # boxes in fractions reach a little beyond the picture
_PX_FROM = 1.0  # no box of an animal lies within the first px of a picture


class Layout(NamedTuple):
    """How a table's rows are to be read."""

    columns: tuple[Column, ...]
    box_unit: BoxUnit = "px"

    def __str__(self) -> str:
        """Give the words of the settings."""
        return f"columns: [{commas(self.columns)}], box_unit: {self.box_unit}"


_SCORE: Column = "score"
_CLASS: Column = "class"


def layouts(columns: int) -> list[Layout]:
    """All orders of tables with 6 or 7 columns, the most usual first."""
    numbers: list[Column] = ["batch"] if columns == 7 else []  # noqa: PLR2004 - the picture's number comes first
    found: list[Layout] = []
    for box in (CORNERS, CENTRES):
        for order in (
            (*box, _SCORE, _CLASS),
            (_CLASS, _SCORE, *box),
            (*box, _CLASS, _SCORE),
            (_SCORE, _CLASS, *box),
        ):
            found += [Layout((*numbers, *order), "px"), Layout((*numbers, *order), "fraction")]
    return found


def real_rows(rows: Array) -> Floats:
    """Leave out rows that only fill the table up: all zeros, all -1, or no box of any size."""
    rows = rows.astype(np.float32)
    filled = [(rows[:, first:] == rows[:, first : first + 1]).all(axis=1) for first in (0, 1)]
    # exports with NMS in the graph keep class 0 or -1 and a score of 0 beside an empty box
    filled.append((np.abs(rows) <= 1).all(axis=1) & ((rows == 0) | (rows == -1)).all(axis=1))
    kept: Floats = rows[~np.any(filled, axis=0)]
    return kept


def xyxy_of(rows: Array, layout: Layout, frame: Frame) -> Floats:
    """Give the boxes of rows as xyxy in px of the network's input."""
    corners = "x1" in layout.columns
    where = [layout.columns.index(word) for word in (CORNERS if corners else CENTRES)]
    boxes = rows[:, where].astype(np.float32)
    if layout.box_unit == "fraction":
        boxes = boxes * np.array([*frame, *frame], dtype=np.float32)
    return boxes if corners else around(boxes)


def misfit(rows: Array, layout: Layout, reading: Reading, share: float = _SHARE) -> str | None:
    """Say why rows cannot be of a layout, for a person; None if they can.

    Args:
        rows: Without those that only fill the table up, shape (n, columns).
        layout: Layout as supposed.
        reading: Size of the network's input, and number of classes.
        share: Share of the rows whose box may be odd.
    """
    if not len(rows):
        return None
    columns = layout.columns
    if "batch" in columns and np.any(rows[:, 0] != np.round(rows[:, 0])):
        return "the batch column holds fractions"
    score, class_id = rows[:, columns.index("score")], rows[:, columns.index("class")]
    return (
        probabilities(score, f"scores (column {columns.index('score') + 1})")
        or in_classes(class_id, reading)
        or _box_misfit(rows, layout, reading.frame, share)
    )


def _box_misfit(rows: Array, layout: Layout, frame: Frame, share: float) -> str | None:
    box = CORNERS if "x1" in layout.columns else CENTRES
    largest = float(np.abs(rows[:, [layout.columns.index(word) for word in box]]).max())
    if layout.box_unit == "px" and largest <= _PX_FROM:
        return f"no box coordinate is above {largest:.3g}: they are fractions of the picture, not px"
    if layout.box_unit == "fraction" and largest > _FRACTION_UP_TO:
        return f"box coordinates reach {largest:.4g}: they are px, not fractions of the picture"
    xyxy = xyxy_of(rows, layout, frame)
    most = share * len(rows)
    if (xyxy[:, 2:] < xyxy[:, :2]).any(axis=1).sum() > most:
        odd = "their right or lower edge before the left or upper" if box == CORNERS else "a negative size"
        return f"some boxes have {odd}: they are not {' '.join(box)}"
    if share >= MOST_ODD:
        return None
    # a box may lie anywhere; but where layouts are compared, the right one has them in the picture
    size = np.array([*frame, *frame], dtype=np.float32)
    outside = (xyxy < -_BEYOND * size) | (xyxy > (1 + _BEYOND) * size)
    if outside.any(axis=1).sum() > most:
        return "some boxes lie far outside the picture"
    return None


def read_rows(rows: Array, own: Sequence[Column], reading: Reading, confidence: float) -> Detections:
    """Read the rows of at least this confidence.

    Args:
        rows: Shape (n, columns).
        own: The family's own order, where the reading has none.
        reading: How the table is laid out, and the size of the network's input.
        confidence: Lowest to read.

    Raises:
        ValueError: The layout cannot be right: its boxes, scores or classes are impossible.
    """
    layout = Layout(reading.columns or tuple(own), reading.box_unit or "px")
    score, class_id = layout.columns.index("score"), layout.columns.index("class")
    kept = rows[rows[:, score] >= confidence]
    # classes without a name are the detector's to report: it says what to do
    if problem := misfit(kept, layout, replace(reading, classes=_ANY), MOST_ODD):
        raise ValueError(f"{problem} ({layout})")
    return Detections(xyxy_of(kept, layout, reading.frame), kept[:, score], kept[:, class_id])
