"""The three numbers of each species side by side: detected, reviewed, corrected."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from wildetect.census.estimates.corrected import CorrectedEstimate
from wildetect.census.estimates.limits import log_normal_limits
from wildetect.census.estimates.sample_records import ALL_STRATA
from wildetect.census.output.parts import Available, CorrectedRecord, SpeciesSummary
from wildetect.census.result import Census
from wildetect.evaluation.reviewed_sample import CorrectedNumber
from wildetect.settings.census import Availability

__all__ = ["corrected_records", "summary_of", "with_availability"]


def summary_of(census: Census) -> dict[str, SpeciesSummary]:
    """The three numbers of each species, and of "all"."""
    detected = {
        None if one.class_id is None else census.class_names[one.class_id]: one.estimate.detected
        for one in census.estimates
        if one.stratum == ALL_STRATA
    }
    corrected = {one.species: one for one in census.corrected if one.stratum == ALL_STRATA}
    return {
        species or ALL_STRATA: _of_species(detected.get(species, 0), corrected.get(species))
        for species in dict.fromkeys([*detected, *corrected])
    }


def corrected_records(census: Census, availability: Mapping[str, Availability]) -> Iterator[CorrectedRecord]:
    """Corrected numbers of all strata.

    Args:
        census: The numbers.
        availability: Availability of the species for which it is known.
    """
    for one in census.corrected:
        known = availability.get(one.species or "")
        yield CorrectedRecord(
            species=one.species,
            stratum=one.stratum,
            detected=one.detected,
            reviewed=one.reviewed,
            corrected=one.corrected and one.corrected.rounded(),
            reason=one.reason,
            available=None if known is None else _available(one.corrected, known),
        )


def _available(corrected: CorrectedNumber | None, known: Availability) -> Available:
    there = None if corrected is None else with_availability(corrected, known).rounded()
    return Available(known.p, known.se, there)


def with_availability(corrected: CorrectedNumber, availability: Availability) -> CorrectedNumber:
    """Add the animals that no photograph can show: N = n / p, with cv² = cv²(n) + (se / p)².

    Source: Marsh, H. and Sinclair, D. F. 1989. Correcting for visibility bias in strip transect aerial
    surveys of aquatic fauna. Journal of Wildlife Management 53, 1017-1024; Pollock, K. H., Marsh, H. D.,
    Lawler, I. R. and Alldredge, M. W. 2006. Estimating animal abundance in heterogeneous environments.
    Journal of Wildlife Management 70, 255-262. Limits are log-normal.
    """
    value = corrected.value / availability.p
    if value <= 0:
        return CorrectedNumber(
            value=value,
            lower=corrected.lower / availability.p,
            upper=corrected.upper / availability.p,
            standard_error=corrected.standard_error / availability.p,
            holds=(*corrected.holds, "availability"),
        )
    variation = math.hypot(corrected.standard_error / corrected.value, availability.se / availability.p)
    lower, upper = log_normal_limits(value, value * variation, math.inf)
    return CorrectedNumber(
        value=value,
        lower=lower,
        upper=upper,
        standard_error=value * variation,
        holds=(*corrected.holds, "availability"),
    )


def _of_species(detected: int, corrected: CorrectedEstimate | None) -> SpeciesSummary:
    if corrected is None:
        return SpeciesSummary(detected)
    number = corrected.corrected
    return SpeciesSummary(detected, corrected.reviewed, number and number.rounded())
