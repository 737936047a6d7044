"""Turns that make photographs fit together: single ones by quarters, all of them by one angle or scale.

A photograph that a picture viewer has turned fits its neighbours when it is turned back; a camera that was
mounted across, or a compass that is off, fits when all photographs are turned alike. How well they fit is how
many boxes of two photographs agree on one vector between them, as in `shifts`: errors of positions do not
matter, and boxes that agree by chance do in every turn alike.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from wildetect.census.counting.shifts import agreed
from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.ground.photographs import View, Views

__all__ = ["AllTurned", "Turned", "all_turned", "turned_photographs"]

_QUARTERS = (90, 180, 270)
_ROUNDS = 12
_BETTER, _TIMES, _LEAST = 3.5, 1.4, 6  # standard deviations, times, and boxes by which a turn must fit better
_MOST_BOXES = 20_000  # in photographs that are turned by themselves
_ENOUGH_BOXES = 4_000  # a part of a large survey tells what is wrong in all
_SHARE = 0.5  # of the boxes on common ground: as many must agree where one thing is wrong in all
_ANGLES = tuple(range(-175, 181, 5))
_SCALES = (0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.4)


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


class AllTurned(NamedTuple):
    """What makes all photographs fit together.

    Attributes:
        degrees: By which all are to be turned clockwise, or else the one yaw that all have; -180 to 180.
        scale: By which lengths are to be multiplied.
        fixed: Whether all have one and the same yaw, whatever the way flown.
        before: Boxes of two photographs that agree as they are.
        after: Those that agree then.
    """

    degrees: float
    scale: float
    fixed: bool
    before: int
    after: int


class _Fit:
    """How many boxes of each photograph agree with those of the others.

    Args:
        boxes: All that count.
        cameras: Where the views were taken from, east + i north in m.
        tolerance: In m.
    """

    def __init__(self, boxes: GroundBoxes, cameras: NDArray[np.complex128], tolerance: float) -> None:
        self.view, self.tolerance, self.views = boxes.view, tolerance, len(cameras)
        self._cameras = cameras[boxes.view]
        self._places = boxes.centre @ (1, 1j) - self._cameras
        self.factor = np.ones(len(cameras), np.complex128)  # by which each photograph is turned

    def places(self, factor: NDArray[np.complex128]) -> NDArray[np.float64]:
        """Of all boxes in m, each photograph turned and scaled about its camera; shape (n, 2)."""
        found = self._cameras + self._places * factor[self.view]
        return np.column_stack([found.real, found.imag])

    def of_views(self, more: complex, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """For each view how many of these boxes agree if it alone is turned, shape (views,)."""
        return self._counted(self.places(self.factor * more), self.places(self.factor), rows)

    def of_all(self, factor: complex) -> float:
        """How many boxes agree if all views are turned and scaled alike."""
        places = self.places(self.factor * factor)
        return float(self._counted(places, places, np.arange(len(places))).sum()) / 2

    def _counted(
        self, these: NDArray[np.float64], others: NDArray[np.float64], rows: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        tree = cKDTree(these[rows])
        near = tree.sparse_distance_matrix(cKDTree(others), self.tolerance, output_type="ndarray")
        one, other = rows[near["i"]], near["j"]
        apart = self.view[one] != self.view[other]
        one, other = one[apart], other[apart]
        if not len(one):
            return np.zeros(self.views)
        keys, group = np.unique(self.view[one] * self.views + self.view[other], return_inverse=True)
        _, number = agreed(group, these[one] - others[other], len(keys), self.tolerance)
        # one box that agrees with one of another photograph may be chance
        sure = np.where(number > 1, number, 0.0)
        return np.asarray(np.bincount(keys // self.views, sure, self.views), np.float64)


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
    fit = _Fit(boxes, _cameras(views), tolerance)
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


def all_turned(boxes: GroundBoxes, views: Views, tolerance: float, share: float) -> AllTurned | None:
    """Find the angle or scale with which all photographs fit together; null where none is far better.

    Args:
        boxes: All that count.
        views: That they were seen from.
        tolerance: Within which boxes are joined, in m.
        share: Pairs of boxes on common ground / boxes.
    """
    kept = _some(boxes)
    if not len(kept):
        return None
    fit = _Fit(boxes.select(kept), _cameras(views), tolerance)
    before = fit.of_all(1)
    turns = [cmath.rect(1, -math.radians(angle)) for angle in _ANGLES]
    found, after = _best(fit, [*turns, *map(complex, _SCALES)])
    fit.factor = np.array([cmath.rect(1, math.radians(view.yaw or 0.0)) for view in views.views])
    one_yaw, agreeing = _best(fit, [*turns, 1 + 0j])
    fixed = agreeing > _TIMES * after
    if fixed:
        found, after = one_yaw, agreeing
    better = (after - before) / math.sqrt(after + before + 1)
    enough = max(_TIMES * before, before + _LEAST, _SHARE * share * len(kept))
    if after < enough or better < _BETTER:
        return None
    return AllTurned(-math.degrees(cmath.phase(found)), abs(found), fixed, int(before), int(after))


def _best(fit: _Fit, candidates: Sequence[complex]) -> tuple[complex, float]:
    """The factor with which most boxes agree, and how many."""
    found = _refined(fit, max(candidates, key=fit.of_all))
    return found, fit.of_all(found)


def _refined(fit: _Fit, factor: complex) -> complex:
    """A factor near the given one with which still more agree: smaller and smaller steps of angle and scale.

    Within the tolerance many factors fit alike: a third of it tells the best of them.
    """
    whole, fit.tolerance = fit.tolerance, fit.tolerance / 3
    at = fit.of_all(factor)
    for step in (2.5, 1.0, 0.5):
        turn = cmath.rect(1, math.radians(step))
        for more in (turn, 1 / turn, complex(1 + step / 50), complex(1 - step / 50)):
            while (there := fit.of_all(factor * more)) > at:
                factor, at = factor * more, there
    fit.tolerance = whole
    return factor


def _suspects(boxes: GroundBoxes, rates: NDArray[np.float64]) -> NDArray[np.intp]:
    """Rows of the boxes in the photographs with the lowest rates, as many as are looked at."""
    order = np.argsort(rates, kind="stable")
    counts = np.cumsum(np.bincount(boxes.view, minlength=len(rates))[order])
    return np.flatnonzero(np.isin(boxes.view, order[counts <= _MOST_BOXES]))


def _some(boxes: GroundBoxes) -> NDArray[np.intp]:
    """Rows of the boxes of the first photographs, as many as are looked at."""
    counts = np.cumsum(np.bincount(boxes.view))
    last = int(np.searchsorted(counts, _ENOUGH_BOXES, side="right"))
    return np.flatnonzero(boxes.view < max(last, 1))


def _cameras(views: Views) -> NDArray[np.complex128]:
    return np.array([complex(view.x, view.y) for view in views.views], np.complex128)
