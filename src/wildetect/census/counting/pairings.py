"""Pairs of boxes that may be one animal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from wildetect.census.ground.boxes import GroundBoxes
from wildetect.errors import InputError

__all__ = ["PairFinder", "Pairs"]

_AT_ONCE = 4_000  # boxes whose pairs are held in memory: herds of thousands in one place have millions

_MOST_THERE = 500  # photographs that lie on one another: at 90% overlap ahead and 80% aside it is 40


class Pairs(NamedTuple):
    """Pairs of boxes, seen in different photographs; the first box is of the earlier one.

    Attributes:
        one: Rows of GroundBoxes, shape (n,).
        other: Rows of GroundBoxes, shape (n,).
    """

    one: NDArray[np.int64]
    other: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.one)

    @classmethod
    def joined(cls, parts: Iterable[Pairs]) -> Pairs:
        """All of them."""
        none = np.zeros(0, np.int64)
        return cls(*(np.concatenate(columns) for columns in zip((none, none), *parts, strict=True)))

    def select(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> Pairs:
        """Those where a mask of shape (n,) is true, or at the given places."""
        return Pairs(self.one[which], self.other[which])

    def metres(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far apart each pair is, with these places of all boxes in m; shape (n,)."""
        return np.asarray(np.hypot(*(places[self.one] - places[self.other]).T))


class PairFinder:
    """Finds boxes of whatever class that lie near each other in photographs with common ground.

    Args:
        boxes: All of them.
        footprints: Footprints of all photographs, polygons in m, each of shape (k, 2).

    Raises:
        InputError: Hundreds of photographs lie on each other.
    """

    def __init__(self, boxes: GroundBoxes, footprints: Sequence[NDArray[np.float64]]) -> None:
        self._boxes, self.views = boxes, len(footprints)
        ground = np.array([shapely.Polygon(footprint) for footprint in footprints], object)
        _refuse_crowds(ground)
        one, other = shapely.STRtree(ground).query(ground, predicate="intersects")
        self._common = np.unique((one * self.views + other)[one < other])

    def near(self, places: NDArray[np.float64], metres: float) -> Iterator[Pairs]:
        """All pairs no farther apart than `metres`, in parts: those of two photographs in one part.

        Args:
            places: Places of the boxes in m, shape (n, 2).
            metres: The distance.
        """
        view = self._boxes.view
        tree = cKDTree(places)
        order = np.argsort(view, kind="stable")
        in_order = view[order]
        start = 0
        while start < len(order):
            end = min(start + _AT_ONCE, len(order))
            end = int(np.searchsorted(in_order, in_order[end - 1], side="right"))
            rows = order[start:end]
            found = cKDTree(places[rows]).sparse_distance_matrix(tree, metres, output_type="ndarray")
            one, other = rows[found["i"]], found["j"]
            kept = self._with_common_ground(view[one], view[other])
            yield Pairs(one[kept], other[kept])
            start = end

    def nearest(self, pairs: Pairs, places: NDArray[np.float64]) -> Pairs:
        """Pairs of which each box is the nearest that the other's photograph offers, with these places."""
        view = self._boxes.view
        in_order = pairs.select(np.argsort(pairs.metres(places), kind="stable"))
        first = _first_of_each(in_order.one * self.views + view[in_order.other])
        first &= _first_of_each(in_order.other * self.views + view[in_order.one])
        return in_order.select(first)

    def of_views(self, pairs: Pairs) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """A number from 0 for the two photographs of each pair, and both photographs of each number."""
        view = self._boxes.view
        keys, number = np.unique(view[pairs.one] * self.views + view[pairs.other], return_inverse=True)
        return number, keys // self.views, keys % self.views

    def _with_common_ground(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.bool_]:
        if not len(self._common):
            return np.zeros(len(one), bool)
        keys = one * self.views + other
        places = np.searchsorted(self._common, keys).clip(max=len(self._common) - 1)
        return np.asarray(self._common[places] == keys)


def _refuse_crowds(ground: NDArray[np.object_]) -> None:
    """Photographs that all state one position would be compared each with each, for nothing."""
    if len(ground) <= _MOST_THERE:
        return
    middles = cKDTree(shapely.get_coordinates(shapely.centroid(ground)))
    side = float(np.median(np.sqrt(shapely.area(ground))))
    there = middles.count_neighbors(middles, side / 2) / len(ground)
    if there > _MOST_THERE:
        raise InputError(
            f"{there:,.0f} photographs lie within half a photograph of each other: their positions cannot be "
            "right",
            hint="Do they all state one position? Name a CSV file with the true ones as "
            "detection.exif_gps_update.csv_path, and remove the GPS tags.",
        )


def _first_of_each(key: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each is the first with its key."""
    first = np.zeros(len(key), bool)
    first[np.unique(key, return_index=True)[1]] = True
    return first
