"""The photographs of a finished run where they lie now: another drive letter, another machine."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace

from wildetect.errors import InputError
from wildetect.imagery.discovery import discover
from wildetect.remote.place import Place, are_there, of_each
from wildetect.results.finished_run import FinishedRun
from wildetect.results.journal.record import Record
from wildetect.results.pictures.stamps import stamp_of
from wildetect.results.records import ImageResult
from wildetect.wording import listed

__all__ = ["with_lost_photographs_in", "with_photographs_in"]

logger = logging.getLogger(__name__)
_MOST_NAMED = 3


def with_photographs_in(run: FinishedRun, sources: Sequence[Place]) -> FinishedRun:
    """Have a run's results name their photographs in another place.

    A photograph is the same if its name below the source and its size in bytes are; one that is not found
    there keeps the path of the run.

    Args:
        run: Run as it was read.
        sources: The files or folders that the run had, where they are now.

    Raises:
        InputError: A source does not exist, or holds none of the photographs.
    """
    results, other = _looked_for(run, sources, {result.name for result in run.results})
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


def with_lost_photographs_in(run: FinishedRun, folders: Sequence[Place]) -> FinishedRun:
    """Have those results of a run name another place whose photographs are no longer where they were.

    Names that cameras give come again on each card: a photograph of another size is another one, and is
    not taken for that of the run.

    Args:
        run: Run as it was read.
        folders: Where the photographs may lie now.
    """
    if not folders:
        return run
    there = are_there(result.path for result in run.results)
    lost = {result.name for result, found in zip(run.results, there, strict=True) if not found}
    if not lost:
        return run
    results, other = _looked_for(run, folders, lost)
    if other:
        logger.warning(
            "%s not used: under %s the size differs from that of the photograph of the run",
            listed(other, most=_MOST_NAMED),
            listed(folders),
        )
    return replace(run, results=results)


def _looked_for(
    run: FinishedRun, sources: Sequence[Place], names: Collection[str]
) -> tuple[list[ImageResult], list[str]]:
    """Give the results with the places that were found, and names that were found in another size."""
    there = {image.name: image.path for image in discover(sources, exclude=[run.folder])}
    entries = Record.read(run.folder).entries
    wanted = [result.name for result in run.results if result.name in names and result.name in there]
    stamps = dict(zip(wanted, of_each(lambda name: stamp_of(there[name]), wanted), strict=True))
    results, other = [], []
    for result in run.results:
        path = there.get(result.name) if result.name in names else None
        stamp, now = entries[result.name].stamp, stamps.get(result.name)
        if path is not None and stamp is not None and now is not None and now.size != stamp.size:
            other.append(result.name)
            path = None
        results.append(result if path is None else replace(result, path=path))
    return results, other
