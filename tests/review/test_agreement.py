from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.census.flights import NAMES, write_run

from wildetect.detections import Detections
from wildetect.results.finished_run import FinishedRun, read_finished_run
from wildetect.results.ids import ids_of
from wildetect.results.records import ImageResult
from wildetect.review.agreement import kappa
from wildetect.review.page.session import Saying, Session
from wildetect.review.plan import read_plan
from wildetect.review.planning import Wish, make_plan
from wildetect.review.status import status_document, status_of
from wildetect.review.verdict_file import writing_verdicts

BOXES = np.array([[10, 20, 60, 80], [100, 100, 140, 150]], np.float32)


@pytest.fixture
def run(tmp_path: Path) -> FinishedRun:
    results = [
        ImageResult(
            name=f"{number:02}.jpg",
            path=tmp_path / f"{number:02}.jpg",
            detections=Detections(BOXES, [0.9, 0.8], [0, 1]),
            width=400,
            height=300,
        )
        for number in range(40)
    ]
    for result in results:
        (tmp_path / result.name).write_bytes(b"a picture that somebody can look at")
    write_run(tmp_path / "run", results)
    return read_finished_run(tmp_path / "run")


def look(run: FinishedRun, reviewer: str, image: int, *sayings: Saying) -> None:
    with writing_verdicts(run.folder) as file:
        session = Session(run, file, reviewer)
        for one in (*sayings, Saying(kind="nothing-here", image=image)):
            session.say(one)


def added(image: int, *xyxy: float) -> Saying:
    return Saying(kind="added", image=image, class_name=NAMES[0], xyxy=xyxy)


def test_kappa_is_that_of_cohens_formula() -> None:
    # 50 things: 20 both yes, 15 both no, 5 and 10 mixed: p_o 0.7, p_e 0.5
    said = [("y", "y")] * 20 + [("n", "n")] * 15 + [("y", "n")] * 5 + [("n", "y")] * 10
    assert kappa(said) == pytest.approx(0.4)
    assert kappa([("y", "y")] * 9) is None
    assert kappa([]) is None


def test_who_looks_at_a_double_photograph_does_not_see_what_another_said(run: FinishedRun) -> None:
    plan = make_plan(run, {}, Wish(photographs=20, seed=3, double=0.1)).plan
    doubles = [unit.image for unit in plan.to_review if unit.double]
    assert len(doubles) == 2
    assert read_plan(run.folder) == plan
    more = make_plan(run, {}, Wish(photographs=30)).plan
    assert sum(unit.double for unit in more.to_review) == 3

    double = int(next(unit.image for unit in more.to_review if unit.double)[:2])
    single = int(next(unit.image for unit in more.to_review if not unit.double)[:2])
    key = ids_of(run.results[double])[0]
    for image in (double, single):
        look(run, "Ann", image, Saying(kind="wrong", image=image, detection=ids_of(run.results[image])[0]))
    with writing_verdicts(run.folder) as file:
        session = Session(run, file, "Bo")
        blind, shared = session.photograph(double), session.photograph(single)
        assert (blind["complete"], blind["marks"][0]["standing"]) == (False, "detected")
        assert (shared["complete"], shared["marks"][0]["standing"]) == (True, "wrong")
        session.say(Saying(kind="right", image=double, detection=key))
        seen = session.say(Saying(kind="nothing-here", image=double))
        assert seen["complete"]


def test_an_animal_that_two_people_add_counts_once_and_their_conflicts_are_settled(
    run: FinishedRun,
) -> None:
    make_plan(run, {}, Wish(photographs=40, seed=3, double=1.0))
    first, second = ids_of(run.results[0])
    look(run, "Ann", 0, Saying(kind="wrong", image=0, detection=first), added(0, 200, 200, 240, 240))
    look(run, "Bo", 0, added(0, 202, 198, 243, 241), added(0, 300, 20, 340, 60))

    found = status_of(run)
    [agreement] = found.agreement
    assert (agreement.reviewers, agreement.photographs, agreement.boxes) == (("Ann", "Bo"), 1, 4)
    assert agreement.same == 2
    assert [dict(one.said) for one in found.conflicts] == [
        {"Ann": "no animal", "Bo": NAMES[0]},
        {"Ann": "no animal", "Bo": NAMES[0]},
    ]
    assert found.numbers[0].reviewed == 3  # one right, one added by both, one by Bo
    assert not any(one.settled for one in found.conflicts)

    look(run, "Ann", 0, Saying(kind="right", image=0, detection=first))
    document = status_document(status_of(run))
    assert [one["settled"] for one in document["conflicts"]] == [True, False]
    assert document["agreement"][0]["same"] == 2  # what was agreed later does not count as agreement
    assert document["summary"]["all"]["reviewed"] == 4
    assert second
