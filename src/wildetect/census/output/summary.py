"""The three numbers of each species side by side: detected, reviewed, corrected."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from wildetect.census.estimates.corrected import CorrectedEstimate
from wildetect.census.estimates.limits import log_normal_limits
from wildetect.census.estimates.sample_records import ALL_STRATA
from wildetect.census.result import Census
from wildetect.evaluation.reviewed_sample import CorrectedNumber
from wildetect.settings.census import Availability

__all__ = ["corrected_documents", "summary_document", "with_availability"]


def summary_document(census: Census, availability: Mapping[str, Availability]) -> dict[str, Any]:
    """What census.json says of each species, and of "all", under `summary`.

    Args:
        census: The numbers.
        availability: Of the species for which it is known.
    """
    seen = {
        None if one.class_id is None else census.class_names[one.class_id]: one.estimate.number_seen
        for one in census.estimates
        if one.stratum == ALL_STRATA
    }
    corrected = {one.species: one for one in census.corrected if one.stratum == ALL_STRATA}
    return {
        species or ALL_STRATA: _of_species(
            seen.get(species, 0),
            corrected.get(species),
            census.review_reason,
            availability.get(species or ""),
        )
        for species in dict.fromkeys([*seen, *corrected])
    }


def corrected_documents(census: Census) -> list[dict[str, Any]]:
    """Corrected numbers of all strata, as census.json lists them."""
    return [
        {
            "species": one.species,
            "stratum": one.stratum,
            "detected": one.detected,
            "reviewed": one.reviewed,
            "corrected": one.corrected and one.corrected.document(),
            "reason": one.reason,
        }
        for one in census.corrected
    ]


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


def _of_species(
    detected: int,
    corrected: CorrectedEstimate | None,
    reason: str | None,
    availability: Availability | None,
) -> dict[str, Any]:
    number = None if corrected is None else corrected.corrected
    found: dict[str, Any] = {
        "detected": detected,
        "reviewed": None if corrected is None else corrected.reviewed,
        "corrected": None if number is None else number.document(),
        "reason": reason if corrected is None else corrected.reason,
    }
    if availability is not None:
        there = None if number is None else with_availability(number, availability).document()
        found["available"] = {"p": availability.p, "se": availability.se, "corrected": there}
    return found
