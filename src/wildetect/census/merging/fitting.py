"""How many boxes agree where photographs are placed in another way, and single ones that are turned.

Boxes of two photographs agree where they fit on one vector between them, as in `shifts`: errors of positions
do not matter, and boxes that agree by chance do in every way of placing them alike.
A photograph that a picture viewer has turned by quarters fits its neighbours when it is turned back.
"""

from __future__ import annotations

import cmath
import copy
import math
from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from wildetect.census.counting.shifts import agreed
from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.ground.photographs import Views
from wildetect.census.ground.views import View

__all__ = ["Agreeing", "Fit", "Turned", "cameras_of", "turned_photographs"]

_QUARTERS = (90, 180, 270)
_ROUNDS = 12
_TIMES, _LEAST = 1.4, 4  # times, and boxes by which a turn must fit better
_BETTER, _FOR_MORE, _AT_MOST = 1.7, 0.3, 3.5  # standard deviations: of few photographs, for e times as many
_FEW = 18  # photographs
_MOST_BOXES = 20_000  # in photographs that are turned by themselves


class Agreeing(NamedTuple):
    """Boxes of two photographs each that agree on one vector.

    Attributes:
        one: Rows of Views.views, shape (n,).
        other: The same, shape (n,).
        number: Number of boxes of the one that agree with those of the other, shape (n,).
    """

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    number: NDArray[np.float64]


class Fit:
    """Counts boxes that agree.

    Args:
        boxes: Those to be looked at.
        cameras: Where the views were taken from, east + i north in m.
        tolerance: Tolerance in m.
    """

    def __init__(self, boxes: GroundBoxes, cameras: NDArray[np.complex128], tolerance: float) -> None:
        self.view, self.tolerance, self.views = boxes.view, tolerance, len(cameras)
        self._from_camera = boxes.centre @ (1, 1j) - cameras[boxes.view]
        self.cameras = cameras
        self.factor = np.ones(len(cameras), np.complex128)  # by which each photograph is turned

    @property
    def boxes(self) -> int:
        """How many are looked at."""
        return len(self.view)

    def placed(
        self,
        cameras: NDArray[np.complex128] | None = None,
        factor: NDArray[np.complex128] | None = None,
        tolerance: float | None = None,
    ) -> Self:
        """The same photographs, taken from elsewhere, turned, or held against another tolerance."""
        found = copy.copy(self)
        found.cameras = self.cameras if cameras is None else cameras
        found.factor = self.factor.copy() if factor is None else factor
        found.tolerance = self.tolerance if tolerance is None else tolerance
        return found

    def places(self, factor: NDArray[np.complex128]) -> NDArray[np.float64]:
        """Place all boxes in m, each photograph turned and scaled about its camera; shape (n, 2)."""
        found = self.cameras[self.view] + self._from_camera * factor[self.view]
        return np.column_stack([found.real, found.imag])

    def of_views(self, more: complex, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """For each view how many of these boxes agree if it alone is turned, shape (views,)."""
        found = self._counted(self.places(self.factor * more), self.places(self.factor), rows)
        return np.asarray(np.bincount(found.one, found.number, self.views), np.float64)

    def pairs(self, factor: complex = 1) -> Agreeing:
        """Boxes of each two photographs, both ways, that agree if all are turned and scaled alike."""
        places = self.places(self.factor * factor)
        return self._counted(places, places, np.arange(len(places)))

    def of_all(self, factor: complex = 1) -> float:
        """How many boxes agree if all views are turned and scaled alike."""
        return float(self.pairs(factor).number.sum()) / 2

    def _counted(
        self, these: NDArray[np.float64], others: NDArray[np.float64], rows: NDArray[np.intp]
    ) -> Agreeing:
        tree = cKDTree(these[rows])
        near = tree.sparse_distance_matrix(cKDTree(others), self.tolerance, output_type="ndarray")
        one, other = rows[near["i"]], near["j"]
        apart = self.view[one] != self.view[other]
        one, other = one[apart], other[apart]
        if not len(one):
            none = np.zeros(0, np.int64)
            return Agreeing(none, none, np.zeros(0))
        keys, group = np.unique(self.view[one] * self.views + self.view[other], return_inverse=True)
        _, number = agreed(group, these[one] - others[other], len(keys), self.tolerance)
        # one box that agrees with one of another photograph may be chance
        sure = np.where(number > 1, number, 0.0)
        return Agreeing(keys // self.views, keys % self.views, sure)


def cameras_of(views: Views) -> NDArray[np.complex128]:
    """Where the views were taken from, east + i north in m; shape (views,)."""
    return np.array([complex(view.x, view.y) for view in views.views], np.complex128)


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
        views: Views that they were seen from.
        tolerance: Within which boxes are joined, in m.
        rates: Partner rates of the photographs, shape (views,): in a large survey the lowest are looked at.
    """
    rows = _suspects(boxes, rates)
    if not len(rows):
        return []
    fit = Fit(boxes, cameras_of(views), tolerance)
    least = _least_better(len(views.views))
    total: dict[int, int] = {}
    first = fit.of_views(1, rows)
    after = first
    for _ in range(_ROUNDS):
        here = fit.of_views(1, rows)
        gains = []
        for quarter in _QUARTERS:
            there = fit.of_views(cmath.rect(1, -math.radians(quarter)), rows)
            better = (there - here) / np.sqrt(there + here + 1)
            enough = (there >= _TIMES * here) & (there - here >= _LEAST) & (better >= least)
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


def _least_better(views: int) -> float:
    """Standard deviations by which a turn must fit better: of so many photographs none does so by chance.

    Args:
        views: How many photographs there are.
    """
    return min(_AT_MOST, _BETTER + _FOR_MORE * math.log(max(views / _FEW, 1.0)))


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
