"""Which boxes lie on ground that another photograph shows, too, and whether they have a partner there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from wildetect.census.counting.animals import Animals
from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.ground.headings import flight_order
from wildetect.census.ground.photographs import Views

__all__ = ["Expected", "PhotographPairs", "along_one_line", "animal_of", "expected_partners", "pairs_of"]

_MOST_MARGIN = 0.2  # of a photograph's shorter side on the ground: more would leave no middle of it
_STRAIGHT = 1.15  # way flown between two photographs of one line / the distance between them


class Expected(NamedTuple):
    """Boxes that lie well inside of another photograph, where it should have a box, too.

    Attributes:
        box: Rows of GroundBoxes, shape (n,).
        view: The other photograph of each, a row of Views.views, shape (n,).
        joined: Whether it was joined to a box of that photograph, shape (n,).
    """

    box: NDArray[np.int64]
    view: NDArray[np.int64]
    joined: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.box)


class PhotographPairs(NamedTuple):
    """Two photographs each that show common ground with animals; columns of equal length.

    Attributes:
        one: The earlier row of Views.views.
        other: The later one.
        expected: Boxes of either that lie well inside of the other.
        joined: Those of them that were joined to a box of it.
        along: Whether both were taken on one straight line of flight.
        seconds: Between the exposures; nan where the photographs do not tell.
        number: Pair to which each row of Expected belongs, shape (rows of Expected,).
    """

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    expected: NDArray[np.int64]
    joined: NDArray[np.int64]
    along: NDArray[np.bool_]
    seconds: NDArray[np.float64]
    number: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.one)


def expected_partners(boxes: GroundBoxes, animals: Animals, views: Views, margin: float) -> Expected:
    """Find the boxes that lie well inside of other photographs.

    Args:
        boxes: All that count.
        animals: Made of these boxes.
        views: Views that they were seen from.
        margin: How far inside in m, so that errors of places decide nothing; at most a fifth of a
            photograph's shorter side.
    """
    grounds = [_inner(shapely.Polygon(view.footprint), margin) for view in views.views]
    tree = shapely.STRtree(shapely.points(boxes.centre))
    view, box = tree.query(np.array(grounds, object), predicate="contains")
    other = view != boxes.view[box]
    view, box = view[other].astype(np.int64), box[other].astype(np.int64)
    order = np.lexsort((view, box))
    view, box = view[order], box[order]
    animal = animal_of(animals, len(boxes))
    number = len(views.views)
    seen = np.unique(animal * number + boxes.view)
    return Expected(box, view, np.isin(animal[box] * number + view, seen))


def animal_of(animals: Animals, boxes: int) -> NDArray[np.int64]:
    """The animal of each box, shape (boxes,)."""
    found = np.zeros(boxes, np.int64)
    for number, rows in enumerate(animals.members):
        found[rows] = number
    return found


def pairs_of(expected: Expected, boxes: GroundBoxes, views: Views) -> PhotographPairs:
    """Sum up over each two photographs."""
    count = len(views.views)
    here = boxes.view[expected.box]
    one, other = np.minimum(here, expected.view), np.maximum(here, expected.view)
    keys, number = np.unique(one * count + other, return_inverse=True)
    one, other = keys // max(count, 1), keys % max(count, 1)
    return PhotographPairs(
        one,
        other,
        np.bincount(number, minlength=len(keys)),
        np.bincount(number[expected.joined], minlength=len(keys)),
        along_one_line(one, other, views),
        _between([view.taken for view in views.views], one, other),
        number.astype(np.int64),
    )


def _inner(ground: shapely.Polygon, margin: float) -> shapely.Geometry:
    """The part of a photograph's ground that is farther than the margin from its edge."""
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(ground))
    shorter = float(np.hypot(*np.diff(corners[:3], axis=0).T).min()) if len(corners) > 2 else 0.0  # noqa: PLR2004
    return shapely.buffer(ground, -min(margin, _MOST_MARGIN * shorter))


def along_one_line(one: NDArray[np.int64], other: NDArray[np.int64], views: Views) -> NDArray[np.bool_]:
    """Whether the drone flew straight from the one photograph to the other.

    Args:
        one: Rows of Views.views, shape (n,).
        other: The same.
        views: All of them.

    Returns:
        Shape (n,).
    """
    order = np.array(flight_order([(view.file, view.taken) for view in views.views]), np.int64)
    track = np.array([(view.x, view.y) for view in views.views], np.float64).reshape(-1, 2)
    flown = np.zeros(len(order))
    flown[order[1:]] = np.cumsum(np.hypot(*np.diff(track[order], axis=0).T))
    way = np.abs(flown[one] - flown[other])
    return np.asarray(way <= _STRAIGHT * np.hypot(*(track[one] - track[other]).T) + 1.0)


def _between(
    taken: Sequence[datetime | None], one: NDArray[np.int64], other: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Seconds between the exposures of each pair; nan where one is not known."""
    first = next((moment for moment in taken if moment is not None), None)
    seconds = np.array(
        [np.nan if moment is None or first is None else (moment - first).total_seconds() for moment in taken]
    )
    return np.asarray(np.abs(seconds[one] - seconds[other])) if len(seconds) else np.zeros(0)
