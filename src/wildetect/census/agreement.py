"""The vector that most pairs of boxes of two photographs agree on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

__all__ = ["agreed"]

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
        group: Of each vector, shape (n,), from 0.
        vectors: In m, none longer than the tolerance, shape (n, 2).
        groups: How many.
        tolerance: In m.

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
