"""A file at an address, with what is asked of a `Path` of a picture: open, read, stat, name.

It is read in parts: a header costs its first 64 kB, a tile of an orthomosaic the blocks that it needs.
Parts are kept for a while, since the header of a picture is looked at several times. A file that was
changed since it was looked at is refused: half of one picture and half of another is none.
"""

from __future__ import annotations

import io
import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, Final

from wildetect.remote.address import Address
from wildetect.remote.asking import with_retries
from wildetect.remote.failures import RemoteError
from wildetect.remote.store import Facts, Piece, Store

__all__ = ["RemoteFile", "store_for"]

_CHUNK: Final = 1 << 14  # bytes
_HEADER: Final = 4  # chunks that are read at the start of a file at once
_MOST_AHEAD: Final = 256  # chunks read ahead of who reads on and on
_KEPT: Final = 4096  # chunks, of all files together: 64 MB
_ASKED_FOR: Final = (".tif", ".tiff", ".jp2", ".j2k")
"""Beside these, files are asked for that are not known from a list: a world file decides where they lie."""


_TALKATIVE: Final = ("urllib3", "botocore", "boto3", "s3transfer")


@lru_cache
def store_for(scheme: str) -> Store:
    """The store that an address is read with, one for all threads.

    Raises:
        ConfigurationError: It needs a package that is not installed.
    """
    for name in _TALKATIVE:  # they would write signatures into a log that shows everything
        logging.getLogger(name).setLevel(logging.WARNING)
    if scheme == "s3":
        from wildetect.remote.servers import S3

        return S3()
    from wildetect.remote.servers import Https

    return Https()


