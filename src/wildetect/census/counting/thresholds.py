"""How the number detected moves with the confidence threshold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wildetect.census.counting.animals import count_once
from wildetect.census.counting.said import NOTHING_SAID, Said
from wildetect.census.counting.species import of_classes
from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.ground.photographs import Views
from wildetect.how_far import through

__all__ = ["GRID", "NumberDetected", "numbers_by_confidence"]

GRID = tuple(round(0.05 * step, 2) for step in range(1, 20))


@dataclass(frozen=True, slots=True)
class NumberDetected:
    """Different animals detected at one threshold.

    Attributes:
        threshold: Confidence that a box must reach, 0 to 1.
        boxes: Boxes that reach it.
        animals: Different animals, all classes together.
        per_class: Different animals by class id; classes without any are left out.
    """

    threshold: float
    boxes: int
    animals: int
    per_class: dict[int, int]


def numbers_by_confidence(
    boxes: GroundBoxes,
    views: Views,
    tolerance: float,
    lowest: float = 0.05,
    classes: Sequence[int] | None = None,
    said: Said = NOTHING_SAID,
) -> list[NumberDetected]:
    """Number detected at each threshold from 0.05 to 0.95, counted once again among the boxes that reach it.

    Two boxes of one animal differ in confidence: at a threshold between them the animal is still detected.
    Which boxes are one animal may change with the threshold, too, as the nearest partner drops out.

    Args:
        boxes: All GroundBoxes of the survey, those of other classes among them.
        views: Views as `count_once` takes them.
        tolerance: Tolerance in m, as `count_once` takes it.
        lowest: Least confidence that the model was run with; below it nothing is known.
        classes: Class ids of the animals to count; null: all.
        said: What people said, as `count_once` takes it.

    Returns:
        By rising threshold: the lowest, if it is not a point of the grid, and all points of the grid above.
    """
    confidence = np.asarray(boxes.confidence, np.float64)
    # a confidence is stored in float32: 0.2 shall reach 0.2
    confidence = np.round(confidence, 6)
    kinds = np.unique(boxes.class_id).tolist() if classes is None else list(classes)
    thresholds = sorted({round(float(lowest), 6), *(point for point in GRID if point > lowest)})
    found: list[NumberDetected] = []
    before = -1
    for threshold in through(thresholds, "thresholds of confidence counted at"):
        some = boxes.select(confidence >= threshold)
        if len(some) == before:
            found.append(replace(found[-1], threshold=threshold))
            continue
        before = len(some)
        kept, animals = of_classes(some, count_once(some, views, tolerance, said), kinds)
        per_class = dict(sorted(Counter(animals.class_id.tolist()).items()))
        found.append(NumberDetected(threshold, len(kept), len(animals.class_id), per_class))
    return found
