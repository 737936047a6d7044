from pathlib import Path

import numpy as np

from wildetect.detections import Detections
from wildetect.results.ids import ids_of
from wildetect.results.records import ImageResult
from wildetect.review.marks import ImageReview, review_of
from wildetect.review.verdicts import Marked, Verdict

NAMES = ("zebra", "eland")
BOXES = ((0.0, 0.0, 20.0, 20.0), (50.0, 50.0, 80.0, 80.0))


def result(*boxes: tuple[float, float, float, float]) -> ImageResult:
    found = Detections(np.array(boxes), [0.9] * len(boxes), [0] * len(boxes))
    return ImageResult(name="a.jpg", path=Path("a.jpg"), detections=found, width=200, height=200)


def verdict(kind: str, **more: object) -> Verdict:
    return Verdict(kind=kind, image="a.jpg", reviewer="Ann", **more)  # type: ignore[arg-type]


def reviewed(run: ImageResult, *verdicts: Verdict) -> ImageReview:
    return review_of(run, NAMES, verdicts)


def test_without_verdicts_the_detections_stand_and_nothing_is_complete() -> None:
    found = reviewed(result(*BOXES))

    assert [mark.standing for mark in found.marks] == ["detected", "detected"]
    assert not found.complete


def test_each_verdict_changes_what_stands() -> None:
    run = result(*BOXES)
    one, other = ids_of(run)
    zebra = Marked(BOXES[0], "zebra")
    missed = Marked((100, 100, 120, 120), "eland")
    found = reviewed(
        run,
        verdict("class", detection=one, before=zebra, after=Marked(BOXES[0], "eland")),
        verdict("wrong", detection=other, before=Marked(BOXES[1], "zebra")),
        verdict("added", detection="new", after=missed),
        verdict("nothing-here"),
    )

    assert [(mark.box.class_name, mark.box.xyxy) for mark in found.animals] == [
        ("eland", BOXES[0]),
        ("eland", missed.xyxy),
    ]
    assert found.complete
    assert found.reviewers == {"Ann"}


def test_an_added_box_can_be_moved_and_taken_away_again() -> None:
    run, first, then = result(), Marked((1, 1, 9, 9), "zebra"), Marked((2, 2, 12, 12), "zebra")
    added = verdict("added", detection="new", after=first)
    moved = verdict("moved", detection="new", before=first, after=then)

    assert [mark.box for mark in reviewed(run, added, moved).animals] == [then]
    assert reviewed(run, added, moved, verdict("wrong", detection="new", before=then)).marks == ()


def test_verdicts_find_their_boxes_in_the_run_of_a_better_detector() -> None:
    run = result(*BOXES)
    one, other = ids_of(run)
    missed = Marked((100.0, 100.0, 130.0, 130.0), "zebra")
    given = [
        verdict("right", detection=one, before=Marked(BOXES[0], "zebra")),
        verdict("wrong", detection=other, before=Marked(BOXES[1], "zebra")),
        verdict("added", detection="new", after=missed),
        verdict("nothing-here", seen=(one, other)),
    ]
    # the first box moved a little, the wrong one is gone, the missed one is found, and one more is wrong
    later = result((1.0, 0.0, 21.0, 20.0), (101.0, 100.0, 131.0, 130.0), (150.0, 150.0, 160.0, 160.0))

    found = reviewed(later, *given)

    assert [mark.standing for mark in found.marks] == ["right", "right", "wrong"]
    assert len(found.animals) == len(reviewed(run, *given).animals) == 2


def test_an_animal_that_the_next_run_does_not_find_is_missed_not_lost() -> None:
    run = result(*BOXES)
    one = ids_of(run)[0]
    right = verdict("right", detection=one, before=Marked(BOXES[0], "zebra"))

    found = reviewed(result(BOXES[1]), right)

    assert [mark.standing for mark in found.marks] == ["detected", "added"]
    assert found.marks[1].detected is None
