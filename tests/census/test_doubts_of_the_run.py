"""What a detection run doubts is a caution of every census that counts in it."""

from __future__ import annotations

from dataclasses import replace

from wildetect.census.cautions.missing import of_the_run
from wildetect.results.run import DetectionRun
from wildetect.results.run_parts import BrokenImage, CutBoxes, FullImage, LeftOut, Remark, RunModel, Times

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
        model=RunModel(class_names=("elephant",), unchecked="no box was found"),
        detections=100,
        doubts=(Remark("they are the same photograph twice", ("a.jpg", "b.jpg")),),
        tiles_failed=(BrokenImage("ortho.tif", ("640 x 640 px at 0, 0: the file is damaged",) * 2),),
        full_images=(FullImage("colony.png", 3),),
        cut_boxes=CutBoxes(number=40, files=("c.jpg",)),
    )
    unchecked, doubt, broken, full, cut = of_the_run(doubtful)
    assert (unchecked.kind, unchecked.files) == ("model-unchecked", [])
    assert "is not sure" in unchecked.what
    assert unchecked.what.endswith(": no box was found.")
    assert (doubt.kind, doubt.files) == ("detection-doubt", ["a.jpg", "b.jpg"])
    assert "in 2 photographs may be wrong: they are the same photograph twice." in doubt.what
    assert (broken.kind, broken.files) == ("failed-tiles", ["ortho.tif"])
    assert "failed in 2 tiles of 1 photograph: animals there do not count" in broken.what
    assert (full.kind, full.files) == ("full-tiles", ["colony.png"])
    assert "animals may be missing" in full.what
    assert (cut.kind, cut.files) == ("cut-animals", ["c.jpg"])
    assert all(caution.fix for caution in (unchecked, doubt, broken, full, cut))


def test_photographs_that_were_done_and_are_away_are_named() -> None:
    (gone,) = of_the_run(replace(PLAIN, left_out=LeftOut(6, 290)))
    assert gone.kind == "gone-photographs"
    assert gone.what.startswith("6 images with 290 detections had been done and were not found")
