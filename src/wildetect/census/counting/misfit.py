"""Factor and turn by which all photographs together are noted too large or too small, or turned.

A height, a lens or a compass that is wrong in all photographs alike moves the places of an animal in two
photographs apart: the farther, the farther the cameras were from each other. With x = X + f (P - X) for a
place P seen from X, where f is a factor and a turn in one (a complex number), two photographs differ by
x_a - x_b = (1 - f) (X_a - X_b), whatever animal it is.
"""

from __future__ import annotations

import cmath
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["FITS", "Misfit", "misfit_of"]

_AGREEING = 3  # animals: across a narrow overlap one or two may agree by chance, and all the same way
_LEAST_VOTES = 30  # pairs of photographs: fewer tell nothing of all of them
_STANDARD_ERRORS = 5.0
_LARGEST, _MOST_TURNED = 1.6, 20.0  # factor (a lens of 35 for 24 mm is 1.46) and degrees
_ROUNDS = 8  # of weighing votes again


class Misfit(NamedTuple):
    """What is wrong in all photographs alike.

    Attributes:
        scale: Lengths as noted / as they fit together.
        turn: Degrees clockwise by which photographs are noted other than they fit together.
    """

    scale: float = 1.0
    turn: float = 0.0

    @property
    def factor(self) -> complex:
        """Both in one, for x + iy."""
        return cmath.rect(self.scale, -math.radians(self.turn))

    def and_then(self, more: Misfit) -> Misfit:
        """Both, one after the other."""
        return Misfit(self.scale * more.scale, self.turn + more.turn)


FITS = Misfit()


def misfit_of(
    cameras: NDArray[np.float64],
    vectors: NDArray[np.float64],
    number: NDArray[np.float64],
    views: int,
    spread: float,
    *,
    known: bool = False,
) -> Misfit:
    """What photographs have in common that do not fit; none where it cannot be told from chance.

    Args:
        cameras: Vectors from the other camera to the one in m, for each pair of photographs, shape (n, 2).
        vectors: Vectors from an animal's place in the other to that in the one in m, shape (n, 2).
        number: Animals that agree on it, shape (n,).
        views: How many photographs there are: each has one error, in however many pairs it is.
        spread: Usual error of a vector in m.
        known: Whether a part of a misfit is taken out already: no need to tell it from chance.
    """
    sure = number >= _AGREEING
    if sure.sum() < _LEAST_VOTES:
        return FITS
    base, vector, number = cameras[sure] @ (1, 1j), vectors[sure] @ (1, 1j), number[sure]
    weight = number
    for _ in range(_ROUNDS):
        reach = float((weight * np.abs(base) ** 2).sum())
        if reach == 0:
            return FITS
        slope = complex((weight * np.conj(base) * vector).sum() / reach)
        left = np.abs(vector - slope * base)
        weight = number / (1 + (left / spread) ** 2)
    error = math.sqrt(float((weight**2 * np.abs(base) ** 2 * left**2).sum())) / reach
    error *= math.sqrt(max(len(base) / views, 1.0))
    found = 1 - slope
    scale, turn = abs(found), -math.degrees(cmath.phase(found))
    likely = known or abs(slope) > _STANDARD_ERRORS * error
    possible = 1 / _LARGEST <= scale <= _LARGEST and abs(turn) <= _MOST_TURNED
    return Misfit(scale, turn) if likely and possible else FITS
