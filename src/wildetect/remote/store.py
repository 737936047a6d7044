"""What is asked of a server of pictures, whatever it speaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from wildetect.remote.address import Address

__all__ = ["Facts", "Piece", "Store"]

CONNECT_SECONDS: Final = 10.0
SILENT_SECONDS: Final = 30.0
"""How long a server may send nothing."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What tells whether a picture at an address is still the one that was read; names as in os.stat_result.

    Attributes:
        st_size: Size in bytes.
        st_mtime_ns: When it was changed last, in ns since 1970; 0 where the server does not say.
        tag: The server's own sign of its content (ETag); "" where it gives none.
    """

    st_size: int
    st_mtime_ns: int = 0
    tag: str = ""

    def fits(self, other: Facts) -> bool:
        """Whether both are of the same content."""
        if self.st_size != other.st_size:
            return False
        return self.tag == other.tag if self.tag and other.tag else self.st_mtime_ns == other.st_mtime_ns


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of a file at an address, and what the server said of the file.

    Attributes:
        content: The bytes.
        facts: Facts of the file.
        start: Where in it they begin: 0 where the server does not give parts of files.
    """

    content: bytes
    facts: Facts
    start: int = 0


class Store(Protocol):
    """Reads from servers of one kind. Each call is one attempt; a `RemoteError` says if another may help."""

    def facts(self, address: Address) -> Facts:
        """What the server says of a file, without its content."""

    def read(self, address: Address, start: int = 0, stop: int | None = None) -> Piece:
        """Bytes of a file from `start` up to `stop`, or to its end."""

    def files(self, folder: Address) -> Iterator[tuple[Address, Facts | None]]:
        """All files below a folder, with what is known of each."""
