"""What the page knows and does: the run, the verdicts on it so far, and new ones, each on disk at once."""

from __future__ import annotations

import logging
import math
import secrets
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from wildetect.errors import WildDetectError
from wildetect.results.finished_run import FinishedRun
from wildetect.results.ids import BoxCorners, detection_id, ids_of
from wildetect.results.pictures.sight import all_unseen, unseen
from wildetect.results.records import ImageResult
from wildetect.results.report.numbers import colour_code
from wildetect.review.marks import ImageReview, Mark, review_of
from wildetect.review.page.animals import NO_CENSUS, AnimalCases, Comparing
from wildetect.review.page.pictures import DETAIL_SIDE, LONGEST_SIDE
from wildetect.review.page.places import along_the_ground
from wildetect.review.plan import Purpose, read_plan
from wildetect.review.verdict_file import VerdictFile, read_verdicts
from wildetect.review.verdicts import Kind, Marked, Verdict, of_boxes, standing

__all__ = ["Saying", "Session", "UnfitVerdictError", "UnseenError"]

logger = logging.getLogger(__name__)

_OF_A_BOX: tuple[Kind, ...] = ("right", "wrong", "class", "unsure", "moved")
_SMALLEST_SIDE = 2.0  # px: less is a click that slipped
_LONGEST_CLASS = 100  # letters
NOT_SEEN = "Nothing can be said of what nobody sees"


class UnfitVerdictError(ValueError):
    """What the page asks for cannot be said of this run."""


