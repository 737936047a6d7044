"""Small COCO annotation files made for a test."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Box = tuple[int, tuple[float, float, float, float]]
"""A category's id, and x, y, width, height in px."""


def coco_document(
    pictures: dict[str, Sequence[Box]],
    categories: Sequence[str] = ("elephant", "zebra"),
    **first_annotation: Any,
) -> dict[str, Any]:
    """Labelled pictures of 100 x 80 px; category ids start at 1."""
    annotations = [
        {"image_id": number, "category_id": category, "bbox": list(box), "iscrowd": 0}
        for number, boxes in enumerate(pictures.values(), start=10)
        for category, box in boxes
    ]
    if first_annotation:
        annotations[0] |= first_annotation
    return {
        "images": [
            {"id": number, "file_name": name, "width": 100, "height": 80}
            for number, name in enumerate(pictures, start=10)
        ],
        "categories": [{"id": number, "name": name} for number, name in enumerate(categories, start=1)],
        "annotations": annotations,
    }


def write_coco(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path
