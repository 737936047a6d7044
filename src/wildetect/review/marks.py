"""What stands in an image once its verdicts are applied: the truth, as far as a person has said it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from wildetect.how_far import through
from wildetect.results.ids import BoxCorners, ids_of
from wildetect.results.records import ImageResult
from wildetect.review.ids import farthest, find_again, ids_now
from wildetect.review.verdicts import Kind, Marked, Verdict, of_boxes, standing

__all__ = ["ImageReview", "Mark", "Standing", "detected", "review_of", "reviews_of"]

Standing = Literal["detected", "right", "wrong", "unsure", "class", "moved", "added"]
"""Last verdict of a box; "detected": a detector says so, and no person has."""

_APART = 0.05  # px; verdicts hold rounded boxes

_SAYS_MORE: Mapping[Kind, Standing] = {
    "right": "right",
    "wrong": "wrong",
    "unsure": "unsure",
    "class": "class",
    "moved": "moved",
    "added": "added",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A box as it stands.

    Attributes:
        id: Identifier of the detection, or of the box that was added.
        box: Where it is, and of which class.
        standing: The last verdict.
        detected: The detector's box; null for an animal that it missed.
        confidence: Confidence of the detector, 0 to 1; null for an animal that it missed.
        reviewer: Who gave the last verdict; null: nobody did.
    """

    id: str
    box: Marked
    standing: Standing
    detected: Marked | None = None
    confidence: float | None = None
    reviewer: str | None = None

    @property
    def counts(self) -> bool:
        """Whether an animal is there, as far as is known."""
        return self.standing != "wrong"

    @property
    def moved(self) -> bool:
        """Whether a person drew the box, so that it is not the detector's any more."""
        if self.detected is None:
            return True
        return farthest(self.box.xyxy, self.detected.xyxy) > _APART

    @property
    def middle(self) -> tuple[float, float]:
        """Middle of the box in px: x and y."""
        x_min, y_min, x_max, y_max = self.box.xyxy
        return (x_min + x_max) / 2, (y_min + y_max) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReview:
    """An image with the verdicts on it.

    Attributes:
        image: Its name in the run.
        marks: Detections first, in their order, then what was added.
        complete: Whether a person said that nothing further is in it.
        reviewers: Who gave verdicts on it.
    """

    image: str
    marks: tuple[Mark, ...]
    complete: bool
    reviewers: frozenset[str] = frozenset()

    @property
    def animals(self) -> list[Mark]:
        """The boxes that show an animal."""
        return [mark for mark in self.marks if mark.counts]


def by_image(verdicts: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    """Sort those verdicts that stand by their image, in their order; those on pairs of boxes are left out."""
    found: dict[str, list[Verdict]] = {}
    for verdict in standing(of_boxes(verdicts)):
        found.setdefault(verdict.image, []).append(verdict)
    return found


def reviews_of(
    results: Iterable[ImageResult], class_names: Sequence[str], verdicts: Iterable[Verdict]
) -> Iterator[ImageReview]:
    """Apply verdicts to all images of a run that did not fail, in their order."""
    given = by_image(verdicts)
    for result in through(results, "images gone through with their verdicts"):
        if not result.failed:
            yield review_of(result, class_names, given.get(result.name, []))


def review_of(result: ImageResult, class_names: Sequence[str], verdicts: Sequence[Verdict]) -> ImageReview:
    """Apply the verdicts on one image to its detections.

    A verdict on a box of an earlier run finds the detection that lies at its place now. If none does, an
    animal that a person saw stays there as one that the detector missed. A detection of a later run, in an
    image that was complete before it, at a place where nobody saw an animal, is wrong.

    Args:
        result: The image; it did not fail.
        class_names: Names of the model's classes, by class id.
        verdicts: On this image, those that stand, in the order in which they were given.
    """
    marks = {mark.id: mark for mark in detected(result, class_names)}
    if not verdicts:
        return ImageReview(image=result.name, marks=tuple(marks.values()), complete=False)
    now = _ids_now(marks, verdicts)
    for verdict in verdicts:
        if verdict.detection is not None:
            if verdict.kind == "added" and (same := _added_by_another(marks, verdict)) is not None:
                now[verdict.detection] = same
            _apply(marks, now.get(verdict.detection, verdict.detection), verdict)
    completed = [verdict for verdict in verdicts if verdict.kind == "nothing-here"]
    if completed and (seen := completed[-1].seen) is not None:
        known = {now.get(one, one) for one in seen}
        for key, mark in marks.items():
            if mark.standing == "detected" and key not in known:
                marks[key] = replace(mark, standing="wrong", reviewer=completed[-1].reviewer)
    return ImageReview(
        image=result.name,
        marks=tuple(marks.values()),
        complete=bool(completed),
        reviewers=frozenset(verdict.reviewer for verdict in verdicts),
    )


def detected(result: ImageResult, class_names: Sequence[str]) -> Iterator[Mark]:
    """The boxes of an image as the detector left them; those without any area are none."""
    found = result.detections
    if found is None:
        return
    columns = zip(
        ids_of(result), found.xyxy.tolist(), found.class_id.tolist(), found.confidence.tolist(), strict=True
    )
    for key, (x_min, y_min, x_max, y_max), class_id, confidence in columns:
        if x_max > x_min and y_max > y_min:
            box = Marked((x_min, y_min, x_max, y_max), class_names[class_id])
            yield Mark(id=key, box=box, standing="detected", detected=box, confidence=confidence)


def _ids_now(marks: Mapping[str, Mark], verdicts: Iterable[Verdict]) -> dict[str, str]:
    """The detections of this run that verdicts on another one mean.

    What was added is looked for, too: a better detector finds it.
    """
    places: dict[str, BoxCorners] = {}
    for verdict in verdicts:
        mark = verdict.after or verdict.before
        if verdict.detection is not None and mark is not None:
            places[verdict.detection] = mark.xyxy
    return ids_now(places, {key: mark.box.xyxy for key, mark in marks.items()})


def _added_by_another(marks: Mapping[str, Mark], verdict: Verdict) -> str | None:
    """The box that another person added at the same place: who looks on their own adds the animal again."""
    if verdict.after is None or verdict.detection in marks:
        return None
    others = [mark for mark in marks.values() if mark.detected is None and mark.reviewer != verdict.reviewer]
    [place] = find_again([verdict.after.xyxy], [mark.box.xyxy for mark in others])
    return None if place is None else others[place].id


def _apply(marks: dict[str, Mark], key: str, verdict: Verdict) -> None:
    earlier = marks.get(key)
    if earlier is None:
        if verdict.kind == "wrong" or (box := verdict.after or verdict.before) is None:
            return  # nothing is there, and this run's detector agrees
        earlier = Mark(id=key, box=box, standing="added")
    elif earlier.detected is None and verdict.kind == "wrong":
        del marks[key]  # an added box that was taken away again
        return
    standing_now = "added" if earlier.detected is None else _SAYS_MORE[verdict.kind]
    if verdict.kind == "added" and earlier.detected is not None:
        standing_now = "class" if _other_class(earlier, verdict) else "right"
    box = earlier.box if verdict.after is None else verdict.after
    if verdict.kind == "wrong" and earlier.detected is not None:
        box = earlier.detected
    marks[key] = replace(earlier, box=box, standing=standing_now, reviewer=verdict.reviewer)


def _other_class(mark: Mark, verdict: Verdict) -> bool:
    return verdict.after is not None and verdict.after.class_name != mark.box.class_name
