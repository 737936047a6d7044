"""What a detection run doubts is a caution of every census that counts in it."""

from __future__ import annotations

from dataclasses import replace

from wildetect.census.cautions.missing import of_the_run
from wildetect.results.run import CutBoxes, DetectionRun, FullImage, Remark, RunModel, Times

PLAIN = DetectionRun(
    state="finished",
    model=RunModel(class_names=("elephant",)),
    times=Times(started="2026-11-01T08:00:00+00:00"),
)


def test_a_run_without_doubt_gives_no_caution() -> None:
    assert list(of_the_run(PLAIN)) == []


def test_each_doubt_is_named_with_its_photographs_and_what_fixes_it() -> None:
    doubtful = replace(
        PLAIN,
        detections=100,
        doubts=(Remark("they are the same photograph twice", ("a.jpg", "b.jpg")),),
        full_images=(FullImage("colony.png", 3),),
        cut_boxes=CutBoxes(number=40, files=("c.jpg",)),
    )
    doubt, full, cut = of_the_run(doubtful)
    assert (doubt.kind, doubt.files) == ("detection-doubt", ["a.jpg", "b.jpg"])
    assert "in 2 photographs may be wrong: they are the same photograph twice." in doubt.what
    assert (full.kind, full.files) == ("full-tiles", ["colony.png"])
    assert "animals may be missing" in full.what
    assert (cut.kind, cut.files) == ("cut-animals", ["c.jpg"])
    assert all(caution.fix for caution in (doubt, full, cut))
