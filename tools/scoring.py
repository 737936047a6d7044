"""Runs a detector over pictures tile by tile and compares what it finds with the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Forward = Callable[[Array], Array]
"""(1, 3, h, w) RGB, 0 to 1 -> (1, 4 + classes, n)."""

TILE = 640
OVERLAP = 0.2
NMS_IOU = 0.5
MATCH_IOU = 0.5


@dataclass(frozen=True)
class Found:
    """Detections or truth: boxes (n, 4) xyxy px, class_ids (n,), confidences (n,)."""

    boxes: Array
    class_ids: NDArray[np.int64]
    confidences: Array


@dataclass(frozen=True)
class Score:
    """Counts for one class or for all: right detections, detections, animals."""

    right: int
    detected: int
    animals: int

    @property
    def precision(self) -> float:
        """Share of the detections that are right."""
        return self.right / self.detected if self.detected else 1.0

    @property
    def recall(self) -> float:
        """Share of the animals that were found."""
        return self.right / self.animals if self.animals else 1.0

    def __add__(self, other: Score) -> Score:
        """Both together."""
        return Score(
            self.right + other.right,
            self.detected + other.detected,
            self.animals + other.animals,
        )


def iou_matrix(a: Array, b: Array) -> Array:
    """IoU (n, m) of boxes (n, 4) and (m, 4), xyxy."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    inside = np.clip(high - low, 0, None).prod(axis=2)
    areas = (a[:, 2:] - a[:, :2]).prod(axis=1)[:, None] + (b[:, 2:] - b[:, :2]).prod(axis=1)
    overlaps: Array = (inside / np.maximum(areas - inside, 1e-9)).astype(np.float32)
    return overlaps


def suppress(found: Found) -> Found:
    """Class-wise non-maximum suppression; most confident first."""
    order = np.argsort(-found.confidences, kind="stable")
    overlaps = iou_matrix(found.boxes[order], found.boxes[order])
    same = found.class_ids[order][:, None] == found.class_ids[order][None, :]
    rivals, keep = (overlaps > NMS_IOU) & same, np.ones(len(order), dtype=bool)
    for i in range(len(order)):
        if keep[i]:
            keep[i + 1 :] &= ~rivals[i, i + 1 :]
    kept = order[keep]
    return Found(found.boxes[kept], found.class_ids[kept], found.confidences[kept])


def offsets(length: int) -> list[int]:
    """First px of each tile along a side, the last one flush with the border."""
    step = round(TILE * (1 - OVERLAP))
    last = max(length - TILE, 0)
    return [*range(0, last, step), last]


def detect(picture: NDArray[np.uint8], forward: Forward, confidence: float) -> Found:
    """Finds animals in a picture (h, w, 3) RGB of at least one tile.

    Args:
        picture: the picture.
        forward: the detector.
        confidence: least score kept.

    Returns:
        Detections in picture px, after suppression.
    """
    boxes: list[Array] = []
    scores: list[Array] = []
    for top in offsets(picture.shape[0]):
        for left in offsets(picture.shape[1]):
            tile = picture[top : top + TILE, left : left + TILE].astype(np.float32) / 255
            pixels: Array = np.ascontiguousarray(tile.transpose(2, 0, 1), dtype=np.float32)
            output = forward(pixels[None])[0].T
            output = output[output[:, 4:].max(axis=1) >= confidence]
            middle = output[:, :2] + np.array((left, top), dtype=np.float32)
            half = output[:, 2:4] / 2
            boxes.append(np.concatenate([middle - half, middle + half], axis=1, dtype=np.float32))
            scores.append(output[:, 4:])
    every, score = np.concatenate(boxes), np.concatenate(scores)
    limits = (picture.shape[1], picture.shape[0]) * 2
    clipped: Array = np.clip(every, 0, np.array(limits, dtype=np.float32))
    return suppress(Found(clipped, score.argmax(axis=1), score.max(axis=1)))


def compare(found: Found, truth: Found, confidence: float, classes: int) -> list[Score]:
    """Matches detections with animals one to one, the most confident first.

    Args:
        found: detections.
        truth: animals (confidences are not read).
        confidence: least score that counts.
        classes: number of classes.

    Returns:
        A score for each class.
    """
    scores = []
    for class_id in range(classes):
        mine = (found.class_ids == class_id) & (found.confidences >= confidence)
        order = np.flatnonzero(mine)[np.argsort(-found.confidences[mine], kind="stable")]
        animals = truth.boxes[truth.class_ids == class_id]
        overlaps = iou_matrix(found.boxes[order], animals)
        right = 0
        for row in overlaps:
            if len(row) and row.max() >= MATCH_IOU:
                overlaps[:, row.argmax()] = -1
                right += 1
        scores.append(Score(right, len(order), len(animals)))
    return scores


def total(scores: Iterable[list[Score]]) -> list[Score]:
    """Adds the pictures' scores class by class; the last entry is all classes together."""
    summed = [sum(column, Score(0, 0, 0)) for column in zip(*scores, strict=True)]
    return [*summed, sum(summed, Score(0, 0, 0))]
