"""What people said of pairs of detections, over undoing, other boxes and other verdicts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wildetect.detections import Detections
from wildetect.results.ids import ids_of
from wildetect.results.records import ImageResult
from wildetect.review.agreement import agreement_of
from wildetect.review.marks import reviews_of
from wildetect.review.pairs import pair_key, pairs_said
from wildetect.review.plan import Plan
from wildetect.review.sample import review_from
from wildetect.review.verdict_file import VerdictsRead, read_verdicts, writing_verdicts
from wildetect.review.verdicts import Kind, Marked, Other, Verdict

NAMES = ("elephant", "zebra")
NO_PLAN: Plan | None = None


def results(shift: float = 0.0) -> list[ImageResult]:
    boxes = np.array([[10, 20, 60, 80], [100, 100, 140, 150]], np.float32) + np.float32(shift)
    found = Detections(boxes, [0.9, 0.8], [0, 1])
    return [
        ImageResult(name=name, path=Path(name), detections=found, width=400, height=300)
        for name in ("a.jpg", "b.jpg")
    ]


def said(kind: Kind, rows: tuple[int, int] = (0, 0), who: str = "Ann") -> Verdict:
    one, other = results()
    assert one.detections is not None
    places = [tuple(one.detections.xyxy[row].tolist()) for row in rows]  # the same in both photographs
    boxes = [Marked(place, NAMES[row]) for place, row in zip(places, rows, strict=True)]
    keys = ids_of(one)[rows[0]], ids_of(other)[rows[1]]
    return Verdict(
        kind=kind,
        image=one.name,
        reviewer=who,
        detection=keys[0],
        before=boxes[0],
        other=Other(other.name, keys[1], boxes[1]),
    )


def undone(verdict: Verdict) -> Verdict:
    return Verdict(kind="undo", image=verdict.image, reviewer=verdict.reviewer, undoes=verdict.id)


def test_the_last_word_counts_and_what_is_undone_does_not() -> None:
    same, apart = said("same"), said("not-same", who="Bo")
    [found] = pairs_said(results(), [same, apart]).said
    assert (found.same, found.reviewer) == (False, "Bo")
    [found] = pairs_said(results(), [same, apart, undone(apart)]).said
    assert (found.same, found.reviewer) == (True, "Ann")
    assert pairs_said(results(), [same, undone(same)]).said == ()


def test_boxes_of_another_run_are_found_by_their_place_or_counted_as_lost() -> None:
    given = [said("same"), said("not-same", (1, 0))]
    now = results(shift=3.0)
    found = pairs_said(now, given)
    assert {one.ids: one.same for one in found.said} == {
        pair_key(ids_of(now[0])[0], ids_of(now[1])[0]): True,
        pair_key(ids_of(now[0])[1], ids_of(now[1])[0]): False,
    }
    assert found.lost == 0
    assert pairs_said(results(shift=60.0), given) == ((), 2)
    assert pairs_said(now[:1], given) == ((), 2)


def test_what_is_said_of_a_pair_says_nothing_of_its_boxes_or_photographs() -> None:
    given = [said("same"), said("not-same", (1, 1))]
    for review in reviews_of(results(), NAMES, given):
        assert [mark.standing for mark in review.marks] == ["detected", "detected"]
        assert not review.reviewers
    assert review_from(VerdictsRead(tuple(given)), NO_PLAN, results(), NAMES) is None
    given += [undone(given[0])]
    assert review_from(VerdictsRead(tuple(given)), NO_PLAN, results(), NAMES) is None
    assert agreement_of(results(), NAMES, given) == ([], [])


def test_a_pair_survives_the_file_and_two_boxes_of_one_photograph_are_none(tmp_path: Path) -> None:
    verdict = said("same")
    with writing_verdicts(tmp_path) as file:
        file.append(verdict, said("not-same"))
    read = read_verdicts(tmp_path)
    assert read.problems == ()
    assert read.verdicts[0].other == verdict.other
    assert read.verdicts[1].kind == "not-same"
    assert verdict.other is not None
    with pytest.raises(ValueError, match="one photograph shows both"):
        Verdict(
            kind="same",
            image="b.jpg",
            reviewer="Ann",
            detection="x",
            before=verdict.before,
            other=verdict.other,
        )
    with pytest.raises(ValueError, match="name another box"):
        Verdict(kind="same", image="a.jpg", reviewer="Ann", detection="x", before=verdict.before)
