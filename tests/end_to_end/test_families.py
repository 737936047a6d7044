"""Detectors of many exporters through the real program: registered, run over tiles, exported; all found."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from tests import known_answers
from tests.known_answers import CELL, GRID, SIDE
from tests.workspaces import Workspace

from wildetect.settings.registration import Column

WIDE, HIGH = 3 * GRID, 2 * GRID  # cells of the picture: six tiles
SQUARES = [
    (column, row, (column + row // 3) % 2) for row in range(1, HIGH, 3) for column in range(1, WIDE, 4)
]
YOLOV7: tuple[Column, ...] = ("batch", "x1", "y1", "x2", "y2", "class", "score")

Maker = Callable[[Path], Path]
CASES: dict[str, tuple[Maker, dict[str, Any]]] = {
    "yolov7": (lambda path: known_answers.table(path, YOLOV7, found_only=True), {"family": "end-to-end-7"}),
    "faster-rcnn": (known_answers.torchvision, {"family": "torchvision"}),
    "rf-detr": (known_answers.rf_detr, {"family": "rf-detr"}),
    "herdnet": (
        known_answers.herdnet,
        {"family": "herdnet", "mean": [0, 0, 0], "std": [1, 1, 1], "point_size": CELL},
    ),
    "obb": (lambda path: known_answers.oriented(path, np.pi / 2), {}),
}


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pixels = np.full((HIGH * CELL, WIDE * CELL, 3), (40, 90, 30), np.uint8)
    for column, row, class_id in SQUARES:
        where = slice(row * CELL, (row + 1) * CELL), slice(column * CELL, (column + 1) * CELL)
        pixels[where] = (230, 0, 0) if class_id == 0 else (0, 0, 230)
    path = tmp_path_factory.mktemp("pictures") / "squares.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize("name", CASES)
def test_all_squares_of_six_tiles(served: Workspace, tmp_path: Path, photograph: Path, name: str) -> None:
    make, said = CASES[name]
    weights = make(tmp_path / f"{name}.onnx")
    config = served.root / "configs" / f"squares-{name}.yaml"
    names = {} if name == "obb" else {"class_names": ["red", "blue"]}
    config.write_text(yaml.safe_dump({**said, **names}), encoding="utf-8")
    words = ("--config", config, "--weights", weights, "--name", f"squares-{name}", "--alias", "production")
    registered = served.invoke("model.register", *words, "--picture", photograph)
    assert registered.returncode == 0, registered.stderr
    assert "read as " in registered.stderr
    output = served.root / "results" / f"squares-{name}"
    tiles = ("--tile-size", str(SIDE), "--overlap", "0", "--export", "geojson", "--export", "report")
    source = ("--source", photograph, "--model", f"squares-{name}@production", "--output", output)
    served.succeed("detect.run", *source, *tiles)
    run = json.loads((output / "run.json").read_text(encoding="utf-8"))
    kind = {"herdnet": "points", "obb": "oriented"}.get(name, "boxes")
    assert run["model"]["box_kind"] == kind
    found = json.loads((output / "detections.json").read_text(encoding="utf-8"))
    (image,) = found["images"]
    boxes = sorted(
        (
            round((x + across / 2) * WIDE * CELL, 1),
            round((y + down / 2) * HIGH * CELL, 1),
            found["detection_categories"][box["category"]],
        )
        for box in image["detections"]
        for x, y, across, down in [box["bbox"]]
    )
    middles = sorted(
        (CELL * (x + 0.5), CELL * (y + 0.5), ["red", "blue"][class_id]) for x, y, class_id in SQUARES
    )
    assert boxes == middles


def test_boxes_without_a_size_are_left_out_and_said(
    served: Workspace, tmp_path: Path, photograph: Path
) -> None:
    weights = known_answers.torchvision(tmp_path / "flat.onnx", flat=1)
    config = served.root / "configs/squares-flat.yaml"
    said = {"family": "torchvision", "class_names": ["red", "blue"], "first_label": 1}
    config.write_text(yaml.safe_dump({"model_path": str(weights), **said}), encoding="utf-8")
    served.succeed("model.register", "--config", config, "--name", "squares-flat")
    output = served.root / "results/squares-flat"
    source = ("--source", photograph, "--model", "squares-flat/1", "--output", output)
    ended = served.invoke("detect.run", *source, "--tile-size", str(SIDE), "--overlap", "0")
    assert ended.returncode == 0, ended.stderr
    run = json.loads((output / "run.json").read_text(encoding="utf-8"))
    assert run["counts"] == {"red": sum(c == 0 for _, _, c in SQUARES), "blue": 0}
    (doubt,) = run["doubts"]
    assert "boxes without a width or a height" in doubt["what"]
    assert doubt["files"] == ["squares.png"]
    assert doubt["what"] in ended.stderr
    assert "boxes without a width or a height" in (output / "report.html").read_text(encoding="utf-8")
