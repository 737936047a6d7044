"""Pairs of boxes joined to animals, each seen once at the most in a photograph."""

from __future__ import annotations

import math
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from wildetect.census.counting.pairings import Pairs
from wildetect.census.counting.said import SaidRows
from wildetect.census.ground.boxes import GroundBoxes

__all__ = ["Joined", "join"]


class Joined(NamedTuple):
    """Boxes put together.

    Attributes:
        animal: Animal of each box, shape (n,), counted from 0 in the order of their first boxes.
        pairs: Those that joined them: one less than the boxes of each animal.
    """

    animal: NDArray[np.int64]
    pairs: Pairs


def join(
    boxes: GroundBoxes,
    places: NDArray[np.float64],
    pairs: Pairs,
    reach: float,
    said: SaidRows,
) -> Joined:
    """Join pairs, the nearest first, as long as what they join can be one animal.

    One animal has one box in a photograph at the most; the middles of two groups of boxes that are joined
    lie no farther apart than `reach`, and no two of its boxes farther than twice that: so chains of boxes do
    not glue different animals together. What people said comes first: pairs that they called one animal are
    joined however far apart they lie, and what they called two animals never is. What is joined by their
    word grows by each box within `reach` of one of its own.

    Args:
        boxes: Tell the photograph of each box.
        places: Places of the boxes in m, shape (n, 2).
        pairs: May be one animal.
        reach: Distance in m.
        said: What people said of pairs.
    """
    pairs = pairs.select(~said.of(pairs))
    # equal distances in an order that does not depend on that of the pairs
    pairs = pairs.select(np.lexsort((pairs.other, pairs.one, pairs.metres(places))))
    pairs = Pairs.joined([said.joining, pairs])
    plain = _plain(boxes, places, pairs, reach, said)
    steps = _Steps(boxes, places, reach, said)
    kept = np.concatenate([_tree(pairs, plain, len(boxes)), steps.joined(pairs, ~plain)])
    joining = pairs.select(np.sort(kept))
    animal = connected_components(_graph(joining, len(boxes)), directed=False)[1]
    first = np.unique(animal, return_index=True)[1]
    return Joined(np.argsort(np.argsort(first))[animal], joining)


def _graph(pairs: Pairs, boxes: int) -> Any:
    """Pairs as a graph whose weights are their places in the list, from 1."""
    weights = np.arange(1.0, len(pairs) + 1)
    return coo_matrix((weights, (pairs.one, pairs.other)), (boxes, boxes)).tocsr()


def _plain(
    boxes: GroundBoxes, places: NDArray[np.float64], pairs: Pairs, reach: float, said: SaidRows
) -> NDArray[np.bool_]:
    """Pairs of boxes that are all one animal, without doubt: most are, and need no steps."""
    group = connected_components(_graph(pairs, len(boxes)), directed=False)[1]
    groups = int(group.max(initial=-1)) + 1
    size = np.bincount(group, minlength=groups)
    views = np.unique(np.column_stack([group, boxes.view]), axis=0)[:, 0]
    once = np.bincount(views, minlength=groups) == size
    low, high = np.full((groups, 2), np.inf), np.full((groups, 2), -np.inf)
    np.minimum.at(low, group, places)
    np.maximum.at(high, group, places)
    once &= np.hypot(*(high - low).T) <= reach
    once[group[[row for pair in (*said.same, *said.apart) for row in pair]]] = False
    return np.asarray(once[group[pairs.one]])


def _tree(pairs: Pairs, which: NDArray[np.bool_], boxes: int) -> NDArray[np.intp]:
    """Places of those pairs that hold the groups together which all of them make, the nearest first."""
    places = np.flatnonzero(which)
    weights = minimum_spanning_tree(_graph(pairs.select(places), boxes)).data
    return np.asarray(places[weights.astype(np.intp) - 1])


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """Joins pair after pair, where groups overlap or people spoke.

    Attributes:
        boxes: Tell the photograph of each box.
        places: Places of the boxes in m, shape (n, 2).
        reach: Distance in m.
        said: What people said; its pairs that are one animal come first.
    """

    boxes: GroundBoxes
    places: NDArray[np.float64]
    reach: float
    said: SaidRows

    def joined(self, pairs: Pairs, which: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Places of those pairs that join groups which can be one animal, in their order."""
        edges = np.flatnonzero(which)
        one, other = pairs.one[edges].tolist(), pairs.other[edges].tolist()
        rows = np.unique(np.concatenate([pairs.one[edges], pairs.other[edges]]))
        xy = dict(zip(rows.tolist(), self.places[rows].tolist(), strict=True))
        views, barred = self.boxes.view[rows].tolist(), self.said.barred
        group = {
            row: _Group([row], {view}, xy[row][0], xy[row][1], frozenset(barred.get(row, ())))
            for row, view in zip(xy, views, strict=True)
        }
        kept = []
        for edge, first, second in zip(edges.tolist(), one, other, strict=True):
            larger, smaller = group[first], group[second]
            told = edge < len(self.said.same)
            if larger is smaller or not larger.may_join(smaller):
                continue
            if not (told or larger.told or smaller.told or larger.fits(smaller, xy, self.reach)):
                continue
            if len(larger.rows) < len(smaller.rows):
                larger, smaller = smaller, larger
            larger.take(smaller, told=told)
            for row in smaller.rows:
                group[row] = larger
            kept.append(edge)
        return np.array(kept, np.intp)


@dataclass(slots=True, eq=False)
class _Group:
    """Boxes that are one animal so far.

    Attributes:
        rows: Rows of the boxes.
        views: Views that they were seen from.
        x: Sum of their places.
        y: Sum of their places.
        barred: Rows that people called another animal.
        told: Whether people joined some of it: distances do not tell then.
    """

    rows: list[int]
    views: set[int]
    x: float
    y: float
    barred: AbstractSet[int] = frozenset()
    told: bool = False

    def may_join(self, other: _Group) -> bool:
        """Whether no photograph shows both, and nobody called them two animals."""
        return self.views.isdisjoint(other.views) and self.barred.isdisjoint(other.rows)

    def fits(self, other: _Group, places: dict[int, list[float]], reach: float) -> bool:
        """Whether both lie near enough for one animal."""
        here, there = len(self.rows), len(other.rows)
        if math.hypot(self.x / here - other.x / there, self.y / here - other.y / there) > reach:
            return False
        if here == there == 1:
            return True
        farthest = max(math.dist(places[one], places[two]) for one in self.rows for two in other.rows)
        return farthest <= 2 * reach

    def take(self, other: _Group, *, told: bool) -> None:
        """Add the boxes of another group."""
        self.rows += other.rows
        self.views |= other.views
        self.barred |= other.barred
        self.told = self.told or other.told or told
        self.x += other.x
        self.y += other.y
