"""Faster R-CNN, RetinaNet, SSD, FCOS of torchvision: boxes (n, 4) as xyxy in px, labels (n,), scores (n,).

The network scales and normalises its input itself, and does its own NMS. Labels begin at 1 where 0 is the
background (torchvision's own training), at 0 in DeepForest. Source: torchvision's detection models and their
onnx tests; labels and scores come in either order and are told by their type.
"""

from __future__ import annotations

import numpy as np

from wildetect.detection.families.family import DetectorFamily, Outputs, Reading, Shapes
from wildetect.detection.families.shapes import alike, corners_in_px, in_classes, not_corners, probabilities
from wildetect.detections import Detections

__all__ = ["TORCHVISION"]

_BOX = 4
_MASKS_RANK = 4


def _fits(shapes: Shapes) -> bool:
    # Mask R-CNN gives masks (n, 1, height, width) besides
    found = [shape for shape in shapes.outputs if len(shape) != _MASKS_RANK]
    if len(shapes.outputs) - len(found) > 1 or sorted(map(len, found)) != [1, 1, 2]:
        return False
    return alike(max(found, key=len)[-1], _BOX)


def _parts(outputs: Outputs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    boxes = next(output for output in outputs if output.ndim == 2)  # noqa: PLR2004 - labels and scores have 1
    labels = next(output for output in outputs if output.ndim == 1 and output.dtype.kind in "iu")
    scores = next(output for output in outputs if output.ndim == 1 and output.dtype.kind == "f")
    return boxes, labels, scores


def _decode(outputs: Outputs, reading: Reading, confidence: float) -> Detections:
    boxes, labels, scores = _parts(outputs)
    kept = np.flatnonzero(scores >= confidence)
    return Detections(corners_in_px(boxes[kept], reading), scores[kept], labels[kept])


def _implausible(outputs: Outputs, reading: Reading) -> str | None:
    try:
        boxes, labels, scores = _parts(outputs)
    except StopIteration:
        return "labels should be whole numbers and scores floating point"
    wrong = probabilities(scores, "scores") or in_classes(labels, reading)
    return wrong or not_corners(boxes, reading)


TORCHVISION = DetectorFamily(
    name="torchvision",
    exported_from="torchvision's Faster R-CNN, RetinaNet, SSD and FCOS; DeepForest",
    outputs="boxes (N, 4), labels (N), scores (N)",
    fits=_fits,
    decode=_decode,
    implausible=_implausible,
    rank=2,
    lists_animals=True,
    every_output=True,
    box_units=True,
    first_label=None,
)
