"""Places where an animal should have been seen in a second photograph, and no box is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wildetect.census.counting.animals import Animals
from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.ground.photographs import Views
from wildetect.census.ground.views import View
from wildetect.census.merging.overlaps import animal_of
from wildetect.census.merging.partners import MergingCheck

__all__ = ["EmptyPlace", "empty_places"]

_SURE = 1.0  # m: how well a place is known in a photograph that shares animals with the other


class EmptyPlace(NamedTuple):
    """A box, and where the photograph that should show its animal, too, has none.

    Attributes:
        row: Row of GroundBoxes.
        view: The other photograph, a row of Views.views.
        xyxy: Where the animal should be in it, in px.
        metres: How far off that may be.
        seconds: Between the exposures; nan where the photographs do not tell.
    """

    row: int
    view: int
    xyxy: tuple[float, float, float, float]
    metres: float
    seconds: float


def empty_places(
    check: MergingCheck, boxes: GroundBoxes, animals: Animals, views: Views
) -> Iterator[EmptyPlace]:
    """Find them: those of the photographs that miss most partners first, the surest box of each two first.

    Photographs whose positions are off by some metres show the place elsewhere: by as much as the animals
    that both show lie apart on the mean.

    Args:
        check: What the overlaps say.
        boxes: All that count.
        animals: Made of them.
        views: Views that they were seen from; places in rasters are left out.
    """
    pairs, count = check.pairs, len(views.views)
    row, view = check.near.alone, check.near.not_in
    here = boxes.view[row]
    key = np.minimum(here, view) * count + np.maximum(here, view)
    pair = np.searchsorted(pairs.one * count + pairs.other, key)
    missing = (pairs.expected - pairs.joined)[pair]
    animal = animal_of(animals, len(boxes))
    for number in np.lexsort((row, -boxes.confidence[row], pair, -missing)).tolist():
        there = views.views[int(view[number])]
        if not isinstance(there, View):
            continue
        one = int(row[number])
        shift = _shift(boxes, animal, int(here[number]), int(view[number]))
        corners = there.to_picture(boxes.corners[one] + (0.0 if shift is None else shift))
        (x_min, y_min), (x_max, y_max) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        yield EmptyPlace(
            one,
            int(view[number]),
            (x_min, y_min, x_max, y_max),
            check.margin if shift is None else min(_SURE, check.margin),
            float(pairs.seconds[pair[number]]),
        )


def _shift(
    boxes: GroundBoxes, animal: NDArray[np.int64], here: int, there: int
) -> NDArray[np.float64] | None:
    """From places in the one photograph to those in the other, by their common animals; null without any."""
    rows = [np.flatnonzero(boxes.view == view) for view in (here, there)]
    _, one, other = np.intersect1d(animal[rows[0]], animal[rows[1]], return_indices=True)
    if not len(one):
        return None
    return np.asarray((boxes.centre[rows[1][other]] - boxes.centre[rows[0][one]]).mean(axis=0))
