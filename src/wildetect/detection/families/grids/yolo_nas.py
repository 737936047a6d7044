"""YOLO-NAS without NMS: boxes (n, 4) as xyxy in px, and one score a class, (n, C).

Source: SuperGradients' export with postprocessing off, and a plain torch.onnx.export of its models.
"""

from __future__ import annotations

import numpy as np

from wildetect.detection.families.family import Array, DetectorFamily, Outputs, Reading, Shapes
from wildetect.detection.families.shapes import alike, probabilities, without_batch
from wildetect.detections import Detections

__all__ = ["YOLO_NAS"]

_BOX = 4


def _fits(shapes: Shapes) -> bool:
    tables = [shape for whole in shapes.outputs if (shape := without_batch(whole, 2)) is not None]
    if len(tables) != 2 or len(shapes.outputs) != 2:  # noqa: PLR2004 - boxes and scores
        return False
    (rows, width), (others, columns) = tables
    if not alike(rows, others):
        return False
    widths = (width, columns), (columns, width)
    return any(alike(box, _BOX) and alike(classes, shapes.classes) for box, classes in widths)


def _boxes_and_scores(outputs: Outputs) -> tuple[Array, Array]:
    first, second = outputs[:2]
    if first.shape[1] == second.shape[1]:
        return (first, second) if first.max(initial=0) >= second.max(initial=0) else (second, first)
    return (first, second) if first.shape[1] == _BOX else (second, first)


def _decode(outputs: Outputs, _reading: Reading, confidence: float) -> Detections:
    boxes, scores = _boxes_and_scores(outputs)
    best = scores.max(axis=1)
    kept = np.flatnonzero(best >= confidence)
    return Detections(boxes[kept], best[kept], scores[kept].argmax(axis=1))


def _implausible(outputs: Outputs, _reading: Reading) -> str | None:
    boxes, scores = _boxes_and_scores(outputs)
    if boxes.size and np.abs(boxes).max() <= _BOX:
        return "its boxes are fractions of the picture, not px"
    if boxes.size and (boxes[:, 2:] < boxes[:, :2]).mean() > 0.02:  # noqa: PLR2004 - quantised networks slip
        return "some boxes have their right or lower edge before the left or upper one"
    return probabilities(scores, "scores")


YOLO_NAS = DetectorFamily(
    name="yolo-nas",
    exported_from="YOLO-NAS without NMS in the graph",
    outputs="boxes (1, N, 4), scores (1, N, C)",
    fits=_fits,
    decode=_decode,
    implausible=_implausible,
    every_output=True,
)
