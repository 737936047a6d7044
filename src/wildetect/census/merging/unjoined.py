"""Boxes without a partner: those that nearly became one animal, and whether places are off or animals missed.

A detector that misses animals leaves boxes without a partner, too; but which of two photographs it misses an
animal in does not depend on where others were missed. So of all animals of two photographs, those that only
the one shows are as often near those that only the other shows as any two are near each other. Where places
are off by more than the tolerance, or animals walked, each animal leaves one box of either kind, near each
other: then they are near more often.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from wildetect.census.counting.animals import Animals
from wildetect.census.counting.pairings import Pairs
from wildetect.census.counting.said import SaidRows
from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.merging.overlaps import Expected, PhotographPairs, animal_of

__all__ = ["Displaced", "Doubles", "NearMisses", "displaced", "doubles", "near_misses"]

_REACHES = (1.5, 3.0, 6.0)  # times the tolerance
_PRIOR = 3.0  # pairs of animals
_REPEATED = 4.0  # pairs of photographs that show one and the same animal: they do not tell it independently
_MOST_ROWS = 60_000  # boxes looked at: of a large survey every few pairs of photographs
_BOTH, _FIRST, _SECOND = 0, 1, 2


class Displaced(NamedTuple):
    """How many more boxes without a partner lie near each other than missed animals would.

    Attributes:
        share: Share of the animals on common ground that two photographs show at two places: those near each
            other less those that would be by chance; 0 where there are not more.
        deviations: Deviation of their number from that by chance, in standard deviations of the latter.
        metres: How near.
    """

    share: float
    deviations: float
    metres: float


class _Seen(NamedTuple):
    """Animals as two photographs show them: one row for each pair of photographs and animal.

    Attributes:
        pair: Number of the pair of photographs, shape (n,).
        xy: Place in m, shape (n, 2).
        kind: Seen in both, in the first alone, in the second alone, shape (n,).
    """

    pair: NDArray[np.int64]
    xy: NDArray[np.float64]
    kind: NDArray[np.int64]


def displaced(
    boxes: GroundBoxes, animals: Animals, expected: Expected, pairs: PhotographPairs, tolerance: float
) -> Displaced:
    """Compare how many boxes without a partner lie near each other with chance.

    Chance is the same animals with the kinds (seen in both, in the one, in the other) dealt out again among
    those of each pair of photographs, so that herds change nothing.

    Args:
        boxes: All that count.
        animals: Made of them.
        expected: Boxes that lie well inside of another photograph.
        pairs: Pairs of these.
        tolerance: Within which boxes were joined, in m.
    """
    seen = _seen(boxes, animals, expected, pairs)
    none = Displaced(0.0, 0.0, _REACHES[0] * tolerance)
    if not len(seen.pair):
        return none
    found = [_within(seen, reach * tolerance) for reach in _REACHES]
    return max(found, key=lambda one: one.deviations)


def _seen(boxes: GroundBoxes, animals: Animals, expected: Expected, pairs: PhotographPairs) -> _Seen:
    step = -(-len(expected) // _MOST_ROWS) or 1
    used = pairs.number % step == 0
    box, pair, joined = expected.box[used], pairs.number[used], expected.joined[used]
    first = boxes.view[box] == pairs.one[pair]
    kind = np.where(joined, _BOTH, np.where(first, _FIRST, _SECOND))
    # an animal seen in both may be here with either box: it counts once
    animal = animal_of(animals, len(boxes))[box]
    key = np.where(joined, animal, len(boxes) + box)
    once = np.unique(pair * (2 * len(boxes) + 1) + key, return_index=True)[1]
    return _Seen(pair[once], boxes.centre[box[once]], kind[once])


def _within(seen: _Seen, metres: float) -> Displaced:
    one, other = _near(seen, metres)
    first, second, both = (seen.kind == kind for kind in (_FIRST, _SECOND, _BOTH))
    count = int(seen.pair.max()) + 1
    alone = [np.bincount(seen.pair[kind], minlength=count) for kind in (first, second)]
    # two animals of one photograph are different ones, without doubt: how often are they near each other?
    near, pairs = 0, np.zeros(count)
    near_in = np.zeros(count)
    for shown in (first | both, second | both):
        number = np.bincount(seen.pair[shown], minlength=count)
        pairs += number * (number - 1) / 2
        different = shown[one] & shown[other]
        near_in += np.bincount(seen.pair[one[different]], minlength=count)
    near = near_in.sum() / max(pairs.sum(), 1.0)
    # a pair of photographs with few animals tells little of itself: it takes some of the mean of all
    often = (near_in + _PRIOR * near) / (pairs + _PRIOR)
    chance = float((alone[0] * alone[1] * often).sum())
    observed = int((seen.kind[one] * seen.kind[other] == _FIRST * _SECOND).sum())
    more = observed - chance
    return Displaced(max(more, 0.0) / len(seen.pair), more / (_REPEATED * (chance + 1.0)) ** 0.5, metres)


def _near(seen: _Seen, metres: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of animals of one pair of photographs that lie near each other."""
    apart = (float(np.ptp(seen.xy, axis=0).max()) + metres) * 2
    tree = cKDTree(np.column_stack([seen.xy, seen.pair * max(apart, 1.0)]))
    found = tree.query_pairs(metres, output_type="ndarray")
    return found[:, 0], found[:, 1]


