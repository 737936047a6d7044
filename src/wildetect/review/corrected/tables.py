"""Tables that were corrected elsewhere: detections.csv, Timelapse's CSV, detections.gpkg."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from wildetect import wording
from wildetect.results.finished_run import FinishedRun
from wildetect.review.corrected.boxes import (
    EMPTY,
    EXPORT_AGAIN,
    CorrectedBox,
    CorrectedImage,
    Refuse,
    RunNames,
)
from wildetect.tables.numbers import check_marks, number_of
from wildetect.tables.sheet import Sheet, read_sheet

__all__ = ["from_csv", "from_geopackage"]

_TRUE = {"true", "1", "yes"}
_EDGES = ("x_min", "y_min", "x_max", "y_max")


def _rows(
    rows: Iterable[tuple[int, Mapping[str, Any]]], names: RunNames, what: str, refuse: Refuse
) -> dict[str, CorrectedImage]:
    """Rows of a table with the columns of detections.csv, and perhaps `verdict`."""
    found: dict[str, CorrectedImage] = {}
    for number, row in rows:
        image = names.find(str(row.get("image") or ""), refuse, f"{what} {number}: ")
        verdict = str(row.get("verdict") or "").strip().lower() or None
        if image is None:
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


def from_csv(path: Path, run: FinishedRun, refuse: Refuse) -> dict[str, CorrectedImage]:
    """Read a table with the columns of detections.csv, or Timelapse's.

    Raises:
        ValueError: It lacks some of the columns.
    """
    sheet = read_sheet(path, str(path), hint=EXPORT_AGAIN)
    if {"File", "RelativePath"} <= set(sheet.head):
        return _timelapse(sheet, run, refuse)
    if sheet.lines and not {"image", "class", *_EDGES} <= set(sheet.head):
        raise ValueError("it lacks columns of detections.csv")
    names = RunNames(run)
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
    names = RunNames(run)
    found: dict[str, CorrectedImage] = {}
    silent = 0
    for line in sheet.lines:
        row = dict(zip(sheet.head, line.cells, strict=False))
        path = "/".join(filter(None, (row["RelativePath"].strip(), row["File"].strip())))
        flags = [value for name, value in row.items() if name.casefold() == EMPTY]
        image = names.find(path, refuse, f"line {line.number}: ")
        if image is None:
            continue
        if [one for one in flags if one.strip().casefold() in _TRUE]:
            found[image] = CorrectedImage(complete=True, reviewed=True)
        else:
            silent += 1
    if silent:
        refuse(
            f"{wording.number_of(silent, 'photograph')}: Timelapse's table has fields of whole photographs "
            f"and no boxes; a flag {EMPTY.title()} is all that can be taken over (review.open is for boxes)"
        )
    return found


def from_geopackage(path: Path, run: FinishedRun, refuse: Refuse) -> dict[str, CorrectedImage]:
    """Read the layers of a detections.gpkg.

    Raises:
        sqlite3.Error: It has not these layers.
    """
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        detections = [dict(row) for row in database.execute("SELECT * FROM detections ORDER BY fid")]
        photographs = [dict(row) for row in database.execute("SELECT * FROM photographs ORDER BY fid")]
    names = RunNames(run)
    found = _rows(enumerate(detections, 1), names, "feature", refuse)
    for row in photographs:
        image = names.find(str(row["image"]))
        if image is not None and row.get("failure") is None:
            # an image whose features were all deleted is named here alone
            one = found.setdefault(image, CorrectedImage())
            one.complete = one.complete or str(row.get("verdict") or "") == "nothing-here"
    return found
