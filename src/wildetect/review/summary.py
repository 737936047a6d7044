"""Detected, reviewed, corrected: the three numbers of each species, side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wildetect.evaluation.reviewed_sample import CorrectedNumber, limits_of_total
from wildetect.results.finished_run import FinishedRun
from wildetect.results.ids import ids_of
from wildetect.results.reviewed import ReviewedBox, ReviewedRun
from wildetect.review.sample import NO_REVIEW, RunReview, read_review

__all__ = ["ALL", "NumbersOfSpecies", "reviewed_run", "summaries_of", "summary_document"]

ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class NumbersOfSpecies:
    """What is known of one species, or of all.

    Attributes:
        species: Its name; "all" for all together.
        detected: A detector says so.
        reviewed: Animals that people saw in the photographs that they looked at; null without a review.
        corrected: What follows for all photographs; null where nothing does.
        reason: Why there is no corrected number; null where there is one.
    """

    species: str
    detected: int
    reviewed: int | None = None
    corrected: CorrectedNumber | None = None
    reason: str | None = None


def summaries_of(counts: Mapping[str, int], review: RunReview | None) -> list[NumbersOfSpecies]:
    """The numbers of a run: all species together first, then each.

    Args:
        counts: Detections of each class.
        review: Review of the run; null where there is none.
    """
    species, seen = list(counts), set[str]()
    if review is not None:
        seen = {mark.box.class_name for one in review.reviews for mark in one.animals}
        species += sorted(seen - set(species))
    found = [_numbers(ALL, species, sum(counts.values()), review)]
    shown = [name for name in species if counts.get(name) or name in seen]
    return found + [_numbers(name, [name], counts.get(name, 0), review) for name in shown]


def _numbers(
    name: str, species: Collection[str], detected: int, review: RunReview | None
) -> NumbersOfSpecies:
    if review is None:
        return NumbersOfSpecies(species=name, detected=detected, reason=NO_REVIEW)
    reviewed = _reviewed(review, species)
    sample = review.sample
    if sample is not None:
        # where photographs overlap, each place counts in one of them, for all three numbers
        detected = round(float(np.sum(sample.detected(species))))
    if review.reason is not None or sample is None:
        return NumbersOfSpecies(species=name, detected=detected, reviewed=reviewed, reason=review.reason)
    corrected = limits_of_total(sample.corrected(species))
    return NumbersOfSpecies(species=name, detected=detected, reviewed=reviewed, corrected=corrected)


def _reviewed(review: RunReview, species: Collection[str]) -> int:
    """Animals that people saw: on the units' own ground where a plan says which that is."""
    if review.sample is not None:
        return round(float(np.sum(review.sample.animals(species))))
    return sum(
        mark.box.class_name in species and (one.complete or mark.reviewer is not None)
        for one in review.reviews
        for mark in one.animals
    )


def summary_document(numbers: Sequence[NumbersOfSpecies]) -> dict[str, Any]:
    """What run.json and census.json say of them, by species."""
    return {
        one.species: {
            "detected": one.detected,
            "reviewed": one.reviewed,
            "corrected": None if one.corrected is None else one.corrected.document(),
            "reason": one.reason,
        }
        for one in numbers
    }


def _corners(run: FinishedRun, images: Collection[str]) -> dict[str, tuple[float, ...]]:
    """The corners of the oriented boxes in some images, by the ids of their detections."""
    return {
        key: tuple(corners)
        for result in run.results
        if result.name in images and result.detections is not None and result.detections.corners is not None
        for key, corners in zip(ids_of(result), result.detections.corners.tolist(), strict=True)
    }


def reviewed_run(run: FinishedRun) -> ReviewedRun | None:
    """What the files of a run say of its review; None where nobody has reviewed it.

    Raises:
        InputError: The plan or the verdicts cannot be read.
    """
    review = read_review(run.folder, run.results, run.class_names)
    if review is None:
        return None
    complete = [one for one in review.reviews if one.complete]
    turned = _corners(run, {one.image for one in complete})
    boxes = {
        one.image: [
            ReviewedBox(
                mark.box.class_name,
                mark.box.xyxy,
                None if mark.moved else turned.get(mark.id),
                mark.confidence,
                mark.id,
            )
            for mark in one.animals
        ]
        for one in complete
    }
    return ReviewedRun(summary_document(summaries_of(run.record.counts, review)), boxes)
