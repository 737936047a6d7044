"""What a file that was corrected elsewhere says of the images of a run: one form for all formats."""

from __future__ import annotations

import csv
import json
import math
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from wildetect import wording
from wildetect.errors import InputError
from wildetect.results.finished_run import FinishedRun
from wildetect.results.ids import BoxCorners
from wildetect.tables.names import Names
from wildetect.tables.numbers import check_marks, number_of
from wildetect.tables.sheet import Sheet, read_sheet

__all__ = ["CorrectedBox", "CorrectedImage", "read_corrected"]

Refuse = Callable[[str], None]

_EXPORT_AGAIN = (
    "Export it again as Label Studio JSON, COCO, GeoPackage or CSV with the columns of detections.csv."
)
_EMPTY = "empty"  # Timelapse's flag of a photograph without animals, by its usual name
_EMPTY_CATEGORY = "0"  # Timelapse's own, in a file of recognitions
_TRUE = {"true", "1", "yes"}
_EDGES = ("x_min", "y_min", "x_max", "y_max")


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedBox:
    """A box of the file.

    Attributes:
        key: Id that the file gives it; null: none.
        xyxy: In px of the upright image.
        class_name: Its class.
        verdict: "right", "wrong" or "unsure", where the file says so in words.
    """

    key: str | None
    xyxy: BoxCorners
    class_name: str
    verdict: str | None = None


@dataclass(slots=True)
class CorrectedImage:
    """An image of the file.

    Attributes:
        boxes: All that it holds there.
        complete: Whether the file says that a person looked at all of it.
        unread: Whether an entry of it was refused: a box that is missing may be that one then.
        reviewed: Whether it holds what stood after a review, what people added, too, not what was detected.
        rounding: How far in px an edge may be off because the program that wrote the file rounds.
    """

    boxes: list[CorrectedBox] = field(default_factory=list)
    complete: bool = False
    unread: bool = False
    reviewed: bool = False
    rounding: float = 0.0


def read_corrected(path: Path, run: FinishedRun, refuse: Refuse) -> dict[str, CorrectedImage]:
    """Read a file that was corrected elsewhere.

    Args:
        path: Label Studio's JSON, COCO, MegaDetector's JSON, Timelapse's CSV, a detections.gpkg or a
            detections.csv.
        run: That it was exported from.
        refuse: Told of each edit that cannot be taken over, and why.

    Returns:
        By name of the image in the run; images that the file does not hold are not among them.

    Raises:
        InputError: It cannot be read, or is of no format that is known.
    """
    if not path.is_file():
        raise InputError(f"there is no file {path}", hint="Check the path, in quotes if it holds spaces.")
    try:
        found = _read(path, run, refuse)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, csv.Error, sqlite3.Error) as error:
        raise InputError(
            f"{path} cannot be read: {error}",
            hint=_EXPORT_AGAIN,
        ) from error
    if found is None:
        raise InputError(
            f"{path} holds no corrected boxes in a format that is known",
            hint="Give Label Studio's JSON (not JSON-MIN), a COCO file with annotations, detections.json, "
            "detections.gpkg or detections.csv.",
        )
    return found


def _read(path: Path, run: FinishedRun, refuse: Refuse) -> dict[str, CorrectedImage] | None:
    if path.suffix.lower() == ".csv":
        return _csv(path, run, refuse)
    if path.suffix.lower() == ".gpkg":
        return _geopackage(path, run, refuse)
    return _json(json.loads(path.read_text(encoding="utf-8")), run, refuse)


def _json(document: Any, run: FinishedRun, refuse: Refuse) -> dict[str, CorrectedImage] | None:
    if isinstance(document, list) and all(isinstance(one, dict) and "data" in one for one in document):
        return _labelstudio(document, run, refuse)
    if isinstance(document, list) and all(isinstance(one, dict) and "bbox" in one for one in document):
        return _coco_results(document, run, refuse)
    if isinstance(document, dict) and document.get("annotations") and "images" in document:
        return _coco(document, run, refuse)
    if isinstance(document, dict) and "detection_categories" in document and "images" in document:
        return _megadetector(document, run, refuse)
    return None


