"""A finished detection run, as later steps take it up: a census, further exports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wildetect.errors import InputError, WildDetectError
from wildetect.imagery.discovery import natural_order
from wildetect.results.journal.command import Command, again
from wildetect.results.journal.reading import JOURNAL, read_results
from wildetect.results.journal.record import Record
from wildetect.results.records import ImageResult
from wildetect.results.run import DetectionRun
from wildetect.results.run_file import read_run_file
from wildetect.wording import form, number_of

__all__ = ["FinishedRun", "read_finished_run"]

_KILLED = "it was killed or is still going on"


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """What a detection run left.

    Attributes:
        folder: Its output folder.
        record: What run.json says.
        results: One for each image that run.json counts, in the order of their names; failed ones among them.
    """

    folder: Path
    record: DetectionRun
    results: Sequence[ImageResult]

    @property
    def class_names(self) -> list[str]:
        """Names of the model's classes, by class id."""
        return list(self.record.class_names)


def read_finished_run(folder: Path) -> FinishedRun:
    """Read what `detect.run` wrote.

    Args:
        folder: Its output folder.

    Raises:
        InputError: There is no run in it, or the run is not finished, as its numbers would be too low.
    """
    if not folder.is_dir():
        raise InputError(
            f"there is no folder {folder}",
            hint="Name the output folder of a finished detect.run, such as results",
        )
    if (folder / JOURNAL).is_file() and not (folder / "run.json").is_file():
        raise _unfinished(folder, _KILLED)
    record = read_run_file(folder)
    if record.state == "running":
        raise _unfinished(folder, _KILLED)
    if record.state != "finished":
        raise _unfinished(
            folder,
            f"it was {record.state}, and {number_of(record.images.left, 'image')} "
            f"{form(record.images.left, 'is', 'are')} left",
        )
    # images that were done again after a failure come last in a journal
    results = sorted(read_results(folder), key=lambda result: natural_order(result.name))
    if len(results) != record.images.done:
        raise InputError(
            f"the journal in {folder} holds other images than run.json counts",
            hint=f"Have both written again: {again(_to_go_on(folder))}",
        )
    return FinishedRun(folder, record, results)


def _unfinished(folder: Path, why: str) -> InputError:
    return InputError(
        f"the detection run in {folder} is not finished: {why}",
        hint=f"Let it go on where it stopped: {again(_to_go_on(folder))}",
    )


def _to_go_on(folder: Path) -> Command | None:
    """The command that goes on with a run; None where its journal cannot be read or tells too little."""
    try:
        return Record.read(folder).to_go_on
    except WildDetectError:
        return None
