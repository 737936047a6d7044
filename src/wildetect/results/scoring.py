"""How well detections agree with labelled pictures."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wildetect import geometry
from wildetect.detections import Detections
from wildetect.errors import InputError

__all__ = ["Score", "Truth", "read_coco", "read_detections", "score"]


@dataclass(frozen=True)
class Score:
    """Hits and misses at one IoU and one confidence.

    Attributes:
        found: Labelled animals that a detection of the same class hits.
        missed: Labelled animals without one.
        wrong: Detections that hit no labelled animal of their class.
    """

    found: int
    missed: int
    wrong: int

    @property
    def recall(self) -> float:
        """Part of the animals that were found; 1 where there were none."""
        return self.found / (self.found + self.missed) if self.found + self.missed else 1.0

    @property
    def precision(self) -> float:
        """Part of the detections that are animals; 1 where there were none."""
        return self.found / (self.found + self.wrong) if self.found + self.wrong else 1.0


Truth = Mapping[str, Detections]
"""The labelled animals of each picture, by its file name."""


def read_coco(path: Path, class_names: Sequence[str]) -> Truth:
    """Read labelled boxes from a COCO annotation file.

    Args:
        path: The JSON file.
        class_names: Give the class id of each category by its name.

    Returns:
        The boxes of each image in the file, those without any included.

    Raises:
        InputError: Where the file is none of COCO's, or names a class that is not among `class_names`.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        names = {category["id"]: category["name"] for category in document["categories"]}
        class_ids = {category: class_names.index(name) for category, name in names.items()}
        boxes: dict[int, list[tuple[list[float], int]]] = {image["id"]: [] for image in document["images"]}
        for annotation in document["annotations"]:
            x, y, width, height = annotation["bbox"]
            class_id = class_ids[annotation["category_id"]]
            boxes[annotation["image_id"]].append(([x, y, x + width, y + height], class_id))
        return {image["file_name"]: _as_detections(boxes[image["id"]]) for image in document["images"]}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is no COCO annotation file of {', '.join(class_names)}: {error}",
            hint="It needs images, categories and annotations with bbox = [x, y, width, height] in px.",
        ) from error


def _as_detections(boxes: Sequence[tuple[list[float], int]]) -> Detections:
    xyxy = np.array([box for box, _ in boxes], dtype=np.float32).reshape(-1, 4)
    class_id = np.array([class_id for _, class_id in boxes], dtype=np.int64)
    return Detections(xyxy, np.ones(len(boxes), dtype=np.float32), class_id)


def score(found: Mapping[str, Detections], truth: Truth, *, threshold: float = 0.5) -> Score:
    """Match detections to labelled animals of the same class, the most confident first, one to one.

    Args:
        found: The detections of each picture, by its file name.
        truth: The labelled animals; a picture without an entry here is left out.
        threshold: Least IoU of a hit.
    """
    hits = animals = detections = 0
    for name, labelled in truth.items():
        detected = found.get(name, Detections.empty()).ranked()
        overlap = geometry.iou(detected.xyxy, labelled.xyxy)
        overlap[detected.class_id[:, None] != labelled.class_id[None, :]] = 0
        for row in overlap:
            if row.size and row.max() >= threshold:
                hits += 1
                overlap[:, row.argmax()] = 0
        animals += len(labelled)
        detections += len(detected)
    return Score(found=hits, missed=animals - hits, wrong=detections - hits)


def read_detections(path: Path, class_names: Sequence[str]) -> dict[str, Detections]:
    """The boxes of a detections.csv in px, by image; an image without any has no entry."""
    rows: dict[str, list[dict[str, str]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["image"], []).append(row)
    corners = ("x_min", "y_min", "x_max", "y_max")
    return {
        image: Detections(
            np.array([[float(box[corner]) for corner in corners] for box in boxes], dtype=np.float32),
            np.array([float(box["confidence"]) for box in boxes], dtype=np.float32),
            np.array([class_names.index(box["class"]) for box in boxes], dtype=np.int64),
        )
        for image, boxes in rows.items()
    }
