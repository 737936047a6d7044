from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from wildetect.detections import Detections
from wildetect.results.report.overlay import draw, overlay_name

NAMES = tuple(f"animal {number}" for number in range(20))


def found(*boxes: Sequence[float]) -> Detections:
    count = len(boxes)
    return Detections(np.array(boxes), np.full(count, 0.5), np.arange(count))


def test_boxes_are_drawn_around_the_animals() -> None:
    pixels = np.full((400, 600, 3), 200, np.uint8)
    before = pixels.copy()
    image = np.asarray(draw(pixels, found([100, 200, 160, 240]), NAMES))
    assert np.array_equal(pixels, before)  # a copy was drawn on
    assert np.array_equal(image[201:239, 101:159], pixels[201:239, 101:159])
    assert (image[199, 100:160] != 200).any(axis=1).all()
    assert (image != 200).any(axis=2).sum() > 1000  # and a label


@pytest.mark.parametrize(
    "box", [[0, 0, 600, 400], [0, 0, 5, 5], [590, 390, 600, 400], [300, 0, 310, 400], [0, 200, 600, 210]]
)
def test_labels_stay_inside(box: list[float]) -> None:
    image = np.asarray(draw(np.full((400, 600, 3), 200, np.uint8), found(box), NAMES))
    assert image.shape == (400, 600, 3)
    assert (image != 200).any(axis=2).sum() > 300


def test_labels_do_not_hide_neighbours() -> None:
    pixels = np.full((400, 600, 3), 200, np.uint8)
    below, above = [300, 200, 320, 220], [300, 160, 320, 197]
    image = np.asarray(draw(pixels, found(below, above), NAMES))
    assert (image[165:192, 302:318] == 200).all()


def test_very_small_pictures_and_many_classes() -> None:
    boxes = found(*[[number, 0, number + 1, 8] for number in range(20)])
    assert draw(np.zeros((8, 20, 3), np.uint8), boxes, NAMES).size == (20, 8)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DJI_0001.JPG", "DJI_0001.JPG"),
        ("a.jpeg", "a.jpeg"),
        ("a.png", "a-"),
        ("monday/a.jpg", "monday_a-"),
        ("<img src=x onerror=alert(1)>.jpg", "img_src_x_onerror_alert_1_-"),
        ("ü.jpg", "jpg-"),
        ("../../etc/passwd.jpg", "etc_passwd-"),
        ("x" * 300 + ".jpg", "x" * 96 + "-"),
    ],
)
def test_names(name: str, expected: str) -> None:
    safe = overlay_name(name)
    assert safe.startswith(expected)
    assert safe.lower().endswith((".jpg", ".jpeg"))
    assert len(safe) < 130


def test_names_are_unique() -> None:
    names = [
        "a.jpg",
        "a.png",
        "a.tif",
        "monday/a.jpg",
        "monday_a.jpg",
        "tuesday/a.jpg",
        "monday/a.JPG",
        "ä.jpg",
        "ö.jpg",
    ]
    assert len({overlay_name(name).casefold() for name in names}) == len(names)


def test_a_picture_full_of_boxes_shows_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each label is placed with a look at all others: labels for all took hours in a large orthomosaic."""
    corners = np.stack(np.meshgrid(np.arange(100) * 20, np.arange(100) * 20), axis=-1).reshape(-1, 2) + 5
    boxes = Detections(np.hstack([corners, corners + 8]), np.linspace(0.3, 0.9, 10_000), np.zeros(10_000))
    labelled: list[str] = []
    monkeypatch.setattr("PIL.ImageDraw.ImageDraw.text", lambda *words, **_: labelled.append(words[2]))
    pixels = np.asarray(draw(np.zeros((2010, 2010, 3), np.uint8), boxes, ["kob"]))
    assert len(labelled) == 500
    assert min(labelled) > "kob 0.8"
    left_lines = pixels[corners[:, 1] + 4, corners[:, 0] - 1]
    assert (left_lines.any(axis=1)).all()
