"""Detections as COCO has them: the pictures and categories in one file, the boxes in another.

Format: https://cocodataset.org/#format-results. In pycocotools: `COCO("coco.json").loadRes(
"coco_results.json")`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from wildetect.results.files import write_text
from wildetect.results.records import ImageResult
from wildetect.results.rows import rows

__all__ = ["write_coco", "write_coco_results"]


def write_coco(path: Path, results: Iterable[ImageResult], class_names: Sequence[str]) -> None:
    """Write coco.json: the pictures that were processed, the categories, no annotations.

    Args:
        path: The file.
        results: A picture's id is its place among them, from 1; failed ones are left out.
        class_names: Category 1 is the first of them.

    Raises:
        InputError: The file cannot be written.
    """
    write_text(path, _dataset(results, class_names))


def write_coco_results(path: Path, results: Iterable[ImageResult]) -> None:
    """Write coco_results.json: a flat list of boxes in px with their score.

    Args:
        path: The file.
        results: In the order of coco.json.

    Raises:
        InputError: The file cannot be written.
    """
    write_text(path, _boxes(results))


def _dataset(results: Iterable[ImageResult], class_names: Sequence[str]) -> Iterator[str]:
    categories = [
        {"id": number, "name": name, "supercategory": ""} for number, name in enumerate(class_names, start=1)
    ]
    yield f'{{\n"info": {_json({"description": "Pictures of a WildDetect run"})},\n"images": ['
    images = (
        {"id": number, "file_name": result.name, "width": result.width, "height": result.height}
        for number, result in enumerate(results, start=1)
        if not result.failed
    )
    yield from _lines(images)
    yield f'\n],\n"categories": {_json(categories)},\n"annotations": []\n}}\n'


def _boxes(results: Iterable[ImageResult]) -> Iterator[str]:
    yield "["
    yield from _lines(
        {
            "image_id": number,
            "category_id": row.class_id + 1,
            "bbox": row.xywh,
            "score": row.confidence,
            "detection_id": row.id,  # pycocotools numbers "id" itself
        }
        for number, result in enumerate(results, start=1)
        for row in rows(result)
    )
    yield "\n]\n"


def _lines(entries: Iterable[object]) -> Iterator[str]:
    for number, entry in enumerate(entries):
        yield ("," if number else "") + "\n" + _json(entry)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
