"""Write files whole or not at all, so that no reader ever meets half of one."""

from __future__ import annotations

import errno
import hashlib
import itertools
import logging
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from wildetect.errors import InputError
from wildetect.settings.names import check_folder

__all__ = [
    "DRAFT",
    "DRAFTS",
    "FIXES",
    "NO_ROOM",
    "all_together",
    "along",
    "digests_of",
    "keep_edited",
    "lasting",
    "make_folder",
    "remove_earlier",
    "replacing",
    "unwritable",
    "way_from",
    "write_text",
]

logger = logging.getLogger(__name__)

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""Errors of a full drive, and of a quota that is used up."""
FIXES = {
    **dict.fromkeys(
        NO_ROOM,
        "Make room on its drive, then give the same command again; a detection goes on where it stopped.",
    ),
    errno.EFBIG: "Write to another drive: this one takes no file so large (with FAT32 4 GB), or a limit is "
    "set for programs.",
    errno.EROFS: "See that its drive is not write-protected and you may write to it, or write elsewhere.",
    **dict.fromkeys(
        (errno.EIO, errno.ENODEV, errno.ENXIO, errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN),
        "See that its drive is there and in order, then give the same command again.",
    ),
}
"""The fix of what the system refuses, by its number, where that alone tells."""
DRAFTS = ".new"
"""Folder, in that of the results, of files that take their places together once all are written."""
_REPLACED = "replaced"  # folder, among the drafts, of the files whose places these take
DRAFT = re.compile(r"\.(.+)\.\d+\.tmp")
"""Name of a file or folder that is being written, with that which it will have."""


_SQLITE = b"SQLite format 3\0"
_COUNTERS = 100  # bytes, in which SQLite counts who had the file open


def make_folder(folder: Path, *, hint: str, what: str = "the output folder") -> None:
    """Make a folder, where it is not there yet.

    Args:
        folder: Its parents are made, too.
        hint: What to do where it cannot be made.
        what: What it is, for a person.

    Raises:
        ConfigurationError: Its name is one that not every system can make.
        InputError: It cannot be made.
    """
    check_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{what} {lasting(folder)} cannot be made: {error.strerror or error}", hint=hint
        ) from error


def lasting(path: Path) -> Path:
    """Give the path that a file will have once it is written, which is the one that a person knows.

    Args:
        path: Maybe of a draft, or in a folder of drafts.
    """
    parts = [DRAFT.sub(r"\1", part) if DRAFT.fullmatch(part) else part for part in path.parts]
    return Path(*(part for part in parts if part != DRAFTS))


def remove_earlier(*paths: Path) -> None:
    """Remove files of an earlier export, as far as that can be done: they must not pass for this one's."""
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def digests_of(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """The sha256 of files as they are now; a GeoPackage that was only looked at is as it was.

    Args:
        folder: Their folder.
        names: Their names; those that are not there are left out.

    Raises:
        InputError: One cannot be read.
    """
    return {name: _digest(folder / name) for name in names if (folder / name).is_file()}


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            start = file.read(_COUNTERS)
            whole = hashlib.sha256(_SQLITE if start.startswith(_SQLITE) else start)
            while block := file.read(1 << 20):
                whole.update(block)
    except OSError as error:
        hint = "Close it in other programs, and see that its drive is there."
        raise InputError(f"cannot read {path}: {error.strerror or error}", hint=hint) from error
    return whole.hexdigest()


def keep_edited(folder: Path, written: Mapping[str, str]) -> None:
    """Keep files that someone has changed since they were written, under other names: they are replaced next.

    People write verdicts into the tables and layers of a run, and draw on the map of a census.

    Args:
        folder: Their folder.
        written: Digests of the files as they were written, by name.

    Raises:
        InputError: One is open in another program, which has not written all of it, or cannot be kept.
    """
    for name in written:
        if (folder / f"{name}-wal").exists():  # SQLite would write its lines over those of the new file
            raise InputError(
                f"cannot replace {folder / name}: it is open in another program",
                hint="Close it there, then give the same command again.",
            )
    now = digests_of(folder, written)
    for name in (name for name, digest in now.items() if digest != written[name]):
        path = Path(name)
        numbers = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
        names = (f"{path.stem}.edited{number}{path.suffix}" for number in numbers)
        kept = next(folder / one for one in names if not (folder / one).exists())
        with replacing(kept) as copy, (folder / name).open("rb") as file:
            shutil.copyfileobj(file, copy)
        logger.warning("%s was changed after it was written: what it held is kept in %s", folder / name, kept)


def write_text(path: Path, text: str | Iterable[str]) -> None:
    """Write UTF-8 text, with line ends as they are in it.

    Args:
        path: The file; its folder exists.
        text: All of it, or its pieces one after the other.

    Raises:
        InputError: The file cannot be written; one that was there is unchanged.
    """
    with replacing(path) as file:
        for piece in [text] if isinstance(text, str) else text:
            # Linux allows bytes in file names that are no letters; in JSON this writes their escape
            file.write(piece.encode("utf-8", errors="backslashreplace"))


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, which takes the place of `path` in one step when the block ends well.

    Raises:
        InputError: The file cannot be written; one that was there is unchanged.
    """
    # in the same folder: a rename across drives would be a copy
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with draft.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        hint = "Close the file in other programs, and see that neither it nor its folder is write-protected."
        raise unwritable(path, error, hint) from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


@contextmanager
def all_together(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    """A folder to write files into, which take their places in `folder` together when the block ends well.

    Args:
        folder: It exists.
        names: All names that there may be; files of before are taken away, whether or not there are new ones.
            The last one goes first and comes last: while files of two lie together, it is not there.

    Raises:
        InputError: The drafts cannot be made, or a file cannot take its place, as another program has it
            open: then all are as they were.
    """
    draft = folder / DRAFTS
    shutil.rmtree(draft, ignore_errors=True)  # of one that was killed
    make_folder(draft, hint="Give another one with --output.")
    try:
        yield draft
        _take_places(draft, folder, names)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _take_places(draft: Path, folder: Path, names: Sequence[str]) -> None:
    """Put all drafts into their places, or none: those of before come back where one is in use."""
    old = draft / _REPLACED
    aside: list[str] = []
    placed: list[str] = []
    name = ""
    try:
        for name in reversed(names):
            if (folder / name).is_file():
                (old / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).replace(old / name)
                aside.append(name)
        for name in names:
            if (draft / name).is_file():
                (folder / name).parent.mkdir(exist_ok=True)
                (draft / name).replace(folder / name)
                placed.append(name)
    except OSError as error:
        for one in placed:
            with suppress(OSError):
                (folder / one).unlink()
        for one in reversed(aside):
            with suppress(OSError):
                (old / one).replace(folder / one)
        hint = "Close it in other programs, or give another folder with --output."
        raise unwritable(folder / name, error, hint) from error


def unwritable(path: Path, error: OSError, hint: str) -> InputError:
    """The error for a file of the results that cannot be written.

    Args:
        path: The file; of a draft the one that it becomes is named.
        error: What the system says.
        hint: What to do where the error itself does not tell.
    """
    if error.errno == errno.ENOENT:
        hint = (
            "Its folder was removed meanwhile. Bring back the folder, or its drive, and give the same "
            "command again; without it the command begins again."
        )
    hint = FIXES.get(error.errno or 0, hint)
    return InputError(f"cannot write {lasting(path)}: {error.strerror or error}", hint=hint)


def way_from(folder: Path, path: Path) -> str | None:
    """Say where something lies from a folder, as both may be moved together; null: on another drive.

    Links are not resolved: what a folder shows under one name it shows after a move, too.
    """
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return None


def along(folder: Path, way: str) -> Path:
    """Say where something lies now that lay so from a folder (`way_from`)."""
    return Path(os.path.abspath(folder / way))  # noqa: PTH100 - as it was written: through no links
