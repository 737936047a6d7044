"""Animals that no tile shows whole: the run says that they may count more than once, and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.hinted import write_setting
from tests.workspaces import Workspace, unused_uri

PEOPLE = "images/bus.jpg"  # four persons, some 500 px tall


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())


def test_persons_larger_than_the_tiles_are_not_counted_without_a_word(
    workspace: Workspace, shared_data: Path
) -> None:
    weights = shared_data / "models/yolov8n_int8.onnx"
    config = workspace.root / "configs/detection.yaml"
    config.write_text("processing: {tile_size: 300}\n", encoding="utf-8")
    words = ("detect.run", shared_data / PEOPLE, "--model", weights)
    ended = workspace.invoke(*words)
    assert ended.returncode == 0, ended.stderr
    run = json.loads((workspace.root / "results/run.json").read_text(encoding="utf-8"))
    cut = run["cut_boxes"]
    assert cut["files"] == ["bus.jpg"]
    assert 0.05 * run["detections"] < cut["number"] <= run["detections"]
    assert (
        f"warning: {cut['number']} of {run['detections']} boxes in bus.jpg end at the border" in ended.stderr
    )
    assert "processing.overlap_ratio" in ended.stderr
    page = (workspace.root / "results/report.html").read_text(encoding="utf-8")
    assert "Animals may count more than once" in page
    write_setting(config, ended.stderr, "workflows/detection.py: processing.tile_size to FILLER or more and")
    ended = workspace.invoke(*words, "--restart")
    assert ended.returncode == 0, ended.stderr
    assert "end at the border" not in ended.stderr
