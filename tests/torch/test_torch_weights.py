"""Weights of PyTorch through the real program: registered, and compared with Ultralytics' own boxes."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from tests.torch.conftest import DEMO, SIDE, Trained
from tests.workspaces import Workspace

# "yolo" first: where PyTorch is absent, no server is started for tests that are skipped
pytestmark = [pytest.mark.timeout(900), pytest.mark.usefixtures("yolo")]
logger = logging.getLogger(__name__)
CLOSE = 1.0  # px
SURE = 0.02
Box = tuple[str, float, list[float]]


@pytest.fixture(scope="module")
def pictures(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What it was trained on, pieces of it that are letterboxed, and as many that it has never seen.

    None needs resizing: Ultralytics and we resize a little differently (by one level of 255), which is
    enough to choose another one of several nearly equal boxes.
    """
    folder = tmp_path_factory.mktemp("pictures")
    for path in trained.pictures.iterdir():
        shutil.copy(path, folder / f"whole_{path.name}")
        with Image.open(path) as whole:
            whole.crop((0, 20, SIDE, 148)).save(folder / f"wide_{path.name}")
            whole.crop((40, 0, 168, SIDE)).save(folder / f"narrow_{path.name}")
    with Image.open(DEMO / "pictures/B2.jpg") as unseen:
        for number in range(6):
            left, top = 500 * number + 200, 300 * number + 100
            unseen.crop((left, top, left + SIDE, top + SIDE)).save(folder / f"unseen_{number}.png")
    return folder


def register(workspace: Workspace, weights: Path, name: str, **localizer: Any) -> Any:
    config = workspace.root / f"{name}.yaml"
    yolo = {"weights": str(weights), "conf_thres": 0.25, "iou_thres": 0.5}
    keys = {"localizer": {"yolo": yolo, **localizer}, "processing": {"name": name}}
    config.write_text(yaml.safe_dump(keys), encoding="utf-8")
    return workspace.document("model.register", "--config", config, timeout=300)


def detected(workspace: Workspace, name: str, source: Path) -> dict[str, list[Box]]:
    output = workspace.root / "results" / name
    words = ("--source", source, "--model", f"{name}/latest", "--tile-size", "0", "--output", output)
    workspace.succeed("detect.run", *words)
    document = json.loads((output / "detections.json").read_text(encoding="utf-8"))
    found = {}
    for image in document["images"]:
        sides = np.array([image["width"], image["height"]] * 2)
        found[image["file"]] = [
            (
                document["detection_categories"][box["category"]],
                box["conf"],
                (np.array([*box["bbox"][:2], *np.add(box["bbox"][:2], box["bbox"][2:])]) * sides).tolist(),
            )
            for box in image["detections"]
        ]
    return found


def predicted(yolo: Any, weights: Path, source: Path) -> dict[str, list[Box]]:
    network = yolo(str(weights), task="detect")
    found = {}
    for path in sorted(source.iterdir()):
        options = {"imgsz": SIDE, "conf": 0.25, "iou": 0.5, "rect": False, "device": "cpu", "verbose": False}
        (result,) = network.predict(str(path), **options)
        boxes = result.boxes
        rows = zip(boxes.cls.tolist(), boxes.conf.tolist(), boxes.xyxy.tolist(), strict=True)
        found[path.name] = [(result.names[int(number)], sure, xyxy) for number, sure, xyxy in rows]
    return found


def farthest(ours: dict[str, list[Box]], theirs: dict[str, list[Box]]) -> tuple[int, float, float]:
    """Boxes compared, and the largest difference in px and in confidence; each must have its partner."""
    compared, px, share = 0, 0.0, 0.0
    assert ours.keys() == theirs.keys()
    for first, second in ((ours, theirs), (theirs, ours)):
        for name, boxes in first.items():
            left = list(second[name])
            for label, sure, xyxy in boxes:
                if sure <= 0.3:
                    continue
                away = [float(np.abs(np.subtract(xyxy, other[2])).max()) for other in left]
                nearest = int(np.argmin(away)) if away else -1
                assert away, (name, label, sure, xyxy)
                assert away[nearest] <= CLOSE, (name, label, sure, xyxy, left)
                assert left[nearest][0] == label
                compared, px = compared + 1, max(px, away[nearest])
                share = max(share, abs(left[nearest][1] - sure))
                del left[nearest]
    return compared // 2, px, share


