"""Take back what was corrected elsewhere: the difference to what stands becomes verdicts."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wildetect.errors import InputError
from wildetect.results.finished_run import FinishedRun
from wildetect.results.ids import detection_id, ids_of
from wildetect.results.pictures.sight import all_unseen
from wildetect.review.corrected.boxes import CorrectedBox, CorrectedImage
from wildetect.review.corrected.reading import check_is_there, read_corrected
from wildetect.review.ids import farthest, find_again
from wildetect.review.marks import ImageReview, Mark, reviews_of
from wildetect.review.verdict_file import VERDICTS, read_verdicts, verdicts_in, writing_verdicts
from wildetect.review.verdicts import Kind, Marked, Verdict
from wildetect.wording import number_of

__all__ = ["Imported", "import_corrected"]

logger = logging.getLogger(__name__)

_SAME_PX = 0.1  # exports round to hundredths of a px, percent of a wide picture to less
_LOOKS_FILTERED = 10  # detections that are gone by one rule
_FILTERED = (
    "was it filtered? They are left as they are; if all of them are wrong, say so in a column verdict or in "
    "review.open"
)
_SAME_SHARE = 2e-6  # of the image's longer side: shares with five digits of a percent


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a file.

    Attributes:
        images: How many images of the run it holds.
        verdicts: How many verdicts of each kind it gave.
        refused: Edits that could not be taken over, with the reason.
    """

    images: int
    verdicts: dict[str, int]
    refused: tuple[str, ...]


def import_corrected(run: FinishedRun, source: Path, reviewer: str) -> Imported:
    """Append the verdicts that a corrected file amounts to; a file that was not changed amounts to none.

    Args:
        run: Run that the file was exported from.
        source: The file; a verdicts.jsonl holds verdicts of its own, on a copy of the run.
        reviewer: Who corrected it.

    Raises:
        ConfigurationError: Another program is writing verdicts of this run.
        InputError: A file cannot be read or written.
    """
    check_is_there(source)
    if source.suffix.lower() == Path(VERDICTS).suffix:
        return _brought_along(run, source)
    refused: list[str] = []
    corrected = read_corrected(source, run, refused.append)
    read = read_verdicts(run.folder)
    if read.reason is not None:
        logger.warning("%s", read.reason)
    standing = {one.image: one for one in reviews_of(run.results, run.class_names, read.verdicts)}
    another = _other_pictures(run, corrected, refused)
    given: list[Verdict] = []
    gone: set[str] = set()
    unjudged: list[Mark] = []
    earlier = frozenset(
        one.detection for one in read.verdicts if one.source == source.name and one.detection is not None
    )
    for result in run.results:
        if result.name not in corrected or result.name not in standing or result.name in another:
            continue
        tolerance = max(
            _SAME_PX,
            _SAME_SHARE * max(result.width or 0, result.height or 0),
            corrected[result.name].rounding,
        )
        said = _Said(result.name, reviewer, source.name, tolerance, tuple(ids_of(result)), earlier, gone)
        given += said.verdicts(standing[result.name], corrected[result.name], refused)
        if not corrected[result.name].complete:
            unjudged += [mark for mark in standing[result.name].marks if mark.standing == "detected"]
    held = _filtered_out(unjudged, gone, refused)
    given = [one for one in given if one.detection not in held]
    if given:
        with writing_verdicts(run.folder) as file:
            file.append(*given)
    return Imported(len(corrected), dict(Counter(one.kind for one in given)), tuple(refused))


