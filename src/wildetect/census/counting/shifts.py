"""How far the places of each photograph are off as a whole, as animals seen twice tell.

The error of a photograph's position moves all its boxes alike. So boxes of two photographs that show the
same animals differ by one vector, the same for all of them: the vector that most pairs of boxes agree on.
From these vectors between photographs follows a shift for each photograph, by least squares: small ones,
as positions are right on the whole, and such that vectors that contradict the others count little.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import cg

from wildetect.census.counting.misfit import FITS, Misfit, misfit_of
from wildetect.census.counting.pairings import PairFinder
from wildetect.census.ground.boxes import GroundBoxes

__all__ = [
    "ERROR_PARTS",
    "Settled",
    "agreed",
    "settle",
]


_CELL = 4.0  # parts of the tolerance: vectors this near agree


_FINE = 40  # cells across the tolerance, both ways


_NEAR, _AROUND = (1, 3, 5), 11  # fine cells: widths of a peak, and of the ground that it stands on


_LEAST_HERD = 20  # pairs of boxes: among so many, pairs agree by chance


_SURE = 4.5  # standard deviations that a peak in a herd must stand out by


_FEW = 0.3  # added to a variance: so few vectors have no normal distribution


_AT_ONCE = 2_000  # pairs of photographs whose fine cells are held in memory


_BY_CHANCE = 1.5  # agreeing pairs that a vector as long as the tolerance must have more than none at all


Agreed = tuple[NDArray[np.float64], NDArray[np.float64]]


def agreed(group: NDArray[np.int64], vectors: NDArray[np.float64], groups: int, tolerance: float) -> Agreed:
    """The vector of each group that most agree on, and how many do.

    Of two vectors that as many agree on, the shorter is likelier: positions are right on the whole. In a
    herd, where each box has many others around it, pairs agree by chance all over; there the vector counts
    at which more agree than around it.

    Args:
        group: Group of each vector, shape (n,), from 0.
        vectors: Vectors in m, none longer than the tolerance, shape (n, 2).
        groups: How many.
        tolerance: Tolerance in m.

    Returns:
        Vectors, shape (groups, 2), and numbers, shape (groups,).
    """
    crowded = np.bincount(group, minlength=groups) >= _LEAST_HERD
    alone = ~crowded[group]
    found, number = _most(group[alone], vectors[alone], groups, tolerance)
    herds = np.flatnonzero(crowded)
    for start in range(0, len(herds), _AT_ONCE):
        some = herds[start : start + _AT_ONCE]
        place = np.full(groups, -1)
        place[some] = np.arange(len(some))
        held = place[group] >= 0
        found[some], number[some] = _peaks(place[group[held]], vectors[held], len(some), tolerance)
    return found, number


def _most(group: NDArray[np.int64], vectors: NDArray[np.float64], groups: int, tolerance: float) -> Agreed:
    """The cell of four grids that most vectors lie in, and their mean."""
    best = np.full(groups, -np.inf)
    found, number = np.zeros((groups, 2)), np.zeros(groups)
    side = tolerance / _CELL
    for offset in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5)):
        cells = np.floor(vectors / side + offset).astype(np.int64) + 32
        key = (group * 64 + cells[:, 0]) * 64 + cells[:, 1]
        keys, where, counts = np.unique(key, return_inverse=True, return_counts=True)
        means = np.column_stack([np.bincount(where, axis) for axis in vectors.T]) / counts[:, None]
        score = counts - _BY_CHANCE * (means**2).sum(axis=1) / tolerance**2
        order = np.argsort(score, kind="stable")
        of_group = keys[order] // 64**2
        better = score[order] > best[of_group]
        order, of_group = order[better], of_group[better]
        best[of_group], found[of_group], number[of_group] = score[order], means[order], counts[order]
    return found, number


def _peaks(group: NDArray[np.int64], vectors: NDArray[np.float64], groups: int, tolerance: float) -> Agreed:
    """The fine cells around which more vectors lie than farther around them, in standard deviations."""
    side = 2 * tolerance / _FINE
    cells = np.floor((vectors + tolerance) / side).astype(np.int64).clip(0, _FINE - 1)
    key = (group * _FINE + cells[:, 0]) * _FINE + cells[:, 1]
    counts = np.bincount(key, minlength=groups * _FINE**2).astype(np.float32).reshape(groups, _FINE, _FINE)
    middles = (np.arange(_FINE) + 0.5) * side - tolerance
    lengths = np.hypot(middles[:, None], middles)
    possible = (lengths <= tolerance).astype(np.float32)[None]  # no vector is longer
    rows = np.arange(groups)
    top, found, number = np.full(groups, -np.inf), np.zeros((groups, 2)), np.zeros(groups)
    for near in _NEAR:
        peak, peak_cells = _sums(counts, near), _sums(possible, near)
        ring_cells = np.maximum(_sums(possible, _AROUND) - peak_cells, 1)
        by_chance = np.maximum(_sums(counts, _AROUND) - peak, 0) / ring_cells * peak_cells
        more = peak - by_chance
        score = np.where(peak_cells > near**2 - 0.5, more / np.sqrt(by_chance + _FEW), -np.inf)
        score = (score - _BY_CHANCE * (lengths / tolerance) ** 2).reshape(groups, -1)
        best = score.argmax(axis=1)
        better = score[rows, best] > top
        top = np.maximum(top, score[rows, best])
        at_best = np.column_stack([middles[best // _FINE], middles[best % _FINE]])
        found[better], number[better] = at_best[better], more.reshape(groups, -1)[rows, best][better]
    return found, np.where(top >= _SURE, number, 0.0)


def _sums(cells: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Sums over squares of `width` cells around each."""
    return np.asarray(uniform_filter(cells, (0, width, width), mode="constant") * width**2)


