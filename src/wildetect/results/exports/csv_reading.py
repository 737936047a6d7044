"""Detections read back from a detections.csv."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wildetect.detections import Detections

__all__ = ["read_csv"]


def read_csv(path: Path, class_names: Sequence[str]) -> dict[str, Detections]:
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
