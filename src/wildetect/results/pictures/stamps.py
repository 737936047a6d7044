"""What tells whether a file is still the one that was read: size, time, a server's tag, its pieces."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from wildetect.remote.place import Place

__all__ = ["Stamp", "pieces_of", "stamp_of"]

_SAME_TIME = 2_000_000_000  # ns
_PIECE = 1 << 16  # bytes
_PIECES = 3


class Stamp(NamedTuple):
    """What tells whether a file is still the one that was read.

    Attributes:
        size: Size in bytes.
        modified: Its time in ns since 1970; 0 where a server does not say.
        tag: What a server says of its content (ETag); "" of a file on this machine.
    """

    size: int
    modified: int
    tag: str = ""

    @property
    def document(self) -> list[int | str]:
        """What a journal says of it: a tag only where there is one, as at addresses."""
        return list(self) if self.tag else [self.size, self.modified]

    def fits(self, other: Stamp | None) -> bool:
        """Whether another one is of the same file; drives keep times to 2 s only (FAT, exFAT)."""
        if other is None or self.contradicts(other):
            return False
        if self.tag and other.tag:
            return True
        return abs(other.modified - self.modified) <= _SAME_TIME

    def contradicts(self, other: Stamp) -> bool:
        """Whether another one is certainly of another file: a copy has the size, and a time of its own."""
        return other.size != self.size or bool(self.tag and other.tag and self.tag != other.tag)


def stamp_of(path: Place) -> Stamp | None:
    """Size and time of a file now; None where there is none."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return None
    return Stamp(status.st_size, status.st_mtime_ns, getattr(status, "tag", ""))


def pieces_of(path: Place) -> str:
    """The sha256 of start, middle and end of a file: uncompressed pictures of a camera have all one size.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        read = hashlib.sha256()
        for number in range(_PIECES):
            file.seek(max(size - _PIECE, 0) * number // (_PIECES - 1))
            read.update(file.read(_PIECE))
    return read.hexdigest()
