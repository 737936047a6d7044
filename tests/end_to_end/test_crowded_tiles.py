"""Tiles with more animals than a limit lets through: all are counted, or the result says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
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
