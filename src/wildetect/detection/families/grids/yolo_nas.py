"""YOLO-NAS and PP-YOLOE without NMS: boxes (n, 4) as xyxy in px, and scores of classes, (n, C) or (C, n).

Source: SuperGradients' export with postprocessing off, and a plain torch.onnx.export of its models;
PaddleDetection's PPYOLOEHead.post_process with exclude_nms, which has a row for each class.
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
    return any(
        alike(boxes[1], _BOX)
        and any(
            alike(boxes[0], rows) and alike(classes, shapes.classes)
            for rows, classes in (scores, scores[::-1])
        )
        for boxes, scores in (tables, tables[::-1])
    )


def _boxes_and_scores(outputs: Outputs) -> tuple[Array, Array]:
    """Tell the two apart by their width, or where both have four columns by their values; scores (n, C)."""
    first, second = outputs[:2]
    could_be = [output.shape[1] == _BOX for output in (first, second)]
    in_order = first.max(initial=0) >= second.max(initial=0) if all(could_be) else could_be[0]
    boxes, scores = (first, second) if in_order else (second, first)
    return boxes, scores if len(scores) == len(boxes) else scores.T


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
    exported_from="YOLO-NAS and PP-YOLOE without NMS in the graph",
    outputs="boxes (1, N, 4), scores (1, N, C) or (1, C, N)",
    fits=_fits,
    decode=_decode,
    implausible=_implausible,
    every_output=True,
)
