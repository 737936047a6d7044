"""Which detection a verdict is about: by its id, and by its place where the id is gone.

A new detection run, with a better model or another threshold, places other boxes. What a person said of
a box holds for the box of the new run that covers the same place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wildetect.geometry import same_boxes
from wildetect.results.ids import BoxCorners

__all__ = ["find_again"]


def find_again(boxes: Sequence[BoxCorners], among: Sequence[BoxCorners]) -> list[int | None]:
    """Match boxes with those of another run of the same image, by the rule of `same_boxes`.

    Args:
        boxes: In px.
        among: In px, of the same image.

    Returns:
        For each of `boxes` the index in `among`; None where nothing lies there.
    """
    found: list[int | None] = [None] * len(boxes)
    if not boxes or not among:
        return found
    for one, other in same_boxes(np.asarray(boxes, np.float64), np.asarray(among, np.float64)):
        found[one] = other
    return found
