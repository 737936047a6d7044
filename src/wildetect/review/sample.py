"""From verdicts and a plan to the sample that a corrected number is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wildetect.evaluation.reviewed_sample import ReviewedSample, UnitBox
from wildetect.evaluation.two_phase import Reviewed
from wildetect.results.records import ImageResult
from wildetect.review.drawing import inside
from wildetect.review.marks import ImageReview, Mark, reviews_of
from wildetect.review.plan import Plan, PlanStratum, Unit, read_plan
from wildetect.review.verdict_file import VerdictsRead, read_verdicts
from wildetect.review.verdicts import of_boxes
from wildetect.wording import number_of

__all__ = ["NO_PLAN", "NO_REVIEW", "RunReview", "read_review", "review_from", "sample_of"]

NO_REVIEW = "nobody has reviewed photographs of this run"
NO_PLAN = (
    "photographs were reviewed that were not drawn by chance: they correct themselves and say nothing of the "
    "others (draw a plan with review.plan)"
)


class RunReview(NamedTuple):
    """The review that lies with a run.

    Attributes:
        reviews: Each image that did not fail, with its verdicts.
        sample: Sample of the plan, or all images where every one is reviewed; null where there is neither.
        reason: Why there is no corrected number; null where there is one.
        problems: Lines of verdicts.jsonl that cannot be used.
    """

    reviews: tuple[ImageReview, ...]
    sample: ReviewedSample | None
    reason: str | None
    problems: tuple[str, ...] = ()


def read_review(run: Path, results: Iterable[ImageResult], class_names: Sequence[str]) -> RunReview | None:
    """Read the review of a run; None where nobody has reviewed anything of it.

    Args:
        run: Its output folder.
        results: Results of the run.
        class_names: Names of the model's classes, by class id.

    Raises:
        InputError: The plan or the verdicts cannot be read.
    """
    return review_from(read_verdicts(run), read_plan(run), results, class_names)


def review_from(
    read: VerdictsRead, plan: Plan | None, results: Iterable[ImageResult], class_names: Sequence[str]
) -> RunReview | None:
    """Put verdicts and plan together; arguments and result as for `read_review`."""
    given = of_boxes(read.verdicts)  # who compared animals has not looked at photographs yet
    if not given and not read.problems:
        return None
    reviews = tuple(reviews_of(results, class_names, given))
    if plan is None and reviews and all(one.complete for one in reviews):
        plan = _everything(reviews)
    if plan is None:
        return RunReview(reviews, None, read.reason or NO_PLAN, read.problems)
    unknown = len({one.image for one in reviews} - {unit.image for unit in plan.units if unit.outline != ()})
    sample = sample_of(plan, reviews)
    reason = sample.refusal
    if unknown and not any(unit.outline is not None for unit in plan.units):
        reason = (
            f"the plan does not know {number_of(unknown, 'image')} of this run (draw again with review.plan)"
        )
    return RunReview(reviews, sample, read.reason or reason, read.problems)


def sample_of(plan: Plan, reviews: Iterable[ImageReview]) -> ReviewedSample:
    """Put detections and animals of all units side by side.

    Where every unit was looked at, all of them are the sample, drawn or not.

    Args:
        plan: The units; those whose image is not in the run any more are left out.
        reviews: Reviews of the run.
    """
    of_image = {one.image: one for one in reviews}
    units = [unit for unit in plan.units if unit.image in of_image]
    complete = np.array([of_image[unit.image].complete for unit in units], np.bool_)
    drawn = np.array([unit.drawn for unit in units], np.bool_)
    names = [one.name for one in plan.strata]
    stratum = np.array([names.index(unit.stratum) for unit in units], np.int64)
    used = sorted(set(stratum.tolist()))
    reviewed = complete if complete.all() else complete & drawn
    return ReviewedSample(
        images=tuple(unit.image for unit in units),
        design=Reviewed(np.searchsorted(used, stratum), reviewed),
        strata=tuple(names[row] for row in used),
        boxes=tuple(box for row, unit in enumerate(units) for box in _boxes(row, unit, of_image[unit.image])),
        complete=complete,
    )


def _boxes(row: int, unit: Unit, review: ImageReview) -> Iterable[UnitBox]:
    """Detections where the detector placed them, animals where a person sees them: each on its own ground."""
    detected = [mark for mark in review.marks if mark.detected is not None]
    animals = review.animals if review.complete else []
    same_class = {
        mark.id: mark.detected is not None and mark.detected.class_name == mark.box.class_name
        for mark in detected
    }
    at = [replace(mark, box=mark.detected) for mark in detected if mark.detected is not None]
    for mark, own in zip(at, inside(_middles(at), unit.outline), strict=True):
        if own and mark.detected is not None:
            yield UnitBox(
                row,
                *mark.middle,
                mark.detected.class_name,
                mark.confidence or 0.0,
                None,
                mark.counts,
                same_class.get(mark.id, True),
            )
    for mark, own in zip(animals, inside(_middles(animals), unit.outline), strict=True):
        if own:
            yield UnitBox(
                row,
                *mark.middle,
                None,
                mark.confidence or 0.0,
                mark.box.class_name,
                mark.detected is not None,
                same_class.get(mark.id, True),
            )


def _middles(marks: Sequence[Mark]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([mark.middle for mark in marks], np.float64).reshape(-1, 2)


def _everything(reviews: Sequence[ImageReview]) -> Plan:
    """The plan that everything was: where each image is reviewed, none needed to be drawn."""
    stratum = PlanStratum(name="all", least=0, most=None, units=len(reviews), drawn=len(reviews))
    units = tuple(
        Unit(image=one.image, stratum="all", detected=0, place=place) for place, one in enumerate(reviews, 1)
    )
    return Plan(seed=0, purpose="estimate", created="", run_digest="", strata=(stratum,), units=units)
