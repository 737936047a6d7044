"""From animals counted on transects to a number for the whole area, with its 95% limits.

Sources:
    Jolly, G. M. 1969. Sampling methods for aerial censuses of wildlife populations. East African
        Agricultural and Forestry Journal 34 (special issue), 46-49: methods 1 and 2.
    Norton-Griffiths, M. 1978. Counting Animals. 2nd edition. African Wildlife Leadership Foundation,
        Nairobi: both methods worked through, strata, limits by t.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wildetect.census.estimates import notes as say
from wildetect.census.estimates.limits import CONFIDENCE, combine, refused, variance_of_total, with_limits
from wildetect.census.estimates.records import Estimate, Method, SampleUnit, Stratum

__all__ = [
    "CONFIDENCE",
    "Estimate",
    "Method",
    "SampleUnit",
    "Stratum",
    "combine",
    "jolly1",
    "jolly2",
    "refused",
    "total_count",
    "variance_of_total",
]

_LEAST = 2  # transects that have a spread
_ROUNDING = 1.001  # areas of polygons cut and joined agree to far better than this
_SAME_SPREAD = 1e-9  # a standard error below this part of the estimate is rounding, not spread


def jolly2(stratum: Stratum, *, systematic: bool = True) -> Estimate:
    """Ratio estimate from transects of unequal size (Jolly 1969, method 2).

    With y animals counted on z km² searched, R = sum(y) / sum(z): Y = Z R and
    Var(Y) = N (N - n) / n * (s2_y - 2 R s_zy + R² s2_z), sample (co)variances with n - 1. The 95% limits
    are Y ± t(n - 1, 0.975) * sqrt(Var(Y)), the lower one not below the number seen.

    Args:
        stratum: The transects flown and the area they stand for.
        systematic: Whether they lie in a regular pattern; then a note says what it means for the limits.

    Returns:
        The estimate; without limits, or without any number, where the sample cannot carry it.
    """

    def by_ratio(
        counted: NDArray[np.float64], areas: NDArray[np.float64], possible: float
    ) -> tuple[float, float]:
        density = float(counted.sum() / areas.sum())
        # the variance of y - R z, whose mean is 0 by the choice of R, is s2_y - 2 R s_zy + R² s2_z
        spread = np.var(counted - density * areas, ddof=1)
        return stratum.area_km2 * density, variance_of_total(possible, len(counted), float(spread))

    return _from_sample(stratum, "Jolly 2", by_ratio, systematic=systematic)


def jolly1(stratum: Stratum, *, systematic: bool = True) -> Estimate:
    """Estimate from transects of equal size (Jolly 1969, method 1).

    Y = N mean(y) and Var(Y) = N (N - n) / n * s2_y; limits as in `jolly2`.

    Args:
        stratum: The transects flown; N must be known, or be the area divided by a transect's.
        systematic: As in `jolly2`.

    Returns:
        As `jolly2`.
    """

    def by_mean(
        counted: NDArray[np.float64], areas: NDArray[np.float64], possible: float
    ) -> tuple[float, float]:
        del areas  # taken as all alike
        spread = float(np.var(counted, ddof=1))
        return possible * float(counted.mean()), variance_of_total(possible, len(counted), spread)

    found = _from_sample(stratum, "Jolly 1", by_mean, systematic=systematic)
    return replace(found, notes=(*found.notes, *say.of_unequal_sizes(stratum)))


def total_count(number_seen: int, area_km2: float, searched_km2: float, name: str = "") -> Estimate:
    """A count of everything, which has no sampling error.

    Args:
        number_seen: Different animals.
        area_km2: Of the stratum.
        searched_km2: Of it; all or nearly all.
        name: Of the stratum.

    Returns:
        The number seen as estimate, with a standard error of 0: nothing is added for a rest not searched.
    """
    fraction = searched_km2 / area_km2
    return Estimate(
        method="total count",
        name=name,
        number_seen=number_seen,
        counted=number_seen,
        estimate=float(number_seen),
        standard_error=0.0,
        lower=float(number_seen),
        upper=float(number_seen),
        density_per_km2=number_seen / searched_km2,
        searched_km2=searched_km2,
        area_km2=area_km2,
        fraction=min(fraction, 1.0),
        notes=say.of_total_count(fraction),
    )


_Formula = Callable[[NDArray[np.float64], NDArray[np.float64], float], tuple[float, float]]


def _from_sample(stratum: Stratum, method: Method, formula: _Formula, *, systematic: bool) -> Estimate:
    counted = np.array([unit.counted for unit in stratum.units], np.float64)
    areas = np.array([unit.area_km2 for unit in stratum.units], np.float64)
    searched, flown = float(areas.sum()), len(areas)
    possible = stratum.possible
    if possible is None and searched > 0:
        possible = stratum.area_km2 / (searched / flown)
    seen = round(float(counted.sum()))
    bare = replace(
        refused("", seen, searched, stratum.area_km2),
        method=method,
        name=stratum.name,
        number_seen=seen + stratum.seen_elsewhere,
        sampled=flown,
        possible=possible,
    )
    reason = _why_not(stratum, searched, possible)
    if reason or possible is None:
        return replace(bare, method="none", refusal=reason)
    estimate, variance = formula(counted, areas, possible)
    density = estimate / stratum.area_km2
    notes = say.of_seen_elsewhere(stratum)
    found = replace(bare, estimate=estimate, density_per_km2=density, refusal=None, notes=notes)
    if seen == 0:
        could_be = say.could_be(stratum.name, searched / stratum.area_km2)
        return replace(found, refusal=say.none_seen(stratum.name), notes=(could_be, *notes))
    if math.sqrt(variance) <= _SAME_SPREAD * estimate:
        return replace(found, refusal=say.same_everywhere(stratum.name, flown))
    of_sample = say.of_sample(flown, int(np.count_nonzero(counted)), stratum, systematic=systematic)
    return with_limits(replace(found, notes=(*of_sample, *notes)), variance, flown - 1)


def _why_not(stratum: Stratum, searched: float, possible: float | None) -> str | None:
    flown = len(stratum.units)
    if flown < _LEAST:
        return say.too_few(stratum)
    if searched > stratum.area_km2 * _ROUNDING:
        return say.searched_too_much(stratum.name, searched, stratum.area_km2)
    if possible is not None and possible <= flown:
        return say.more_flown_than_possible(stratum.name, flown, possible)
    return None
