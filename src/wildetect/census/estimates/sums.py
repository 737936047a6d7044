"""Strata added."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from wildetect.census.estimates import notes as say
from wildetect.census.estimates.limits import limits_by, refused, with_limits
from wildetect.census.estimates.methods.table import COMPLETE
from wildetect.census.estimates.records import Estimate

__all__ = ["combine"]

_HALF = 0.5


def combine(estimates: Sequence[Estimate]) -> Estimate:
    """All strata together: estimates and variances added (Siniff and Skoog 1964; Norton-Griffiths 1978).

    The degrees of freedom are (sum v)² / sum(v² / d) for variances v of the strata's estimates with d
    degrees of freedom each (Satterthwaite 1946); a total count has v = 0 and takes none away, and the limits
    spread about the rest of the sum.

    Args:
        estimates: One a stratum, at least one.

    Returns:
        The sum; without a number where a stratum has none, as a part would be missing.
    """
    if len(estimates) == 1:
        return estimates[0]
    sums = _sums(estimates)
    missing = [(each.name, each.refusal) for each in estimates if each.estimate is None]
    if missing:
        return replace(sums, refusal=say.strata_missing(missing))
    number = math.fsum(each.estimate or 0 for each in estimates)
    sums = replace(sums, estimate=number)
    if sums.area_km2:
        sums = replace(sums, density_per_km2=number / sums.area_km2)
    if all(each.method in COMPLETE for each in estimates):
        return replace(sums, method=estimates[0].method, standard_error=0.0)
    silent = [each.name for each in estimates if each.standard_error is None]
    parts = [_Part.of(each) for each in estimates]
    variance = math.fsum(part.variance for part in parts)
    if variance == 0:
        return replace(
            sums, refusal=say.no_spread_anywhere([(each.name, each.refusal) for each in estimates])
        )
    if silent:
        sums = replace(sums, notes=(*sums.notes, say.silent_strata(silent)))
    freedom = variance**2 / math.fsum(part.variance**2 / part.freedom for part in parts)
    known = math.fsum(each.estimate or 0 for each in estimates if each.method in COMPLETE)
    doubtful = [(each, part) for each, part in zip(estimates, parts, strict=True) if each.doubt is not None]
    if math.fsum(part.variance for _, part in doubtful) > _HALF * variance:
        sums = replace(sums, doubt=say.doubtful_strata([each.name for each, _ in doubtful]))
    return with_limits(sums, limits_by(number, math.sqrt(variance), freedom, "strata", known))


class _Part(NamedTuple):
    """What a stratum adds to the variance, and how firmly that is known."""

    variance: float
    freedom: float

    @classmethod
    def of(cls, estimate: Estimate) -> _Part:
        """A total count, and a sample without spread, add nothing."""
        if not estimate.standard_error or estimate.degrees_of_freedom is None:
            return cls(0.0, math.inf)
        return cls(estimate.standard_error**2, estimate.degrees_of_freedom)


def _sums(estimates: Sequence[Estimate]) -> Estimate:
    """What can be added of strata whatever their estimates are."""
    searched = math.fsum(each.searched_km2 for each in estimates)
    areas = [each.area_km2 for each in estimates if each.area_km2 is not None]
    area = math.fsum(areas) if len(areas) == len(estimates) else None
    counted = sum(each.counted for each in estimates)
    return replace(
        refused("", counted, searched, area),
        method="strata added",
        refusal=None,
        detected=sum(each.detected for each in estimates),
        sampled=sum(each.sampled for each in estimates),
        notes=tuple(dict.fromkeys(note for each in estimates for note in each.notes)),
    )
