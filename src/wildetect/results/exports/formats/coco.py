"""Detections as COCO has them: the pictures and categories in one file, the boxes in another.

Format: https://cocodataset.org/#format-results. In pycocotools: `COCO("coco.json").loadRes(
"coco_results.json")`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from wildetect.results.exports.format import ExportedRun, ExportFormat
from wildetect.results.files import write_text
from wildetect.results.records import ImageResult
from wildetect.results.reviewed import ReviewedBox
from wildetect.results.rows import PX_DIGITS, rows

__all__ = ["COCO", "write_coco", "write_coco_results"]


def write_coco(
    path: Path,
    results: Iterable[ImageResult],
    class_names: Sequence[str],
    reviewed: Mapping[str, Sequence[ReviewedBox]] | None = None,
) -> None:
    """Write coco.json: the pictures that were processed, the categories, what people saw as annotations.

    Args:
        path: The file.
        results: A picture's id is its place among them, from 1; failed ones are left out.
        class_names: Category 1 is the first of them; classes that only people named come last.
        reviewed: The animals of each picture that people looked at as a whole; such a picture is marked
            "reviewed", so that one without annotations can be told from one that nobody looked at.

    Raises:
        InputError: The file cannot be written.
    """
    write_text(path, _dataset(results, class_names, reviewed or {}))


def write_coco_results(path: Path, results: Iterable[ImageResult]) -> None:
    """Write coco_results.json: a flat list of boxes in px with their score.

    Args:
        path: The file.
        results: Results in the order of coco.json.

    Raises:
        InputError: The file cannot be written.
    """
    write_text(path, _boxes(results))


def _dataset(
    results: Iterable[ImageResult],
    class_names: Sequence[str],
    reviewed: Mapping[str, Sequence[ReviewedBox]],
) -> Iterator[str]:
    seen = {box.class_name for boxes in reviewed.values() for box in boxes}
    names = [*class_names, *sorted(seen.difference(class_names))]
    categories = [
        {"id": number, "name": name, "supercategory": ""} for number, name in enumerate(names, start=1)
    ]
    numbers: dict[str, int] = {}
    yield f'{{\n"info": {_json({"description": "Pictures of a WildDetect run"})},\n"images": ['
    yield from _lines(_images(results, reviewed, numbers))
    yield f'\n],\n"categories": {_json(categories)},\n"annotations": ['
    yield from _lines(_annotations(reviewed, numbers, {name: number for number, name in enumerate(names, 1)}))
    yield "]\n}\n" if not seen else "\n]\n}\n"


def _images(
    results: Iterable[ImageResult], reviewed: Mapping[str, object], numbers: dict[str, int]
) -> Iterator[dict[str, object]]:
    for number, result in enumerate(results, start=1):
        if not result.failed:
            numbers[result.name] = number
            image = {"id": number, "file_name": result.name, "width": result.width, "height": result.height}
            yield {**image, "reviewed": True} if result.name in reviewed else image


def _annotations(
    reviewed: Mapping[str, Sequence[ReviewedBox]], numbers: Mapping[str, int], categories: Mapping[str, int]
) -> Iterator[dict[str, object]]:
    boxes = [(name, box) for name, found in reviewed.items() if name in numbers for box in found]
    oriented = any(box.corners is not None for _, box in boxes)
    for number, (name, box) in enumerate(boxes, start=1):
        x_min, y_min, x_max, y_max = box.xyxy
        width, height = round(x_max - x_min, 2), round(y_max - y_min, 2)
        yield {
            "id": number,
            "image_id": numbers[name],
            "category_id": categories[box.class_name],
            "bbox": [round(x_min, 2), round(y_min, 2), width, height],
            "area": round(width * height, 2),
            **({"segmentation": [_outline(box)]} if oriented else {}),
            "iscrowd": 0,
        }


def _outline(box: ReviewedBox) -> list[float]:
    """The corners of a box, x and y one after the other; what a person drew is upright."""
    x_min, y_min, x_max, y_max = box.xyxy
    corners = box.corners or (x_min, y_min, x_max, y_min, x_max, y_max, x_min, y_max)
    return [round(one, PX_DIGITS) for one in corners]


def _boxes(results: Iterable[ImageResult]) -> Iterator[str]:
    yield "["
    yield from _lines(
        {
            "image_id": number,
            "category_id": row.class_id + 1,
            "bbox": row.xywh,
            "score": row.confidence,
            **({} if row.corners is None else {"segmentation": [list(row.corners)]}),
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


def _write(run: ExportedRun) -> list[str]:
    write_coco(run.folder / "coco.json", run.results, run.class_names, run.reviewed)
    write_coco_results(run.folder / "coco_results.json", run.results)
    return ["coco.json", "coco_results.json"]


COCO = ExportFormat(
    name="coco",
    about="pycocotools, FiftyOne and trainers of detectors",
    files=("coco.json", "coco_results.json"),
    write=_write,
    always=True,
)
