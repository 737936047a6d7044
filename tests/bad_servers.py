"""A server that answers well at first, and then as servers should not: slowly, never, in part, in HTML."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["KINDS", "BadServer"]

KINDS = (
    "drip",
    "silent",
    "cut",
    "login",
    "errors",
    "redirect",
    "wait",
    "endless",
    "shape",
    "closed",
    "refusal",
)
_QUIET = ("/health", "/version")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_OF_ONE_HOP = (b"connection:", b"expect:")
_BODY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_HTML, _JSON = "text/html", "application/json"
_WHOLE: dict[str, tuple[str, str, bytes, *tuple[str, ...]]] = {
    "login": ("200 OK", _HTML, b"<html><form>Sign in</form></html>"),
    "errors": ("500 Broken", _HTML, b"<html>broken</html>"),
    "wait": ("503 Later", _HTML, b"later", "Retry-After: 86400"),
    "refusal": ("400 Bad Request", _JSON, b'{"error_code": "BAD_REQUEST", "message": "no such table: runs"}'),
    "shape": ("200 OK", _JSON, b"[7]"),
}
"""What is bad although it is whole: status, type, content and further lines."""


@dataclass
class BadServer:
    """Stands before a good server, and is bad from some request on.

    Attributes:
        good: Port of the server that stands behind it; None: one that answers OK to everything.
        kind: What is bad, of KINDS, or "pages": one after the other, slowly, without an end.
        bad: A part of the paths that are not answered well; all by default.
        spared: How many requests get a good answer, those for /health and /version not counted.
        asked: How many came, these not counted.
    """

    good: int | None
    kind: str
    spared: int = 1
    asked: int = 0
    bad: str = ""
    ended: threading.Event = field(default_factory=threading.Event)
    listener: socket.socket = field(
        default_factory=lambda: socket.create_server(("127.0.0.1", 0), backlog=64)
    )

    @property
    def uri(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    @contextlib.contextmanager
    def running(self) -> Iterator[BadServer]:
        """Serve in threads, to the end of the block."""
        thread = threading.Thread(target=self.serve, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.ended.set()
            with contextlib.suppress(OSError):
                socket.create_connection(self.listener.getsockname(), timeout=1).close()
            thread.join(5)
            self.listener.close()

    def serve(self) -> None:
        """Let everybody in, until it is ended."""
        with contextlib.suppress(OSError):
            while not self.ended.is_set():
                connection, _ = self.listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            head, body = _request(connection)
            if not head:
                return
            path = head.split(b" ", 2)[1].decode()
            if not path.startswith(_QUIET) and self.bad in path:
                self.asked += 1
                if self.asked > self.spared:
                    self._badly(connection, path)
                    return
            connection.sendall(self._passed_on(head, body))

    def _passed_on(self, head: bytes, body: bytes) -> bytes:
        if self.good is None:
            return _plain("200 OK", "text/plain", b"OK")
        lines = [
            line for line in head.split(b"\r\n") if not line.lower().startswith((b"connection:", b"expect:"))
        ]
        with socket.create_connection(("127.0.0.1", self.good)) as behind:
            behind.sendall(b"\r\n".join([*lines, b"Connection: close", b"", b""]) + body)
            return b"".join(iter(lambda: behind.recv(1 << 16), b""))

    def _badly(self, connection: socket.socket, path: str) -> None:
        if self.kind in ("drip", "endless"):
            pause, piece = (0.1, b" ") if self.kind == "drip" else (0.0, b" " * (1 << 20))
            connection.sendall(_BODY + b"Connection: close\r\n\r\n")
            while not self.ended.wait(pause):
                connection.sendall(piece)
        elif self.kind == "silent":
            self.ended.wait(600)
        elif self.kind == "cut":
            connection.sendall(_BODY + b'Content-Length: 90000\r\n\r\n{"registered_models": [')
        elif self.kind == "pages":
            self.ended.wait(1.5)
            connection.sendall(_plain("200 OK", _JSON, b'{"next_page_token": "more"}'))
        elif self.kind in _WHOLE:
            connection.sendall(_plain(*_WHOLE[self.kind]))
        elif self.kind == "redirect":
            connection.sendall(_plain("302 Found", "text/html", b"", f"Location: {self.uri}{path}"))


def _plain(status: str, kind: str, body: bytes, *more: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *more)
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def _request(connection: socket.socket) -> tuple[bytes, bytes]:
    """What is asked: the head without its last empty line, and the body."""
    connection.settimeout(30)
    content = b""
    while b"\r\n\r\n" not in content:
        more = connection.recv(1 << 16)
        if not more:
            return b"", b""
        content += more
    head, _, body = content.partition(b"\r\n\r\n")
    length = int(found[1]) if (found := _LENGTH.search(head)) else 0
    while len(body) < length:
        more = connection.recv(1 << 16)
        if not more:
            return b"", b""
        body += more
    return head, body
