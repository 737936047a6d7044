"""RT-DETR, D-FINE, DEIM: labels (n,), boxes (n, 4) as xyxy, scores (n,), in any order.

The boxes are in the units of the second input: the size of the network's input is given there.
"""

from __future__ import annotations

import numpy as np

from wildetect.detection.families.family import DetectorFamily, Outputs, Reading, Shapes
from wildetect.detection.families.shapes import alike, corners_in_px, in_classes, not_corners, probabilities
from wildetect.detections import Detections

__all__ = ["DETR"]

_BOX = 4


def _fits(shapes: Shapes) -> bool:
    ranks = sorted(len(shape) for shape in shapes.outputs)
    if ranks not in ([2, 2, 3], [1, 1, 2]):
        return False
    return alike(max(shapes.outputs, key=len)[-1], _BOX)


def _decode(outputs: Outputs, reading: Reading, confidence: float) -> Detections:
    boxes = next(output for output in outputs if output.ndim == 2)  # noqa: PLR2004 - labels and scores have 1
    labels = next(output for output in outputs if output.dtype.kind in "iu")
    scores = next(output for output in outputs if output.ndim == 1 and output.dtype.kind == "f")
    kept = np.flatnonzero(scores >= confidence)
    return Detections(corners_in_px(boxes[kept], reading), scores[kept], labels[kept])


def _implausible(outputs: Outputs, reading: Reading) -> str | None:
    labels = next((output for output in outputs if output.dtype.kind in "iu"), None)
    scores = next((output for output in outputs if output.ndim == 1 and output.dtype.kind == "f"), None)
    if labels is None or scores is None:
        return "labels should be whole numbers and scores floating point"
    boxes = next(output for output in outputs if output.ndim == 2)  # noqa: PLR2004 - labels and scores have 1
    wrong = probabilities(scores, "scores") or in_classes(labels, reading)
    return wrong or not_corners(boxes, reading)


DETR = DetectorFamily(
    name="detr",
    exported_from="RT-DETR, D-FINE, DEIM, DEIMv2 from their authors' exporters",
    outputs="labels (1, N), boxes (1, N, 4), scores (1, N)",
    fits=_fits,
    decode=_decode,
    implausible=_implausible,
    feeding={"resize": "stretch"},
    lists_animals=True,
    every_output=True,
    box_units=True,
)
