"""What a file that was corrected elsewhere says of the images of a run: one form for all formats."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path

from wildetect.errors import InputError
from wildetect.results.finished_run import FinishedRun
from wildetect.review.corrected.boxes import EXPORT_AGAIN, CorrectedImage, Refuse
from wildetect.review.corrected.documents import from_json
from wildetect.review.corrected.tables import from_csv, from_geopackage
from wildetect.tables.encoding import encoding_of

__all__ = ["check_is_there", "read_corrected"]


def check_is_there(path: Path) -> None:
    """Name a corrected file that is not there, before anything else is asked for.

    Raises:
        InputError: There is no such file.
    """
    if not path.is_file():
        raise InputError(f"there is no file {path}", hint="Check the path, in quotes if it holds spaces.")


def read_corrected(path: Path, run: FinishedRun, refuse: Refuse) -> dict[str, CorrectedImage]:
    """Read a file that was corrected elsewhere.

    Args:
        path: Label Studio's JSON, COCO, MegaDetector's JSON, Timelapse's CSV, a detections.gpkg or a
            detections.csv.
        run: Run that it was exported from.
        refuse: Callback that is told of each edit that cannot be taken over, and why.

    Returns:
        By name of the image in the run; images that the file does not hold are not among them.

    Raises:
        InputError: It cannot be read, or is of no format that is known.
    """
    try:
        found = _read(path, run, refuse)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, csv.Error, sqlite3.Error) as error:
        raise InputError(
            f"{path} cannot be read: {error}",
            hint=EXPORT_AGAIN,
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
        return from_csv(path, run, refuse)
    if path.suffix.lower() == ".gpkg":
        return from_geopackage(path, run, refuse)
    content = path.read_bytes()
    return from_json(json.loads(content.decode(encoding_of(content))), run, refuse)
