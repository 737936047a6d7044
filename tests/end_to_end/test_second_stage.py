"""A detector with a classifier behind it, through the real program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from tests.detection.networks import save_classifier, save_network
from tests.workspaces import Workspace, unused_uri

NOTES = {"task": "detect", "names": "{0: 'animal'}", "imgsz": "[64, 64]", "end2end": "True"}
COLOURS = {"red": (200, 20, 20), "green": (20, 160, 20), "blue": (20, 20, 180)}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector that sees an animal in each quarter of any picture, and a classifier of colours."""
    folder = tmp_path_factory.mktemp("weights")
    corners = [(4, 4), (40, 4), (4, 40), (40, 40)]
    rows = [[x, y, x + 16, y + 16, 0.9 - 0.1 * number, 0] for number, (x, y) in enumerate(corners)]
    save_network(folder / "detector.onnx", [np.array([rows], np.float32)], batch=None, metadata=NOTES)
    save_classifier(folder / "classifier.onnx")
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for number, (first, second) in enumerate([("red", "blue"), ("green", "green")]):
        pixels = np.zeros((64, 64, 3), np.uint8)
        pixels[:, :32], pixels[:, 32:] = COLOURS[first], COLOURS[second]
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def settings(folder: Path, name: str, **classifier: Any) -> dict[str, Any]:
    second = {"weights": str(folder / "classifier.onnx"), "class_names": list(COLOURS), "scale": 1 / 255}
    return {
        "localizer": {"yolo": {"weights": str(folder / "detector.onnx")}},
        "classifier": {**second, **classifier},
        "processing": {"name": name},
    }


def written(workspace: Workspace, keys: dict[str, Any]) -> Path:
    config = workspace.root / f"{keys['processing']['name']}.yaml"
    config.write_text(yaml.safe_dump(keys), encoding="utf-8")
    return config


def test_register_and_detect(served: Workspace, weights: Path, pictures: Path) -> None:
    config = written(served, settings(weights, "two-stages", confidence="detector"))
    made = served.document("model.register", "--config", config, "--alias", "production")
    manifest = made["manifest"]
    assert manifest["class_names"] == list(COLOURS)
    assert manifest["detector_class_names"] == ["animal"]
    assert manifest["classifier"]["source"]["file"] == "classifier.onnx"
    assert manifest["classifier"]["softmax"]
    output = served.root / "results/two-stages"
    words = ("--source", pictures, "--model", "two-stages@production", "--tile-size", "0", "--output", output)
    document = served.document("detect.run", *words)
    assert document["counts"] == {"red": 2, "green": 4, "blue": 2}
    found = json.loads((output / "detections.json").read_text(encoding="utf-8"))
    assert found["detection_categories"] == {"1": "red", "2": "green", "3": "blue"}
    sure = [box["conf"] for box in found["images"][1]["detections"]]
    assert sure == pytest.approx([0.9, 0.8, 0.7, 0.6], abs=1e-3)


def test_the_classifier_is_part_of_the_version(served: Workspace, weights: Path, pictures: Path) -> None:
    config = written(served, settings(weights, "whole-version"))
    assert served.document("model.register", "--config", config)["version"] == "1"
    again = served.document("model.register", "--config", config)
    assert (again["version"], again["made"]) == ("1", False)
    other = written(served, settings(weights, "whole-version", margin=0.5))
    assert served.document("model.register", "--config", other)["version"] == "2"
    words = ("detect.run", "--source", pictures, "--model", "whole-version/1", "--limit", "1")
    served.succeed(*words, "--output", "results/whole-1")
    stored = served.root / "runs/models/whole-version/1/classifier/classifier.onnx"
    # a damaged copy is fetched again
    stored.write_bytes(b"damaged")
    served.succeed(*words, "--output", "results/whole-2")
    assert stored.stat().st_size > 100


def test_a_weights_file_and_the_classifier_of_the_settings(
    weights: Path, pictures: Path, tmp_path: Path
) -> None:
    workspace = Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())
    keys = yaml.safe_dump(settings(weights, "unregistered"))
    (workspace.root / "configs/detector_registration.yaml").write_text(keys, encoding="utf-8")
    words = ("--source", pictures, "--model", weights / "detector.onnx", "--tile-size", "0")
    document = workspace.document("detect.run", *words)
    assert document["counts"] == {"red": 2, "green": 4, "blue": 2}


def test_any_other_program_loads_the_detector(served: Workspace, weights: Path) -> None:
    config = written(served, settings(weights, "for-others"))
    served.succeed("model.register", "--config", config)
    import mlflow

    client = mlflow.MlflowClient(served.variables["MLFLOW_TRACKING_URI"])
    version = client.get_model_version("for-others", "1")
    files = {file.path for file in client.list_logged_model_artifacts(version.source.rpartition("/")[2])}
    assert {"MLmodel", "model.onnx", "classifier"} <= files


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        (
            {"weights": "config/classifier.ckpt"},
            "classifier.ckpt is not an ONNX file; the second stage",
        ),
        ({"weights": "gone.onnx"}, "gone.onnx does not exist"),
        ({"class_names": None}, "carries no class names"),
        ({"class_names": ["a", "b"]}, "tells 3 classes apart, but has 2 class names"),
        ({"weights": "tasks.py"}, "tasks.py is not an ONNX file"),
    ],
)
def test_what_cannot_be_a_second_stage(
    served: Workspace, weights: Path, keys: dict[str, Any], says: str
) -> None:
    config = written(served, settings(weights, "never-made", **keys))
    error, hint = served.fail(4, "model.register", "--config", config)
    assert says in error
    assert len(hint) > len("hint: ")


def test_a_checkpoint_without_the_extra(served: Workspace, tmp_path: Path) -> None:
    import importlib.util

    if importlib.util.find_spec("torch") is not None:
        pytest.skip("the extras are installed here")
    for name, extra in (("best.pt", "ultralytics"), ("best.torchscript", "torch")):
        (tmp_path / name).write_bytes(b"weights" * 20)
        error, hint = served.fail(4, "model.register", "--weights", tmp_path / name)
        assert f"without the extra '{extra}' it cannot be read" in error
        assert f"uv run --extra {extra} invoke model.register" in hint
        assert "yolo export model=best.pt format=onnx" in hint
        (tmp_path / name).write_bytes(b"")
        error, _ = served.fail(4, "model.register", "--weights", tmp_path / name)
        assert f"{name} is empty" in error


def test_only_onnx_runs_unregistered(served: Workspace, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "best.pt").write_bytes(b"weights" * 20)
    error, hint = served.fail(4, "detect.run", "--model", tmp_path / "best.pt", "--source", pictures)
    assert "must be registered first" in error
    assert "invoke model.register --weights" in hint
