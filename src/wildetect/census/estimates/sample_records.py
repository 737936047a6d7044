"""A survey as a sample: strata, transects, and the animals in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wildetect.census.estimates.records import Estimate

__all__ = ["ALL_STRATA", "ClassEstimate", "Reach", "Sample", "SampledStratum", "SampledTransect"]

ALL_STRATA = "all"


@dataclass(frozen=True, slots=True)
class ClassEstimate:
    """The estimate of one class, or of all wanted ones, in one stratum or in all.

    Attributes:
        class_id: Index into the class names; null: all wanted classes together.
        stratum: Its name, or "all"; without a file of strata only "all" is given.
        estimate: The number or its refusal.
    """

    class_id: int | None
    stratum: str
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class SampledTransect:
    """A transect within a stratum: a row of transects.csv.

    Attributes:
        name: Name as a person calls it.
        stratum: Name of the stratum, or "all" without strata.
        views: Rows of Views.views.
        searched_km2: Union of its footprints in the stratum, overlap with others shared out.
        length_km: Searched length along the line of flight.
        strip_m: Mean width of the searched strip.
        animals: Rows of Animals that count for it.
        across_km: Where it lies across the common direction of the transects, from any zero.
    """

    name: str
    stratum: str
    views: tuple[int, ...]
    searched_km2: float
    length_km: float
    strip_m: float
    animals: tuple[int, ...]
    across_km: float = 0.0


@dataclass(frozen=True, slots=True)
class Reach:
    """How well transects cover a stratum.

    Attributes:
        spacing_km: Distance from one transect to the next, on average.
        far_share: Share of the stratum farther than two spacings from any searched ground, 0 to 1.
        short: Names of the lines that stop short: a fifth or more of their way through the stratum lies
            before their beginning or behind their end.
        unflown_share: Share of the way of all lines through the stratum that does, 0 to 1.
    """

    spacing_km: float
    far_share: float
    short: tuple[str, ...]
    unflown_share: float

    @property
    def worst_share(self) -> float:
        """The larger share that nothing flown stands for, 0 to 1."""
        return max(self.far_share, self.unflown_share)


@dataclass(frozen=True, slots=True)
class SampledStratum:
    """A stratum, what was searched of it and what was seen in it.

    Attributes:
        name: Name as a person calls it; "all" without strata.
        polygon: shapely polygon in metres of the survey's projection; null without strata.
        area_km2: Area of the polygon in km²; null without strata.
        searched_km2: Union of all footprints in it.
        possible: Transects possible; null if unknown.
        transects: Those flown in it.
        animals: Rows of Animals in it, on and off transects.
        systematic: Whether its transects lie in a regular pattern.
        reach: How well they cover it; null without an area, or for fewer than two.
        notes: What a reader must know, one sentence each.
    """

    name: str
    polygon: Any
    area_km2: float | None
    searched_km2: float
    possible: float | None
    transects: tuple[SampledTransect, ...]
    animals: tuple[int, ...]
    systematic: bool = False
    reach: Reach | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """A survey as a sample.

    Attributes:
        strata: Each stratum; without a file of strata a single one without area, named "all".
        outside: Rows of Animals outside all strata.
        off_transect: Rows of Animals in a stratum, seen in photographs of no transect that samples it.
        systematic: Whether the transects of any stratum lie in a regular pattern.
        notes: What a reader must know, one sentence each.
    """

    strata: tuple[SampledStratum, ...]
    outside: tuple[int, ...]
    off_transect: tuple[int, ...]
    systematic: bool = True
    notes: tuple[str, ...] = ()
