"""A small YOLO network, trained for some steps on the demo pictures: so it finds something, if little.

It runs in `nox -s torch`, which installs PyTorch; elsewhere the tests are skipped.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.end_to_end.conftest import served
from tests.torch.torchvision_stand_in import ensure_torchvision

__all__ = ["served"]

DEMO = Path(__file__).parents[2] / "demo"
SIDE = 192
PICTURES = 6


@dataclass(frozen=True)
class Trained:
    """The checkpoint, and the pictures that it was trained on."""

    weights: Path
    pictures: Path


@pytest.fixture(scope="session")
def yolo(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Ultralytics' class, kept from the network and from the user's own settings."""
    for name in ("torch", "ultralytics"):
        pytest.importorskip(name, reason=f"{name} is not installed: run nox -s torch")
    settings = tmp_path_factory.mktemp("ultralytics")
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", YOLO_CONFIG_DIR=str(settings))
    ensure_torchvision()
    from ultralytics import YOLO

    return YOLO


@pytest.fixture(scope="session")
def trained(yolo: Any, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("training")
    data = training_data(folder)
    network = yolo("yolov8n.yaml")
    # without augmentation, and with a step for each batch, so that few steps are enough
    still = ("mosaic", "hsv_h", "hsv_s", "hsv_v", "translate", "scale", "fliplr", "erasing")
    options: dict[str, Any] = dict.fromkeys(still, 0)
    options |= {"data": str(data), "imgsz": SIDE, "epochs": 10, "batch": PICTURES, "nbs": PICTURES}
    options |= {"optimizer": "AdamW", "lr0": 0.004, "cos_lr": True, "warmup_epochs": 0}
    options |= {"device": "cpu", "workers": 0, "seed": 0, "pretrained": False, "amp": False}
    options |= {"val": False, "plots": False, "project": str(folder / "runs"), "name": "demo"}
    network.train(**options)
    return Trained(folder / "runs/demo/weights/last.pt", folder / "images")


def training_data(folder: Path) -> Path:
    """Pieces of the demo pictures around some animals, with labels as Ultralytics reads them."""
    truth = json.loads((DEMO / "truth.json").read_text(encoding="utf-8"))
    classes = [category["id"] for category in truth["categories"]]
    names = [category["name"] for category in truth["categories"]]
    pictures = {image["id"]: image for image in truth["images"]}
    for part in ("images", "labels"):
        (folder / part).mkdir()
    chosen = [next(a for a in truth["annotations"] if a["category_id"] == wanted) for wanted in classes]
    chosen += truth["annotations"][40 :: len(truth["annotations"]) // 3][: PICTURES - len(chosen)]
    for number, animal in enumerate(chosen):
        picture = pictures[animal["image_id"]]
        x, y, across, down = animal["bbox"]
        left = int(np.clip(x + across / 2 - SIDE / 2 + 11, 0, picture["width"] - SIDE))
        top = int(np.clip(y + down / 2 - SIDE / 2 - 17, 0, picture["height"] - SIDE))
        with Image.open(DEMO / "pictures" / picture["file_name"]) as whole:
            whole.crop((left, top, left + SIDE, top + SIDE)).save(folder / "images" / f"{number}.png")
        lines = [
            f"{classes.index(other['category_id'])} " + " ".join(map(str, label))
            for other in truth["annotations"]
            if other["image_id"] == animal["image_id"]
            and (label := label_in(other["bbox"], left, top)) is not None
        ]
        (folder / "labels" / f"{number}.txt").write_text("\n".join(lines), encoding="utf-8")
    images = "".join(f"./images/{number}.png\n" for number in range(len(chosen)))
    (folder / "train.txt").write_text(images * 24, encoding="utf-8")
    (folder / "val.txt").write_text(images, encoding="utf-8")
    data = folder / "data.yaml"
    lines = [f"path: {json.dumps(str(folder))}", "train: train.txt", "val: val.txt", f"names: {names}"]
    data.write_text("\n".join(lines), encoding="utf-8")
    return data


def label_in(bbox: list[float], left: int, top: int) -> tuple[float, float, float, float] | None:
    """Centre and size as fractions of the piece; None where less than half of the animal is in it."""
    x, y, across, down = bbox
    box = np.clip([x - left, y - top, x + across - left, y + down - top], 0, SIDE) / SIDE
    width, height = box[2] - box[0], box[3] - box[1]
    if width * height * SIDE**2 < 0.5 * across * down:
        return None
    return float((box[0] + box[2]) / 2), float((box[1] + box[3]) / 2), float(width), float(height)
