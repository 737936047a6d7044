"""The files of a run's output folder, and single ones of them made later."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from wildetect.imagery.reading import Reading
from wildetect.results.exports.coco import write_coco, write_coco_results
from wildetect.results.exports.geojson import write_geojson
from wildetect.results.exports.geopackage import write_geopackage
from wildetect.results.exports.labelstudio import LabelNames, labelling_setup, write_labelstudio
from wildetect.results.exports.megadetector import write_csv, write_megadetector
from wildetect.results.files import write_text
from wildetect.results.leftovers import OVERLAYS, remove_overlays
from wildetect.results.records import ImageResult
from wildetect.results.report.pictures import MOST_CROPS, PicturesWanted, make_pictures
from wildetect.results.report.report import write_report
from wildetect.results.reviewed import ReviewedBox
from wildetect.results.rows import has_positions
from wildetect.results.run import DetectionRun
from wildetect.settings.detection import Export

__all__ = ["ALL_EXPORTS", "ALWAYS", "Export", "Wanted", "made_before", "write_exports"]

ALL_EXPORTS: tuple[Export, ...] = get_args(Export)
ALWAYS: tuple[Export, ...] = ("megadetector", "csv", "coco", "geojson", "report", "overlays")
"""What each run writes; overlays as many as are asked for, GeoJSON where a position is known."""

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


@dataclass(frozen=True)
class _Run:
    folder: Path
    record: DetectionRun
    results: Sequence[ImageResult]
    labels: LabelNames
    reviewed: Mapping[str, Sequence[ReviewedBox]]

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.record.class_names

    @property
    def model(self) -> str:
        return str(self.record.model)


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
    run = _Run(folder, record, results, wanted.labels, reviewed or {})
    written = [name for export, write in _WRITERS.items() if export in wanted.exports for name in write(run)]
    return written + _pictures_and_report(run, wanted, written)


def made_before(folder: Path) -> list[Export]:
    """What was once asked for in a folder, by its files: a run that goes on keeps it up to date."""
    return [export for export, name in _ON_DEMAND.items() if (folder / name).is_file()]


def _pictures_and_report(run: _Run, wanted: Wanted, files: Sequence[str]) -> list[str]:
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


def _written_before(run: _Run) -> Iterator[str]:
    """Files that run.json names, as far as they are there: an export made later links them, too."""
    for name in run.record.files:
        if name != "report.html" and (run.folder / name).is_file():
            yield name


def _megadetector(run: _Run) -> list[str]:
    write_megadetector(run.folder / "detections.json", run.results, run.class_names, detector=run.model)
    return ["detections.json"]


def _csv(run: _Run) -> list[str]:
    write_csv(run.folder / "detections.csv", run.results, run.class_names)
    return ["detections.csv"]


def _coco(run: _Run) -> list[str]:
    write_coco(run.folder / "coco.json", run.results, run.class_names, run.reviewed)
    write_coco_results(run.folder / "coco_results.json", run.results)
    return ["coco.json", "coco_results.json"]


def _geojson(run: _Run) -> list[str]:
    path = run.folder / "detections.geojson"
    if has_positions(run.results):
        write_geojson(path, run.results, run.class_names)
        return [path.name]
    with suppress(OSError):
        path.unlink(missing_ok=True)  # that of an earlier run must not pass for this one's
    return []


_ON_DEMAND: Mapping[Export, str] = {"labelstudio": "labelstudio.json", "gpkg": "detections.gpkg"}


def _labelstudio(run: _Run) -> list[str]:
    path, setup = run.folder / _ON_DEMAND["labelstudio"], run.folder / "labelstudio_setup.xml"
    write_labelstudio(path, run.results, run.class_names, model=run.model, names=run.labels)
    write_text(setup, labelling_setup(run.class_names, run.labels))
    return [path.name, setup.name]


def _geopackage(run: _Run) -> list[str]:
    path = run.folder / _ON_DEMAND["gpkg"]
    write_geopackage(path, run.results, run.class_names, changed=run.record.times.begun)
    return [path.name]


_WRITERS: Mapping[Export, Callable[[_Run], list[str]]] = {
    "megadetector": _megadetector,
    "csv": _csv,
    "coco": _coco,
    "geojson": _geojson,
    "labelstudio": _labelstudio,
    "gpkg": _geopackage,
}