class UnseenError(UnfitVerdictError):
    """Something is said of a picture that nobody can have looked at.

    Args:
        image: Number of the image in the run.
        name: Name of the image.
        reason: Why, for a person.
    """

    def __init__(self, image: int, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}. {NOT_SEEN}")
        self.image = image
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """What a person says on the page.

    Attributes:
        kind: Kind as of a verdict.
        image: Number of the image in the run, from 0.
        detection: Id of the box; null for an added one and for a whole image.
        class_name: For "class" and "added".
        xyxy: For "added" and "moved", in px of the upright image.
    """

    kind: str
    image: int
    detection: str | None = None
    class_name: str | None = None
    xyxy: tuple[float, ...] | None = None

    @classmethod
    def from_document(cls, document: Any) -> Saying:
        """Read what the page sent.

        Raises:
            UnfitVerdictError: It is not a saying.
        """
        try:
            xyxy = document.get("xyxy")
            return cls(
                kind=str(document["verdict"]),
                image=int(document["image"]),
                detection=document.get("detection"),
                class_name=document.get("class"),
                xyxy=None if xyxy is None else tuple(float(edge) for edge in xyxy),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UnfitVerdictError("this is not a verdict") from error


class Session:
    """A person at the page of one run.

    Args:
        run: The run.
        file: Its verdicts, open for more.
        reviewer: Who sits there.
        cases: Animals of a census of the run.
        purpose: Whose plan is gone through.
    """

    def __init__(
        self,
        run: FinishedRun,
        file: VerdictFile,
        reviewer: str,
        cases: AnimalCases = NO_CENSUS,
        purpose: Purpose = "estimate",
    ) -> None:
        self.run = run
        self.reviewer = reviewer
        self._file = file
        self._turn = threading.Lock()
        self._verdicts: list[Verdict] = []
        self._of_image: dict[str, list[Verdict]] = {}
        read = read_verdicts(run.folder)
        if read.reason is not None:
            logger.warning("%s", read.reason)
        for verdict in read.verdicts:
            self._keep(verdict)
        self._numbers = {result.name: number for number, result in enumerate(run.results)}
        plan = read_plan(run.folder, purpose)
        self._outlines = {} if plan is None else {one.image: one.outline for one in plan.units}
        self._doubles = set() if plan is None else {one.image for one in plan.to_review if one.double}
        self._planned = None if plan is None else [one.image for one in plan.to_review]
        self._comparing = Comparing(run, reviewer, cases, self._verdicts)
        # in the addresses of pictures: a browser keeps those of another run that had the same port
        self._key = secrets.token_hex(4)

    def result(self, image: int) -> ImageResult:
        """An image that did not fail, by its number.

        Raises:
            UnfitVerdictError: The run has no such image.
        """
        if not 0 <= image < len(self.run.results) or self.run.results[image].failed:
            raise UnfitVerdictError("the run has no such image")
        return self.run.results[image]

    def state(self) -> dict[str, Any]:
        """All that the page begins with."""
        reviews = {
            number: self._review(result)
            for number, result in enumerate(self.run.results)
            if not result.failed
        }
        hidden = all_unseen(self.run.results, inside=False)
        planned = list(reviews)
        if self._planned is not None:
            planned = [
                self._numbers[name] for name in self._planned if self._numbers.get(name, -1) in reviews
            ]
        return {
            "run": self.run.folder.resolve().name,
            "reviewer": self.reviewer,
            "planned": self._planned is not None,
            "classes": [
                {"name": name, "colour": colour_code(place)}
                for place, name in enumerate(self.run.class_names)
            ],
            "images": {number: self.run.results[number].name for number in reviews},
            "unseen": {self._numbers[name]: one.reason for name, one in hidden.items()},
            "pictures": self._key,
            "detections": [
                card for number, review in reviews.items() for card in self._cards(number, review)
            ],
            "photographs": [{"image": number, "complete": reviews[number].complete} for number in planned],
            "places": along_the_ground(self.run.results),
            **self._comparing.document(),
        }

    def photograph(self, image: int) -> dict[str, Any]:
        """An image with all that stands in it."""
        result = self.result(image)
        outline = self._outlines.get(result.name)
        review = self._review(result)
        return {
            "image": image,
            "name": result.name,
            "width": result.width,
            "height": result.height,
            "longest": LONGEST_SIDE,
            "detail": DETAIL_SIDE,
            "outline": None if outline is None else [list(corner) for corner in outline],
            "complete": review.complete,
            "unseen": None if (hidden := unseen(result)) is None else hidden.reason,
            "marks": [_mark_document(mark) for mark in review.marks],
        }

    def say(self, saying: Saying) -> dict[str, Any]:
        """Write a verdict to the disk, and tell what stands in its image then.

        Raises:
            UnfitVerdictError: It does not fit the run, or is of a picture that nobody can look at.
            InputError: It cannot be written.
        """
        with self._turn:
            result = self.result(saying.image)
            self._refuse_unseen(saying.image)
            try:
                verdict = self._verdict(saying, result)
            except WildDetectError:
                raise
            except ValueError as error:
                raise UnfitVerdictError(str(error)) from error
            self._file.append(verdict)
            self._keep(verdict)
            return self.photograph(saying.image)

    def compare(self, document: Any) -> dict[str, Any]:
        """Write what a person says of pairs of detections to the disk.

        Args:
            document: What the page sent.

        Returns:
            What stands of these pairs then.

        Raises:
            UnfitVerdictError: It does not fit the run, or is of pictures that nobody can look at.
            InputError: It cannot be written.
        """
        with self._turn:
            try:
                verdicts = self._comparing.verdicts(document)
            except ValueError as error:
                raise UnfitVerdictError(str(error)) from error
            named = {name for one in verdicts for name in (one.image, one.other and one.other.image) if name}
            for name in sorted(named):
                self._refuse_unseen(self._numbers[name])
            self._file.append(*verdicts)
            for verdict in verdicts:
                self._keep(verdict)
            return {"pairs": self._comparing.given(verdicts)}

    def undo(self) -> dict[str, Any] | None:
        """Take back the last verdict that this reviewer gave on the page; None where there is none.

        Verdicts on several pairs that were given at once are taken back at once.

        Raises:
            InputError: It cannot be written.
        """
        with self._turn:
            own = (
                one
                for one in reversed(standing(self._verdicts))
                if one.reviewer == self.reviewer and one.source == "page" and one.image in self._numbers
            )
            last = next(own, None)
            if last is None:
                return None
            together = [last]
            if last.other is not None:
                together = [
                    one
                    for one in standing(self._verdicts)
                    if one.other is not None and one.reviewer == self.reviewer and one.time == last.time
                ]
            undoing = [
                Verdict(kind="undo", image=one.image, reviewer=self.reviewer, undoes=one.id)
                for one in together
            ]
            self._file.append(*undoing)
            for one in undoing:
                self._keep(one)
            undone = {"verdict": last.kind, "detection": last.detection}
            pairs = self._comparing.taken_back(together, self._verdicts) if last.other is not None else {}
            return {**self.photograph(self._numbers[last.image]), "undone": undone, "pairs": pairs}

    def _refuse_unseen(self, image: int) -> None:
        """Take no verdict on a picture that nobody can look at, whoever asks.

        Raises:
            UnseenError: It is one.
        """
        result = self.run.results[image]
        hidden = unseen(result)
        if hidden is not None:
            raise UnseenError(image, result.name, hidden.reason)

    def _keep(self, verdict: Verdict) -> None:
        self._verdicts.append(verdict)
        self._of_image.setdefault(verdict.image, []).append(verdict)

    def _review(self, result: ImageResult) -> ImageReview:
        # an undoing names the image of what it undoes: an image's own verdicts are enough
        given = standing(of_boxes(self._of_image.get(result.name, [])))
        own = [one for one in given if one.reviewer == self.reviewer]
        if result.name in self._doubles and not any(one.kind == "nothing-here" for one in own):
            given = own  # two people agree only if each has looked without the other's verdicts
        return review_of(result, self.run.class_names, given)

    def _cards(self, image: int, review: ImageReview) -> Iterator[dict[str, Any]]:
        rows = {key: row for row, key in enumerate(ids_of(self.run.results[image]))}
        for mark in review.marks:
            if mark.detected is not None:
                yield {"image": image, "row": rows[mark.id], **_mark_document(mark)}

    def _verdict(self, saying: Saying, result: ImageResult) -> Verdict:
        if saying.kind == "nothing-here":
            return Verdict(
                kind="nothing-here",
                image=result.name,
                reviewer=self.reviewer,
                seen=tuple(ids_of(result)),
            )
        marks = {mark.id: mark for mark in self._review(result).marks}
        if saying.kind == "added":
            box = _drawn(saying, result)
            return Verdict(
                kind="added",
                image=result.name,
                reviewer=self.reviewer,
                detection=_free_id(result.name, box, marks),
                after=Marked(box, _class_name(saying)),
            )
        kind = next((one for one in _OF_A_BOX if one == saying.kind), None)
        mark = marks.get(saying.detection or "")
        if kind is None or mark is None:
            raise UnfitVerdictError("there is no such box in the image" if kind else "this is not a verdict")
        return Verdict(
            kind=kind,
            image=result.name,
            reviewer=self.reviewer,
            detection=mark.id,
            before=mark.box,
            after=_after(kind, mark.box, saying, result),
        )


def _after(kind: Kind, before: Marked, saying: Saying, result: ImageResult) -> Marked | None:
    if kind == "class":
        return Marked(before.xyxy, _class_name(saying))
    if kind == "moved":
        return Marked(_drawn(saying, result), before.class_name)
    return None


def _class_name(saying: Saying) -> str:
    name = saying.class_name.strip() if isinstance(saying.class_name, str) else ""
    if not name or len(name) > _LONGEST_CLASS or not name.isprintable():
        raise UnfitVerdictError("the name of the class is missing, or cannot be used")
    return name


def _drawn(saying: Saying, result: ImageResult) -> BoxCorners:
    """The box that was drawn, cut to its image."""
    edges: Sequence[float] = saying.xyxy or ()
    if len(edges) != 4 or not all(map(math.isfinite, edges)):  # noqa: PLR2004 - a box has four edges
        raise UnfitVerdictError("this is not a box")
    width, height = float(result.width or 0), float(result.height or 0)
    x_min, x_max = (min(max(edge, 0.0), width) for edge in sorted((edges[0], edges[2])))
    y_min, y_max = (min(max(edge, 0.0), height) for edge in sorted((edges[1], edges[3])))
    if min(x_max - x_min, y_max - y_min) < _SMALLEST_SIDE:
        raise UnfitVerdictError("this box is too small: draw one around the animal")
    return round(x_min, 2), round(y_min, 2), round(x_max, 2), round(y_max, 2)


def _free_id(image: str, box: BoxCorners, marks: dict[str, Mark]) -> str:
    occurrence = 0
    while (key := detection_id(image, box, occurrence)) in marks:
        occurrence += 1
    return key


def _mark_document(mark: Mark) -> dict[str, Any]:
    return {
        "id": mark.id,
        "xyxy": [round(edge, 2) for edge in mark.box.xyxy],
        "class": mark.box.class_name,
        "confidence": None if mark.confidence is None else round(mark.confidence, 4),
        "standing": mark.standing,
    }
