"""The photographs of a finished run where they lie now: another drive letter, another machine."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from wildetect.errors import InputError
from wildetect.imagery.discovery import discover
from wildetect.results.finished_run import FinishedRun
from wildetect.results.journal.lines import stamp_of
from wildetect.results.journal.record import Record
from wildetect.wording import listed

__all__ = ["with_photographs_in"]

logger = logging.getLogger(__name__)


def with_photographs_in(run: FinishedRun, sources: Sequence[Path]) -> FinishedRun:
    """Have a run's results name their photographs in another place.

    A photograph is the same if its name below the source and its size in bytes are; one that is not found
    there keeps the path of the run.

    Args:
        run: As it was read.
        sources: The files or folders that the run had, where they are now.

    Raises:
        InputError: A source does not exist, or holds none of the photographs.
    """
    there = {image.name: image.path for image in discover(sources, exclude=[run.folder])}
    entries = Record.read(run.folder).entries
    results, other = [], []
    for result in run.results:
        path, stamp = there.get(result.name), entries[result.name].stamp
        now = None if path is None else stamp_of(path)
        if path is not None and stamp is not None and now is not None and now.size != stamp.size:
            other.append(result.name)
            path = None
        results.append(result if path is None else replace(result, path=path))
    moved = sum(now is not before for now, before in zip(results, run.results, strict=True))
    where = listed(sources)
    if run.results and not moved:
        why = f": {other[0]} has another size there" if other else f", such as {run.results[0].name}"
        raise InputError(
            f"{where} holds none of the photographs of this run{why}",
            hint="Name the folder that the run had as --source, in its new place.",
        )
    if moved < len(results):
        logger.warning(
            "%d of the %d photographs of this run are not in %s%s",
            len(results) - moved,
            len(results),
            where,
            f"; {other[0]} is there with another size: another photograph" if other else "",
        )
    return replace(run, results=results)
