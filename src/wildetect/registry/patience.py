"""How long an answer to MLflow's client is waited for: each has a time by which it must be whole.

A socket's own timeout begins again with each byte, so that a port that drips them holds a task for ever;
and MLflow's client asks again after each silence. Connections made here end such an answer once, for good.
Long downloads that make progress are not cut: each kB that arrives gives a second more. Requests that are
not MLflow's, such as those for pictures on a web server, go on as they did.
"""

from __future__ import annotations

import io
import math
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.client import HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from wildetect.registry.probe import (
    A_PAGE,
    LONGEST_ANSWER,
    PATIENCE,
    SENT_ON,
    TOO_LONG,
    TOO_SLOW,
    TimedReader,
)
from wildetect.wording import in_bytes

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["UselessAnswer", "end_slow_answers"]

CONNECTING = 10.0  # s; for the handshake of https, too
AFTER_A_FAILURE = 10.0  # s; a task that goes on without the server asks it a few times more
UPLOADS = 2  # times the patience, for a server that stores files elsewhere
SLOWEST = 1000  # bytes of an answer each second
STORING = 1_000_000  # bytes of an upload that a server stores in a second, before it answers
LARGEST_UNSAID = 4_000_000_000  # bytes of a file of unknown size

_MLFLOW = re.compile(r"/(ajax-)?api/[\d.]+/mlflow(-artifacts)?/")
# Whose answers are JSON; what else is fetched are files, of any size.
_JSON = re.compile(r"/(ajax-)?api/[\d.]+/(mlflow/|mlflow-artifacts/artifacts(\?|$))")
_PAGE = re.compile(r"\.html?(\?|$)", re.IGNORECASE)
_REDIRECTIONS = (301, 302, 303, 307, 308)

# Whose last answer was not whole in time: host and port.
_failed: set[tuple[str, int | None]] = set()


class UselessAnswer(Exception):  # noqa: N818 - it is the answer that has a fault
    """An answer that was not whole in time, is larger than any is, or sends to another address.

    Not an OSError: urllib3 would ask again after one.
    """


class _Reader(TimedReader):
    """Ends what takes too long in a way that is not tried again."""

    def __init__(self, sock: socket.socket, patience: float, peer: tuple[str, int | None]) -> None:
        until = time.monotonic() + patience
        sock.settimeout(None)  # what is left is the time of a read, too
        super().__init__(sock, lambda arrived: until + arrived / SLOWEST - time.monotonic())
        self._peer = peer
        self.largest: float = LONGEST_ANSWER

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        try:
            count = super().readinto(buffer)
        except TimeoutError as error:
            _failed.add(self._peer)
            raise UselessAnswer(TOO_SLOW) from error
        if self.arrived > self.largest:
            raise UselessAnswer(TOO_LONG)
        return count


class _Response(HTTPResponse):
    """An answer of which each byte has its time."""

    def __init__(
        self, reader: Callable[[socket.socket], _Reader], url: str, sock: socket.socket, **options: Any
    ) -> None:
        super().__init__(sock, **options)
        self._timed, self._file = reader(sock), _JSON.search(url) is None
        self._page = _PAGE.search(url) is not None
        self.fp.close()
        self.fp = io.BufferedReader(self._timed)

    def begin(self) -> None:
        """Read the headers. What is sent to another address by a redirection would be lost on the way.

        A file may be as large as the disk has space; one that does not say how large it is, half of that
        and 4 GB: more than a network in one file can have.
        """
        super().begin()
        if self.status in _REDIRECTIONS:
            raise UselessAnswer(f"{SENT_ON} {self.headers.get('Location', 'nowhere')}")
        shown = self.headers.get("Content-Type", "").casefold().startswith("text/html")
        if self.status == HTTPStatus.OK and shown and not self._page:
            raise UselessAnswer(A_PAGE)  # to sign in, mostly: an upload would be lost, a file be another one
        if self._file:
            free = min(shutil.disk_usage(place).free for place in (tempfile.gettempdir(), Path.cwd()))
            if self.length is not None and self.length > free:
                raise UselessAnswer(f"the disk has no space for its {in_bytes(self.length)}")
            unsaid = max(LONGEST_ANSWER, min(free / 2, LARGEST_UNSAID))
            self._timed.largest = unsaid if self.length is None else math.inf


class _Patient(HTTPConnection):
    """A connection whose answers to MLflow's client have an end; its timeout is the time of a whole one."""

    _sent = 0

    def connect(self) -> None:
        """Connect, for 10 s at most: who is there answers by then."""
        wanted = self.timeout
        self.timeout = CONNECTING if wanted is None else min(wanted, CONNECTING)
        try:
            super().connect()
        finally:
            self.timeout = wanted

    def putrequest(self, method: str, url: str, *arguments: Any, **options: Any) -> None:
        """Begin a request, and note what its answer may be."""
        self._sent = 0
        self.response_class = HTTPResponse
        if _MLFLOW.search(url):
            times = UPLOADS if method == "PUT" else 1
            made: Any = partial(_Response, partial(self._reader, times), url)
            self.response_class = made
        super().putrequest(method, url, *arguments, **options)

    def send(self, data: Any) -> None:
        """Send, and count."""
        super().send(data)
        self._sent += len(data) if isinstance(data, bytes) else 0

    def _reader(self, times: int, sock: socket.socket) -> _Reader:
        peer = (self.host, self.port)
        patience = (self.timeout or PATIENCE) * times
        if peer in _failed:
            patience = min(patience, AFTER_A_FAILURE)
            _failed.discard(peer)  # in time again it is trusted as before
        return _Reader(sock, patience + self._sent / STORING, peer)


class _Http(_Patient, HTTPConnection):
    """Without encryption."""


class _Https(_Patient, HTTPSConnection):
    """With encryption."""


def end_slow_answers() -> None:
    """Have MLflow's client get each answer in time, or an error."""
    HTTPConnectionPool.ConnectionCls = _Http
    HTTPSConnectionPool.ConnectionCls = _Https