ERROR_PARTS = 3 * 2**0.5


"""Part of the tolerance that is the usual error of a position: see `default_tolerance`."""


_SPREAD_PARTS = 3.0  # of that error: how well boxes of one animal agree when the shifts are taken out


_ROUNDS = 4  # of weighing votes again


_EXACT = 1e-8  # of a solution


_MISFIT_ROUNDS = 3  # what does not fit at all hides votes at first


class _Votes(NamedTuple):
    """Vectors between photographs: places in the one less places in the other.

    Attributes:
        one: Views, shape (n,).
        other: Views, shape (n,).
        vector: Vectors in m, shape (n, 2).
        number: Pairs of boxes that agree on it, shape (n,).
    """

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    vector: NDArray[np.float64]
    number: NDArray[np.float64]

    @classmethod
    def joined(cls, parts: Iterable[_Votes]) -> _Votes:
        """All of them."""
        none = np.zeros(0, np.int64)
        every = [cls(none, none, np.zeros((0, 2)), np.zeros(0)), *parts]
        return cls(*(np.concatenate(columns) for columns in zip(*every, strict=True)))


class Settled(NamedTuple):
    """Where boxes lie when the photographs fit together.

    Attributes:
        before: Places in m without what is wrong in all photographs alike, shape (n, 2).
        places: Places in m without the shifts of the photographs, too, shape (n, 2).
        misfit: What is wrong in all photographs alike.
    """

    before: NDArray[np.float64]
    places: NDArray[np.float64]
    misfit: Misfit


def settle(boxes: GroundBoxes, finder: PairFinder, cameras: NDArray[np.float64], tolerance: float) -> Settled:
    """Make photographs fit together that show the same animals.

    Args:
        boxes: Boxes of all views.
        finder: Finder of these boxes.
        cameras: Where the views were taken from in m, shape (views, 2).
        tolerance: No two boxes farther apart are one animal, once the misfit is taken out.
    """
    misfit, places = FITS, boxes.centre
    votes = _votes(finder, places, tolerance)
    for _ in range(_MISFIT_ROUNDS):
        bases = cameras[votes.one] - cameras[votes.other]
        error = tolerance / ERROR_PARTS
        more = misfit_of(bases, votes.vector, votes.number, len(cameras), error, known=misfit != FITS)
        if more == FITS:
            break
        misfit = misfit.and_then(more)
        places = _without(misfit, boxes, cameras)
        votes = _votes(finder, places, tolerance)
    shifts = _solved(votes, len(cameras), tolerance)
    # looking in half the distance now, pairs agree by chance more rarely
    again = _votes(finder, places - shifts[boxes.view], tolerance / 2)
    again = again._replace(vector=again.vector + shifts[again.one] - shifts[again.other])
    shifts = _solved(again, len(cameras), tolerance)
    # now that places agree better, the nearest box is mostly the right one
    votes = _nearest_votes(finder, places, places - shifts[boxes.view], tolerance)
    shifts = _solved(votes, len(cameras), tolerance)
    return Settled(places, places - shifts[boxes.view], misfit)


