"""Which detection a verdict is about: by its id, and by its place where the id is gone.

A new detection run, with a better model or another threshold, places other boxes. What a person said of
a box holds for the box of the new run that covers the same place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from wildetect.geometry import same_boxes
from wildetect.results.ids import BoxCorners

__all__ = ["farthest", "find_again", "ids_now"]


def farthest(one: BoxCorners, other: BoxCorners) -> float:
    """The largest step between an edge of a box and that of another, in their unit."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def find_again(boxes: Sequence[BoxCorners], among: Sequence[BoxCorners]) -> list[int | None]:
    """Match boxes with those of another run of the same image, by the rule of `same_boxes`.

    Args:
        boxes: Boxes in px.
        among: Boxes in px, of the same image.

    Returns:
        For each of `boxes` the index in `among`; None where nothing lies there.
    """
    found: list[int | None] = [None] * len(boxes)
    if not boxes or not among:
        return found
    for one, other in same_boxes(np.asarray(boxes, np.float64), np.asarray(among, np.float64)):
        found[one] = other
    return found


def ids_now(places: Mapping[str, BoxCorners], here: Mapping[str, BoxCorners]) -> dict[str, str]:
    """For ids that a run does not know, the detection at the same place, where there is one.

    A detection that is named itself is taken already.

    Args:
        places: Where each id lay, in px, of one image.
        here: Where the detections of the run lie in that image, by id.
    """
    gone = [key for key in places if key not in here]
    free = [key for key in here if key not in places]
    found = find_again([places[key] for key in gone], [here[key] for key in free])
    return {then: free[index] for then, index in zip(gone, found, strict=True) if index is not None}
