"""Estimates from counts that a review set right: the flight's sampling error and the detector's together.

The corrected count of a transect is the sum over its photographs (module `evaluation.two_phase`). It goes
into the same formula as the detector's own counts. What is not reviewed adds, in the scale of the estimate,
(n / N) (Z / z)² V2 to the formula's variance: the rest of V2 shows in how much the corrected transects
differ (Cochran, W. G. 1977. Sampling Techniques. 3rd edition. Wiley, chapters 11 and 12). A total count has
V2 alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from wildetect.census.estimates.class_estimates import estimate_of_stratum
from wildetect.census.estimates.limits import log_normal_limits, t_limits
from wildetect.census.estimates.methods.table import COMPLETE
from wildetect.census.estimates.records import Estimate
from wildetect.census.estimates.sample_records import ALL_STRATA, Sample, SampledStratum
from wildetect.census.estimates.sums import combine
from wildetect.census.ground.photographs import Views
from wildetect.evaluation.reviewed_sample import CorrectedNumber, ReviewedSample, limits_of_total
from wildetect.evaluation.two_phase import Corrected, correct

__all__ = ["CorrectedEstimate", "corrected_estimates", "limits_of_sample"]

_Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedEstimate:
    """The corrected number of one species, or of all, in one stratum or in all.

    Attributes:
        species: Its name; null: all wanted ones together.
        stratum: Its name, or "all".
        detected: Detections on the photographs' own ground.
        reviewed: Animals that people saw on it.
        corrected: The number with its limits; null where there is none.
        reason: Why there is none; null where there is one.
    """

    species: str | None
    stratum: str
    detected: int
    reviewed: int
    corrected: CorrectedNumber | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class _Part:
    """A stratum's share in the estimate of all.

    Attributes:
        estimate: Estimate from the corrected counts; its standard error is that of the flight's sampling.
        corrected: Set right, of the units in the stratum.
        scale: What the residual of a unit adds to the root of the variance: Z / z times the root of n / N.
    """

    estimate: Estimate
    corrected: Corrected
    scale: float


def corrected_estimates(
    reviewed: ReviewedSample,
    sample: Sample,
    views: Views,
    wanted: Sequence[str],
    confidence: Mapping[str, float],
) -> list[CorrectedEstimate]:
    """Estimate how many animals there are, from a review.

    Args:
        reviewed: Detections and animals of all units.
        sample: Strata and transects of the survey.
        views: Where the photographs look.
        wanted: Names of the species; those that only people named among them.
        confidence: Confidence from which on a detection of a species counts; 0 where none is given.

    Returns:
        All wanted species together first (species null), then each; for each its strata, then "all" if
        there are several strata or none.
    """
    ground = _Ground.of(reviewed, sample, views)
    found: list[CorrectedEstimate] = []
    for species in (None, *wanted):
        names = set(wanted) if species is None else {species}
        detected = np.array(
            [
                box.detected in names and box.confidence >= confidence.get(box.detected or "", 0.0) - 1e-6
                for box in reviewed.boxes
            ],
            np.bool_,
        )
        animals = np.array([box.animal in names for box in reviewed.boxes], np.bool_)
        found += _of_species(species, ground, detected, animals)
    return found


@dataclass(frozen=True, slots=True)
class _Ground:
    """Which boxes lie in which stratum, and which units lie on its transects.

    Attributes:
        reviewed: Detections and animals of all units.
        sample: Strata and transects.
        inside: Whether each box lies in each stratum, shape (strata, boxes).
        transect: For each stratum and unit the index of the transect, or -1, shape (strata, units).
    """

    reviewed: ReviewedSample
    sample: Sample
    inside: NDArray[np.bool_]
    transect: NDArray[np.int64]

    @classmethod
    def of(cls, reviewed: ReviewedSample, sample: Sample, views: Views) -> _Ground:
        """Look where each box lies."""
        import shapely

        row_of = {view.file: row for row, view in enumerate(views.views)}
        places = np.full((len(reviewed.boxes), 2), np.nan)
        by_image: dict[str, list[int]] = {}
        for row, box in enumerate(reviewed.boxes):
            by_image.setdefault(reviewed.images[box.unit], []).append(row)
        for image, rows in by_image.items():
            if image in row_of:
                points = [(reviewed.boxes[row].x, reviewed.boxes[row].y) for row in rows]
                places[rows] = views.views[row_of[image]].to_ground(points)
        known = ~np.isnan(places).any(axis=1)
        inside = np.zeros((len(sample.strata), len(places)), np.bool_)
        transect = np.full((len(sample.strata), len(reviewed.images)), -1, np.int64)
        unit_of = {row_of[image]: unit for unit, image in enumerate(reviewed.images) if image in row_of}
        for number, stratum in enumerate(sample.strata):
            inside[number] = known
            if stratum.polygon is not None:
                inside[number] &= shapely.contains_xy(stratum.polygon, places[:, 0], places[:, 1])
            for row, each in enumerate(stratum.transects):
                transect[number, [unit_of[view] for view in each.views if view in unit_of]] = row
        return cls(reviewed, sample, inside, transect)

    def count(self, which: NDArray[np.bool_]) -> _Numbers:
        """Boxes of each unit."""
        return self.reviewed.count(which.tolist())


def _of_species(
    species: str | None, ground: _Ground, detected: NDArray[np.bool_], animals: NDArray[np.bool_]
) -> list[CorrectedEstimate]:
    reviewed, strata = ground.reviewed, ground.sample.strata
    overall = correct(reviewed.design, ground.count(detected), ground.count(animals))
    parts: list[_Part] = []
    found: list[CorrectedEstimate] = []
    for number, stratum in enumerate(strata):
        inside = ground.inside[number]
        counts = ground.count(detected & inside), ground.count(animals & inside)
        in_stratum = correct(reviewed.design, *counts, ratio=overall.ratio)
        part = _part(stratum, in_stratum, ground.transect[number])
        parts.append(part)
        if stratum.area_km2 is not None:
            found.append(_one(species, stratum.name, counts, [part]))
    if len(strata) > 1 or strata[0].area_km2 is None:
        everywhere = ground.inside.any(axis=0)
        counts = ground.count(detected & everywhere), ground.count(animals & everywhere)
        found.append(_one(species, ALL_STRATA, counts, parts))
    elif found:
        found.append(replace(found[-1], stratum=ALL_STRATA))
    return found


def _part(stratum: SampledStratum, corrected: Corrected, transect: NDArray[np.int64]) -> _Part:
    of_transect = [
        math.fsum(corrected.units[transect == row].tolist()) for row in range(len(stratum.transects))
    ]
    estimate = estimate_of_stratum(stratum, of_transect, math.fsum(corrected.units.tolist()))
    if estimate.method in COMPLETE or stratum.area_km2 is None:
        return _Part(estimate, corrected, 1.0)
    on_transects = replace(
        corrected,
        units=np.where(transect >= 0, corrected.units, 0.0),
        residual=np.where(transect >= 0, corrected.residual, 0.0),
    )
    searched = math.fsum(each.searched_km2 for each in stratum.transects)
    if estimate.estimate is None or not searched or not estimate.possible or not stratum.area_km2:
        return _Part(estimate, on_transects, 0.0)
    share = math.sqrt(min(estimate.sampled / estimate.possible, 1.0))
    return _Part(estimate, on_transects, stratum.area_km2 / searched * share)


def _one(
    species: str | None, stratum: str, counts: tuple[_Numbers, _Numbers], parts: Sequence[_Part]
) -> CorrectedEstimate:
    corrected, reason = _number(parts)
    return CorrectedEstimate(
        species=species,
        stratum=stratum,
        detected=round(float(counts[0].sum())),
        reviewed=round(float(counts[1].sum())),
        corrected=corrected,
        reason=reason,
    )


def _number(parts: Sequence[_Part]) -> tuple[CorrectedNumber | None, str | None]:
    if all(part.estimate.area_km2 is None for part in parts):
        # the area is unknown: the number is that of the ground that was photographed
        return limits_of_total(_added(parts)), None
    together = combine([part.estimate for part in parts])
    if together.estimate is None:
        return None, together.refusal
    if all(part.estimate.method in COMPLETE for part in parts):
        return limits_of_total(_added(parts)), None
    added = _added(parts)
    number = limits_of_sample(together, added.variance(), added.freedom())
    return number, None if number is not None else together.refusal or "the corrected counts carry no limits"


def limits_of_sample(found: Estimate, second: float, freedom: float) -> CorrectedNumber | None:
    """Add what the review leaves open to an estimate's limits.

    Args:
        found: Estimate from the corrected counts; its standard error is that of the flight's sampling.
        second: What the review leaves open: (n / N) (Z / z)² V2.
        freedom: Degrees of freedom of V2.

    Returns:
        The number with its limits; null where the counts carry none.
    """
    first = found.standard_error or 0.0
    variance = first**2 + second
    if not found.estimate or found.estimate <= 0 or found.degrees_of_freedom is None or not variance:
        return None
    firm = first**4 / found.degrees_of_freedom + (second**2 / freedom if second else 0.0)
    error = math.sqrt(variance)
    lower, upper = _limits(found, error, variance**2 / firm if firm else math.inf)
    return CorrectedNumber(
        value=found.estimate,
        lower=lower,
        upper=upper,
        standard_error=error,
        holds=("sampling", "detector"),
    )


def _limits(estimate: Estimate, error: float, freedom: float) -> tuple[float, float]:
    """In the shape that the estimate's own limits have."""
    number = estimate.estimate or 0.0
    chosen = next((one.shape for one in estimate.limits if one.chosen), "log-normal")
    by = t_limits if chosen == "t" else log_normal_limits
    return by(number, error, freedom)


def _added(parts: Sequence[_Part]) -> Corrected:
    """The strata together: a photograph on the border of two has residuals in both."""
    first = parts[0].corrected
    return replace(
        first,
        units=np.sum([part.corrected.units * part.scale for part in parts], axis=0),
        residual=np.sum([part.corrected.residual * part.scale for part in parts], axis=0),
    )
