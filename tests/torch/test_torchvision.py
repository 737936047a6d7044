"""torchvision's own exports, decoded here and by torchvision itself: the same boxes.

The networks are untrained. Their signals would die away, and all scores be one number whose ties fall either
way: so their layers take the statistics of a picture, and their heads are spread.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.detection.test_row_layout import registered

from wildetect.detection.network.detector import Detector

SIDE = 320
FAINTEST = 0.01
HEADS = ("cls_score", "bbox_pred", "rpn.head", "classification_head", "regression_head")
NAMES = ["a", "b", "c", "d"]
LIMITS = {"ssd": "score_thresh", "faster r-cnn": "box_score_thresh"}


def network_of(kind: str) -> Any:
    detection = pytest.importorskip(
        "torchvision.models.detection", reason="torchvision is not installed, or stands in for itself"
    )
    maker = "ssdlite320_mobilenet_v3_large" if kind == "ssd" else "fasterrcnn_mobilenet_v3_large_320_fpn"
    made = getattr(detection, maker)
    return made(weights=None, weights_backbone=None, num_classes=len(NAMES) + 1, **{LIMITS[kind]: FAINTEST})


@pytest.mark.parametrize("kind", LIMITS)
def test_boxes_are_those_of_torchvision(tmp_path: Path, kind: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: run nox -s torch")
    torch.manual_seed(3)
    network = network_of(kind)
    noise = np.random.default_rng(1).integers(0, 255, (20, 20, 3), dtype=np.uint8)
    pixels = np.asarray(Image.fromarray(noise).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    picture = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255
    with torch.no_grad():
        spread(network, picture)
        (theirs,) = network.eval()([picture])
    weights = tmp_path / "network.onnx"
    names = ["boxes", "labels", "scores"]
    options = {"opset_version": 17, "dynamo": False, "input_names": ["images"], "output_names": names}
    torch.onnx.export(network, ([picture],), weights, **options)
    manifest = registered(weights, family="torchvision", class_names=NAMES, first_label=1)
    (ours,) = Detector(weights, manifest, "cpu").detect([pixels], FAINTEST)
    ours = ours.clip(SIDE, SIDE)
    boxes, labels, scores = (theirs[name].numpy() for name in names)
    assert len(set(scores.tolist())) > 50
    assert len(ours) == len(boxes)
    for box, label, score in zip(boxes, labels, scores, strict=True):
        same = ours.select(ours.class_id == label - 1)
        apart = np.abs(same.xyxy - box).max(axis=1)
        assert apart.min(initial=np.inf) < 0.5
        assert same.confidence[apart.argmin()] == pytest.approx(score, abs=1e-3)


def spread(network: Any, picture: Any) -> None:
    """Give an untrained network signals that differ."""
    import torch

    for part in network.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.momentum = 1.0
    network.train()
    pictures, _ = network.transform([picture])
    features = network.backbone(pictures.tensors.repeat(2, 1, 1, 1))
    if hasattr(network, "head"):
        network.head(list(features.values()))
    random = torch.Generator().manual_seed(1)
    for name, values in network.named_parameters():
        if any(head in name for head in HEADS) and values.dim() > 1:
            values.add_(torch.randn(values.shape, generator=random) * values.std().clamp(min=0.01))
