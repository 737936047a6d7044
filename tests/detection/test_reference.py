"""The pipeline against a slow, plain reference: whole picture, float32, every cell looked at, greedy NMS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image, ImageOps
from tests.real_models import manifest_of

from wildetect.detection.network.detector import Detector
from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.run.pipeline import detect_images
from wildetect.imagery.discovery import ImageFile
from wildetect.registry.manifest import Thresholds

CONFIDENCE, IOU, SAME_CLASS = 0.3, 0.5, 0.9
Box = tuple[float, float, float, float, float, int]


def iou(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / (areas[0] + areas[1] - width * height)


def greedy(boxes: list[Box], threshold: float, *, across_classes: bool) -> list[Box]:
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda box: -box[4]):
        rivals = [other for other in kept if across_classes or other[5] == box[5]]
        if all(iou(box, other) <= threshold for other in rivals):
            kept.append(box)
    return kept


def reference(weights: Path, picture: Path) -> list[Box]:
    """Boxes of a network of YOLOv8's layout: (1, 4 + classes, cells), centre and size, in its input's px."""
    session = onnxruntime.InferenceSession(str(weights), providers=["CPUExecutionProvider"])
    _, _, side_y, side_x = session.get_inputs()[0].shape
    with Image.open(picture) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB")
    ratio = min(side_x / image.width, side_y / image.height)
    width, height = round(image.width * ratio), round(image.height * ratio)
    left, top = round((side_x - width) / 2 - 0.1), round((side_y - height) / 2 - 0.1)
    framed = Image.new("RGB", (side_x, side_y), (114, 114, 114))
    framed.paste(image.resize((width, height), Image.Resampling.BILINEAR), (left, top))
    pixels = np.asarray(framed, np.float32).transpose(2, 0, 1)[None] / np.float32(255)
    (output,) = session.run(None, {session.get_inputs()[0].name: pixels})
    boxes: list[Box] = []
    for x, y, w, h, *scores in output[0].T.astype(np.float64).tolist():
        class_id = int(np.argmax(scores))
        if scores[class_id] < CONFIDENCE:
            continue
        xs = [(x + part * w / 2 - left) * image.width / width for part in (-1, 1)]
        ys = [(y + part * h / 2 - top) * image.height / height for part in (-1, 1)]
        boxes.append((xs[0], ys[0], xs[1], ys[1], scores[class_id], class_id))
    kept = greedy(boxes, IOU, across_classes=False)
    cut = [
        (max(b[0], 0.0), max(b[1], 0.0), min(b[2], image.width), min(b[3], image.height), *b[4:])
        for b in greedy(kept, SAME_CLASS, across_classes=True)
    ]
    return sorted(cut, key=lambda box: -box[4])


def test_results_are_box_for_box_those_of_a_slow_reference(shared_data: Path) -> None:
    weights = shared_data / "models/yolov8n_int8.onnx"
    thresholds = Thresholds(confidence=CONFIDENCE, iou=IOU)
    detector = Detector(weights, manifest_of(weights, "yolov8", thresholds=thresholds), "cpu")
    pictures = sorted((shared_data / "images").glob("*.[jJ]*"))
    files = [ImageFile(path, path.name) for path in pictures]
    options = PipelineOptions(tile_size=0)
    compared = 0
    for path, result in zip(pictures, detect_images(files, detector, options), strict=True):
        expected = reference(weights, path)
        found = result.detections
        assert found is not None
        assert len(found) == len(expected), path.name
        for row, box in enumerate(expected):
            assert found.xyxy[row].tolist() == pytest.approx(box[:4], abs=0.01), path.name
            assert found.confidence[row] == pytest.approx(box[4], abs=1e-6)
            assert found.class_id[row] == box[5]
        compared += len(expected)
    assert compared >= 20