class _Names:
    """Finds the image of the run that a file means, as tables of positions and transects name them."""

    def __init__(self, run: FinishedRun) -> None:
        self._names = Names(result.name for result in run.results)

    def find(self, text: str) -> str | None:
        """Return the image's name; None where none is meant, or several may be."""
        found = self._names.fitting(text)
        return found[0] if len(found) == 1 else None


def _rows(
    rows: Iterable[tuple[int, Mapping[str, Any]]], names: _Names, what: str, refuse: Refuse
) -> dict[str, CorrectedImage]:
    """Rows of a table with the columns of detections.csv, and perhaps `verdict`."""
    found: dict[str, CorrectedImage] = {}
    for number, row in rows:
        image = names.find(str(row.get("image") or ""))
        verdict = str(row.get("verdict") or "").strip().lower() or None
        if image is None:
            refuse(f"{what} {number}: the run has no image {row.get('image')!r}")
            continue
        if verdict not in {None, "right", "wrong", "unsure", "nothing-here"}:
            refuse(f"{what} {number}: {verdict} is not a verdict (right, wrong, unsure or nothing-here)")
            verdict = None
        one = found.setdefault(image, CorrectedImage())
        if verdict == "nothing-here":
            one.complete = True
        if verdict == "nothing-here" and row.get("x_min") in (None, ""):
            continue
        try:
            cells = [str(row[edge]) for edge in _EDGES]
            check_marks(cells)
            x_min, y_min, x_max, y_max = (number_of(cell) for cell in cells)
        except (TypeError, ValueError):
            refuse(f"{what} {number} ({image}): it has no box in px (x_min, y_min, x_max, y_max)")
            one.unread = True
            continue
        said = None if verdict == "nothing-here" else verdict
        key = str(row.get("id") or "") or None
        box = CorrectedBox(
            key=key, xyxy=(x_min, y_min, x_max, y_max), class_name=str(row.get("class") or ""), verdict=said
        )
        one.boxes.append(box)
    return found


def _csv(path: Path, run: FinishedRun, refuse: Refuse) -> dict[str, CorrectedImage]:
    sheet = read_sheet(path, str(path), hint=_EXPORT_AGAIN)
    if {"File", "RelativePath"} <= set(sheet.head):
        return _timelapse(sheet, run, refuse)
    if sheet.lines and not {"image", "class", *_EDGES} <= set(sheet.head):
        raise ValueError("it lacks columns of detections.csv")
    names = _Names(run)
    rows, unread = [], set()
    for line in sheet.lines:
        row = dict(zip(sheet.head, line.cells, strict=False))
        if line.surplus is not None:
            refuse(f"line {line.number}: {line.surplus}")
            unread.add(names.find(row["image"]))
        else:
            rows.append((line.number, row))
    found = _rows(rows, names, "line", refuse)
    for image in unread & set(found):
        if image is not None:
            found[image].unread = True
    return found


def _timelapse(sheet: Sheet, run: FinishedRun, refuse: Refuse) -> dict[str, CorrectedImage]:
    """Timelapse's table of data fields, a row for each photograph: it says "empty", or nothing of boxes."""
    names = _Names(run)
    found: dict[str, CorrectedImage] = {}
    silent = 0
    for line in sheet.lines:
        row = dict(zip(sheet.head, line.cells, strict=False))
        path = "/".join(filter(None, (row["RelativePath"].strip(), row["File"].strip())))
        flags = [value for name, value in row.items() if name.casefold() == _EMPTY]
        image = names.find(path)
        if image is None:
            refuse(f"line {line.number}: the run has no image {path!r}")
        elif [one for one in flags if one.strip().casefold() in _TRUE]:
            found[image] = CorrectedImage(complete=True, reviewed=True)
        else:
            silent += 1
    if silent:
        refuse(
            f"{wording.number_of(silent, 'photograph')}: Timelapse's table has fields of whole photographs "
            f"and no boxes; a flag {_EMPTY.title()} is all that can be taken over (review.open is for boxes)"
        )
    return found


