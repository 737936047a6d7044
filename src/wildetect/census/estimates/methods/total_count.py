"""A count of everything: no sample, and no error of one."""

from __future__ import annotations

from wildetect.census.estimates import notes as say
from wildetect.census.estimates.methods.method import Counted, EstimateMethod
from wildetect.census.estimates.records import Estimate

__all__ = ["TOTAL_COUNT", "total_count"]

_TOTAL_FROM = 0.95  # of a stratum: searched so far, it is counted and not sampled


def total_count(detected: int, area_km2: float, searched_km2: float, name: str = "") -> Estimate:
    """A count of everything, which has no sampling error.

    Args:
        detected: Different animals.
        area_km2: Area of the stratum in km².
        searched_km2: Part of it that was searched, in km²; all or nearly all.
        name: Name of the stratum.

    Returns:
        The number detected as estimate, with a standard error of 0 and no limits: there is no sampling error
        that they could hold. Nothing is added for a rest not searched.
    """
    fraction = searched_km2 / area_km2
    return Estimate(
        method="total count",
        name=name,
        detected=detected,
        counted=detected,
        estimate=float(detected),
        standard_error=0.0,
        density_per_km2=detected / searched_km2,
        searched_km2=searched_km2,
        area_km2=area_km2,
        fraction=min(fraction, 1.0),
        notes=say.of_total_count(fraction),
    )


def _applies(counted: Counted) -> bool:
    return counted.stratum.searched_km2 >= _TOTAL_FROM * counted.area_km2


def _estimate(counted: Counted) -> Estimate:
    stratum = counted.stratum
    return total_count(round(counted.seen), counted.area_km2, stratum.searched_km2, stratum.name)


TOTAL_COUNT = EstimateMethod(
    name="total count",
    said="a total count",
    explained="method_total.html.j2",
    applies=_applies,
    estimate=_estimate,
    complete=True,
)
