"""run.json has one writer and one reader, and files of earlier versions are read."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
from tests.results.samples import document_of, run_of, survey

from wildetect.errors import InputError
from wildetect.results.journal.lines import document_of as line_of
from wildetect.results.journal.lines import result_from, tally_from
from wildetect.results.records import PLAIN, ImageResult, Tally
from wildetect.results.run import DetectionRun
from wildetect.results.run_file import read_run_file, run_from, write_run_file
from wildetect.results.run_parts import BrokenImage, Logged


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    run = replace(
        run_of(survey()),
        tiles_failed=(BrokenImage("a.tif", ("640 x 640 px at 0, 0: damaged",)),),
        dark_images=("night.jpg",),
        mlflow=Logged("http://127.0.0.1:5000", "0123"),
        files=("detections.csv",),
    )
    write_run_file(tmp_path, run)
    assert read_run_file(tmp_path) == run


def test_the_file_has_the_fields_in_their_order(tmp_path: Path) -> None:
    write_run_file(tmp_path, run_of(survey()))
    document = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert list(document) == [one.name for one in fields(DetectionRun)]


def test_a_file_of_an_earlier_version_is_read() -> None:
    run = run_from(document_of(survey()))  # without dataset, dark_images, tiles_failed, files, mlflow
    assert (run.dark_images, run.files, run.mlflow, run.dataset.sources) == ((), (), None, ())
    assert str(run.images) == "4 of 5 images (1 failed)"


def test_what_a_later_version_added_is_no_obstacle() -> None:
    document = document_of(survey())
    document |= {"weather": "rain", "model": document["model"] | {"colour": "red"}}
    assert run_from(document) == run_of(survey())


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"model": {"class_names": []}}', '{"model": 3, "times": 4}']
)
def test_a_file_that_is_damaged_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"holds no run\.json of a run"):
        read_run_file(tmp_path)


def test_a_journal_keeps_every_fact_of_an_image() -> None:
    image = replace(survey()[0], tiles_failed=("a tile",), dark=True, width=8, height=9, tiles=7)
    line = json.loads(json.dumps(line_of(image, None)))
    again = result_from(line)
    assert {name: getattr(again, name) for name in PLAIN} == {name: getattr(image, name) for name in PLAIN}
    assert tally_from(line) == Tally.of(image)


def test_every_counted_fact_is_a_fact_of_an_image() -> None:
    assert set(Tally._fields) - {"class_ids"} <= {one.name for one in fields(ImageResult)}
