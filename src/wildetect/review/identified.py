"""Where people saw animals among the detections of a run, and where they saw none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from wildetect.review.marks import ImageReview, Mark

__all__ = ["Looked", "looked_at"]


class Looked(NamedTuple):
    """A detection that people looked at.

    Attributes:
        image: Its name in the run.
        xyxy: Edges of the detector's box in px.
        by: Who looked.
        species: The class that they see there; null where no animal is.
    """

    image: str
    xyxy: tuple[float, float, float, float]
    by: tuple[str, ...]
    species: str | None


def looked_at(reviews: Iterable[ImageReview]) -> list[Looked]:
    """All detections with a verdict, but those of which nobody is sure.

    In an image that is complete people saw what stands there, too.
    """
    found = []
    for image in reviews:
        for mark in image.marks:
            if mark.detected is None or mark.standing == "unsure" or not _seen(image, mark):
                continue
            by = (mark.reviewer,) if mark.reviewer else tuple(sorted(image.reviewers))
            species = mark.box.class_name if mark.counts else None
            found.append(Looked(image.image, mark.detected.xyxy, by, species))
    return found


def _seen(image: ImageReview, mark: Mark) -> bool:
    return mark.reviewer is not None or image.complete
