"""JSON that was corrected elsewhere: Label Studio's, COCO, MegaDetector's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from wildetect import wording
from wildetect.evaluation.coco_boxes import box_of
from wildetect.results.finished_run import FinishedRun
from wildetect.results.ids import BoxCorners
from wildetect.review.corrected.boxes import (
    EMPTY,
    CorrectedBox,
    CorrectedImage,
    Refuse,
    RunNames,
)

__all__ = ["from_json"]

_EMPTY_CATEGORY = "0"  # Timelapse's own, in a file of recognitions


def from_json(document: Any, run: FinishedRun, refuse: Refuse) -> dict[str, CorrectedImage] | None:
    """Take a document in the form that it has; None where that is not known."""
    if isinstance(document, list) and all(isinstance(one, dict) and "data" in one for one in document):
        return _labelstudio(document, run, refuse)
    if isinstance(document, list) and all(isinstance(one, dict) and "bbox" in one for one in document):
        return _coco_results(document, run, refuse)
    if isinstance(document, dict) and document.get("annotations") and "images" in document:
        return _coco(document, run, refuse)
    if isinstance(document, dict) and "detection_categories" in document and "images" in document:
        return _megadetector(document, run, refuse)
    return None


def _megadetector(document: Mapping[str, Any], run: FinishedRun, refuse: Refuse) -> dict[str, CorrectedImage]:
    """A detections.json, perhaps written again by a program that knows no ids and rounds more."""
    names = RunNames(run)
    sizes = {result.name: (result.width or 1, result.height or 1) for result in run.results}
    classes = {str(key): str(name) for key, name in document["detection_categories"].items()}
    shares = [
        edge for one in document["images"] for box in one.get("detections") or () for edge in box["bbox"]
    ]
    step = 10.0 ** -max(map(_digits, shares), default=0)
    found: dict[str, CorrectedImage] = {}
    for one in document["images"]:
        image = names.find(str(one["file"]), refuse)
        if image is not None and not one.get("failure"):
            entries = one.get("detections") or ()
            boxes = list(_of_shares(entries, image, sizes[image], classes, refuse))
            found[image] = CorrectedImage(
                boxes,
                complete=one.get("reviewed") is True,
                unread=len(boxes) < len(entries),
                rounding=step * max(sizes[image]),
            )
    return found


def _of_shares(
    detections: Sequence[Mapping[str, Any]],
    image: str,
    size: tuple[int, int],
    classes: Mapping[str, str],
    refuse: Refuse,
) -> Iterator[CorrectedBox]:
    for number, one in enumerate(detections, 1):
        category = str(one["category"])
        if category not in classes and category != _EMPTY_CATEGORY:
            refuse(f"{image}: detection {number} is of category {category}, which the file does not name")
            continue
        x, y, width, height = (float(edge) for edge in one["bbox"])
        key = one.get("id")
        yield CorrectedBox(
            key=None if key is None else str(key),
            xyxy=(x * size[0], y * size[1], (x + width) * size[0], (y + height) * size[1]),
            class_name=classes.get(category, EMPTY),
            verdict="wrong" if category == _EMPTY_CATEGORY else None,
        )


def _digits(share: float) -> int:
    """Digits after the point, as a file has it."""
    return -int(Decimal(repr(share)).normalize().as_tuple().exponent)


def _coco_results(
    document: Sequence[Mapping[str, Any]], run: FinishedRun, refuse: Refuse
) -> dict[str, CorrectedImage]:
    """A coco_results.json: images by their place in the run, categories by that of the class."""
    found: dict[str, CorrectedImage] = {}
    results = list(run.results)
    for number, one in enumerate(document, 1):
        place, category = int(one["image_id"]) - 1, int(one["category_id"]) - 1
        if not (0 <= place < len(results) and 0 <= category < len(run.class_names)):
            refuse(f"box {number}: the run has no such image or class")
            continue
        image = found.setdefault(results[place].name, CorrectedImage())
        _add_coco_box(image, one, run.class_names[category], f"box {number}", refuse)
    return found


def _coco(document: Mapping[str, Any], run: FinishedRun, refuse: Refuse) -> dict[str, CorrectedImage]:
    names = RunNames(run)
    classes = {one["id"]: str(one["name"]) for one in document.get("categories", ())}
    images: dict[Any, str] = {}
    found: dict[str, CorrectedImage] = {}
    for one in document["images"]:
        image = names.find(str(one["file_name"]), refuse)
        if image is None:
            continue
        images[one["id"]] = image
        complete = one.get("reviewed") is True
        found[image] = CorrectedImage(complete=complete, reviewed=complete)
    for number, one in enumerate(document["annotations"], 1):
        if one["image_id"] not in images:
            continue
        name = classes.get(one["category_id"])
        if name is None:
            refuse(f"annotation {number}: the file names no category {one['category_id']}")
            found[images[one["image_id"]]].unread = True
            continue
        _add_coco_box(found[images[one["image_id"]]], one, name, f"annotation {number}", refuse)
    return _looked_at(found, run, refuse)


def _looked_at(
    found: dict[str, CorrectedImage], run: FinishedRun, refuse: Refuse
) -> dict[str, CorrectedImage]:
    """Leave out images of a COCO file without any box: many programs list those that nobody looked at."""
    detected = {one.name for one in run.results if one.detections is not None and len(one.detections)}
    silent = [
        name
        for name, one in found.items()
        if name in detected and not (one.boxes or one.complete or one.unread)
    ]
    if silent:
        refuse(
            f"{wording.number_of(len(silent), 'photograph')} without any box in the file, such as {silent[0]}"
            ': empty, or not looked at? Say "reviewed": true of its image there, or say it in review.open'
        )
    left_out = set(silent)
    return {name: one for name, one in found.items() if name not in left_out}


def _add_coco_box(
    image: CorrectedImage, one: Mapping[str, Any], class_name: str, what: str, refuse: Refuse
) -> None:
    """Add the box of an annotation, or what lies around its segmentation."""
    box = box_of(one.get("bbox"), one.get("segmentation"))
    if box is None:
        refuse(f"{what} is no box: it is missing, of a negative size, or no numbers")
        image.unread = True
        return
    key = one.get("detection_id")
    x, y, width, height = box
    image.boxes.append(
        CorrectedBox(
            key=None if key is None else str(key), xyxy=(x, y, x + width, y + height), class_name=class_name
        )
    )


def _labelstudio(
    document: Sequence[Mapping[str, Any]], run: FinishedRun, refuse: Refuse
) -> dict[str, CorrectedImage]:
    """Tasks with annotations; those that nobody annotated say nothing."""
    names = RunNames(run)
    sizes = {result.name: (result.width or 1, result.height or 1) for result in run.results}
    found: dict[str, CorrectedImage] = {}
    for task in document:
        text = next((value for value in task["data"].values() if isinstance(value, str)), "")
        image = names.find(text, refuse)
        given = [one for one in task.get("annotations") or () if not one.get("was_cancelled")]
        if image is not None and given:
            # the export lists them in any order
            newest = max(given, key=lambda one: str(one.get("updated_at") or one.get("created_at") or ""))
            regions = newest.get("result", ())
            boxes = list(_regions(regions, image, sizes[image], refuse))
            found[image] = CorrectedImage(boxes, complete=True, unread=len(boxes) < len(regions))
    return found


def _regions(
    regions: Sequence[Mapping[str, Any]], image: str, size: tuple[int, int], refuse: Refuse
) -> Iterator[CorrectedBox]:
    for region in regions:
        value = region.get("value", {})
        labels = value.get("rectanglelabels")
        if region.get("type") != "rectanglelabels" or not labels:
            refuse(f"{image}: a region of type {region.get('type')} is not a box with a label")
            continue
        x, y = value["x"] * size[0] / 100, value["y"] * size[1] / 100
        across, down = value["width"] * size[0] / 100, value["height"] * size[1] / 100
        yield CorrectedBox(
            key=str(region.get("id") or "") or None,
            xyxy=_around((x, y), (across, down), float(value.get("rotation") or 0), size),
            class_name=str(labels[0]),
        )


def _around(
    corner: tuple[float, float], sides: tuple[float, float], degrees: float, size: tuple[int, int]
) -> BoxCorners:
    """The upright box around one that is turned clockwise about its corner, as Label Studio turns them."""
    (x, y), (across, down) = corner, sides
    if not degrees:
        return x, y, x + across, y + down
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    xs = [x + right * across * cos - below * down * sin for right in (0, 1) for below in (0, 1)]
    ys = [y + right * across * sin + below * down * cos for right in (0, 1) for below in (0, 1)]
    # cut to the picture, as detections are
    return max(min(xs), 0.0), max(min(ys), 0.0), min(max(xs), size[0]), min(max(ys), size[1])
