"""The files of a run's output folder, and single ones of them made later."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from wildetect.how_far import Counted, through
from wildetect.imagery.reading import Reading
from wildetect.results.blurring import BLURRED, WITHHELD, CoarseResults, Grid, Places
from wildetect.results.exports.format import ExportedRun, ExportFormat, LabelNames
from wildetect.results.exports.table import ALWAYS, FORMATS
from wildetect.results.files import digests_of, keep_edited, make_folder, replacing, write_text
from wildetect.results.leftovers import OVERLAYS, PLACES, remove_blurred, remove_overlays
from wildetect.results.records import ImageResult
from wildetect.results.report.crops import Crop
from wildetect.results.report.pictures import MOST_CROPS, PicturesWanted, make_pictures
from wildetect.results.report.report import write_report
from wildetect.results.reviewed import ReviewedBox
from wildetect.results.run import DetectionRun
from wildetect.results.run_file import run_before, write_run_file
from wildetect.results.run_parts import BlurredFiles
from wildetect.settings.words import Export

__all__ = ["Wanted", "Written", "made_before", "write_exports"]

_ELSEWHERE = "Give another folder with --output."
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
        places: When files with coarsened places are written beside these, for others.
    """

    exports: Sequence[Export] = ALWAYS
    overlays: int | None = 100
    crops: int = MOST_CROPS
    labels: LabelNames = field(default_factory=LabelNames)
    places: Places = field(default_factory=Places)


class Written(NamedTuple):
    """What was written.

    Attributes:
        files: Names of the files, relative to the folder, with forward slashes.
        digests: Those of the forms of results that are in the folder now, as this program wrote them.
        blurred: Those with coarsened places; null where there are none.
    """

    files: list[str]
    digests: Mapping[str, str]
    blurred: BlurredFiles | None = None


def write_exports(
    folder: Path,
    record: DetectionRun,
    results: Sequence[ImageResult],
    wanted: Wanted,
    reviewed: Mapping[str, Sequence[ReviewedBox]] | None = None,
) -> Written:
    """Write what is wanted of a run, and for others the same with coarsened places, where these are wanted.

    Args:
        folder: It exists.
        record: What run.json says of it.
        results: Gone through several times.
        wanted: Which files.
        reviewed: The animals of each image that people looked at as a whole.

    Raises:
        InputError: A file cannot be written.
    """
    if len(results) + record.detections <= _MOST_KEPT:
        # a journal would be read once for each file
        results = Counted(results, "images gone through")
    run = ExportedRun(folder, record, results, wanted.labels, reviewed or {})
    files, digests = _data_for_people(run, wanted)
    drawn = _pictures(run, wanted)
    files += drawn.overlays
    files += _report(run, wanted, files, drawn.crops)
    return Written(files, digests, _blurred(run, wanted, drawn))


def _data(run: ExportedRun, wanted: Wanted) -> list[str]:
    return [name for one in through(_forms(wanted), "forms of results written") for name in one.write(run)]


def _forms(wanted: Wanted) -> list[ExportFormat]:
    return [one for word, one in FORMATS.items() if word in wanted.exports]


def _data_for_people(run: ExportedRun, wanted: Wanted) -> tuple[list[str], dict[str, str]]:
    """Write the forms of results, keep what people changed in those of before, and give their digests.

    The run.json of before says of each what is written by then: a kill leaves none that seems changed.
    """
    forms, files = _forms(wanted), list[str]()
    earlier = run_before(run.folder)
    digests = dict(earlier.digests) if earlier else {}
    names = {name for one in forms for name in one.files}
    keep_edited(run.folder, {name: digest for name, digest in digests.items() if name in names})
    for one in through(forms, "forms of results written"):
        written = one.write(run)
        files += written
        digests |= digests_of(run.folder, written)
        if earlier is not None:
            write_run_file(run.folder, replace(earlier, digests=digests))
    return files, digests


def _blurred(run: ExportedRun, wanted: Wanted, pictures: _Drawn) -> BlurredFiles | None:
    """Write the same files with coarsened places, in a folder of their own, or remove an earlier one."""
    before = _blurred_before(run.folder)
    seen = {box.class_name for boxes in run.reviewed.values() for box in boxes}
    grid = wanted.places.grid([*(name for name, number in run.record.counts.items() if number), *seen])
    if grid is None and before is not None and not wanted.places.exact:
        grid = Grid(before.km)  # what was once asked for is kept up to date
    if before is not None and (grid is None or grid.km != before.km):
        remove_blurred(run.folder, (result.name for result in run.results))
        before = None
    if grid is None:
        return None
    inner = run.folder / BLURRED
    make_folder(inner / OVERLAYS if pictures.overlays else inner, hint=_ELSEWHERE)
    record = replace(run.record, places=str(grid), blurred=None, files=before.files if before else ())
    coarse = replace(run, folder=inner, record=record, results=CoarseResults(run.results, grid))
    written = [PLACES, *_data(coarse, wanted)]
    for name in pictures.overlays:  # drawn from pixels alone: they hold no tags
        with replacing(inner / name) as file, (run.folder / name).open("rb") as drawn:
            shutil.copyfileobj(drawn, file)
    if "overlays" in wanted.exports:
        remove_overlays(inner, _not_drawn(run.results, wanted.overlays))
    written += pictures.overlays
    written += _report(coarse, wanted, written, pictures.crops)
    write_text(inner / PLACES, f"{str(grid).capitalize()}; {WITHHELD}.\n")
    kept = [name for name in (before.files if before else ()) if (inner / name).is_file()]
    return BlurredFiles(grid.km, tuple(dict.fromkeys([*kept, *written])))


def _blurred_before(folder: Path) -> BlurredFiles | None:
    earlier = run_before(folder)
    return earlier.blurred if earlier else None


def made_before(folder: Path) -> list[Export]:
    """What was once asked for in a folder, by its files: a run that goes on keeps it up to date."""
    return [word for word, one in FORMATS.items() if not one.always and (folder / one.files[0]).is_file()]


class _Drawn(NamedTuple):
    """Overlays by their names, and crops for the report."""

    overlays: list[str]
    crops: Sequence[Crop]


def _pictures(run: ExportedRun, wanted: Wanted) -> _Drawn:
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
    return _Drawn(written, pictures.crops)


def _report(run: ExportedRun, wanted: Wanted, files: Sequence[str], crops: Sequence[Crop]) -> list[str]:
    if "report" not in wanted.exports:
        return []
    known = {*_written_before(run), *files}
    write_report(run.folder / "report.html", run.record, run.results, crops=crops, files=known)
    return ["report.html"]


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
