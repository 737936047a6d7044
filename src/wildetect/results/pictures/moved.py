"""The photographs of a finished run where they lie now: another drive letter, another machine."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

from wildetect.errors import InputError
from wildetect.imagery.discovery import discover
from wildetect.remote.place import Place, are_there, of_each
from wildetect.results.finished_run import FinishedRun
from wildetect.results.pictures.sight import unseen
from wildetect.results.pictures.stamps import pieces_of, stamp_of
from wildetect.results.records import ImageResult
from wildetect.tables.names import spelled_otherwise
from wildetect.wording import form, listed, number_of

__all__ = ["with_lost_photographs_in", "with_photographs_in"]

logger = logging.getLogger(__name__)
_MOST_NAMED = 3


def with_photographs_in(run: FinishedRun, sources: Sequence[Place]) -> FinishedRun:
    """Have a run's results name their photographs in another place.

    A photograph is the same if its name below the source is, and its size, with its time or content; in
    whatever folder, and by whatever name, if its size and content are. One that is not found there keeps
    the path of the run.

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
        why = f": {_named(other)}" if other else f", such as {run.results[0].name}"
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
            f"; {_named(other)}" if other else "",
        )
    return replace(run, results=results)


def with_lost_photographs_in(run: FinishedRun, folders: Sequence[Place]) -> FinishedRun:
    """Have those results of a run name another place whose photographs are no longer where they were.

    Names that cameras give come again on each card: a photograph of another size, or of other content, is
    another one, and is not taken for that of the run.

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
            "%s of the run's photographs not used from %s: %s",
            f"{len(other):,}",
            listed(folders),
            _named(other),
        )
    return replace(run, results=results)


def _looked_for(
    run: FinishedRun, sources: Sequence[Place], names: Collection[str]
) -> tuple[list[ImageResult], dict[str, str]]:
    """Give the results with the places that were found, and why others of their names are not taken."""
    there = {image.name: image.path for image in discover(sources, exclude=[run.folder])}
    otherwise = spelled_otherwise((result.name for result in run.results), there)
    wanted = [result for result in run.results if result.name in names]
    named = [
        replace(one, path=path)
        for one in wanted
        if (path := there.get(otherwise.get(one.name, one.name))) is not None
    ]
    hidden = dict(zip((one.name for one in named), of_each(unseen, named), strict=True))
    other = {name: one.reason for name, one in hidden.items() if one is not None and one.why == "another"}
    found = {one.name: one.path for one in named if one.name not in other}
    lost = [one for one in wanted if one.name not in found]
    renamed = _by_content(lost, there.values()) if lost else {}
    if renamed:
        name, path = next(iter(renamed.items()))
        logger.warning(
            "%s %s found by content, in other folders or by other names than the run had, such as %s in %s",
            number_of(len(renamed), "photograph"),
            form(len(renamed), "is", "are"),
            name,
            path,
        )
    places = {**found, **renamed}
    results = [
        replace(result, path=places[result.name]) if result.name in places else result
        for result in run.results
    ]
    return results, {name: why for name, why in other.items() if name not in renamed}


def _by_content(lost: Iterable[ImageResult], there: Iterable[Place]) -> Mapping[str, Path]:
    """Find photographs on this machine by their content, whatever they are called."""
    here = [path for path in there if isinstance(path, Path)]
    by_size = defaultdict[int | None, list[Path]](list)
    for path, size in zip(here, of_each(_size_of, here), strict=True):
        by_size[size].append(path)
    content = cache(_pieces_of)
    found: dict[str, Path] = {}
    for one in lost:
        if one.stamp is not None and one.pieces:
            same = [path for path in by_size[one.stamp.size] if content(path) == one.pieces]
            found |= {one.name: same[0]} if same else {}
    return found


def _size_of(path: Place) -> int | None:
    stamp = stamp_of(path)
    return None if stamp is None else stamp.size


def _named(other: Mapping[str, str]) -> str:
    """Names that other pictures have now, each with what tells."""
    return listed((f"{name}: {why}" for name, why in other.items()), most=_MOST_NAMED)


def _pieces_of(path: Path) -> str | None:
    with suppress(OSError):
        return pieces_of(path)
    return None
