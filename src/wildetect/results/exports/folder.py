"""The files of a run's output folder, and single ones of them made later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wildetect.imagery.reading import Reading
from wildetect.results.exports.format import ExportedRun, LabelNames
from wildetect.results.exports.table import ALWAYS, FORMATS
from wildetect.results.leftovers import OVERLAYS, remove_overlays
from wildetect.results.records import ImageResult
from wildetect.results.report.pictures import MOST_CROPS, PicturesWanted, make_pictures
from wildetect.results.report.report import write_report
from wildetect.results.reviewed import ReviewedBox
from wildetect.results.run import DetectionRun
from wildetect.settings.words import Export

__all__ = ["Wanted", "made_before", "write_exports"]

_MOST_KEPT = 200_000
"""Images and detections that are kept in memory while they are written: about 100 MB."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to write.

    Attributes:
        exports: The formats.
        overlays: Most pictures with boxes to draw, the first ones with detections; None: all.
        crops: Most crops in the report.
        labels: Names of the tags in Label Studio's labelling setup.
    """

    exports: Sequence[Export] = ALWAYS
    overlays: int | None = 100
    crops: int = MOST_CROPS
    labels: LabelNames = field(default_factory=LabelNames)


def write_exports(
    folder: Path,
    record: DetectionRun,
    results: Sequence[ImageResult],
    wanted: Wanted,
    reviewed: Mapping[str, Sequence[ReviewedBox]] | None = None,
) -> list[str]:
    """Write what is wanted of a run.

    Args:
        folder: It exists.
        record: What run.json says of it.
        results: Gone through several times.
        wanted: Which files.
        reviewed: The animals of each image that people looked at as a whole.

    Returns:
        The names of the files written, relative to the folder, with forward slashes.

    Raises:
        InputError: A file cannot be written.
    """
    if len(results) + record.detections <= _MOST_KEPT:
        results = list(results)  # a journal would be read once for each file
    run = ExportedRun(folder, record, results, wanted.labels, reviewed or {})
    written = [name for word, one in FORMATS.items() if word in wanted.exports for name in one.write(run)]
    return written + _pictures_and_report(run, wanted, written)


def made_before(folder: Path) -> list[Export]:
    """What was once asked for in a folder, by its files: a run that goes on keeps it up to date."""
    return [word for word, one in FORMATS.items() if not one.always and (folder / one.files[0]).is_file()]


def _pictures_and_report(run: ExportedRun, wanted: Wanted, files: Sequence[str]) -> list[str]:
    pictures = make_pictures(
        run.folder / OVERLAYS,
        run.results,
        run.class_names,
        PicturesWanted(
            overlays=wanted.overlays if "overlays" in wanted.exports else 0,
            crops=wanted.crops if "report" in wanted.exports else 0,
            reading=Reading.of(run.record.settings),
        ),
    )
    written = [f"{OVERLAYS}/{path.name}" for path in pictures.overlays]
    if "overlays" in wanted.exports:
        remove_overlays(run.folder, _not_drawn(run.results, wanted.overlays))
    if "report" in wanted.exports:
        known = [*_written_before(run), *files, *written]
        write_report(
            run.folder / "report.html", run.record, run.results, crops=pictures.crops, files=set(known)
        )
        written.append("report.html")
    return written


def _not_drawn(results: Sequence[ImageResult], most: int | None) -> Iterator[str]:
    """Names of the images that get no overlay; an earlier one of an image that is gone by now stays."""
    left = len(results) if most is None else most
    for result in results:
        if left and result.detections is not None and len(result.detections):
            left -= 1
        else:
            yield result.name


def _written_before(run: ExportedRun) -> Iterator[str]:
    """Files that run.json names, as far as they are there: an export made later links them, too."""
    for name in run.record.files:
        if name != "report.html" and (run.folder / name).is_file():
            yield name
