"""Photographs that were moved after a run are found where they lie now, or it is said that they are away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.census.flights import write_run

from wildetect.detections import Detections
from wildetect.errors import InputError
from wildetect.results.finished_run import FinishedRun, read_finished_run
from wildetect.results.records import ImageResult
from wildetect.workflows.review import with_photographs_to_look_at
from wildetect.workflows.watching import Watcher


class Heard(Watcher):
    """What a person is told."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def notice(self, text: str) -> None:
        self.notices.append(text)


@pytest.fixture
def run(tmp_path: Path) -> FinishedRun:
    pictures, results = tmp_path / "pictures", []
    pictures.mkdir()
    for number in range(3):
        path = pictures / f"{number}.jpg"
        Image.new("RGB", (400, 300), (90, 120, 10 * number)).save(path)
        found = Detections(np.array([[10, 20, 60, 80]], np.float32), [0.9], [0])
        results.append(ImageResult(name=path.name, path=path, detections=found, width=400, height=300))
    results.append(ImageResult(name="broken.jpg", path=pictures / "broken.jpg", failure="cut short"))
    write_run(tmp_path / "run", results)
    return read_finished_run(tmp_path / "run")


def test_nothing_is_said_while_all_photographs_are_there(run: FinishedRun) -> None:
    heard = Heard()
    assert with_photographs_to_look_at(run, [], heard) is run
    assert heard.notices == []


def test_photographs_that_all_lie_elsewhere_have_to_be_named(run: FinishedRun, tmp_path: Path) -> None:
    (tmp_path / "pictures").rename(tmp_path / "disk of the camp")
    with pytest.raises(InputError, match="not where it found them") as caught:
        with_photographs_to_look_at(run, [])
    assert caught.value.hint is not None
    assert "review.open" in caught.value.hint
    assert "--source FOLDER" in caught.value.hint

    heard = Heard()
    there = with_photographs_to_look_at(run, [tmp_path / "disk of the camp"], heard)
    parents = {str(one.path).rsplit("/", 2)[-2] for one in there.results[:3]}
    assert parents == {"disk of the camp"}
    assert heard.notices == []


def test_one_that_is_away_and_one_that_is_another_file_now_are_told(run: FinishedRun, tmp_path: Path) -> None:
    (tmp_path / "pictures" / "1.jpg").unlink()
    Image.new("RGB", (800, 600)).save(tmp_path / "pictures" / "2.jpg")
    heard = Heard()
    with_photographs_to_look_at(run, [], heard)
    assert len(heard.notices) == 1
    assert (
        "2 photographs of 4 with 2 detections cannot be judged: 1 is away, such as 1.jpg and 1 is another "
        "picture by that name, such as 2.jpg"
    ) in heard.notices[0]