_REACH = 6.0  # times the tolerance: farther apart, two boxes are two animals for anyone
_MOST = 200_000  # boxes without a partner that are compared


class NearMisses(NamedTuple):
    """Boxes of two photographs without a partner, each the nearest to the other; the nearest ones first.

    Attributes:
        one: Rows of GroundBoxes, in the earlier photograph, shape (n,).
        other: Rows of GroundBoxes, shape (n,).
        metres: Between them, shape (n,).
        seconds: Between the exposures; nan where the photographs do not tell; shape (n,).
        alone: Rows of GroundBoxes that have no partner, and none near: another photograph shows the place
            empty; shape (m,).
        not_in: The other photograph of each, a row of Views.views, shape (m,).
        empty: How many there are; of more than are compared, only some are in the columns.
    """

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    metres: NDArray[np.float64]
    seconds: NDArray[np.float64]
    alone: NDArray[np.int64]
    not_in: NDArray[np.int64]
    empty: int

    def without(self, said: SaidRows) -> NearMisses:
        """Those that no person has judged."""
        kept = ~said.of(Pairs(self.one, self.other))
        return self._replace(
            one=self.one[kept],
            other=self.other[kept],
            metres=self.metres[kept],
            seconds=self.seconds[kept],
        )


class Doubles(NamedTuple):
    """Two boxes of one photograph that lie nearer to each other than an animal is long.

    Attributes:
        one: Rows of GroundBoxes, shape (n,).
        other: Rows of GroundBoxes, shape (n,).
        confirmed: Whether another photograph shows two animals there, too; shape (n,).
    """

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    confirmed: NDArray[np.bool_]

    @property
    def doubtful(self) -> int:
        """How many no other photograph confirms."""
        return int((~self.confirmed).sum())


def near_misses(
    boxes: GroundBoxes, expected: Expected, pairs: PhotographPairs, tolerance: float
) -> NearMisses:
    """Match boxes without a partner, the nearest first, each once for each two photographs.

    Args:
        boxes: All that count.
        expected: Boxes that lie well inside of another photograph.
        pairs: Pairs of these.
        tolerance: Within which boxes were joined, in m.
    """
    alone = np.flatnonzero(~expected.joined)
    missing = len(alone)
    alone = alone[:_MOST]
    pair, box = pairs.number[alone], expected.box[alone]
    first = boxes.view[box] == pairs.one[pair]
    places = boxes.centre[box]
    none = np.zeros(0, np.int64)
    if not len(alone):
        return NearMisses(none, none, np.zeros(0), np.zeros(0), none, none, 0)
    reach = _REACH * tolerance
    apart = 2 * (float(np.ptp(places, axis=0).max()) + reach) + 1
    found = cKDTree(np.column_stack([places, pair * apart])).query_pairs(reach, output_type="ndarray")
    found = found[first[found[:, 0]] != first[found[:, 1]]]
    metres = np.hypot(*(places[found[:, 0]] - places[found[:, 1]]).T)
    taken: set[int] = set()
    kept = []
    for number in np.argsort(metres, kind="stable").tolist():
        one, other = found[number].tolist()
        if one not in taken and other not in taken:
            taken |= {one, other}
            kept.append(number)
    rows = found[kept].reshape(-1, 2)
    rows = np.where(first[rows[:, :1]], rows, rows[:, ::-1])
    left = np.setdiff1d(np.arange(len(alone)), rows)
    return NearMisses(
        box[rows[:, 0]],
        box[rows[:, 1]],
        metres[kept],
        pairs.seconds[pair[rows[:, 0]]],
        box[left],
        expected.view[alone[left]],
        missing - 2 * len(kept),
    )


def doubles(boxes: GroundBoxes, animals: Animals) -> Doubles:
    """Find boxes of one photograph that lie nearer to each other than the longer side of the smaller one.

    Two animals side by side are two in other photographs, too; a box that the detector drew twice is not.

    Args:
        boxes: All that count.
        animals: Made of them.
    """
    none = np.zeros(0, np.int64)
    if not len(boxes):
        return Doubles(none, none, np.zeros(0, bool))
    sides = np.hypot(*(boxes.corners - np.roll(boxes.corners, 1, axis=1)).transpose(2, 0, 1))
    length = sides.max(axis=1)
    longest = float(np.median(length)) * 2
    apart = 2 * (float(np.ptp(boxes.centre, axis=0).max()) + longest) + 1
    tree = cKDTree(np.column_stack([boxes.centre, boxes.view * apart]))
    found = tree.query_pairs(longest, output_type="ndarray")
    metres = np.hypot(*(boxes.centre[found[:, 0]] - boxes.centre[found[:, 1]]).T)
    near = found[metres < np.minimum(length[found[:, 0]], length[found[:, 1]])]
    one, other = near.min(axis=1).astype(np.int64), near.max(axis=1).astype(np.int64)
    seen = np.bincount(animal_of(animals, len(boxes)))
    animal = animal_of(animals, len(boxes))
    return Doubles(one, other, (seen[animal[one]] > 1) & (seen[animal[other]] > 1))
