"""From animals counted on transects to a number for the whole area, with its 95% limits.

Sources:
    Jolly, G. M. 1969. Sampling methods for aerial censuses of wildlife populations. East African
        Agricultural and Forestry Journal 34 (special issue), 46-49: methods 1 and 2.
    Norton-Griffiths, M. 1978. Counting Animals. 2nd edition. African Wildlife Leadership Foundation,
        Nairobi: both methods worked through, strata, limits by t.

The limits are log-normal, from neighbouring lines where the transects lie in a regular pattern and from all
where not; those by t, and those that take the lines as random, stand beside them. `spread` and `limits` name
the sources of each.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wildetect.census.estimates import notes as say
from wildetect.census.estimates import spread
from wildetect.census.estimates.limits import limits_by, refused, variance_of_total, with_limits
from wildetect.census.estimates.methods.method import Counted, EstimateMethod
from wildetect.census.estimates.records import Estimate, Limits, Stratum

__all__ = ["JOLLY_2", "jolly2"]

_Numbers = NDArray[np.float64]

_LEAST = 2  # transects that have a spread
_ROUNDING = 1.001  # areas of polygons cut and joined agree to far better than this
_SAME_SPREAD = 1e-9  # a standard error below this part of the estimate is rounding, not spread


def jolly2(stratum: Stratum, *, systematic: bool = False) -> Estimate:
    """Ratio estimate from transects of unequal size (Jolly 1969, method 2).

    With y animals counted on z km² searched, R = sum(y) / sum(z): Y = Z R and
    Var(Y) = N (N - n) / n * s², with s² as `spread.of_all_lines` (s2_y - 2 R s_zy + R² s2_z), or, for lines
    in a regular pattern, as `spread.of_neighbours`.

    Args:
        stratum: The transects flown and the area they stand for.
        systematic: Whether they lie in a regular pattern, in their order across the stratum.

    Returns:
        The estimate; without limits, or without any number, where the sample cannot carry it.
    """
    counted = np.array([unit.counted for unit in stratum.units], np.float64)
    areas = np.array([unit.area_km2 for unit in stratum.units], np.float64)
    searched, flown = float(areas.sum()), len(areas)
    possible = stratum.possible
    if possible is None and searched > 0:
        possible = stratum.area_km2 / (searched / flown)
    seen = round(float(counted.sum()))
    bare = replace(
        refused("", seen, searched, stratum.area_km2),
        method="Jolly 2",
        name=stratum.name,
        detected=seen + stratum.detected_elsewhere,
        sampled=flown,
        possible=possible,
    )
    reason = _why_not(stratum, searched, possible)
    if reason or possible is None:
        return replace(bare, method="none", refusal=reason)
    estimate = stratum.area_km2 * (float(counted.sum()) / searched)
    density = estimate / stratum.area_km2
    notes = say.of_detected_elsewhere(stratum)
    found = replace(bare, estimate=estimate, density_per_km2=density, refusal=None, notes=notes)
    if seen <= 0:  # below 0 where a review takes away more than it leaves
        could_be = say.could_be(stratum.name, searched / stratum.area_km2)
        return replace(found, refusal=say.none_detected(stratum.name), notes=(could_be, *notes))
    limits = _limits(estimate, possible, counted, areas, systematic=systematic)
    if limits[-1].standard_error <= _SAME_SPREAD * estimate:
        return replace(found, refusal=say.same_everywhere(stratum.name, flown))
    notes = (*say.of_sample(flown, stratum, systematic=systematic), *notes)
    return with_limits(replace(found, notes=notes, doubt=say.doubt_of(stratum)), limits)


def _limits(
    estimate: float, possible: float, counted: _Numbers, sizes: _Numbers, *, systematic: bool
) -> list[Limits]:
    """Work out the limits of one sample in each way, the one to choose first."""
    flown = len(counted)

    def error(of_one: float) -> float:
        return math.sqrt(variance_of_total(possible, flown, of_one))

    as_random = limits_by(estimate, error(spread.of_all_lines(counted, sizes)), flown - 1, "random lines")
    if not systematic:
        return list(as_random)
    neighbours = error(spread.of_neighbours(counted, sizes))
    freedom = spread.neighbours_freedom(flown)
    return [*limits_by(estimate, neighbours, freedom, "neighbouring lines"), *as_random]


def _why_not(stratum: Stratum, searched: float, possible: float | None) -> str | None:
    flown = len(stratum.units)
    if flown < _LEAST:
        return say.too_few(stratum)
    if searched > stratum.area_km2 * _ROUNDING:
        return say.searched_too_much(stratum.name, searched, stratum.area_km2)
    if possible is not None and possible <= flown:
        return say.more_flown_than_possible(stratum.name, flown, possible)
    return None


def _by_method_2(counted: Counted) -> Estimate:
    return jolly2(counted.sample, systematic=counted.stratum.systematic)


JOLLY_2 = EstimateMethod(
    name="Jolly 2",
    said="Jolly's method 2",
    explained="method_jolly.html.j2",
    applies=lambda _: True,
    estimate=_by_method_2,
)
