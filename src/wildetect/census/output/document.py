"""What census.json says of a census, made of its numbers: of each species detected, reviewed, corrected."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from wildetect.census.estimates.corrected import CorrectedEstimate
from wildetect.census.estimates.limits import log_normal_limits
from wildetect.census.estimates.records import SAMPLING_ONLY
from wildetect.census.estimates.sample_records import ALL_STRATA, ClassEstimate
from wildetect.census.output.overlaps import (
    empty_place_records,
    merging_record,
    near_miss_records,
    overlap_records,
)
from wildetect.census.output.parts import (
    Available,
    Campaign,
    CensusTimes,
    CorrectedRecord,
    CountAtConfidence,
    CountAtTolerance,
    Counts,
    DetectionsRecord,
    DetectorRecord,
    EstimateRecord,
    SamplingRecord,
    SpeciesSummary,
    StratumRecord,
    ToleranceRecord,
)
from wildetect.census.output.record import CensusRecord
from wildetect.census.output.rows import (
    animal_records,
    class_counts,
    merge_records,
    photograph_records,
    transect_records,
)
from wildetect.census.result import Census
from wildetect.evaluation.reviewed_sample import CorrectedNumber
from wildetect.results.run import DetectionRun, package_versions
from wildetect.settings.census import Availability

__all__ = [
    "NEVER_MEASURED",
    "CensusFacts",
    "corrected_records",
    "record_of",
    "summary_of",
    "with_availability",
]


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


NEVER_MEASURED = "never measured: nobody knows how many animals it misses, or takes for others"

PACKAGES = ("numpy", "scipy", "shapely", "pyproj", "pyogrio", "rasterio", "pillow")

_DIGITS = 4
_Record = TypeVar("_Record")


@dataclass(frozen=True, kw_only=True)
class CensusFacts:
    """What a census knows besides its numbers.

    Attributes:
        campaign: Who flew what.
        settings: What shapes the numbers, by name.
        run: What run.json says of the detections.
        run_folder: Where it lies.
        started: When the census was begun.
        seconds: How long it took.
        availability: Availability of the species for which it is known.
        detector: What is known of the detector.
    """

    campaign: Campaign
    settings: Mapping[str, Any]
    run: DetectionRun
    run_folder: Path
    started: datetime
    seconds: float
    availability: Mapping[str, Availability] = field(default_factory=dict)
    detector: DetectorRecord = field(default_factory=lambda: DetectorRecord(unknown=NEVER_MEASURED))


def record_of(census: Census, facts: CensusFacts) -> CensusRecord:
    """Put together what census.json holds; the names of the files are not in it yet."""
    return CensusRecord(
        campaign=facts.campaign,
        summary=summary_of(census),
        not_corrected=census.review_reason,
        counts=_counts(census),
        tolerance=_tolerance(census),
        merging=merging_record(census),
        confidence=tuple(
            CountAtConfidence(one.threshold, one.boxes, one.animals, class_counts(census, one.per_class))
            for one in census.by_confidence
        ),
        estimates=tuple(_estimate(census, one) for one in census.estimates),
        corrected=tuple(corrected_records(census, facts.availability)),
        strata=tuple(_strata(census)),
        transects=tuple(transect_records(census)),
        sampling=SamplingRecord(
            census.transects.source,
            census.sample.systematic,
            (*census.transects.notes, *census.sample.notes),
        ),
        cautions=tuple(census.cautions),
        left_out=tuple(census.left_out),
        detections=_detections(facts),
        model=facts.run.model,
        detector=facts.detector,
        settings=dict(facts.settings),
        projection=census.views.projection.name,
        times=CensusTimes(
            facts.started.astimezone(UTC).isoformat(timespec="seconds"), round(facts.seconds, 3)
        ),
        versions=package_versions(PACKAGES),
        photographs=tuple(photograph_records(census)),
        merges=tuple(merge_records(census)),
        near_misses=tuple(near_miss_records(census)),
        empty_places=tuple(empty_place_records(census)),
        overlaps=tuple(overlap_records(census)),
        animals=tuple(animal_records(census)),
    )


def _tolerance(census: Census) -> ToleranceRecord:
    counts = (
        CountAtTolerance(
            one.name, round(one.metres, _DIGITS), one.animals, class_counts(census, one.per_class)
        )
        for one in census.counts
    )
    return ToleranceRecord(round(census.tolerance.metres, _DIGITS), census.tolerance.source, tuple(counts))


def _counts(census: Census) -> Counts:
    chosen = next(one for one in census.counts if one.name == "chosen")
    return Counts(
        animals=len(census.animals.class_id),
        boxes=len(census.boxes.class_id),
        photographs=len(census.views.views),
        per_class=class_counts(census, chosen.per_class),
        on_transects=sum(len(one.animals) for stratum in census.sample.strata for one in stratum.transects),
        off_transects=len(census.sample.off_transect),
        outside_strata=len(census.sample.outside),
        boxes_left_out=sum(one.boxes for one in census.left_out),
    )


def _estimate(census: Census, one: ClassEstimate) -> EstimateRecord:
    plain = {each.name: getattr(one.estimate, each.name) for each in fields(one.estimate)}
    made = EstimateRecord(
        species=None if one.class_id is None else census.class_names[one.class_id],
        stratum=one.stratum,
        limits_hold=None if one.estimate.lower is None else SAMPLING_ONLY,
        **plain,
    )
    return replace(_rounded(made), limits=tuple(_rounded(limits) for limits in made.limits))


def _rounded(record: _Record) -> _Record:
    """The same dataclass with its numbers to four digits."""
    values = {one.name: getattr(record, one.name) for one in fields(record)}  # type: ignore[arg-type]
    return type(record)(
        **{
            name: round(value, _DIGITS) if isinstance(value, float) else value
            for name, value in values.items()
        }
    )


def _strata(census: Census) -> Iterator[StratumRecord]:
    for stratum in census.sample.strata:
        area = stratum.area_km2
        yield StratumRecord(
            name=stratum.name,
            area_km2=None if area is None else round(area, 6),
            searched_km2=round(stratum.searched_km2, 6),
            possible_transects=None if stratum.possible is None else round(stratum.possible, _DIGITS),
            transects=len(stratum.transects),
            animals=len(stratum.animals),
            searched_share=None if area is None else round(stratum.searched_km2 / area, 6),
            reach=None if stratum.reach is None else _rounded(stratum.reach),
            notes=stratum.notes,
        )


def _detections(facts: CensusFacts) -> DetectionsRecord:
    run = facts.run
    return DetectionsRecord(
        folder=str(facts.run_folder),
        started=run.times.started,
        images=run.images,
        detections=run.detections,
        settings=dict(run.settings),
        failures=run.failures,
        mlflow=run.mlflow,
    )