def _without(misfit: Misfit, boxes: GroundBoxes, cameras: NDArray[np.float64]) -> NDArray[np.float64]:
    """The places with every photograph turned and scaled about its camera as it fits the others."""
    from_camera = boxes.centre - cameras[boxes.view]
    turned = (from_camera @ (1, 1j)) / misfit.factor
    return np.asarray(cameras[boxes.view] + np.column_stack([turned.real, turned.imag]))


def _votes(finder: PairFinder, places: NDArray[np.float64], tolerance: float) -> _Votes:
    """For each two photographs the vector that most pairs of boxes agree on."""
    parts = []
    for pairs in finder.near(places, tolerance):
        number, one, other = finder.of_views(pairs)
        vectors, agreeing = agreed(number, places[pairs.one] - places[pairs.other], len(one), tolerance)
        told = agreeing > 0
        parts.append(_Votes(one[told], other[told], vectors[told], agreeing[told]))
    return _Votes.joined(parts)


def _nearest_votes(
    finder: PairFinder, places: NDArray[np.float64], settled: NDArray[np.float64], tolerance: float
) -> _Votes:
    """For each two photographs the mean vector of boxes that are nearest to each other once they settled."""
    parts = []
    for pairs in finder.near(settled, tolerance / 2):
        near = pairs.select(pairs.metres(places) <= tolerance)
        mutual = finder.nearest(near, settled)
        number, one, other = finder.of_views(mutual)
        counts = np.bincount(number, minlength=len(one)).astype(np.float64)
        vectors = places[mutual.one] - places[mutual.other]
        sums = np.column_stack([np.bincount(number, axis, len(one)) for axis in vectors.T])
        parts.append(_Votes(one, other, sums / counts[:, None], counts))
    return _Votes.joined(parts)


def _solved(votes: _Votes, views: int, tolerance: float) -> NDArray[np.float64]:
    """The shift of each view, shape (views, 2): least squares, contradicting votes weighed down."""
    shifts = np.zeros((views, 2))
    if not len(votes.one):
        return shifts
    error = tolerance / ERROR_PARTS
    spread = error / _SPREAD_PARTS
    sure = votes.number / spread**2
    weight = sure
    for _ in range(_ROUNDS):
        shifts = _least_squares(votes, weight, shifts, error)
        left = votes.vector - (shifts[votes.one] - shifts[votes.other])
        weight = sure / (1 + (left**2).sum(axis=1) / (2 * spread) ** 2)
    return shifts


def _least_squares(
    votes: _Votes, weight: NDArray[np.float64], start: NDArray[np.float64], error: float
) -> NDArray[np.float64]:
    """Minimise the sum of weight * |vector - (shift of one - shift of other)|² and of |shift / error|²."""
    one, other, views = votes.one, votes.other, len(start)
    every = np.arange(views)
    rows = np.concatenate([one, other, one, other, every])
    columns = np.concatenate([one, other, other, one, every])
    values = np.concatenate([weight, weight, -weight, -weight, np.full(views, 1 / error**2)])
    matrix = coo_matrix((values, (rows, columns)), (views, views)).tocsr()
    scale = diags(1 / matrix.diagonal())
    found = np.empty_like(start)
    for axis, pull in enumerate((weight[:, None] * votes.vector).T):
        right = np.bincount(one, pull, views) - np.bincount(other, pull, views)
        found[:, axis] = cg(matrix, right, start[:, axis], rtol=_EXACT, M=scale)[0]
    return found
