"""Weights files that no registration has looked at: a run holds them to what registration would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from PIL import Image
from tests import known_answers
from tests.workspaces import Workspace, unused_uri


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    path = tmp_path / "squares.png"
    Image.fromarray(known_answers.picture()).save(path)
    return path


def named_by_settings(workspace: Workspace, weights: Path, **said: object) -> None:
    settings = {"localizer": {"yolo": {"weights": str(weights)}}, **said}
    config = workspace.root / "configs/detector_registration.yaml"
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")


def test_a_file_that_does_not_behave_as_its_family_is_refused_as_at_registration(
    workspace: Workspace, photograph: Path, shared_data: Path
) -> None:
    weights = shared_data / "models/yolox_nano.onnx"
    named_by_settings(workspace, weights, family="yolov5", class_names=[f"class {one}" for one in range(80)])
    refused = workspace.fail(4, "detect.run", photograph, "--model", weights)
    assert refused == workspace.fail(4, "model.register", "--dry-run")
    assert "does not behave as yolov5" in refused[0]
    assert not (workspace.root / "results").exists()


def test_a_list_of_animals_that_stayed_empty_is_said_to_be_unchecked(
    workspace: Workspace, photograph: Path, tmp_path: Path
) -> None:
    weights = known_answers.split(tmp_path / "split.onnx")
    named_by_settings(workspace, weights, family="end-to-end-split", class_names=["red", "blue"])
    ended = workspace.invoke("detect.run", photograph, "--model", weights, "--output", "found")
    assert ended.returncode == 0, ended.stderr
    (said,) = [line for line in ended.stderr.splitlines() if "is read as" in line]
    assert said.startswith(
        "warning: split.onnx is read as end-to-end-split, as the settings say; not checked"
    )
    assert f"{len(known_answers.SQUARES)} detections in 1 of 1 image" in ended.stdout
    run = json.loads((workspace.root / "found/run.json").read_text(encoding="utf-8"))
    assert run["model"]["unchecked"].startswith("not checked: no box was found; check it with model.register")
    assert ended.stderr.count("warning: whether the model is read rightly is not sure: not checked") == 1
    page = (workspace.root / "found/report.html").read_text(encoding="utf-8")
    assert f"is not sure:</strong> {run['model']['unchecked']}" in page
    assert (
        "whether the model is read rightly"
        in workspace.invoke("detect.run", photograph, "--model", weights, "--dry-run").stderr
    )


def test_a_file_that_the_settings_do_not_name_is_told_to_be_named_there(
    workspace: Workspace, photograph: Path, tmp_path: Path
) -> None:
    weights = known_answers.torchvision(tmp_path / "faster.onnx")
    named_by_settings(workspace, tmp_path / "another.onnx", family="torchvision", class_names=["red", "blue"])
    error, hint = workspace.fail(4, "detect.run", photograph, "--model", weights)
    assert "does not say its family" in error
    assert f"as localizer.yolo.weights: {weights}" in hint
