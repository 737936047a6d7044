"""A photograph that is another one than the run saw is judged by no way in, and it is said."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.census.flights import NAMES, write_run

from wildetect.detections import Detections
from wildetect.errors import InputError
from wildetect.imagery.source import UnreadableImageError
from wildetect.results.exports.folder import Wanted
from wildetect.results.exports.later import export_again
from wildetect.results.finished_run import FinishedRun, read_finished_run
from wildetect.results.ids import ids_of
from wildetect.results.pictures.sight import all_unseen, open_seen, unseen
from wildetect.results.pictures.stamps import pieces_of
from wildetect.results.records import ImageResult
from wildetect.review.importing import import_corrected
from wildetect.review.page.pictures import Pictures
from wildetect.review.page.session import Saying, Session, UnseenError
from wildetect.review.status import status_document, status_of
from wildetect.review.verdict_file import read_verdicts, writing_verdicts

BOXES = np.array([[10, 20, 60, 80], [100, 100, 140, 150]], np.float32)


@pytest.fixture
def run(tmp_path: Path) -> FinishedRun:
    """Three photographs; the last one was replaced by another of its name after the run."""
    pictures, results = tmp_path / "pictures", []
    pictures.mkdir()
    for number in range(3):
        path = pictures / f"{number}.jpg"
        Image.new("RGB", (400, 300), (90, 120, 60 * number)).save(path)
        found = Detections(BOXES, [0.9, 0.8], [0, 1])
        results.append(ImageResult(name=path.name, path=path, detections=found, width=400, height=300))
    write_run(tmp_path / "run", results)
    replace(pictures / "2.jpg")
    return read_finished_run(tmp_path / "run")


def replace(path: Path) -> None:
    """Put another photograph of the same size in px at its place."""
    dice = np.random.default_rng(4)
    Image.fromarray(dice.integers(0, 255, (300, 400, 3), np.uint8)).save(path)


def test_a_copy_is_the_same_picture_and_one_of_another_size_is_not(run: FinishedRun, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(tmp_path / "pictures", moved, copy_function=shutil.copyfile)  # with times of its own
    assert unseen(run.results[0]) is None
    hidden = unseen(run.results[2])
    assert hidden is not None
    assert hidden.why == "another"
    assert "bytes, the run read" in hidden.reason
    with pytest.raises(UnreadableImageError, match="another picture has its name now"):
        open_seen(run.results[2])


def test_a_turned_picture_of_as_many_bytes_is_another_one(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    Image.new("RGB", (400, 300)).save(path)
    size = path.stat().st_size
    found = Detections(BOXES, [0.9, 0.8], [0, 1])
    write_run(
        tmp_path / "run", [ImageResult(name="a.bmp", path=path, detections=found, width=400, height=300)]
    )
    Image.new("RGB", (300, 400)).save(path)
    assert path.stat().st_size == size
    with pytest.raises(UnreadableImageError, match="300 x 400 px"):
        open_seen(read_finished_run(tmp_path / "run").results[0])


def test_another_picture_of_as_many_bytes_is_told_by_its_content(tmp_path: Path) -> None:
    path, found = tmp_path / "thermal.tif", Detections(BOXES, [0.9, 0.8], [0, 1])
    dice = np.random.default_rng(8)
    shots = [Image.fromarray(dice.integers(0, 255, (300, 400, 3), np.uint8)) for _ in range(2)]
    shots[0].save(path)
    result = ImageResult(
        name=path.name, path=path, detections=found, width=400, height=300, pieces=pieces_of(path)
    )
    write_run(tmp_path / "run", [result])
    run = read_finished_run(tmp_path / "run")
    copied = path.read_bytes()
    path.write_bytes(copied)
    os.utime(path, ns=(0, 0))
    assert unseen(run.results[0]) is None  # a copy, with a time of its own
    shots[1].save(path)
    assert path.stat().st_size == len(copied)
    hidden = unseen(run.results[0])
    assert hidden is not None
    assert "of as many bytes" in hidden.reason
    assert all_unseen(run.results)
    with writing_verdicts(run.folder) as file, pytest.raises(UnseenError):
        Session(run, file, "Ann").say(Saying(kind="nothing-here", image=0))


def test_the_page_shows_no_picture_of_it_and_takes_no_verdict_that_is_made_by_hand(run: FinishedRun) -> None:
    pictures, result = Pictures(), run.results[2]
    with pytest.raises(UnreadableImageError, match="another picture"):
        pictures.crop(2, result, 0)
    with pytest.raises(UnreadableImageError, match="another picture"):
        pictures.photograph(2, result)
    with pytest.raises(UnreadableImageError, match="another picture"):
        pictures.detail(2, result, 0, (0, 0))
    assert pictures.looks(result) is None
    box = ids_of(result)[0]
    with writing_verdicts(run.folder) as file:
        session = Session(run, file, "Ann")
        assert list(session.state()["unseen"]) == [2]
        assert "another picture" in session.photograph(2)["unseen"]
        for saying in (
            Saying(kind="right", image=2, detection=box),
            Saying(kind="class", image=2, detection=box, class_name="okapi"),
            Saying(kind="moved", image=2, detection=box, xyxy=(10, 10, 90, 90)),
            Saying(kind="added", image=2, class_name=NAMES[0], xyxy=(10, 10, 90, 90)),
            Saying(kind="nothing-here", image=2),
        ):
            with pytest.raises(UnseenError, match=r"2\.jpg: another picture has its name now"):
                session.say(saying)
        session.say(Saying(kind="nothing-here", image=1))
    assert [one.image for one in read_verdicts(run.folder).verdicts] == ["1.jpg"]


def test_one_that_is_replaced_while_the_page_is_open_is_not_judged_either(
    run: FinishedRun, tmp_path: Path
) -> None:
    pictures = Pictures()
    pictures.crop(0, run.results[0], 0)
    pictures.photograph(0, run.results[0])
    with writing_verdicts(run.folder) as file:
        session = Session(run, file, "Ann")
        session.say(Saying(kind="right", image=0, detection=ids_of(run.results[0])[0]))
        replace(tmp_path / "pictures" / "0.jpg")
        with pytest.raises(UnseenError):
            session.say(Saying(kind="nothing-here", image=0))
        with pytest.raises(UnreadableImageError):
            pictures.crop(0, run.results[0], 0)
        with pytest.raises(UnreadableImageError):
            pictures.photograph(0, run.results[0])
        undone = session.undo()  # what was said before can be taken back
        assert undone is not None
        assert undone["unseen"]


def test_what_another_program_says_of_it_is_refused_with_the_reason(run: FinishedRun, tmp_path: Path) -> None:
    path = tmp_path / "corrected.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "image", "class", "x_min", "y_min", "x_max", "y_max", "verdict"])
        for result in run.results:
            for key, box in zip(ids_of(result), BOXES.tolist(), strict=True):
                rows.writerow([key, result.name, NAMES[0], *box, "wrong"])
    made = import_corrected(run, path, "Bo")
    assert made.verdicts == {"wrong": 4}
    assert len(made.refused) == 1
    assert made.refused[0].startswith("2.jpg: another picture has its name now")
    assert {one.image for one in read_verdicts(run.folder).verdicts} == {"0.jpg", "1.jpg"}


def test_verdicts_of_a_copy_of_the_run_are_refused_for_it_and_taken_once_it_is_away(
    run: FinishedRun, tmp_path: Path
) -> None:
    away = tmp_path / "copy"
    shutil.copytree(run.folder, away)
    shutil.rmtree(run.folder / "review", ignore_errors=True)
    copied = read_finished_run(away)
    (tmp_path / "pictures" / "2.jpg").rename(tmp_path / "other.jpg")
    Image.new("RGB", (400, 300), (90, 120, 120)).save(tmp_path / "pictures" / "2.jpg")
    with writing_verdicts(away) as file:
        session = Session(copied, file, "Bo")
        for image in (1, 2):
            session.say(Saying(kind="nothing-here", image=image))
    replace(tmp_path / "pictures" / "2.jpg")
    source = away / "review" / "verdicts.jsonl"
    made = import_corrected(run, source, "Ann")
    assert (made.verdicts, len(made.refused)) == ({"nothing-here": 1}, 1)
    (tmp_path / "pictures" / "2.jpg").unlink()
    assert import_corrected(run, source, "Ann").verdicts == {"nothing-here": 1}


def test_the_status_counts_what_cannot_be_judged_for_that_reason(run: FinishedRun) -> None:
    with writing_verdicts(run.folder) as file:
        Session(run, file, "Ann").say(Saying(kind="nothing-here", image=0))
    document = json.loads(json.dumps(status_document(status_of(run))))
    assert document["cannot_be_judged"] == {"images": ["2.jpg"], "detections": 2}


def test_a_report_keeps_its_pictures_rather_than_showing_another_photograph(run: FinishedRun) -> None:
    (run.folder / "report.html").write_text("with its crops", encoding="utf-8")
    text = (run.folder / "run.json").read_text(encoding="utf-8")
    document = json.loads(text)
    document["files"] = [*document["files"], "report.html"]
    (run.folder / "run.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(InputError, match="another picture has its name now"):
        export_again(run.folder, Wanted(exports=("report",)))
    assert (run.folder / "report.html").read_text(encoding="utf-8") == "with its crops"
