"""Oriented boxes of Ultralytics: (4+C+1, n) of cx, cy, w, h, class scores and angle, or (n, 7) with NMS.

The angle is in radians, clockwise on the picture. Doubles are removed by the overlap of the turned boxes,
as Gaussians (ProbIoU; Llerena et al. 2021, https://arxiv.org/abs/2106.06072), as in Ultralytics; but there a
box goes, too, whose only double has gone itself, which takes animals out of a row of them. In a file that has
removed doubles itself only boxes almost alike are still some. What is counted are the upright boxes around
them; their corners go into the files that know polygons.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wildetect.detection.families.family import Array, DetectorFamily, Outputs, Reading, Shapes
from wildetect.detection.families.shapes import alike, probabilities, sizes_in_px, without_batch
from wildetect.detections import Detections

__all__ = ["OBB", "corners_of", "probabilistic_iou", "upright"]

Floats = NDArray[np.float64]

_BOX = 4
_ROW = 7  # with NMS done: box, score, class, angle
_DOUBLES = 0.5
_ALMOST_ALIKE = 0.9  # of rows that were told apart already
_MOST_DOUBLES = 0.2  # of such rows; where more are alike, nothing has removed doubles
_TURNS = 4 * np.pi  # radians; YOLOv8's and YOLO11's lie between -pi/4 and 3 pi/4, YOLO26's have no limits


def _fits(shapes: Shapes) -> bool:
    shape = without_batch(shapes.outputs[0], 2)
    if shape is None or len(shapes.outputs) > 1 or shapes.classes is None:
        return False  # without class names every file of YOLOv8 would fit
    rows, boxes = shape
    return alike(rows, _BOX + shapes.classes + 1) or alike(boxes, _ROW)


def _are_rows(table: Array, classes: int) -> bool:
    """Say whether there is a row for each box, with NMS done."""
    return bool(table.shape[1] == _ROW and table.shape[0] != _BOX + classes + 1)


def _listed(outputs: Outputs, reading: Reading, confidence: float) -> int | None:
    if not _are_rows(outputs[0], reading.classes):
        return None
    return int((outputs[0][:, _BOX] >= confidence).sum())


def _parts(outputs: Outputs, classes: int) -> tuple[Array, Array, Array, Array]:
    """Boxes (n, 4), scores (n,), classes (n,) and angles (n,)."""
    table = outputs[0]
    if _are_rows(table, classes):
        return table[:, :_BOX], table[:, 4], table[:, 5], table[:, 6]
    scores = table[_BOX:-1]
    return table[:_BOX].T, scores.max(axis=0), scores.argmax(axis=0), table[-1]


def upright(boxes: Array, angles: Array) -> NDArray[np.float32]:
    """Give the upright boxes (n, 4), xyxy, around boxes (n, 4) of cx, cy, w, h turned by angles (n,)."""
    cos, sin = np.abs(np.cos(angles)), np.abs(np.sin(angles))
    half = (
        np.stack([boxes[:, 2] * cos + boxes[:, 3] * sin, boxes[:, 2] * sin + boxes[:, 3] * cos], axis=1) / 2
    )
    return np.hstack([boxes[:, :2] - half, boxes[:, :2] + half]).astype(np.float32)


def corners_of(turned: Floats) -> NDArray[np.float32]:
    """Give the corners (n, 8) of boxes (n, 5) of cx, cy, w, h, angle, clockwise on the picture."""
    cos, sin = np.cos(turned[:, 4]), np.sin(turned[:, 4])
    along = np.stack([cos, sin], axis=1) * turned[:, 2:3] / 2
    across = np.stack([-sin, cos], axis=1) * turned[:, 3:4] / 2
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return np.hstack([turned[:, :2] + a * along + b * across for a, b in signs]).astype(np.float32)


def probabilistic_iou(box: Floats, others: Floats) -> Floats:
    """Give the ProbIoU of one turned box (5,) of cx, cy, w, h, angle with others (n, 5), shape (n,)."""
    a, b, c = _covariance(box[None])
    d, e, f = _covariance(others)
    a, b, c = a + d, b + e, c + f
    dx, dy = (box[:2] - others[:, :2]).T
    determinant = a * b - c**2
    distance = (a * dy**2 + b * dx**2) / (4 * determinant) - c * dx * dy / (2 * determinant)
    own = np.prod(box[2:4] ** 2 / 12) * np.prod(others[:, 2:4] ** 2 / 12, axis=1)
    distance += np.log(determinant / (4 * np.sqrt(own))) / 2
    return np.asarray(1 - np.sqrt(1 - np.exp(-np.clip(distance, 0, 100))))


def _covariance(boxes: Floats) -> tuple[Floats, Floats, Floats]:
    """Entries xx, yy and xy of the covariance of uniform boxes (n, 5)."""
    along, across = (boxes[:, 2:4] ** 2 / 12).T
    cos, sin = np.cos(boxes[:, 4]), np.sin(boxes[:, 4])
    return along * cos**2 + across * sin**2, along * sin**2 + across * cos**2, (along - across) * cos * sin


def _without_doubles(
    turned: Floats, scores: Array, classes: Array, threshold: float = _DOUBLES
) -> NDArray[np.intp]:
    """Positions that greedy suppression within each class keeps, the surest first."""
    order = np.argsort(-scores, kind="stable")
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        # boxes that are further apart than their diagonals do not overlap
        near = classes[order] == classes[best]
        reach = np.hypot(*turned[best, 2:4]) + np.hypot(*turned[order, 2:4].T)
        near &= (np.abs(turned[order, :2] - turned[best, :2]) <= reach[:, None]).all(axis=1)
        doubles = np.flatnonzero(near)
        double = probabilistic_iou(turned[best], turned[order[doubles]]) >= threshold
        order = np.delete(order, doubles[double])
    return np.array(kept, np.intp)


def _decode(outputs: Outputs, reading: Reading, confidence: float) -> Detections:
    boxes, scores, classes, angles = _parts(outputs, reading.classes)
    sure = np.flatnonzero(scores >= confidence)
    turned = np.hstack([boxes[sure], angles[sure, None]]).astype(np.float64)
    # a box without a size has no double; it stays, so that whoever leaves it out can say so
    sized = (turned[:, 2:4] > 0).all(axis=1)
    boxes_of = turned[sized], scores[sure][sized], classes[sure][sized]
    threshold = _ALMOST_ALIKE if _are_rows(outputs[0], reading.classes) else _DOUBLES
    kept = _without_doubles(*boxes_of, threshold)
    if threshold > _DOUBLES and len(kept) < (1 - _MOST_DOUBLES) * sized.sum():
        kept = _without_doubles(*boxes_of)
    kept = np.concatenate([np.flatnonzero(sized)[kept], np.flatnonzero(~sized)])
    sure, turned = sure[kept], turned[kept]
    boxes_around = upright(turned[:, :4], turned[:, 4])
    return Detections(boxes_around, scores[sure], classes[sure], corners_of(turned))


def _implausible(outputs: Outputs, reading: Reading) -> str | None:
    boxes, scores, classes, angles = _parts(outputs, reading.classes)
    if np.any(classes != np.round(classes)):
        return "the class column holds fractions"
    if angles.size and np.abs(angles).max() > _TURNS:
        return f"angles reach {np.abs(angles).max():.4g}: they are not radians"
    return probabilities(scores, "scores") or sizes_in_px(boxes, reading.frame)


OBB = DetectorFamily(
    name="obb",
    exported_from="YOLOv8, YOLO11, YOLO26 for oriented boxes; the upright boxes around them are counted",
    outputs="(1, 4+C+1, N), or (1, N, 7) with NMS",
    fits=_fits,
    decode=_decode,
    implausible=_implausible,
    ultralytics=True,
    task="obb",
    listed=_listed,
    removes_doubles=True,
    box_kind="oriented",
)
