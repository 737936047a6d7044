"""Write files whole or not at all, so that no reader ever meets half of one."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator
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
    "along",
    "lasting",
    "make_folder",
    "remove_earlier",
    "replacing",
    "unwritable",
    "way_from",
    "write_text",
]

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
DRAFT = re.compile(r"\.(.+)\.\d+\.tmp")
"""Name of a file or folder that is being written, with that which it will have."""


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
