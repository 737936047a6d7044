"""How far the review of a run is, and what it says of the detector."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from wildetect.evaluation.detector_quality import DetectorQuality, quality_of
from wildetect.evaluation.reviewed_sample import ReviewedSample
from wildetect.results.finished_run import FinishedRun
from wildetect.results.pictures.sight import all_unseen
from wildetect.review.agreement import Agreement, Conflict, agreement_of
from wildetect.review.drawing import error_with_more
from wildetect.review.plan import read_plan
from wildetect.review.sample import RunReview, review_from
from wildetect.review.summary import NumbersOfSpecies, summaries_of, summary_document
from wildetect.review.verdict_file import read_verdicts
from wildetect.review.verdicts import standing

__all__ = ["ReviewStatus", "status_document", "status_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewStatus:
    """What is known of a review.

    Attributes:
        planned: Units that were drawn; null: there is no plan.
        reviewed: Number of those that are complete.
        complete: Images that are complete, drawn or not.
        images: Images of the run, without those that failed.
        verdicts: How many of each kind stand.
        reviewers: How many verdicts each person gave.
        numbers: Detected, reviewed, corrected.
        quality: Quality of the detector; null where the review does not tell.
        outlook: Standard error by the number of further photographs: what the review would leave in the
            total, 0 for those so far; empty where no number follows yet, or all is reviewed.
        problems: Lines of verdicts.jsonl that cannot be used.
        sample: Sample that the numbers follow from; null where none do.
        agreement: Agreement of each two people who completed the same photographs.
        conflicts: Conflicts in what they say.
        another: Images that are another picture now than the run saw, so that nobody can judge them.
        left_there: Detections in them that nobody has judged.
    """

    planned: int | None
    reviewed: int
    complete: int
    images: int
    verdicts: dict[str, int]
    reviewers: dict[str, int]
    numbers: tuple[NumbersOfSpecies, ...]
    quality: DetectorQuality | None
    outlook: dict[int, float]
    problems: tuple[str, ...]
    sample: ReviewedSample | None = None
    agreement: tuple[Agreement, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    another: tuple[str, ...] = ()
    left_there: int = 0


def status_of(run: FinishedRun) -> ReviewStatus:
    """Read a review and sum it up.

    Raises:
        InputError: The plan or the verdicts cannot be read.
    """
    plan = read_plan(run.folder)
    read = read_verdicts(run.folder)
    given = standing(read.verdicts)
    review = review_from(read, plan, run.results, run.class_names)
    complete = {one.image for one in review.reviews if one.complete} if review is not None else set()
    drawn = None if plan is None else [unit.image for unit in plan.to_review]
    agreement, conflicts = agreement_of(run.results, run.class_names, read.verdicts)
    sample = None if review is None or review.reason is not None else review.sample
    another, left_there = _other_pictures(run, review)
    return ReviewStatus(
        planned=None if drawn is None else len(drawn),
        reviewed=sum(image in complete for image in drawn or ()),
        complete=len(complete),
        images=sum(not result.failed for result in run.results),
        verdicts=dict(Counter(one.kind for one in given)),
        reviewers=dict(Counter(one.reviewer for one in given)),
        numbers=tuple(summaries_of(run.record.counts, review)),
        quality=None if sample is None else quality_of(sample),
        outlook={} if sample is None else _outlook(sample),
        problems=() if review is None else review.problems,
        sample=sample,
        agreement=tuple(agreement),
        conflicts=tuple(conflicts),
        another=another,
        left_there=left_there,
    )


def _other_pictures(run: FinishedRun, review: RunReview | None) -> tuple[tuple[str, ...], int]:
    """Images that are another picture now, and how many detections in them nobody has judged."""
    another = {name for name, one in all_unseen(run.results).items() if one.why == "another"}
    judged = {}
    if review is not None:
        judged = {
            one.image: sum(one.complete or mark.standing != "detected" for mark in one.marks)
            for one in review.reviews
        }
    here = [one for one in run.results if one.name in another and one.detections is not None]
    left = sum(max(len(one.detections or ()) - judged.get(one.name, 0), 0) for one in here)
    return tuple(one.name for one in here), left


def _outlook(sample: ReviewedSample) -> dict[int, float]:
    species = {name for box in sample.boxes for name in (box.detected, box.animal) if name is not None}
    corrected = sample.corrected(species)
    reviewed, units = int(sample.design.reviewed.sum()), len(sample.images)
    if reviewed == units:
        return {}
    steps = (0, round(reviewed / 2), reviewed)
    return {more: error_with_more(corrected, more) for more in steps if reviewed + more <= units}


def status_document(status: ReviewStatus) -> dict[str, Any]:
    """What `review.status --json` prints."""
    return {
        "planned": status.planned,
        "reviewed": status.reviewed,
        "complete": status.complete,
        "images": status.images,
        "verdicts": status.verdicts,
        "reviewers": status.reviewers,
        "summary": summary_document(status.numbers),
        "detector": None if status.quality is None else asdict(status.quality),
        "outlook": [{"more": more, "standard_error": error} for more, error in status.outlook.items()],
        "agreement": [asdict(one) for one in status.agreement],
        "conflicts": [asdict(one) for one in status.conflicts],
        "problems": list(status.problems),
        "cannot_be_judged": {"images": list(status.another), "detections": status.left_there},
    }
