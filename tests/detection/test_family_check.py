"""Which family a file is of, shown on a picture; with real weights that fit several."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.coco_names import COCO_NAMES
from tests.detection.networks import SIZE, save_network
from tests.workspaces import REPOSITORY

from wildetect.detection.checks.family_check import check_families
from wildetect.detection.checks.family_picture import write_comparison
from wildetect.detection.checks.inspection import inspect
from wildetect.errors import InputError, ModelError
from wildetect.settings.registration import RegistrationSettings

NAMED = RegistrationSettings(class_names=list(COCO_NAMES))


@pytest.mark.parametrize(
    ("model", "picture", "family", "impossible"),
    [
        ("yolox_nano", "bus.jpg", "yolox", "negative width or height"),
        ("v5lite_e_sim_320", "bus.jpg", "yolov5-raw", "px of the corner"),
        ("v5lite_e_sim_320", "herdnetdemo_livestock_120.jpg", "yolov5-raw", "px of the corner"),
    ],
)
@pytest.mark.parametrize("settings", [NAMED, RegistrationSettings()], ids=["named", "no names"])
def test_real_weights_that_fit_two_families(
    shared_data: Path, model: str, picture: str, family: str, impossible: str, settings: RegistrationSettings
) -> None:
    weights = inspect(shared_data / "models" / f"{model}.onnx")
    right, wrong = check_families(weights, settings, shared_data / "images" / picture).candidates
    assert (right.family, right.verdict, wrong.family, wrong.verdict) == (
        family,
        "plausible",
        "yolov5",
        "impossible",
    )
    assert len(right.detections) > 0
    assert right.best is not None
    assert right.best >= 0.2
    assert len(wrong.detections) == 0
    assert impossible in wrong.reason


def test_a_tile_of_a_large_picture_in_which_something_is_found() -> None:
    picture = REPOSITORY / "demo/pictures/A1.jpg"  # nothing is in its very middle
    check = check_families(inspect(REPOSITORY / "demo/detector.onnx"), RegistrationSettings(), picture)
    assert (check.window.width, check.window.height) == check.pixels.shape[:2] == (640, 640)
    assert (check.candidates[0].family, check.candidates[0].verdict) == ("yolov8", "plausible")


def test_the_picture_shows_all_candidates_side_by_side(shared_data: Path, tmp_path: Path) -> None:
    weights = inspect(shared_data / "models/yolox_nano.onnx")
    check = check_families(weights, NAMED, shared_data / "images/bus.jpg")
    write_comparison(tmp_path / "new" / "check.jpg", check)
    with Image.open(tmp_path / "new" / "check.jpg") as sheet:
        assert sheet.width > 2 * sheet.height * 0.8
        left, right = np.asarray(sheet)[64:, :900], np.asarray(sheet)[64:, 912:]
    assert left.shape == right.shape
    assert np.abs(left.astype(int) - right).max() > 100  # boxes on the left alone


def network(tmp_path: Path, boxes: np.ndarray) -> Path:
    """YOLOv8's layout, with (n, 5) of cx, cy, w, h and the score of the only class."""
    return save_network(tmp_path / "network.onnx", [boxes.T[None].astype(np.float32)])


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.new("RGB", (SIZE, SIZE), "green").save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


@pytest.mark.parametrize(
    ("size", "score", "verdict", "reason"),
    [
        (8.0, 0.9, "plausible", "sizes and places"),
        (0.5, 0.9, "doubtful", "tiny, huge or outside"),
        (500.0, 0.9, "doubtful", "tiny, huge or outside"),
        (8.0, 0.1, "nothing", "no box reaches a confidence of 0.2"),
        (8.0, 9.0, "impossible", "between 0 and 1"),
    ],
)
def test_verdicts(
    tmp_path: Path, picture: Path, size: float, score: float, verdict: str, reason: str
) -> None:
    boxes = np.array([[10 + 10 * n, 32, size, size, score] for n in range(4)] + [[5, 5, 9, 9, 0.0]] * 3)
    settings = RegistrationSettings(class_names=["zebra"])
    (one,) = [
        candidate
        for candidate in check_families(inspect(network(tmp_path, boxes)), settings, picture).candidates
        if candidate.family == "yolov8"
    ]
    assert one.verdict == verdict
    assert reason in one.reason


def test_wrong_input(tmp_path: Path, picture: Path) -> None:
    weights = inspect(network(tmp_path, np.ones((9, 5))))
    with pytest.raises(InputError, match="does not exist"):
        check_families(weights, RegistrationSettings(), tmp_path / "none.jpg")
    names = [f"animal {number}" for number in range(40)]
    with pytest.raises(ModelError, match="fits no family with 40 class names"):
        check_families(weights, RegistrationSettings(class_names=names), picture)
