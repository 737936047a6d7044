"""Which detection a verdict is about: by its id, and by its place where the id is gone.

A new detection run, with a better model or another threshold, places other boxes. What a person said of
a box holds for the box of the new run that covers the same place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wildetect.geometry import iou
from wildetect.results.ids import BoxCorners

__all__ = ["LEAST_IOU", "find_again"]

LEAST_IOU = 0.5
"""Intersection over union from which two boxes show the same thing."""


def find_again(
    boxes: Sequence[BoxCorners], among: Sequence[BoxCorners], least_iou: float = LEAST_IOU
) -> list[int | None]:
    """Match boxes with those of another run of the same image, best pairs first, each once.

    Args:
        boxes: In px.
        among: In px, of the same image.
        least_iou: Intersection over union from which two boxes are the same.

    Returns:
        For each of `boxes` the index in `among`; None where nothing lies there.
    """
    found: list[int | None] = [None] * len(boxes)
    if not boxes or not among:
        return found
    shares = iou(np.asarray(boxes, np.float64), np.asarray(among, np.float64))
    taken: set[int] = set()
    # stable: of equal shares the first box is served first
    for flat in np.argsort(-shares, axis=None, kind="stable").tolist():
        one, other = divmod(flat, len(among))
        if shares[one, other] < least_iou:
            break
        if found[one] is None and other not in taken:
            found[one] = other
            taken.add(other)
    return found
