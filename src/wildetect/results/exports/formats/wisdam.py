"""Detections as WISDAM reads them, the program for pictures of animals taken from the air.

Format: its import of detections, a CSV file with the columns image_path, type, probability, xmin, ymin, xmax
and ymax, edges in px.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from wildetect.results.exports.format import ExportedRun, ExportFormat
from wildetect.results.files import write_text
from wildetect.results.records import ImageResult
from wildetect.results.rows import CONFIDENCE_DIGITS, PX_DIGITS, rows
from wildetect.tables.writing import table_pieces

__all__ = ["WISDAM", "WISDAM_COLUMNS", "write_wisdam"]

WISDAM_COLUMNS = ("image_path", "type", "probability", "xmin", "ymin", "xmax", "ymax")


def write_wisdam(path: Path, results: Iterable[ImageResult], class_names: Sequence[str]) -> None:
    """Write wisdam.csv: one row a detection, with the path that its picture has on this machine.

    Raises:
        InputError: The file cannot be written.
    """
    write_text(path, table_pieces(WISDAM_COLUMNS, _rows(results, class_names)))


def _rows(results: Iterable[ImageResult], class_names: Sequence[str]) -> Iterator[list[object]]:
    for result in results:
        for row in rows(result):
            yield [
                str(result.path),
                class_names[row.class_id],
                f"{row.confidence:.{CONFIDENCE_DIGITS}f}",
                *(f"{edge:.{PX_DIGITS}f}" for edge in row.xyxy),
            ]


def _write(run: ExportedRun) -> list[str]:
    path = run.folder / "wisdam.csv"
    write_wisdam(path, run.results, run.class_names)
    return [path.name]


WISDAM = ExportFormat(
    name="wisdam",
    about="WISDAM, with the pictures where the run found them",
    files=("wisdam.csv",),
    write=_write,
)
