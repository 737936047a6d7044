"""Tiles with more animals than a limit lets through: all are counted, or the result says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from tests.known_answers import picture, suppressed
from tests.workspaces import Workspace, unused_uri

COLONY = "reports/colony.png"  # 729 animals in one tile


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())


@pytest.mark.parametrize("model", ["blob2", "blob2_half", "e2e_raw_dup"])
def test_a_colony_in_one_tile_is_counted_whole(workspace: Workspace, shared_data: Path, model: str) -> None:
    weights = shared_data / f"reports/models/{model}.onnx"
    ended = workspace.invoke(
        "detect.run", shared_data / COLONY, "--model", weights, "--tile-size", "640", "--json"
    )
    assert ended.returncode == 0, ended.stderr
    run = json.loads(ended.stdout)
    assert (run["detections"], run["full_images"]) == (729, [])
    assert "animals may be missing" not in ended.stderr


@pytest.mark.parametrize("model", ["blob2", "e2e_raw_dup"])
def test_a_limit_that_was_reached_is_in_the_file_on_the_page_and_at_the_end(
    workspace: Workspace, shared_data: Path, model: str
) -> None:
    weights = shared_data / f"reports/models/{model}.onnx"
    config = workspace.root / "configs/limited.yaml"
    config.write_text("processing: {max_detections: 300, tile_size: 640}\n", encoding="utf-8")
    words = ("--model", weights, "--config", config, "--output", "limited")
    for _ in range(2):  # an interrupted or finished run says it again
        ended = workspace.invoke("detect.run", shared_data / COLONY, *words)
        assert ended.returncode == 0, ended.stderr
        assert "warning: 1 of 1 tile reached the limit of 300 boxes a tile" in ended.stderr
        assert "processing.max_detections" in ended.stderr
    run = json.loads((workspace.root / "limited/run.json").read_text(encoding="utf-8"))
    assert (run["detections"], run["full_images"]) == (300, [{"file": "colony.png", "tiles": 1}])
    page = (workspace.root / "limited/report.html").read_text(encoding="utf-8")
    assert "Animals may be missing in 1 image." in page


def named(workspace: Workspace, weights: Path, more: str = "") -> Path:
    """The file, with what its owner says of it in the registration settings."""
    config = workspace.root / "configs/detector_registration.yaml"
    config.write_text(
        f"model_path: {weights.as_posix()}\nclass_names: [red, blue]\nfamily: end-to-end-7\n"
        f"columns: [batch, x1, y1, x2, y2, class, score]\n{more}",
        encoding="utf-8",
    )
    return weights


@pytest.mark.parametrize(("red", "full"), [(130, True), (100, True), (60, False)])
def test_the_limit_that_a_graph_has_for_each_class_is_told(
    workspace: Workspace, tmp_path: Path, red: int, full: bool
) -> None:
    squares = [(2 * (n % 15), 2 * (n // 15), 0) for n in range(red)] + [(2 * n, 30, 1) for n in range(15)]
    Image.fromarray(picture(squares)).save(tmp_path / "herd.png")
    weights = named(workspace, suppressed(tmp_path / "yolov7.onnx"))
    ended = workspace.invoke("detect.run", tmp_path / "herd.png", "--model", weights, "--json")
    assert ended.returncode == 0, ended.stderr
    run = json.loads(ended.stdout)
    assert run["detections"] == min(red, 100) + 15  # no round number
    assert run["full_images"] == ([{"file": "herd.png", "tiles": 1}] if full else [])


def test_animals_too_faint_for_the_nms_in_a_graph_are_not_missed_without_a_word(
    workspace: Workspace, tmp_path: Path
) -> None:
    for name, bright in (("faint", 150), ("clear", 230)):
        Image.fromarray(picture([(3, 3, 0), (9, 9, 1)], bright)).save(tmp_path / f"{name}.png")
    weights = named(workspace, suppressed(tmp_path / "yolov7.onnx", faintest=0.7))
    pictures = tmp_path / "faint.png", tmp_path / "clear.png"
    for confidence, told in (("0.4", True), ("0.75", False)):
        words = ("--model", weights, "--confidence", confidence, "--json", "--restart")
        ended = workspace.invoke("detect.run", *pictures, *words)
        assert ended.returncode == 0, ended.stderr
        run = json.loads(ended.stdout)
        assert run["detections"] == 2
        doubts = [doubt["files"] for doubt in run["doubts"] if "leaves out boxes below 0.7" in doubt["what"]]
        assert doubts == ([["clear.png", "faint.png"]] if told else [])
        assert ("fainter animals are missing" in ended.stderr) == told
