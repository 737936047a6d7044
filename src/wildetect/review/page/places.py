"""The order of images on the ground, so that what lies near each other is looked at together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wildetect.results.records import ImageResult

__all__ = ["along_the_ground"]

_BITS = 16  # a cell of a survey of 100 km is 1.5 m wide


def along_the_ground(results: Sequence[ImageResult]) -> list[int]:
    """The rank of each image on a curve that goes through near places one after the other.

    It is the Z-order of G. M. Morton (1966, A computer oriented geodetic data base and a new technique in
    file sequencing, IBM): the bits of longitude and latitude in turn. Images without a place come last, in
    their order.

    Args:
        results: Results of a run.
    """
    known = [row for row, one in enumerate(results) if one.longitude is not None and one.latitude is not None]
    unknown = sorted(set(range(len(results))) - set(known))
    degrees = np.array([(results[row].longitude, results[row].latitude) for row in known], np.float64)
    order = np.argsort(_curve(degrees.reshape(-1, 2)), kind="stable").tolist()
    ranks = [0] * len(results)
    for rank, row in enumerate([*(known[place] for place in order), *unknown]):
        ranks[row] = rank
    return ranks


def _curve(degrees: NDArray[np.float64]) -> NDArray[np.int64]:
    """Where on the curve places of (n, 2) lie, shape (n,)."""
    if not len(degrees):
        return np.zeros(0, np.int64)
    low, wide = degrees.min(axis=0), float(np.ptp(degrees, axis=0).max()) or 1.0
    cells = ((degrees - low) / wide * (2**_BITS - 1)).astype(np.int64)
    found = np.zeros(len(cells), np.int64)
    for bit in range(_BITS):
        for axis in range(2):
            found |= ((cells[:, axis] >> bit) & 1) << (2 * bit + axis)
    return found