class _Kept:
    """Chunks of files that were read lately."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._chunks: OrderedDict[tuple[str, Facts, int], bytes] = OrderedDict()

    def get(self, key: tuple[str, Facts, int]) -> bytes | None:
        with self._lock:
            found = self._chunks.get(key)
            if found is not None:
                self._chunks.move_to_end(key)
            return found

    def put(self, address: str, piece: Piece) -> None:
        with self._lock:
            for start in range(0, len(piece.content), _CHUNK):
                key = (address, piece.facts, (piece.start + start) // _CHUNK)
                self._chunks[key] = piece.content[start : start + _CHUNK]
            while len(self._chunks) > _KEPT:
                self._chunks.popitem(last=False)


_kept = _Kept()


class RemoteFile:
    """A file at an address.

    Args:
        address: Where it lies.
        facts: What a list said of it; None: its server is asked when it matters.
        siblings: The files beside it that may place it on the map; None: nothing is known of them.

    Attributes:
        trouble: What went wrong since it was last asked for (`take_trouble`).
    """

    def __init__(
        self, address: Address, facts: Facts | None = None, siblings: Sequence[RemoteFile] | None = None
    ) -> None:
        self.address = address
        self.siblings = siblings
        self.trouble: RemoteError | None = None
        self._facts = facts
        self._asked: dict[str, RemoteFile | None] = {}

    def __str__(self) -> str:
        return str(self.address)

    def __repr__(self) -> str:
        return f"RemoteFile({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemoteFile) and self.address == other.address

    def __hash__(self) -> int:
        return hash(self.address)

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.address.name

    @property
    def suffix(self) -> str:
        """The ending of the name, with its dot."""
        return self.address.suffix

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return PurePosixPath(self.name).stem

    @property
    def facts(self) -> Facts | None:
        """What is known of it without asking its server."""
        return self._facts

    def stat(self) -> Facts:
        """Size, time and tag of the file.

        Raises:
            RemoteError: Its server does not say.
        """
        if self._facts is None:
            try:
                self._facts = with_retries(lambda: store_for(self.address.scheme).facts(self.address))
            except RemoteError as error:
                self.trouble = error
                raise
        return self._facts

    def take_trouble(self) -> RemoteError | None:
        """What went wrong since this was last asked: readers take it for damage, or pass it over."""
        trouble, self.trouble = self.trouble, None
        return trouble

    def is_file(self) -> bool:
        """Whether it can be read, as far as its server says."""
        try:
            self.stat()
        except RemoteError:
            return False
        return True

    def open(self, mode: str = "rb") -> io.BufferedReader:
        """The file to read from.

        Raises:
            RemoteError: Its server does not answer.
        """
        if mode != "rb":
            raise ValueError(f"a file at an address is opened to read bytes, not {mode!r}")
        return io.BufferedReader(_Reader(self), _CHUNK)

    def open_quietly(self, told: RemoteFile | None = None) -> io.BufferedReader:
        """As `open`, for readers written in C: what fails is an early end.

        Args:
            told: Whose `trouble` it is then; None: its own.
        """
        return io.BufferedReader(_QuietReader(self, told or self), _CHUNK)

    def read_bytes(self) -> bytes:
        """All of it.

        Raises:
            RemoteError: It does not come, or was changed.
        """
        return self._piece(0, None).content

    def read_text(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """All of it, as text."""
        return self.read_bytes().decode(encoding, errors)

    def sibling(self, names: Sequence[str]) -> RemoteFile | None:
        """The first of these files beside it, in any letter case; where a list is known, of that list.

        Raises:
            RemoteError: Its server does not say.
        """
        if self.siblings is not None:
            there = {one.name.casefold(): one for one in self.siblings}
            return next((there[name.casefold()] for name in names if name.casefold() in there), None)
        if self.suffix.lower() not in _ASKED_FOR:
            return None
        for name in names:
            if name not in self._asked:
                self._asked[name] = self._looked_for(name)
        return next((found for name in names if (found := self._asked[name]) is not None), None)

    def _looked_for(self, name: str) -> RemoteFile | None:
        found = RemoteFile(self.address.beside(name), siblings=())
        try:
            found.stat()
        except RemoteError as error:
            # S3 refuses what is not there to who may not list, and a signature is of one file alone
            if error.again:
                self.trouble = error
                raise
            return None
        return found

    def chunk(self, index: int, ahead: int) -> bytes:
        """Some bytes of it, and those behind them that are wanted next.

        Args:
            index: Number of the chunk.
            ahead: Number of chunks that are worth to be read at once.

        Raises:
            RemoteError: They do not come.
        """
        facts, address = self.stat(), str(self.address)
        found = _kept.get((address, facts, index))
        if found is not None:
            return found
        stop = min((index + ahead) * _CHUNK, facts.st_size)
        piece = self._piece(index * _CHUNK, stop)
        _kept.put(address, Piece(piece.content, facts, piece.start))
        begin = index * _CHUNK - piece.start
        return piece.content[begin : begin + _CHUNK]

    def _piece(self, start: int, stop: int | None) -> Piece:
        try:
            piece = with_retries(lambda: store_for(self.address.scheme).read(self.address, start, stop))
            self._facts = self._same(piece.facts)
        except RemoteError as error:
            self.trouble = error
            raise
        return piece

    def _same(self, now: Facts) -> Facts:
        known = self._facts or now
        if not known.fits(now):
            raise RemoteError("it was changed since it was looked at; start the run again")
        return known


class _Reader(io.RawIOBase):
    """Reads a file at an address in chunks, as many of them ahead as it was read on and on before."""

    def __init__(self, file: RemoteFile) -> None:
        super().__init__()
        self._file = file
        self._size = file.stat().st_size
        self._place = 0
        self._ahead = 1
        self._next = -1

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go elsewhere."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(start + offset, 0)
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Fill as much of a buffer as one answer holds."""
        view = memoryview(buffer).cast("B")
        if not view or self._place >= self._size:
            return 0
        index, inside = divmod(self._place, _CHUNK)
        if index != self._next - 1:  # still in the last one: nothing changes
            self._ahead = min(self._ahead + 1, _MOST_AHEAD) if index == self._next else 1
        self._next = index + 1
        wanted = -(-(inside + len(view)) // _CHUNK)
        content = self._file.chunk(index, max(wanted, self._ahead, _HEADER if index == 0 else 1))
        part = content[inside : inside + len(view)]
        view[: len(part)] = part
        self._place += len(part)
        return len(part)


class _QuietReader(_Reader):
    """Ends early where it cannot read: GDAL calls it from C, where an exception is lost and printed."""

    def __init__(self, file: RemoteFile, told: RemoteFile) -> None:
        super().__init__(file)
        self._told = told

    def readinto(self, buffer: Any) -> int:
        """As the other's."""
        try:
            return super().readinto(buffer)
        except RemoteError as error:
            self._told.trouble = error
            return 0
