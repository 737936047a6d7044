"""The variance of an estimate, and the 95% limits that follow from it."""

from __future__ import annotations

import math
from dataclasses import replace

from wildetect.census import estimate_notes as say
from wildetect.census.estimate_records import Estimate

__all__ = ["CONFIDENCE", "refused", "variance_of_total", "with_limits"]

CONFIDENCE = 0.95


def refused(reason: str, number_seen: int, searched_km2: float, area_km2: float | None = None) -> Estimate:
    """No estimate, for a reason: only the number seen and its density over the area searched."""
    return Estimate(
        method="none",
        number_seen=number_seen,
        counted=number_seen,
        density_per_km2=number_seen / searched_km2 if searched_km2 > 0 else None,
        searched_km2=searched_km2,
        area_km2=area_km2,
        fraction=min(searched_km2 / area_km2, 1.0) if area_km2 else None,
        refusal=reason,
    )


def variance_of_total(possible: float, flown: int, spread: float) -> float:
    """N (N - n) / n * s²: the variance of N times the mean of n of N units whose variance is s²."""
    return possible * (possible - flown) / flown * spread


def with_limits(found: Estimate, variance: float, freedom: float) -> Estimate:
    """The estimate with limits by Student's t; both limits are at least the number seen."""
    from scipy.special import stdtrit

    if found.estimate is None:
        raise ValueError("limits belong to an estimate")
    error = math.sqrt(variance)
    reach = float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * error
    lower, upper = found.estimate - reach, found.estimate + reach
    seen = float(found.number_seen)
    return replace(
        found,
        standard_error=error,
        degrees_of_freedom=freedom,
        lower=max(lower, seen),
        upper=max(upper, seen),
        notes=(*found.notes, *say.of_limits(found, lower, upper)),
    )