def _brought_along(run: FinishedRun, source: Path) -> Imported:
    """Append the verdicts that people gave on another machine, on a copy of the run's folder.

    They stay who said them and when. Those that are here already are known by their ids.
    """
    brought = verdicts_in(source)
    if not brought.verdicts:
        raise InputError(
            f"{source} holds no verdicts" + (f": {brought.problems[0]}" if brought.problems else ""),
            hint=f"Name the {VERDICTS} of the other copy's folder review.",
        )
    images = {result.name for result in run.results}
    here = {one.id for one in read_verdicts(run.folder).verdicts}
    refused: list[str] = []
    new = [one for one in brought.verdicts if one.image in images and one.id not in here]
    compared = {one.other.image for one in new if one.other is not None}
    another = _other_pictures(run, {one.image for one in new} | compared, refused)
    new = [one for one in new if another.isdisjoint({one.image, one.other.image if one.other else ""})]
    unknown = dict.fromkeys(one.image for one in brought.verdicts if one.image not in images)
    if new:
        with writing_verdicts(run.folder) as file:
            file.append(*new)
    return Imported(
        len({one.image for one in brought.verdicts} & images),
        dict(Counter(one.kind for one in new)),
        (*brought.problems, *refused, *(f"the run has no image {name!r}" for name in unknown)),
    )


def _other_pictures(run: FinishedRun, images: Collection[str], refused: list[str]) -> set[str]:
    """Those images of a file that are another picture now than the run saw: which one was judged?

    Args:
        run: Run as it was read.
        images: Images of which the file says something.
        refused: Callback that is told of each.
    """
    hidden = all_unseen(one for one in run.results if one.name in images)
    another = {name: one.reason for name, one in hidden.items() if one.why == "another"}
    refused += [
        f"{name}: {reason}: what was said may be of that one. Take it away or put the run's own back, then "
        "give this command again"
        for name, reason in another.items()
    ]
    return set(another)


def _filtered_out(unjudged: Sequence[Mark], gone: Collection[str], refused: list[str]) -> set[str]:
    """Find what is gone from a file because somebody filtered it: nobody said that it is wrong.

    A cut that no person makes by looking: a class of which nothing is left, or all that is less sure than
    the rest.

    Args:
        unjudged: The detections of the file's images that nobody has judged, but of images that the file
            calls complete.
        gone: Ids of boxes that the file no longer holds.
        refused: Callback that is told of it.
    """
    missing = [mark for mark in unjudged if mark.id in gone]
    left = [mark for mark in unjudged if mark.id not in gone]
    held: set[str] = set()
    kept = {mark.box.class_name for mark in left}
    for name, count in Counter(mark.box.class_name for mark in missing).items():
        if left and name not in kept and count >= _LOOKS_FILTERED:
            held |= {mark.id for mark in missing if mark.box.class_name == name}
            refused.append(
                f"{name}: {number_of(count, 'detection')}, which is all, gone from the file: {_FILTERED}"
            )
    missing = [mark for mark in missing if mark.id not in held]
    surest = max((mark.confidence or 0.0 for mark in missing), default=0.0)
    if min(len(missing), len(left)) >= _LOOKS_FILTERED and surest < min(
        1.0 if mark.confidence is None else mark.confidence for mark in left
    ):
        held |= {mark.id for mark in missing}
        refused.append(
            f"{number_of(len(missing), 'detection')}, all with a confidence up to {surest:.2f}, gone from "
            f"the file: {_FILTERED}"
        )
    return held


