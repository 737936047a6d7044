"""From a detection run to a census: every number, nothing written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from wildetect.census.cautions.again import flown_again
from wildetect.census.cautions.caution import Caution
from wildetect.census.cautions.clustered import clustered
from wildetect.census.cautions.findings import cautions
from wildetect.census.cautions.merging import (
    corrections,
    doubled,
    hanging,
    in_crowds,
    merging,
    recall,
    unused,
)
from wildetect.census.cautions.missing import cautions_of, left_out_of, of_the_run, refuse_nowhere
from wildetect.census.cautions.reach import coverage
from wildetect.census.cautions.sizes import sizes
from wildetect.census.counting.animals import Animals, count_once, default_tolerance
from wildetect.census.counting.said import NOTHING_SAID, Said, SaidUse
from wildetect.census.counting.species import of_classes
from wildetect.census.counting.thresholds import NumberDetected, numbers_by_confidence
from wildetect.census.design.sampling import sample_survey
from wildetect.census.design.survey_files import SurveyFiles
from wildetect.census.design.transects import transects_for
from wildetect.census.estimates.class_estimates import estimates_of
from wildetect.census.estimates.corrected import CorrectedEstimate, corrected_estimates
from wildetect.census.estimates.sample_records import Sample
from wildetect.census.gathering import Gathered, gather
from wildetect.census.ground.boxes import GroundBoxes, boxes_on_ground
from wildetect.census.ground.photographs import Views, make_views
from wildetect.census.merging.partners import check_merging
from wildetect.census.result import Census, Tolerance, ToleranceCount, ToleranceSource
from wildetect.errors import ConfigurationError
from wildetect.evaluation.reviewed_sample import ReviewedSample
from wildetect.how_far import doing
from wildetect.imagery.positions.matching import refuse_strange
from wildetect.results.finished_run import FinishedRun
from wildetect.settings.census import SurveyKeys
from wildetect.settings.detection import FlightSpecs
from wildetect.settings.problems import nearest
from wildetect.wording import listed

__all__ = ["SurveyPlan", "survey", "wanted_classes"]

_STRICT, _LOOSE = 0.5, 2.0  # of the chosen tolerance


@dataclass(frozen=True, kw_only=True)
class SurveyPlan:
    """What a census is made of.

    Attributes:
        run: The detections.
        keys: Tolerance and thresholds.
        species: Classes to count; null: all.
        specs: Camera and flight, where a photograph does not tell.
        files: Strata, transects and positions.
        reviewed: What people saw; null where no number follows from a review.
        review_reason: Why none does; null where one does.
        largest_animal: Length in m that boxes may have on the ground; null: they are not looked at.
        said: Pairs of detections that people called one animal, or two.
    """

    run: FinishedRun
    keys: SurveyKeys
    species: Sequence[str] | None
    specs: FlightSpecs
    files: SurveyFiles
    reviewed: ReviewedSample | None = None
    review_reason: str | None = None
    largest_animal: float | None = None
    said: Said = NOTHING_SAID


def survey(plan: SurveyPlan) -> Census:
    """Count animals once and estimate how many there are.

    Args:
        plan: What to count, and how.

    Raises:
        ConfigurationError: A species or a threshold is for a class that the model does not know.
        InputError: No photograph has a position, or strata and transects lie elsewhere.
    """
    class_ids = wanted_classes(plan)
    gathered, views = _on_ground(plan)
    found = boxes_on_ground(gathered.photographs, views)
    joined = found.select(_sure_enough(found, plan))
    tolerance = _tolerance(plan.keys, views)
    everything = count_once(joined, views, tolerance.metres, plan.said)
    boxes, animals = of_classes(joined, everything, class_ids)
    counting = _Counting(joined, views, class_ids)
    counts = counting.at_tolerances(tolerance, animals, plan.said)
    merged = check_merging(boxes, animals, views, tolerance.metres)
    seen = {class_id for one in counts for class_id in one.per_class}
    wanted = tuple(class_ids if plan.species is not None else sorted(seen))
    transects = transects_for(plan.files.lines, views)
    sample = sample_survey(animals, boxes, views, plan.files.strata, transects)
    census = Census(
        class_names=plan.run.class_names,
        wanted=wanted,
        photographs=gathered.photographs,
        views=views,
        boxes=boxes,
        animals=animals,
        tolerance=tolerance,
        counts=counts,
        merging=merged._replace(near=merged.near.without(plan.said.rows(boxes))),
        by_confidence=_by_confidence(plan, found, views, tolerance, wanted),
        transects=transects,
        sample=sample,
        estimates=estimates_of(sample, animals, wanted),
        left_out=tuple(left_out_of(gathered, views)),
        corrected=_corrected(plan, sample, views, [plan.run.class_names[class_id] for class_id in wanted]),
        review_reason=plan.review_reason,
        said=counting.use_of(plan.said, everything, tolerance),
    )
    with doing("doubts are looked for"):
        return replace(census, cautions=tuple(_cautions(plan, gathered, census)))


def _on_ground(plan: SurveyPlan) -> tuple[Gathered, Views]:
    """The photographs, and where they look.

    Raises:
        InputError: None has a position, or the table of positions is of others.
    """
    refuse_strange((result.name for result in plan.run.results), plan.files.positions)
    gathered = gather(plan.run)
    views = make_views(
        gathered.photographs,
        plan.specs,
        plan.files.positions,
        plan.files.terrain,
        corrections=plan.keys.corrections,
    )
    refuse_nowhere(gathered, views)
    return gathered, views


def _by_confidence(
    plan: SurveyPlan, found: GroundBoxes, views: Views, tolerance: Tolerance, wanted: tuple[int, ...]
) -> Sequence[NumberDetected]:
    """The numbers by the confidence that is asked for, from the lowest that was kept."""
    return numbers_by_confidence(
        found,
        views,
        tolerance.metres,
        lowest=_lowest_confidence(plan.run),
        classes=wanted,
        said=plan.said,
    )


def _cautions(plan: SurveyPlan, gathered: Gathered, census: Census) -> Iterator[Caution]:
    """What is in doubt of the settings, the run, how boxes were joined, the design, where cameras look."""
    views, boxes, animals, merged = census.views, census.boxes, census.animals, census.merging
    yield from corrections(plan.keys.corrections)
    yield from cautions_of(gathered)
    yield from of_the_run(plan.run.record)
    yield from flown_again(views, boxes, animals)
    yield from merging(merged, views)
    yield from hanging(merged, census.counts)
    yield from unused(census.said)
    yield from doubled(merged, boxes, views)
    yield from recall(merged, views)
    yield from in_crowds(merged, len(animals.members))
    yield from coverage(census.sample.strata)
    yield from clustered(census.estimates, plan.run.class_names)
    yield from sizes(gathered.photographs, views, boxes, plan.largest_animal)
    yield from cautions(gathered.photographs, views, _trained_gsd(plan.keys), animals)


def _corrected(
    plan: SurveyPlan, sample: Sample, views: Views, wanted: Sequence[str]
) -> list[CorrectedEstimate]:
    """The numbers as the review sets them right, those of species that only people named among them."""
    if plan.reviewed is None:
        return []
    named = {box.animal for box in plan.reviewed.boxes if box.animal is not None}
    others = sorted(named - set(wanted)) if plan.species is None else []
    confidence = {name: plan.keys.confidence_of(name) for name in plan.run.class_names}
    return corrected_estimates(plan.reviewed, sample, views, [*wanted, *others], confidence)


def wanted_classes(plan: SurveyPlan) -> list[int]:
    """The class ids to count.

    Raises:
        ConfigurationError: The settings name a class that the model does not know.
    """
    names = plan.run.class_names
    thresholds = plan.keys.confidence if isinstance(plan.keys.confidence, dict) else {}
    for key, named in (("campaign.target_species", plan.species or ()), ("survey.confidence", thresholds)):
        unknown = [name for name in named if name not in names]
        if unknown:
            close = nearest(unknown[0], names)
            meant = f"; did you mean {close}?" if close else ""
            raise ConfigurationError(
                f"{key}: the model does not know {listed(unknown)}{meant}",
                hint=f"It knows {listed(names)}.",
            )
    chosen = names if plan.species is None else plan.species
    return sorted({names.index(name) for name in chosen})


def _sure_enough(boxes: GroundBoxes, plan: SurveyPlan) -> NDArray[np.bool_]:
    """Which boxes have the confidence that their class asks for."""
    least = np.array([plan.keys.confidence_of(name) for name in plan.run.class_names], np.float64)
    # a confidence is single precision: 0.35 is a little less than 0.35 then
    return np.asarray(np.asarray(boxes.confidence, np.float64) >= least[boxes.class_id] - 1e-6)


def _lowest_confidence(run: FinishedRun) -> float:
    """Below it the detection run kept nothing."""
    return run.record.confidence


def _trained_gsd(keys: SurveyKeys) -> float | None:
    """In m/px."""
    return None if keys.trained_gsd is None else keys.trained_gsd / 100


def _tolerance(keys: SurveyKeys, views: Views) -> Tolerance:
    if keys.tolerance is not None:
        return Tolerance(keys.tolerance, "settings")
    stated = [view.sources.get("position error") == "stated" for view in views.views]
    source: ToleranceSource = "position errors, some assumed"
    if all(stated):
        source = "stated position errors"
    elif not any(stated):
        source = "assumed position errors"
    return Tolerance(default_tolerance(views), source)


@dataclass(frozen=True, slots=True, eq=False)
class _Counting:
    """Counts the same boxes in other ways.

    Attributes:
        joined: The boxes, those of other classes among them.
        views: Views that they were seen from.
        class_ids: Classes to count.
    """

    joined: GroundBoxes
    views: Views
    class_ids: Sequence[int]

    def at(self, metres: float, said: Said = NOTHING_SAID) -> Animals:
        """Count at a tolerance."""
        found = count_once(self.joined, self.views, metres, said)
        return of_classes(self.joined, found, self.class_ids)[1]

    def at_tolerances(self, tolerance: Tolerance, animals: Animals, said: Said) -> tuple[ToleranceCount, ...]:
        """Count at a strict and a loose tolerance beside the chosen one, which gave `animals`."""
        strict, loose = _STRICT * tolerance.metres, _LOOSE * tolerance.metres
        return (
            ToleranceCount.of("strict", strict, self.at(strict, said)),
            ToleranceCount.of("chosen", tolerance.metres, animals),
            ToleranceCount.of("loose", loose, self.at(loose, said)),
        )

    def use_of(self, said: Said, everything: Animals, tolerance: Tolerance) -> SaidUse | None:
        """What came of what people said; None where nobody said anything.

        Args:
            said: What they said.
            everything: The animals of all classes that were made with it.
            tolerance: Tolerance that the numbers are at.
        """
        if not len(said):
            return None
        same, apart = said.rows(self.joined).used(everything.members)
        without = self.at(tolerance.metres)
        return SaidUse(same, apart, len(said) - same - apart, len(without.class_id))
