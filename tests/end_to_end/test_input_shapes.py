"""Networks with an input that is no square: tiles have its shape, so that animals are not shrunk unasked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
import pytest
from tests.workspaces import REPOSITORY, Workspace, unused_uri

PICTURE = REPOSITORY / "demo/pictures/B3.jpg"
SHAPES = ((640, 480), (480, 640), (640, 224))


def with_sides(to: Path, width: int, height: int) -> Path:
    """The demo's detector as a file that takes one size only."""
    model = onnx.load(REPOSITORY / "demo/detector.onnx")
    sides = model.graph.input[0].type.tensor_type.shape.dim
    sides[2].dim_value, sides[3].dim_value = height, width
    for told in model.metadata_props:
        if told.key == "imgsz":
            told.value = f"[{height}, {width}]"
    onnx.save(model, to)
    return to


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())


def run_of(workspace: Workspace, weights: Path) -> dict[str, Any]:
    output = workspace.root / weights.stem
    said = ("--model", weights, "--output", output, "--tile-size", "640")
    ended = workspace.invoke("detect.run", PICTURE, *said)
    assert ended.returncode == 0, ended.stderr
    document: dict[str, Any] = json.loads((output / "run.json").read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize(("width", "height"), SHAPES)
def test_as_many_animals_are_found_as_with_a_square_input(
    workspace: Workspace, tmp_path: Path, width: int, height: int
) -> None:
    square = run_of(workspace, with_sides(tmp_path / "square.onnx", 640, 640))
    long = run_of(workspace, with_sides(tmp_path / "long.onnx", width, height))
    assert "tile_shape" not in square["settings"]
    assert long["settings"]["tile_shape"] == [width, height]
    animals = square["counts"]
    assert all(abs(long["counts"][name] - number) <= 2 for name, number in animals.items()), long["counts"]
    assert not long["cut_boxes"]["number"]


def test_a_check_at_registration_cuts_tiles_in_the_shape_of_the_input_too(
    workspace: Workspace, tmp_path: Path
) -> None:
    long = with_sides(tmp_path / "long.onnx", 640, 224)
    said = ("--weights", long, "--name", "long", "--family", "auto-check", "--picture", PICTURE)
    document = workspace.document("model.register", *said, "--output", tmp_path / "check.jpg")
    (candidate,) = document["candidates"]
    assert candidate["best_confidence"] > 0.5  # 0.23 in a square that is shrunk to the shorter side
