"""What an estimate is made from, and what it says."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from wildetect.settings.words import Method

__all__ = ["SAMPLING_ONLY", "Estimate", "Limits", "SampleUnit", "Shape", "Spread", "Stratum"]

Spread = Literal["random lines", "neighbouring lines", "strata"]
Shape = Literal["log-normal", "t"]


SAMPLING_ONLY = "sampling error only, as if the detector were perfect"
"""What the limits of an estimate from detections hold; those of a corrected number name theirs themselves."""


@dataclass(frozen=True, slots=True)
class SampleUnit:
    """A transect as the sample sees it.

    Attributes:
        name: Name as a person calls it.
        counted: Animals counted on it; a count that a review corrected may lie below 0.
        area_km2: Its searched area in km².
    """

    name: str
    counted: float
    area_km2: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.counted):
            raise ValueError(f"{self.name}: {self.counted} counted")
        if not (math.isfinite(self.area_km2) and self.area_km2 > 0):
            raise ValueError(f"{self.name}: {self.area_km2} km² searched")


@dataclass(frozen=True, slots=True)
class Stratum:
    """A part of the survey area and the transects flown in it.

    Attributes:
        name: Name as a person calls it.
        area_km2: Area of the whole stratum in km².
        possible: Number of transects that would cover it all; null: area / mean searched area.
        units: The transects flown; in their order across the stratum where they lie in a regular pattern.
        detected_elsewhere: Animals detected in the stratum in photographs of no transect: no part of the
            sample, and not in the estimate.
    """

    name: str
    area_km2: float
    possible: float | None
    units: tuple[SampleUnit, ...]
    detected_elsewhere: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.area_km2) and self.area_km2 > 0):
            raise ValueError(f"{self.name}: {self.area_km2} km²")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """95% limits of an estimate, made in one of several ways.

    Attributes:
        spread: What the standard error is taken from: all lines as drawn at random (Jolly), each line and
            the next (O2 of Fewster et al. 2009), or the strata's chosen ones added.
        shape: The distribution that the limits are taken from.
        standard_error: Standard error of the estimate.
        degrees_of_freedom: Degrees of freedom of the standard error.
        lower: 95% limit.
        upper: 95% limit.
        chosen: Whether these are the limits of the estimate.
    """

    spread: Spread
    shape: Shape
    standard_error: float
    degrees_of_freedom: float
    lower: float
    upper: float
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number of animals, or the reason why there is none.

    Attributes:
        method: Which formula; "none" without an estimate.
        name: Name of the stratum; empty for several together.
        detected: Different animals detected in the area, in or out of transects.
        counted: Those of them that the formula rests on.
        estimate: Animals in the area; null if refused.
        standard_error: Standard error of the estimate; 0 for a total count, null if the sample carries none.
        lower: 95% limit; null for a total count, and where the sample carries none.
        upper: 95% limit; null for a total count, and where the sample carries none.
        degrees_of_freedom: Degrees of freedom of the limits; null for a total count.
        density_per_km2: Estimate / area; counted / searched where there is no estimate.
        searched_km2: Area searched.
        area_km2: Area that the estimate is for; null if unknown.
        fraction: Part of the area that was searched, 0 to 1.
        sampled: Transects flown (n).
        possible: Transects possible (N).
        refusal: Why there is no estimate, or no limits; null if there are both, and for a total count.
        limits: The limits in each way that the sample allows, of which one is chosen.
        doubt: Why these limits hold the truth less often than 95 times in 100; null if nothing says so.
        notes: What a reader must know, one or two sentences each.
    """

    method: Method | Literal["strata added", "none"]
    name: str = ""
    detected: int
    counted: int
    estimate: float | None = None
    standard_error: float | None = None
    lower: float | None = None
    upper: float | None = None
    degrees_of_freedom: float | None = None
    density_per_km2: float | None = None
    searched_km2: float = 0.0
    area_km2: float | None = None
    fraction: float | None = None
    sampled: int = 0
    possible: float | None = None
    refusal: str | None = None
    limits: tuple[Limits, ...] = ()
    doubt: str | None = None
    notes: tuple[str, ...] = ()
