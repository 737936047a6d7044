"""Photographs that fit their neighbours when they are turned by quarters, as a picture viewer turns them."""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.ground.photographs import View, Views
from wildetect.census.merging.fitting import Fit, cameras_of

__all__ = ["Turned", "turned_photographs"]

_QUARTERS = (90, 180, 270)
_ROUNDS = 12
_BETTER, _TIMES, _LEAST = 3.5, 1.4, 6  # standard deviations, times, and boxes by which a turn must fit better
_MOST_BOXES = 20_000  # in photographs that are turned by themselves


class Turned(NamedTuple):
    """A photograph that fits its neighbours when it is turned.

    Attributes:
        view: Its row of Views.views.
        degrees: Clockwise: 90, 180 or 270.
        before: Its boxes that agree with those of its neighbours.
        after: Those that agree once it is turned.
    """

    view: int
    degrees: int
    before: int
    after: int


def turned_photographs(
    boxes: GroundBoxes, views: Views, tolerance: float, rates: NDArray[np.float64]
) -> list[Turned]:
    """Find photographs that fit their neighbours far better when they are turned by quarters.

    The one that gains most is turned first, as a wrong photograph spoils its neighbours, too.

    Args:
        boxes: All that count.
        views: That they were seen from.
        tolerance: Within which boxes are joined, in m.
        rates: Partner rates of the photographs, shape (views,): in a large survey the lowest are looked at.
    """
    rows = _suspects(boxes, rates)
    if not len(rows):
        return []
    fit = Fit(boxes, cameras_of(views), tolerance)
    total: dict[int, int] = {}
    first = fit.of_views(1, rows)
    after = first
    for _ in range(_ROUNDS):
        here = fit.of_views(1, rows)
        gains = []
        for quarter in _QUARTERS:
            there = fit.of_views(cmath.rect(1, -math.radians(quarter)), rows)
            better = (there - here) / np.sqrt(there + here + 1)
            enough = (there >= _TIMES * here) & (there - here >= _LEAST) & (better >= _BETTER)
            gains.append(np.where(enough, better, 0.0))
        best = np.max(gains, axis=0)
        chosen = list(_apart(best, views, tolerance))
        after = here
        if not chosen:
            break
        for row in chosen:
            quarter = _QUARTERS[int(np.argmax([gain[row] for gain in gains]))]
            total[row] = (total.get(row, 0) + quarter) % 360
            fit.factor[row] *= cmath.rect(1, -math.radians(quarter))
    found = [Turned(row, by, int(first[row]), int(after[row])) for row, by in sorted(total.items()) if by]
    return found if len(found) <= len(views.views) / 2 else []


def _apart(gain: NDArray[np.float64], views: Views, tolerance: float) -> Iterator[int]:
    """Views with a gain, of neighbours only the one that gains most."""
    taken: list[View] = []
    for row in np.argsort(-gain, kind="stable").tolist():
        if gain[row] <= 0:
            return
        view = views.views[row]
        if not isinstance(view, View):
            continue
        reach = float(np.hypot(*np.ptp(view.footprint, axis=0))) + tolerance
        if all(math.hypot(view.x - other.x, view.y - other.y) > reach for other in taken):
            taken.append(view)
            yield row


def _suspects(boxes: GroundBoxes, rates: NDArray[np.float64]) -> NDArray[np.intp]:
    """Rows of the boxes in the photographs with the lowest rates, as many as are looked at."""
    order = np.argsort(rates, kind="stable")
    counts = np.cumsum(np.bincount(boxes.view, minlength=len(rates))[order])
    return np.flatnonzero(np.isin(boxes.view, order[counts <= _MOST_BOXES]))
