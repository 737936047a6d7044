"""Several files and folders exchanged as one step that a kill in its middle cannot break.

The moves are written to a file before the first is made. Whoever works on the store next finishes them:
all that is to come into place has been checked before the file was written.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import logging
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from wildetect.errors import ServerError

__all__ = ["PLAN", "Move", "emptied", "exchange", "finish_exchange", "free_name", "with_side_files"]

logger = logging.getLogger(__name__)

PLAN = "exchange.json"
SIDE_FILES = ("-journal", "-wal", "-shm")

Move = tuple[Path, Path]


def with_side_files(database: Path, target: Path) -> list[Move]:
    """The moves that take a database and what belongs to it to another place and name.

    A journal left by a killed writer is applied to whatever database lies beside it next, and ruins it:
    where a database goes, its side files go along. Source: https://www.sqlite.org/tempfiles.html
    """
    moves = ((_beside(database, suffix), _beside(target, suffix)) for suffix in ("", *SIDE_FILES))
    return [(source, goal) for source, goal in moves if source.exists()]


def _beside(database: Path, suffix: str) -> Path:
    return database.with_name(database.name + suffix)


@contextlib.contextmanager
def emptied(folder: Path) -> Iterator[Path]:
    """A folder for what is to come into place, empty at the begin and gone at the end."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_name(path: Path) -> Path:
    """The path, or one with a number behind it where it is taken: what was moved aside once stays."""
    numbered = (path.with_name(f"{path.name}-{number}") for number in itertools.count(2))
    return path if not path.exists() else next(one for one in numbered if not one.exists())


def exchange(folder: Path, moves: Sequence[Move]) -> None:
    """Make moves, all or none; a kill in the middle leaves a plan that `finish_exchange` carries out.

    Args:
        folder: Where the plan is written.
        moves: Moves from where to where, in order; each target is free once the moves before are made.

    Raises:
        ServerError: A move cannot be made; all are taken back.
    """
    plan = folder / PLAN
    done: list[Move] = []
    try:
        _write_plan(plan, moves)
        for source, target in moves:
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():  # Linux would replace a file without a word
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
            source.rename(target)
            done.append((source, target))
    except OSError as error:
        for source, target in reversed(done):
            with contextlib.suppress(OSError):
                target.rename(source)
        plan.unlink(missing_ok=True)
        raise ServerError(
            f"the store could not be exchanged ({error.strerror or error}); it is as it was",
            hint="Close what has its files open, then give the command again.",
        ) from error
    plan.unlink(missing_ok=True)


def finish_exchange(folder: Path) -> bool:
    """Finish an exchange that was cut off.

    Returns:
        Whether there was one.

    Raises:
        ServerError: It cannot be finished, or its plan is damaged.
    """
    plan = folder / PLAN
    if not plan.exists():
        return False
    try:
        for source, target in _read_plan(plan):
            if source.exists() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                source.rename(target)
    except (OSError, ValueError, TypeError) as error:
        raise ServerError(
            f"an exchange of the store was cut off and cannot be finished ({error})",
            hint=f"The store of before lies in {folder} in before-restore-... or backups; bring it back by "
            f"hand, then delete {plan}.",
        ) from error
    plan.unlink(missing_ok=True)
    logger.warning("an exchange of the store that was cut off has been finished")
    return True


def _write_plan(plan: Path, moves: Iterable[Move]) -> None:
    temporary = plan.with_suffix(".tmp")
    document = {"moves": [[str(source), str(target)] for source, target in moves]}
    with temporary.open("w", encoding="utf-8") as stream:
        json.dump(document, stream, indent=2)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(plan)


def _read_plan(plan: Path) -> list[Move]:
    document = json.loads(plan.read_text(encoding="utf-8"))
    if not isinstance(document, dict) or not isinstance(document.get("moves"), list):
        raise TypeError("its plan is damaged")
    moves = document["moves"]
    if not all(
        isinstance(move, list) and len(move) == 2 and all(isinstance(end, str) for end in move)  # noqa: PLR2004
        for move in moves
    ):
        raise TypeError("its plan is damaged")
    return [(Path(source), Path(target)) for source, target in moves]
