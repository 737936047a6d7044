"""Detections matched to labelled animals by pycocotools, the COCO benchmark's own program.

The only module that imports it.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wildetect.detections import Detections
from wildetect.evaluation.annotations import Annotations

__all__ = ["match_boxes"]


def match_boxes(
    found: Mapping[str, Detections], truth: Annotations
) -> tuple[NDArray[np.float64], list[Mapping[str, Any]]]:
    """Match the detections of the classes that both sides have.

    Args:
        found: The detections of each picture, by its name; one without an entry has none.
        truth: The labelled pictures.

    Returns:
        Precision at each IoU (0.5, 0.55, ..., 0.95), recall (0, 0.01, ..., 1) and class of
        `truth.classes`, shape (10, 101, classes), -1 where no animal is labelled; and pycocotools'
        own record of the matches in each picture and class.
    """
    with contextlib.redirect_stdout(io.StringIO()):  # it tells its progress
        evaluation = _evaluated(found, truth)
    precision = np.asarray(evaluation.eval["precision"][:, :, :, 0, 0])
    return precision, [match for match in evaluation.evalImgs if match is not None]


def _evaluated(found: Mapping[str, Detections], truth: Annotations) -> Any:
    from pycocotools.cocoeval import COCOeval

    labelled = [_boxes(number, image.animals, image.crowd) for number, image in enumerate(truth.images)]
    detected = []
    for number, image in enumerate(truth.images):
        # ranked, so that the order in which they come has no influence
        part = found.get(image.name, Detections.empty()).ranked()
        part = part.select(np.isin(part.class_id, truth.classes))
        detected.append(_boxes(number, part, np.zeros(len(part), np.bool_)))
    evaluation = COCOeval(_coco(labelled, truth.classes), _coco(detected, truth.classes), "bbox")
    parameters = evaluation.params
    parameters.maxDets = [max([1, *map(len, detected)])]
    parameters.areaRng, parameters.areaRngLbl = [[0.0, np.inf]], ["all"]
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation


def _boxes(image: int, boxes: Detections, crowd: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Boxes of a picture as COCO writes them."""
    corners = boxes.xyxy.astype(np.float64)
    columns = (corners.tolist(), boxes.confidence.tolist(), boxes.class_id.tolist(), crowd.tolist())
    return [
        {
            "image_id": image,
            "category_id": class_id,
            "bbox": [x_min, y_min, x_max - x_min, y_max - y_min],
            "area": (x_max - x_min) * (y_max - y_min),
            "score": confidence,
            "iscrowd": int(is_crowd),
        }
        for (x_min, y_min, x_max, y_max), confidence, class_id, is_crowd in zip(*columns, strict=True)
    ]


def _coco(boxes: Sequence[Sequence[dict[str, Any]]], classes: Sequence[int]) -> Any:
    from pycocotools.coco import COCO

    every = [box for of_image in boxes for box in of_image]
    coco = COCO()
    coco.dataset = {
        "images": [{"id": number} for number in range(len(boxes))],
        "categories": [{"id": class_id} for class_id in classes],
        # ids start at 1, since 0 stands for "not matched" in its records
        "annotations": [{**box, "id": number} for number, box in enumerate(every, start=1)],
    }
    coco.createIndex()
    return coco
