"""Networks that Ultralytics exports, decoded here and by Ultralytics itself: the same boxes.

The networks are untrained: their scores are low and mean nothing, their boxes are as good as any.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.detection.test_row_layout import registered

from wildetect.detection.network.detector import Detector
from wildetect.settings.words import Family

SIDE = 320
FAINTEST = 1e-6
DOUBLES = 0.5  # of oriented boxes, here and there
KINDS: dict[str, tuple[str, dict[str, Any], Family]] = {
    "rt-detr": ("rtdetr-l.yaml", {}, "end-to-end"),
    "oriented": ("yolo26n-obb.yaml", {"nms": False}, "obb"),
    "oriented grid": ("yolo11n-obb.yaml", {}, "obb"),
    "oriented with nms": ("yolo11n-obb.yaml", {"nms": True, "conf": FAINTEST}, "obb"),
    "segments": ("yolo26n-seg.yaml", {"nms": False}, "end-to-end-seg"),
    "end to end": ("yolov10n.yaml", {"nms": False}, "end-to-end"),
}


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "noise.png"
    noise = np.random.default_rng(1).integers(0, 255, (20, 20, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_boxes_are_those_of_ultralytics(yolo: Any, tmp_path: Path, picture: Path, kind: str) -> None:
    import torch
    from ultralytics import RTDETR

    yaml, options, family = KINDS[kind]
    torch.manual_seed(0)
    made = (RTDETR if kind == "rt-detr" else yolo)(yaml)
    exported = made.export(format="onnx", imgsz=SIDE, simplify=False, opset=17, **options)
    weights = tmp_path / "network.onnx"
    shutil.move(exported, weights)
    reader = RTDETR(weights) if kind == "rt-detr" else yolo(weights, task=made.task)
    (theirs,) = reader.predict(picture, imgsz=SIDE, conf=FAINTEST, iou=DOUBLES, max_det=3000, verbose=False)
    parts = theirs.obb if family == "obb" else theirs.boxes
    boxes = parts.xyxy.numpy()
    if family == "obb":
        corners = parts.xyxyxyxy.numpy()
        boxes = np.hstack([corners.min(axis=1), corners.max(axis=1)])
    manifest = registered(weights)
    assert manifest.family == family
    (ours,) = Detector(weights, manifest, "cpu").detect([np.asarray(Image.open(picture))], FAINTEST)
    ours = ours.clip(SIDE, SIDE)
    assert len(boxes) > 0
    assert ours.confidence.max() == pytest.approx(float(parts.conf.max()), abs=1e-3)
    for box, class_id in list(zip(boxes.clip(0, SIDE), parts.cls.numpy(), strict=True))[:40]:
        apart = np.abs(ours.xyxy[ours.class_id == class_id] - box).max(axis=1)
        assert apart.min(initial=np.inf) < 0.5
