"""What a method of a census is: one record of when it is used, how it estimates, and how it is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wildetect.census.estimates.records import Estimate, SampleUnit, Stratum
from wildetect.census.estimates.sample_records import SampledStratum, SampledTransect
from wildetect.settings.words import Method

__all__ = ["Counted", "EstimateMethod"]


def _across(flown: tuple[SampledTransect, float]) -> float:
    return flown[0].across_km


@dataclass(frozen=True, slots=True)
class Counted:
    """A stratum whose area is known, and the animals in it.

    Attributes:
        stratum: What was searched of it.
        area_km2: Area of the whole stratum in km².
        counts: Animals on each of its transects; those that a review corrected are no whole numbers.
        seen: Animals in the stratum, on and off transects.
    """

    stratum: SampledStratum
    area_km2: float
    counts: Sequence[float]
    seen: float

    @property
    def sample(self) -> Stratum:
        """Its transects in their order across it."""
        flown = sorted(zip(self.stratum.transects, self.counts, strict=True), key=_across)
        units = tuple(SampleUnit(each.name, count, each.searched_km2) for each, count in flown)
        elsewhere = round(self.seen) - round(sum(unit.counted for unit in units))
        return Stratum(self.stratum.name, self.area_km2, self.stratum.possible, units, elsewhere)


@dataclass(frozen=True, kw_only=True)
class EstimateMethod:
    """One way from what was counted to a number for the area.

    Attributes:
        name: The word in census.json.
        said: How a sentence names it.
        explained: The template in census/output/templates that explains it in the report.
        applies: Whether a stratum is estimated so, where no method before it applies.
        estimate: Gives the number with its limits, or the reason why there is none.
        complete: Whether all of a stratum is counted: then there is no sampling error, and no limits.
    """

    name: Method
    said: str
    explained: str
    applies: Callable[[Counted], bool]
    estimate: Callable[[Counted], Estimate]
    complete: bool = False
