"""Draw pictures again, to learn by how much a number could be another one by chance.

The bootstrap (Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapters 8 and 13): pictures are
drawn with replacement, each with all that was found in it, and the number is computed each time. What is
drawn is the photograph: boxes of one photograph, and tiles of one photograph, are not independent of each
other.

Limits are percentiles, a little further out than 2.5 and 97.5, as Student's t is wider than the normal
distribution: those of few photographs would be too narrow (Hesterberg 2015, What Teachers Should Know About
the Bootstrap, The American Statistician 69, 371-386: expanded percentile interval).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = ["FEWEST_UNITS", "draws", "limits_of"]

FEWEST_UNITS = 10
"""Of fewer photographs no limits are given."""

_DRAWS = 4000
_SEED = 20
_LEVEL = 0.975  # of each limit


@lru_cache(maxsize=2)
def draws(units: int) -> NDArray[np.float32]:
    """Draw, always the same for the same number.

    Args:
        units: Number of photographs.

    Returns:
        How often each comes in each draw, shape (draws, units); no draw where there are too few.
    """
    if units < FEWEST_UNITS:
        return np.zeros((0, units), np.float32)
    random = np.random.default_rng(_SEED)
    chances = np.full(units, 1 / units)
    return random.multinomial(units, chances, size=_DRAWS).astype(np.float32)


def limits_of(values: NDArray[np.float64], units: int) -> tuple[float, float] | None:
    """The 95% limits of a number.

    Args:
        values: What it is in each draw, shape (draws,); nan where there was nothing to measure.
        units: Number of photographs that were drawn from.

    Returns:
        The lower and the upper; null where no draw gave a number.
    """
    known = values[~np.isnan(values)]
    if not known.size:
        return None
    further = math.sqrt(units / (units - 1)) * float(stats.t.ppf(_LEVEL, units - 1))
    outside = 100 * float(stats.norm.sf(further))
    lower, upper = np.percentile(known, (outside, 100 - outside)).tolist()
    return float(lower), float(upper)
