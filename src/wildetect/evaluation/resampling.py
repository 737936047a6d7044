"""Draw pictures again, to learn by how much a number could be another one by chance.

The bootstrap (Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapters 8 and 13): pictures are
drawn with replacement, each with all that was found in it, and the number is computed each time. What is
drawn is the photograph: boxes of one photograph, and tiles of one photograph, are not independent of each
other.

Limits of a difference of two shares (recall, precision) are those of the symmetric bootstrap-t (Hall 1988,
On Symmetric Bootstrap Confidence Intervals, Journal of the Royal Statistical Society B 50, 35-45): of each
draw its distance from the difference is taken in standard errors of that very draw. Herds, and photographs of
which most are empty, make the difference skew, and percentiles of few photographs too narrow.

Limits of an area (mAP), which has no such standard error, are percentiles, a little further out than 2.5 and
97.5, as Student's t is wider than the normal distribution (Hesterberg 2015, What Teachers Should Know About
the Bootstrap, The American Statistician 69, 371-386: expanded percentile interval).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = [
    "FEWEST_PLACES",
    "FEWEST_UNITS",
    "FEWEST_WITH",
    "FEW_UNITS",
    "draws",
    "limits_of",
    "limits_of_gain",
]

FEWEST_UNITS = 10
"""Number of photographs below which no limits are given."""
FEWEST_PLACES = 8
"""Number of places below which photographs are drawn: limits then say nothing of other places."""
FEWEST_WITH = 6
"""The same for those that hold what is measured: four photographs with elephants say next to nothing."""
FEW_UNITS = 30
"""Photographs below which limits come with a warning (benchmarks/paired_coverage.py says how they hold)."""

_DRAWS = 4000
_SEED = 20
_LEVEL = 0.975  # of each limit
_BOTH = 0.95  # of both together


@lru_cache(maxsize=4)
def draws(units: int, fewest: int = FEWEST_UNITS) -> NDArray[np.float32]:
    """Draw, always the same for the same number.

    Args:
        units: Number of photographs or places.
        fewest: Number of units below which nothing is drawn.

    Returns:
        How often each comes in each draw, shape (draws, units); no draw where there are too few.
    """
    if units < fewest:
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


def limits_of_gain(
    before: NDArray[np.int64], after: NDArray[np.int64], weights: NDArray[np.float32]
) -> tuple[float, float] | None:
    """The 95% limits of the difference of two shares, each a sum over photographs divided by another.

    Args:
        before: What is above and below the line of the first share in each photograph, shape (units, 2).
        after: The like of the second.
        weights: How often each photograph comes in each draw, shape (draws, units).

    Returns:
        The lower and the upper; null where too few photographs hold anything of it.
    """
    held = (before[:, 1] > 0) | (after[:, 1] > 0)
    if not len(weights) or held.sum() < FEWEST_WITH:
        return None
    units = len(before)
    matter = before.any(axis=1) | after.any(axis=1)  # boxes where nothing is, too
    each = np.hstack([before[matter], after[matter]]).astype(np.float32)
    gain, error = _gains(each, np.ones((1, len(each)), np.float32), units)
    gains, errors = _gains(each, weights[:, matter], units)
    known = ~np.isnan(gains)
    distance = np.abs(gains[known] - gain)
    away = np.divide(distance, errors[known], out=np.full(len(distance), np.inf), where=errors[known] > 0)
    away[distance == 0] = 0
    reach = float(np.quantile(away, _BOTH, method="higher")) if len(away) else math.inf
    if not math.isfinite(reach):
        return None
    return float(gain[0] - reach * error[0]), float(gain[0] + reach * error[0])


def _gains(
    each: NDArray[np.float32], weights: NDArray[np.float32], units: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The difference of both shares in each draw, and its standard error by linearisation.

    Of a share A/B a photograph (a, b) makes (a - b A/B) / B; of the difference, that of the second less that
    of the first. The variance is the sum of their squares (Cochran 1977, Sampling Techniques, section 6.10).

    Args:
        each: Above and below of the first, then of the second, by photograph, shape (some, 4).
        weights: How often each of these comes, shape (draws, some).
        units: All photographs, those with nothing of it included.
    """
    pairs = [(one, other) for one in range(4) for other in range(one, 4)]
    products = np.stack([each[:, one] * each[:, other] for one, other in pairs], axis=1)
    sums = (weights @ np.hstack([each, products])).astype(np.float64)
    a, b, c, d = sums[:, :4].T
    square = dict(zip(pairs, sums[:, 4:].T, strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        made = [np.where(b > 0, value, np.nan) for value in (-1 / b, a / b**2)]
        made += [np.where(d > 0, value, np.nan) for value in (1 / d, -c / d**2)]
        gains = np.where((b > 0) & (d > 0), c / d - a / b, np.nan)
    variance = np.zeros(len(sums))
    for one, other in pairs:
        variance += (1 if one == other else 2) * made[one] * made[other] * square[one, other]
    return gains, np.sqrt(np.maximum(variance, 0) * units / (units - 1))
