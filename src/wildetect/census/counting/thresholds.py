"""How the number detected moves with the confidence threshold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wildetect.census.counting.animals import count_once
from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.ground.photographs import Views

__all__ = ["GRID", "NumberSeen", "numbers_by_confidence"]

GRID = tuple(round(0.05 * step, 2) for step in range(1, 20))


@dataclass(frozen=True, slots=True)
class NumberSeen:
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
) -> list[NumberSeen]:
    """Number seen at each threshold from 0.05 to 0.95, counted once again among the boxes that reach it.

    Two boxes of one animal differ in confidence: at a threshold between them the animal is still seen.
    Which boxes are one animal may change with the threshold, too, as the nearest partner drops out.

    Args:
        boxes: All GroundBoxes of the survey.
        views: As `count_once` takes them.
        tolerance: In m, as `count_once` takes it.
        lowest: Least confidence that the model was run with; below it nothing is known.
        classes: Class ids to count; null: all.

    Returns:
        By rising threshold: the lowest, if it is not a point of the grid, and all points of the grid above.
    """
    confidence = np.asarray(boxes.confidence, np.float64)
    # a confidence is stored in float32: 0.2 shall reach 0.2
    confidence = np.round(confidence, 6)
    wanted = np.ones(len(confidence), bool) if classes is None else np.isin(boxes.class_id, list(classes))
    thresholds = sorted({round(float(lowest), 6), *(point for point in GRID if point > lowest)})
    found: list[NumberSeen] = []
    for threshold in thresholds:
        mask = wanted & (confidence >= threshold)
        number = int(mask.sum())
        if found and number == found[-1].boxes:
            found.append(NumberSeen(threshold, number, found[-1].animals, found[-1].per_class))
            continue
        class_ids = count_once(boxes.select(mask), views, tolerance).class_id
        per_class = Counter(np.asarray(class_ids).tolist())
        found.append(NumberSeen(threshold, number, len(class_ids), dict(sorted(per_class.items()))))
    return found
