"""Exports of a run that is done, made from what it left in its folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from wildetect.errors import InputError
from wildetect.remote.place import Place, are_there, way_back, why_away
from wildetect.results.exports.folder import Wanted, write_exports
from wildetect.results.finished_run import FinishedRun, read_finished_run
from wildetect.results.leftovers import remove_drafts
from wildetect.results.lock import sole_writer
from wildetect.results.pictures.moved import with_photographs_in
from wildetect.results.pictures.sight import all_unseen
from wildetect.results.reviewed import ReviewedRun
from wildetect.results.run import DetectionRun
from wildetect.results.run_file import write_run_file
from wildetect.wording import number_of

__all__ = ["LaterExports", "export_again"]


class LaterExports(NamedTuple):
    """What came of it.

    Attributes:
        written: Names of the files written, relative to the folder.
        removed: Names of those that are gone: pictures with boxes, where fewer are wanted now.
        record: What run.json says now.
    """

    written: list[str]
    removed: list[str]
    record: DetectionRun


def export_again(
    folder: Path,
    wanted: Wanted,
    review_of: Callable[[FinishedRun], ReviewedRun | None] | None = None,
    sources: Sequence[Place] = (),
) -> LaterExports:
    """Write exports of a run that is done, from its journal and run.json, which then names them.

    The files are those that the run itself would have written, byte by byte; but the report and run.json
    say what a review has made of the numbers since.

    Args:
        folder: The run's output folder.
        wanted: Which files.
        review_of: Gives what a review says of the run; None where there is none.
        sources: Where the photographs lie now, if elsewhere than the run found them.

    Raises:
        ConfigurationError: The run is still going on.
        InputError: There is no run in the folder, it is not finished, a file cannot be written, or pictures
            would have to be made again from photographs that are away. The files are as they were then.
    """
    if not folder.is_dir():
        raise InputError(
            f"there is no folder {folder}", hint="Name the output folder of a run: --run results"
        )
    with sole_writer(folder):
        run = read_finished_run(folder)
        remove_drafts(folder)  # of an export that was killed
        if sources:
            run = with_photographs_in(run, sources)
        review = None if review_of is None else review_of(run)
        record = run.record if review is None else replace(run.record, summary=review.summary)
        before = _there(folder, record.files)
        _refuse_to_lose_pictures(run, wanted, before)
        sensitive = tuple(dict.fromkeys([*record.sensitive, *wanted.places.species]))
        wanted = replace(wanted, places=wanted.places.with_species(sensitive))
        made = write_exports(folder, record, run.results, wanted, review.boxes if review else None)
        after = _there(folder, dict.fromkeys([*before, *made.files]))
        record = replace(
            record, files=tuple(after), digests=made.digests, sensitive=sensitive, blurred=made.blurred
        )
        write_run_file(folder, record)
    return LaterExports(made.files, [name for name in before if name not in set(after)], record)


def _refuse_to_lose_pictures(run: FinishedRun, wanted: Wanted, before: Sequence[str]) -> None:
    """Keep a report with crops, and overlays, where the photographs to make them from are away."""
    made = {"report.html" if export == "report" else export for export in wanted.exports}
    lost = [name for name in before if name in made or (name.startswith("overlays/") and "overlays" in made)]
    if not lost:
        return
    shown = [result for result in run.results if result.detections is not None and len(result.detections)]
    there = are_there(result.path for result in shown)
    away = [result.path for result, found in zip(shown, there, strict=True) if not found]
    if away:
        raise InputError(
            f"{len(away):,} of {number_of(len(shown), 'photograph')} with detections are not where the "
            "run found them, such "
            f"as {why_away(away[0])}; {lost[0]} would lose its pictures and stays as it is",
            hint=f"{way_back(away[0])}, or say where they are now: --source FOLDER",
        )
    another = all_unseen(shown)
    if another:
        name, hidden = next(iter(another.items()))
        raise InputError(
            f"{len(another):,} of {number_of(len(shown), 'photograph')} with detections cannot be shown, "
            f"such as {name}: {hidden.reason}; {lost[0]} would lose its pictures and stays as it is",
            hint="Put the run's own photographs back, or say where they are now: --source FOLDER",
        )


def _there(folder: Path, names: Iterable[str]) -> list[str]:
    return [name for name in names if (folder / name).is_file()]
