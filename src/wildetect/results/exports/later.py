"""Exports of a run that is done, made from what it left in its folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from wildetect.errors import InputError
from wildetect.results.exports.folder import Wanted, write_exports
from wildetect.results.finished_run import FinishedRun, read_finished_run
from wildetect.results.lock import sole_writer
from wildetect.results.run import write_run_file

__all__ = ["LaterExports", "export_again"]


class LaterExports(NamedTuple):
    """What came of it.

    Attributes:
        written: Names of the files written, relative to the folder.
        removed: Names of those that are gone: pictures with boxes, where fewer are wanted now.
    """

    written: list[str]
    removed: list[str]


def export_again(
    folder: Path,
    wanted: Wanted,
    summary_of: Callable[[FinishedRun], Mapping[str, Any] | None] | None = None,
) -> LaterExports:
    """Write exports of a run that is done, from its journal and run.json, which then names them.

    The files are those that the run itself would have written, byte by byte; but the report and run.json
    say what a review has made of the numbers since.

    Args:
        folder: The run's output folder.
        wanted: Which files.
        summary_of: Gives the numbers of a review; None where there is none.

    Raises:
        ConfigurationError: The run is still going on.
        InputError: There is no run in the folder, it is not finished, or a file cannot be written.
    """
    if not folder.is_dir():
        raise InputError(
            f"there is no folder {folder}", hint="Name the output folder of a run: --run results"
        )
    with sole_writer(folder):
        run = read_finished_run(folder)
        record = run.record if summary_of is None else replace(run.record, summary=summary_of(run))
        before = _there(folder, record.files)
        written = write_exports(folder, record, run.results, wanted)
        after = _there(folder, dict.fromkeys([*before, *written]))
        write_run_file(folder, replace(record, files=tuple(after)))
    return LaterExports(written, [name for name in before if name not in set(after)])


def _there(folder: Path, names: Iterable[str]) -> list[str]:
    return [name for name in names if (folder / name).is_file()]
