"""TCP ports: free or not, who holds one, which address a server on it is reached by."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import psutil

__all__ = ["Holder", "holder_of", "listens", "local_url", "next_free", "wait_until_free"]

EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, nothing is bound
CONNECT_TIMEOUT = 0.5  # s
POLL = 0.05  # s


class Holder(NamedTuple):
    """Who listens on a port; pid is None where the system does not tell."""

    pid: int | None
    name: str

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})" if self.pid else self.name


def local_url(host: str, port: int) -> str:
    """The URL by which this machine itself reaches a server that listens on a host."""
    address = EVERY_ADDRESS.get(host, host)
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def holder_of(host: str, port: int) -> Holder | None:
    """Who keeps us from listening on a port; None where it is free.

    Raises:
        OSError: Where listening fails for another reason: an address that is not this machine's, or
            a port that is not for everybody.
    """
    try:
        _bind(host, port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return _listener(port)
    # Some systems let two programs bind one port, one for every address and one for a single one:
    # a port where somebody answers is not free even if it can be bound.
    return _listener(port) if _answers(host, port) else None


def next_free(host: str, port: int) -> int:
    """The next port above this one that is free; just the next one where none is found."""
    for candidate in range(port + 1, min(port + 100, 65536)):
        with contextlib.suppress(OSError):
            if holder_of(host, candidate) is None:
                return candidate
    return port + 1


def listens(processes: Iterable[psutil.Process], port: int) -> bool:
    """Whether one of the processes listens on a TCP port."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            for connection in process.net_connections(kind="tcp"):
                if _listens_on(connection, port):
                    return True
    return False


def wait_until_free(host: str, port: int, *, timeout: float) -> Holder | None:
    """Wait until a port is free; gives who still holds it after the timeout (seconds)."""
    until = time.monotonic() + timeout
    while True:
        try:
            holder = holder_of(host, port)
        except OSError:
            return None  # not ours to listen on any more, such as the address of a network we left
        if holder is None or time.monotonic() > until:
            return holder
        time.sleep(POLL)


def _listens_on(connection: Any, port: int) -> bool:
    """Whether a connection, as psutil gives it, is a socket that waits for callers on a port."""
    return bool(
        connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
    )


def _listener(port: int) -> Holder:
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections(kind="tcp"):
            if connection.pid and _listens_on(connection, port):
                with contextlib.suppress(psutil.Error):
                    return Holder(connection.pid, psutil.Process(connection.pid).name())
    return Holder(None, "another program")


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((EVERY_ADDRESS.get(host, host), port), timeout=CONNECT_TIMEOUT):
            return True
    except OSError:
        return False


def _bind(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        if sys.platform == "win32":
            # There SO_REUSEADDR would let two programs share a port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # As the server does: a port whose old connections are still closing is free.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