def test_a_checkpoint_finds_what_ultralytics_finds(
    served: Workspace, yolo: Any, trained: Trained, pictures: Path
) -> None:
    beside = sorted(trained.weights.parent.iterdir())
    made = register(served, trained.weights, "from-pt")
    assert sorted(trained.weights.parent.iterdir()) == beside
    manifest = made["manifest"]
    assert manifest["family"] == "yolov8"
    assert manifest["class_names"] == ["elephant", "zebra", "antelope"]
    assert (manifest["feeding"]["width"], manifest["feeding"]["batch"]) == (SIDE, None)
    source = manifest["source"]
    assert source["format"] == "pt"
    assert source["sha256"] == hashlib.sha256(trained.weights.read_bytes()).hexdigest()
    assert source["exported_by"].startswith("ultralytics ")
    ours = detected(served, "from-pt", pictures)
    compared, px, share = farthest(ours, predicted(yolo, trained.weights, pictures))
    logger.info("%d boxes, at most %.3f px and %.4f apart", compared, px, share)
    assert compared >= 10
    assert share <= SURE


def test_torchscript_finds_what_ultralytics_finds(
    served: Workspace, yolo: Any, trained: Trained, pictures: Path, tmp_path: Path
) -> None:
    checkpoint = shutil.copy(trained.weights, tmp_path / "best.pt")
    yolo(str(checkpoint)).export(format="torchscript", imgsz=SIDE, device="cpu")
    weights = tmp_path / "best.torchscript"
    made = register(served, weights, "from-torchscript")
    assert made["manifest"]["class_names"] == ["elephant", "zebra", "antelope"]
    assert made["manifest"]["feeding"]["batch"] == 1
    assert made["manifest"]["source"]["format"] == "torchscript"
    ours = detected(served, "from-torchscript", pictures)
    compared, px, share = farthest(ours, predicted(yolo, trained.weights, pictures))
    logger.info("%d boxes, at most %.3f px and %.4f apart", compared, px, share)
    assert compared >= 10
    assert share <= SURE


def test_nothing_pickled_is_stored(served: Workspace, trained: Trained, pictures: Path) -> None:
    register(served, trained.weights, "unpickled")
    detected(served, "unpickled", pictures)
    (cached,) = (path for path in (served.root / "runs/models/unpickled").glob("[0-9]*") if path.is_dir())
    files = [path for path in cached.rglob("*") if path.is_file()]
    assert any(path.suffix == ".onnx" for path in files)
    assert not [path for path in files if zipfile.is_zipfile(path) or path.suffix in {".pt", ".pkl"}]


def test_the_same_checkpoint_again_is_no_new_version(served: Workspace, trained: Trained) -> None:
    first = register(served, trained.weights, "twice")
    second = register(served, trained.weights, "twice")
    assert (first["version"], second["version"]) == ("1", "1")
    assert first["sha256"] == second["sha256"]


@pytest.mark.parametrize(
    ("processing", "batch"),
    [
        ({"batch_size": 4, "dynamic": False}, 4),
        ({"batch_size": 4, "dynamic": True}, None),
        ({"batch_size": 32, "dynamic": False, "export_format": "pt"}, None),
    ],
)
def test_export_options(served: Workspace, trained: Trained, processing: Any, batch: int | None) -> None:
    config = served.root / "options.yaml"
    keys = {"localizer": {"yolo": {"weights": str(trained.weights), "imgsz": 256}, "processing": processing}}
    config.write_text(yaml.safe_dump(keys), encoding="utf-8")
    made = served.document("model.register", "--config", config, "--dry-run", timeout=300)
    feeding = made["manifest"]["feeding"]
    assert (feeding["width"], feeding["height"], feeding["batch"]) == (256, 256, batch)


def test_a_size_that_the_network_cannot_take(served: Workspace, trained: Trained) -> None:
    config = served.root / "odd.yaml"
    keys = {"localizer": {"yolo": {"weights": str(trained.weights), "imgsz": 100}}}
    config.write_text(yaml.safe_dump(keys), encoding="utf-8")
    error, _ = served.fail(4, "model.register", "--config", config, timeout=300)
    assert "imgsz: 100 is not a multiple of 32" in error


def test_a_pickle_that_is_no_network(served: Workspace, yolo: Any, tmp_path: Path) -> None:
    import torch

    torch.save({"weights": torch.zeros(100)}, tmp_path / "mine.pt")
    error, hint = served.fail(4, "model.register", "--weights", tmp_path / "mine.pt", timeout=300)
    assert "mine.pt cannot be exported to ONNX" in error
    assert "yolo export" in hint
    torch.jit.script(torch.nn.ReLU()).save(str(tmp_path / "relu.torchscript"))
    error, _ = served.fail(4, "model.register", "--weights", tmp_path / "relu.torchscript", timeout=300)
    assert "relu.torchscript cannot be exported to ONNX: it does not say its input size" in error
