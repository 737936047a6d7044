"""Effort for a wanted precision, from the census.json of a pilot census."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from wildetect.census.estimates.effort import Effort, PilotStratum, effort_for
from wildetect.census.estimates.methods.table import COMPLETE
from wildetect.census.output.parts import EstimateRecord, TransectRecord
from wildetect.census.output.record import CensusRecord

__all__ = ["SpeciesPlan", "plans_of"]


@dataclass(frozen=True, slots=True)
class SpeciesPlan:
    """What a wanted precision takes for one species, or why that cannot be told.

    Attributes:
        species: Its name; null for all together.
        effort: Null where the pilot cannot tell.
        refusal: Why not; null where it can.
        doubt: Why the pilot's spread is not to be relied on; null if nothing says so.
    """

    species: str | None
    effort: Effort | None
    refusal: str | None = None
    doubt: str | None = None


def plans_of(record: CensusRecord, wanted_cv: float) -> Iterator[SpeciesPlan]:
    """A plan for each species of a pilot census, and one for all together.

    Args:
        record: Record of the pilot.
        wanted_cv: Standard error / estimate that is wanted, above 0.
    """
    of_species: dict[str | None, list[EstimateRecord]] = {}
    for one in record.estimates:
        of_species.setdefault(one.species, []).append(one)
    km = _lengths(record.transects)
    for species, estimates in of_species.items():
        *strata, total = estimates
        refusal = _why_not(strata, total)
        if refusal is not None:
            yield SpeciesPlan(species, None, refusal)
            continue
        pilot = [_pilot(one, km) for one in strata if one.method not in COMPLETE]
        doubts = [one.doubt for one in strata if one.doubt]
        known = math.fsum(one.estimate or 0.0 for one in strata if one.method in COMPLETE)
        yield SpeciesPlan(species, effort_for(pilot, wanted_cv, known), None, doubts[0] if doubts else None)


def _why_not(strata: Sequence[EstimateRecord], total: EstimateRecord) -> str | None:
    """Why a pilot says nothing of the effort."""
    if not strata or total.estimate is None:
        return str(total.refusal or "the pilot has no estimate")
    if all(one.method in COMPLETE for one in strata):
        return "everything was searched: there is no sampling error to lower"
    if not any(one.standard_error for one in strata):
        return str(total.refusal or "the pilot's transects show no spread")
    return None


def _pilot(one: EstimateRecord, km: Mapping[str, float]) -> PilotStratum:
    return PilotStratum(
        one.stratum,
        one.sampled,
        float(one.possible or one.sampled),
        float(one.estimate or 0.0),
        float(one.standard_error or 0.0),
        float(one.degrees_of_freedom or max(one.sampled - 1, 1)),
        km.get(one.stratum, 0.0),
    )


def _lengths(transects: Sequence[TransectRecord]) -> dict[str, float]:
    """Mean length of a transect in each stratum in km."""
    found: dict[str, list[float]] = {}
    for one in transects:
        found.setdefault(one.stratum, []).append(one.length_km)
    return {name: math.fsum(lengths) / len(lengths) for name, lengths in found.items()}