def _geopackage(path: Path, run: FinishedRun, refuse: Refuse) -> dict[str, CorrectedImage]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        detections = [dict(row) for row in database.execute("SELECT * FROM detections ORDER BY fid")]
        photographs = [dict(row) for row in database.execute("SELECT * FROM photographs ORDER BY fid")]
    names = _Names(run)
    found = _rows(enumerate(detections, 1), names, "feature", refuse)
    for row in photographs:
        image = names.find(str(row["image"]))
        if image is not None and row.get("failure") is None:
            # an image whose features were all deleted is named here alone
            one = found.setdefault(image, CorrectedImage())
            one.complete = one.complete or str(row.get("verdict") or "") == "nothing-here"
    return found


def _megadetector(document: Mapping[str, Any], run: FinishedRun, refuse: Refuse) -> dict[str, CorrectedImage]:
    """A detections.json, perhaps written again by a program that knows no ids and rounds more."""
    names = _Names(run)
    sizes = {result.name: (result.width or 1, result.height or 1) for result in run.results}
    classes = {str(key): str(name) for key, name in document["detection_categories"].items()}
    shares = [
        edge for one in document["images"] for box in one.get("detections") or () for edge in box["bbox"]
    ]
    step = 10.0 ** -max(map(_digits, shares), default=0)
    found: dict[str, CorrectedImage] = {}
    for one in document["images"]:
        image = names.find(str(one["file"]))
        if image is None:
            refuse(f"the run has no image {one['file']!r}")
        elif not one.get("failure"):
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
            class_name=classes.get(category, _EMPTY),
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
        box = _coco_box(one, run.class_names[category])
        found.setdefault(results[place].name, CorrectedImage()).boxes.append(box)
    return found


def _coco(document: Mapping[str, Any], run: FinishedRun, refuse: Refuse) -> dict[str, CorrectedImage]:
    names = _Names(run)
    classes = {one["id"]: str(one["name"]) for one in document.get("categories", ())}
    images: dict[Any, str] = {}
    found: dict[str, CorrectedImage] = {}
    for one in document["images"]:
        image = names.find(_path_in(str(one["file_name"])))
        if image is None:
            refuse(f"the run has no image {one['file_name']!r}")
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
        found[images[one["image_id"]]].boxes.append(_coco_box(one, name))
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


def _coco_box(one: Mapping[str, Any], class_name: str) -> CorrectedBox:
    x, y, width, height = (float(edge) for edge in one["bbox"])
    key = one.get("detection_id")
    return CorrectedBox(
        key=None if key is None else str(key), xyxy=(x, y, x + width, y + height), class_name=class_name
    )


def _labelstudio(
    document: Sequence[Mapping[str, Any]], run: FinishedRun, refuse: Refuse
) -> dict[str, CorrectedImage]:
    """Tasks with annotations; those that nobody annotated say nothing."""
    names = _Names(run)
    sizes = {result.name: (result.width or 1, result.height or 1) for result in run.results}
    found: dict[str, CorrectedImage] = {}
    for task in document:
        text = next((value for value in task["data"].values() if isinstance(value, str)), "")
        image = names.find(_path_in(text))
        given = [one for one in task.get("annotations") or () if not one.get("was_cancelled")]
        if image is None:
            refuse(f"the run has no image {text!r}")
        elif given:
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


def _path_in(text: str) -> str:
    """The path that an address of Label Studio means: `/data/local-files/?d=flights/a.jpg`."""
    parts = urlsplit(text)
    return (
        parse_qs(parts.query, errors="surrogateescape").get("d", [parts.path or text])[0]
        if parts.query
        else text
    )
