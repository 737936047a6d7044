"""Detections as labels for YOLO, to be corrected in an editor of such labels, or trained from after that.

Format: https://docs.ultralytics.com/datasets/detect/ - for each picture a text file of its name below
labels/, a line for each box: class from 0, middle, width and height as shares of the picture. A picture
without animals has an empty file; one that failed has none.
"""

from __future__ import annotations

import json
import logging
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath

from wildetect.results.exports.format import ExportedRun, ExportFormat
from wildetect.results.files import replacing
from wildetect.results.records import ImageResult
from wildetect.results.rows import rows

__all__ = ["YOLO", "write_yolo", "yolo_line"]

_SHARE_DIGITS = 7
_EARLIEST = 1980  # of a zip file

logger = logging.getLogger(__name__)


def write_yolo(
    path: Path, results: Iterable[ImageResult], class_names: Sequence[str], *, changed: datetime
) -> None:
    """Write yolo.zip: labels/, classes.txt and data.yaml; unpack it beside a folder images/ of the pictures.

    Two pictures of one name with different endings would share a file: the first has it, which is said.

    Args:
        path: The file.
        results: Gone through once.
        class_names: Names of the classes, by class id.
        changed: The time that the files in it give.

    Raises:
        InputError: The file cannot be written.
    """
    moment = (max(changed.year, _EARLIEST), *changed.timetuple()[1:6])
    given: dict[str, str] = {}
    with replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:

        def add(name: str, text: str) -> None:
            information = zipfile.ZipInfo(name, moment)
            information.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(information, text.encode("utf-8", errors="backslashreplace"))

        add("classes.txt", "".join(f"{name}\n" for name in class_names))
        # JSON is YAML, whatever names hold
        names = json.dumps(list(class_names), ensure_ascii=False)
        add("data.yaml", f"path: .\ntrain: images\nval: images\nnames: {names}\n")
        for result in results:
            name = f"labels/{PurePosixPath(result.name).with_suffix('.txt')}"
            if name in given:
                logger.warning(
                    "yolo.zip has no labels of %s: YOLO would take them for those of %s",
                    result.name,
                    given[name],
                )
            elif not result.failed:
                given[name] = result.name
                add(name, "".join(_lines(result)))


def _lines(result: ImageResult) -> Iterator[str]:
    size = result.width or 1, result.height or 1
    for row in rows(result):
        yield yolo_line(row.class_id, row.xyxy, size, _SHARE_DIGITS)


def yolo_line(class_id: int, xyxy: Sequence[float], size: tuple[int, int], digits: int) -> str:
    """The line of a box.

    Args:
        class_id: Number of the class, from 0.
        xyxy: Its edges in px of the picture.
        size: Width and height of the picture in px.
        digits: Digits of the shares.
    """
    x_min, y_min, x_max, y_max = xyxy
    width, height = size
    shares = (
        (x_min + x_max) / 2 / width,
        (y_min + y_max) / 2 / height,
        (x_max - x_min) / width,
        (y_max - y_min) / height,
    )
    return " ".join([str(class_id), *(f"{share:.{digits}f}" for share in shares)]) + "\n"


def _write(run: ExportedRun) -> list[str]:
    path = run.folder / "yolo.zip"
    write_yolo(path, run.results, run.class_names, changed=run.record.times.begun)
    return [path.name]


YOLO = ExportFormat(
    name="yolo",
    about="Ultralytics, CVAT, Roboflow and other editors: labels to be corrected and trained from",
    files=("yolo.zip",),
    write=_write,
)