@dataclass(frozen=True, slots=True)
class _Said:
    """Makes the verdicts on one image.

    Exports hold the detector's boxes, also where people have said more since. What a file has as the
    detector left it is no change then, unless this very file said something of that box before.
    """

    image: str
    reviewer: str
    source: str
    tolerance: float
    detections: tuple[str, ...]
    earlier: frozenset[str]
    gone: set[str]

    def verdicts(self, stands: ImageReview, file: CorrectedImage, refused: list[str]) -> list[Verdict]:
        """What differs between what stands and what the file says."""
        boxes = [box for box in file.boxes if self._usable(box, refused)]
        unread = file.unread or len(boxes) < len(file.boxes)
        partner = _partners(stands.animals, boxes, self.tolerance)
        found: list[Verdict] = []
        for mark, index in zip(stands.animals, partner, strict=True):
            if index is not None:
                found += self._changes(mark, boxes[index])
            elif not unread and (mark.detected is not None or file.reviewed or mark.id in self.earlier):
                found.append(self._of("wrong", mark))
                self.gone.add(mark.id)
        if unread:
            refused.append(
                f"{self.image}: some of it could not be read: what is missing there is not taken as wrong, "
                "nor the photograph as done"
            )
        taken = {index for index in partner if index is not None}
        for index, box in enumerate(boxes):
            if index not in taken and box.verdict != "wrong" and not self._was_wrong(box, stands):
                key = detection_id(self.image, box.xyxy)
                after = Marked(box.xyxy, box.class_name)
                found.append(self._verdict("added", key, None, after))
        if file.complete and not unread and not stands.complete:
            found.append(
                Verdict(
                    kind="nothing-here",
                    image=self.image,
                    reviewer=self.reviewer,
                    source=self.source,
                    seen=self.detections,
                )
            )
        return found

    def _usable(self, box: CorrectedBox, refused: list[str]) -> bool:
        try:
            Marked(box.xyxy, box.class_name)
        except ValueError as error:
            refused.append(f"{self.image}: {error}")
            return False
        return True

    def _changes(self, mark: Mark, box: CorrectedBox) -> Iterator[Verdict]:
        if box.verdict == "wrong":
            yield self._of("wrong", mark)
            return
        if box.verdict is None and mark.id not in self.earlier and _is_as_detected(box, mark, self.tolerance):
            return
        moved = farthest(mark.box.xyxy, box.xyxy) > self.tolerance
        before = mark.box
        if moved:
            after = Marked(box.xyxy, before.class_name)
            yield self._verdict("moved", mark.id, before, after)
            before = after
        if box.class_name != before.class_name:
            after = Marked(before.xyxy, box.class_name)
            yield self._verdict("class", mark.id, before, after)
        elif not moved and box.verdict == "right" and mark.standing != "right":
            yield self._of("right", mark)
        if box.verdict == "unsure" and mark.standing != "unsure":
            yield self._of("unsure", mark)

    def _was_wrong(self, box: CorrectedBox, stands: ImageReview) -> bool:
        """Whether it is a detection that a person called wrong: an untouched export holds it, too."""
        return box.verdict is None and any(
            not mark.counts
            and (box.key == mark.id or (box.key is None and _is_as_detected(box, mark, self.tolerance)))
            for mark in stands.marks
        )

    def _of(self, kind: Kind, mark: Mark) -> Verdict:
        return self._verdict(kind, mark.id, mark.box, None)

    def _verdict(self, kind: Kind, key: str, before: Marked | None, after: Marked | None) -> Verdict:
        return Verdict(
            kind=kind,
            image=self.image,
            reviewer=self.reviewer,
            detection=key,
            before=before,
            after=after,
            source=self.source,
        )


def _partners(marks: Sequence[Mark], boxes: Sequence[CorrectedBox], tolerance: float) -> list[int | None]:
    """For each mark the box of the file that is the same: by its id, as it was detected, or by its place."""
    by_key = {box.key: index for index, box in enumerate(boxes) if box.key is not None}
    partner = [by_key.pop(mark.id, None) for mark in marks]
    taken = {index for index in partner if index is not None}
    for row, mark in enumerate(marks):
        if partner[row] is None:
            same = (
                index
                for index, box in enumerate(boxes)
                if index not in taken and _is_as_detected(box, mark, tolerance)
            )
            if (found := next(same, None)) is not None:
                partner[row] = found
                taken.add(found)
    free = [index for index in range(len(boxes)) if index not in taken]
    left = [row for row, index in enumerate(partner) if index is None]
    again = find_again([marks[row].box.xyxy for row in left], [boxes[index].xyxy for index in free])
    for row, place in zip(left, again, strict=True):
        if place is not None:
            partner[row] = free[place]
    return partner


def _is_as_detected(box: CorrectedBox, mark: Mark, tolerance: float) -> bool:
    """Whether a box of the file is as the detector left it."""
    if mark.detected is None or box.class_name != mark.detected.class_name:
        return False
    return farthest(box.xyxy, mark.detected.xyxy) <= tolerance
