"""The variance of an estimate, and the 95% limits that follow from it.

Sources:
    Burnham, K. P., Anderson, D. R., White, G. C., Brownie, C. and Pollock, K. H. 1987. Design and analysis
        methods for fish survival experiments based on release-recapture. American Fisheries Society
        Monograph 5, 212: log-normal limits.
    Buckland, S. T., Anderson, D. R., Burnham, K. P., Laake, J. L., Borchers, D. L. and Thomas, L. 2001.
        Introduction to Distance Sampling. Oxford University Press, 77-79: the same with t for few degrees of
        freedom, as R's Distance has them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from wildetect.census.estimates.records import Estimate, Limits, Shape, Spread

__all__ = [
    "CONFIDENCE",
    "limits_by",
    "log_normal_limits",
    "refused",
    "t_limits",
    "variance_of_total",
    "with_limits",
]


CONFIDENCE = 0.95


def refused(
    reason: str, detected: int, searched_km2: float, area_km2: float | None = None, name: str = ""
) -> Estimate:
    """No estimate, for a reason: only the number detected and its density over the area searched."""
    return Estimate(
        method="none",
        name=name,
        detected=detected,
        counted=detected,
        density_per_km2=detected / searched_km2 if searched_km2 > 0 else None,
        searched_km2=searched_km2,
        area_km2=area_km2,
        fraction=min(searched_km2 / area_km2, 1.0) if area_km2 else None,
        refusal=reason,
    )


def variance_of_total(possible: float, flown: float, spread: float) -> float:
    """N (N - n) / n * s²: the variance of N times the mean of n of N units whose variance is s²."""
    return possible * (possible - flown) / flown * spread


def t_limits(estimate: float, standard_error: float, freedom: float) -> tuple[float, float]:
    """Y ± t(d, 0.975) SE, the lower one not below 0."""
    reach = _quantile(freedom) * standard_error
    return max(estimate - reach, 0.0), estimate + reach


def log_normal_limits(estimate: float, standard_error: float, freedom: float) -> tuple[float, float]:
    """Y / C and Y C with C = exp(t(d, 0.975) sqrt(ln(1 + (SE / Y)²))), as R's Distance has them.

    Raises:
        ValueError: The estimate is not above 0.
    """
    if estimate <= 0:
        raise ValueError("log-normal limits belong to an estimate above 0")
    exponent = _quantile(freedom) * math.sqrt(math.log1p((standard_error / estimate) ** 2))
    factor = math.exp(min(exponent, _MOST))
    return estimate / factor, estimate * factor


_MOST = 100.0  # exponent: what is beyond is as good as infinite, and JSON has no infinity


def limits_by(
    estimate: float, standard_error: float, freedom: float, spread: Spread, known: float = 0.0
) -> tuple[Limits, Limits]:
    """Log-normal limits and those by t, of one standard error.

    Args:
        estimate: Estimated number of animals, above 0.
        standard_error: Standard error of it.
        freedom: Degrees of freedom of that.
        spread: What it was taken from.
        known: Part of the estimate that was counted wholly: there is no less than that.
    """
    shapes: dict[Shape, tuple[float, float]] = {
        "log-normal": log_normal_limits(estimate - known, standard_error, freedom),
        "t": t_limits(estimate - known, standard_error, freedom),
    }
    one, other = (
        Limits(
            spread=spread,
            shape=shape,
            standard_error=standard_error,
            degrees_of_freedom=freedom,
            lower=lower + known,
            upper=upper + known,
            chosen=False,
        )
        for shape, (lower, upper) in shapes.items()
    )
    return one, other


def with_limits(found: Estimate, limits: Sequence[Limits]) -> Estimate:
    """The estimate with limits, of which the first are chosen."""
    chosen = replace(limits[0], chosen=True)
    return replace(
        found,
        standard_error=chosen.standard_error,
        degrees_of_freedom=chosen.degrees_of_freedom,
        lower=chosen.lower,
        upper=chosen.upper,
        limits=(chosen, *limits[1:]),
    )


def _quantile(freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))
