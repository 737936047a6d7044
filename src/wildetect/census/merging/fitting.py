"""How many boxes of photographs agree where the photographs are placed or turned in another way.

Boxes of two photographs agree where they fit on one vector between them, as in `shifts`: errors of positions
do not matter, and boxes that agree by chance do in every way of placing them alike.
"""

from __future__ import annotations

import copy
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from wildetect.census.counting.shifts import agreed
from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.ground.photographs import Views

__all__ = ["Agreeing", "Fit", "cameras_of"]


class Agreeing(NamedTuple):
    """Boxes of two photographs each that agree on one vector.

    Attributes:
        one: Rows of Views.views, shape (n,).
        other: The same, shape (n,).
        number: Of boxes of the one that agree with those of the other, shape (n,).
    """

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    number: NDArray[np.float64]


class Fit:
    """Counts boxes that agree.

    Args:
        boxes: Those to be looked at.
        cameras: Where the views were taken from, east + i north in m.
        tolerance: In m.
    """

    def __init__(self, boxes: GroundBoxes, cameras: NDArray[np.complex128], tolerance: float) -> None:
        self.view, self.tolerance, self.views = boxes.view, tolerance, len(cameras)
        self._from_camera = boxes.centre @ (1, 1j) - cameras[boxes.view]
        self.cameras = cameras
        self.factor = np.ones(len(cameras), np.complex128)  # by which each photograph is turned

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
        """Of all boxes in m, each photograph turned and scaled about its camera; shape (n, 2)."""
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
