from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from wildetect.detection.network.detector import Found
from wildetect.detection.run.image_work import ImageWork
from wildetect.detections import Detections
from wildetect.geometry import Window
from wildetect.imagery.discovery import ImageFile
from wildetect.imagery.photograph import BACKDROP
from wildetect.results.records import TileResult

UNREAD = TileResult(Window(0, 0, 64, 64), failure="the file is damaged")
EMPTY = TileResult(Window(64, 0, 64, 64))
READ = TileResult(Window(0, 64, 64, 64), Detections.empty())


def work(*tiles: TileResult) -> ImageWork:
    image = ImageWork(0, ImageFile(Path("a.tif"), "a.tif"), time.perf_counter())
    for tile in tiles:
        image.note(tile)
    image.fail_if_unread()
    return image


@pytest.mark.parametrize(
    ("tiles", "failure"),
    [
        ([UNREAD], "its only tile failed: the file is damaged"),
        ([UNREAD] * 3, "all of its 3 tiles failed: the file is damaged"),
        (
            [UNREAD, EMPTY, UNREAD],
            "2 of its tiles failed, the other holds no data: the file is damaged",
        ),
        (
            [UNREAD, EMPTY, UNREAD, EMPTY],
            "2 of its tiles failed, the others hold no data: the file is damaged",
        ),
    ],
)
def test_nothing_could_be_read(tiles: list[TileResult], failure: str) -> None:
    image = work(*tiles)
    assert image.failure == failure
    assert image.result(None).tiles_failed == ()


def test_a_part_could_be_read() -> None:
    image = work(UNREAD, READ)
    assert image.failure is None
    assert image.result(Detections.empty()).tiles_failed == ("64 x 64 px at 0, 0: the file is damaged",)


def test_a_result_tells_its_file_from_another_one_of_as_many_bytes(tmp_path: Path) -> None:
    told = []
    for content in (b"first" + bytes(300_000), b"other" + bytes(300_000), b"first" + bytes(300_000)):
        path = tmp_path / "a.tif"
        path.write_bytes(content)
        image = ImageWork(0, ImageFile(path, "a.tif"), time.perf_counter())
        told.append(image.result(Detections.empty()).pieces)
    assert told[0] is not None
    assert told[0] == told[2] != told[1]
    assert work(READ).result(Detections.empty()).pieces is None  # its file is gone


@pytest.mark.parametrize(
    ("brightest", "dark"), [([3, 16, 0], True), ([3, 17, 0], False), ([0], True), ([200], False)]
)
@pytest.mark.parametrize("backdrop", [0, 20])
def test_an_almost_black_image(brightest: list[int], dark: bool, backdrop: int) -> None:
    image = work()
    for value in brightest:
        pixels = np.zeros((40, 40, 3), np.uint8)
        pixels[:, :backdrop] = BACKDROP
        pixels[37, 21, 1] = value  # between those that are looked at first
        image.found(Window(0, 0, 40, 40), pixels, Found(Detections.empty()))
    assert image.result(Detections.empty()).dark is dark


@pytest.mark.parametrize("value", [10, 200])
def test_tiles_of_backdrop_alone_do_not_say_whether_an_image_is_dark(value: int) -> None:
    nothing, something = np.full((40, 40, 3), BACKDROP, np.uint8), np.full((40, 40, 3), value, np.uint8)
    image = work()
    image.found(Window(0, 0, 40, 40), nothing, Found(Detections.empty()))
    assert not image.result(Detections.empty()).dark
    image.found(Window(40, 0, 40, 40), something, Found(Detections.empty()))
    image.found(Window(80, 0, 40, 40), nothing, Found(Detections.empty()))
    assert image.result(Detections.empty()).dark is (value == 10)


def test_an_image_of_which_nothing_was_read_is_not_dark() -> None:
    assert not work(EMPTY).result(Detections.empty()).dark
    failed = work(UNREAD)
    assert not failed.result(None).dark


def test_empty_is_not_unread() -> None:
    assert work(EMPTY).failure is None
