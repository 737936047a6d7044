"""Who tries passwords at a shared server has to wait, whichever part of MLflow answers.

Some of MLflow's routes are Flask's and some FastAPI's, and for those MLflow asks the same questions without
saying from where a request comes. So wrong passwords are counted in front of both.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import sqlite3
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from filelock import FileLock

from wildetect.server.access.signin import keep_private
from wildetect.server.process.page import Application, FirstPage, Message, Receive, Send
from wildetect.server.process.processes import MARKER as FOLDER_OF_THE_SERVER

__all__ = ["APP", "Brake", "Door", "create_app"]

APP = "wildetect"
"""The name of `create_app` among the entry points of the group mlflow.app."""
CREDENTIALS = {b"authorization", b"x-mlflow-authorization"}
OPEN = "/health"
TRIES = "tries.db"
"""In the server's folder: which addresses tried passwords when, for a minute."""


@dataclass
class _Try:
    """A password that is being checked: its row in the file, and how many requests came with it."""

    row: int
    requests: int = 1
    wrong: bool = False


class Brake:
    """Has those wait who give wrong passwords again and again.

    A try counts from its begin, and no longer once its password was right: who sends many at a time gains
    nothing. A server of several processes counts in one file, by the time since the machine started, which
    they share and which nobody sets.

    Args:
        file: What the server's processes count in; None: this one counts alone.
        most: Wrong passwords in `seconds` from one address before it has to wait.
        seconds: How long they count.
    """

    def __init__(self, file: Path | None = None, most: int = 20, seconds: float = 60.0) -> None:
        self._most, self._seconds = most, seconds
        self._turn = threading.Lock()
        self._salt = secrets.token_bytes(16)
        self._under_way: dict[bytes, _Try] = {}
        self._tries = _opened(file)

    def begin(self, address: str, password: bytes) -> float:
        """Count a try, unless its sender has to wait.

        Args:
            address: Where it comes from.
            password: What it signs in with.

        Returns:
            Seconds to wait; 0: it may go on, and `end` is to be called.
        """
        key = self._key(address, password)
        with self._turn:
            if key in self._under_way:  # a page asks for many things at a time, with one password
                self._under_way[key].requests += 1
                return 0.0
            now = time.monotonic()
            # those of before the machine was started again have greater times
            self._asked("DELETE FROM tries WHERE time < ? OR time > ?", now - self._seconds, now + 1)
            counted = self._asked(
                "INSERT INTO tries SELECT ?, ? "
                "WHERE (SELECT COUNT(*) FROM tries WHERE address = ?) < ? RETURNING rowid",
                *(address, now, address, self._most),
            )
            if counted:
                self._under_way[key] = _Try(counted[0][0])
                return 0.0
            ((first,),) = self._asked("SELECT MIN(time) FROM tries WHERE address = ?", address)
            return max(1.0, self._seconds - (now - (first or now)))

    def end(self, address: str, password: bytes, *, wrong: bool) -> None:
        """Say how a try ended; one that was not wrong does not count."""
        key = self._key(address, password)
        with self._turn:
            under_way = self._under_way[key]
            under_way.wrong |= wrong
            under_way.requests -= 1
            if not under_way.requests:
                del self._under_way[key]
                if not under_way.wrong:
                    self._asked("DELETE FROM tries WHERE rowid = ?", under_way.row)

    def _key(self, address: str, password: bytes) -> bytes:
        """What a password is known by here; itself it is kept nowhere."""
        return hashlib.sha256(b"\0".join((self._salt, address.encode(), password))).digest()

    def _asked(self, question: str, *values: str | float) -> list[Any]:
        try:
            return self._tries.execute(question, values).fetchall()
        except sqlite3.Error:  # the disk is full, or the file was damaged: this process counts alone
            self._tries = _opened(None)
            return self._tries.execute(question, values).fetchall()


def _opened(file: Path | None) -> sqlite3.Connection:
    """A table of tries: the address and the time since the machine started in s of each."""
    for place in (file, None):
        with contextlib.suppress(sqlite3.Error):
            opened = sqlite3.connect(
                place or ":memory:", timeout=2.0, isolation_level=None, check_same_thread=False
            )
            opened.execute("PRAGMA synchronous = OFF")  # what a power cut takes had its minute
            opened.execute("CREATE TABLE IF NOT EXISTS tries (address TEXT, time REAL)")
            return opened
    raise AssertionError  # there is memory


class Door:
    """Stands in front of an ASGI application that checks passwords itself, and counts the wrong ones.

    Args:
        application: What answers; 401 to a request with a password means that it was wrong.
        brake: Counts.
    """

    def __init__(self, application: Application, brake: Brake) -> None:
        self._application = application
        self._brake = brake

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass a request on, or have its sender wait."""
        given = [
            value
            for name, value in (scope["headers"] if scope["type"] == "http" else ())
            if name.lower() in CREDENTIALS
        ]
        if not given or scope["path"] == OPEN:
            await self._application(scope, receive, send)
            return
        address, password = str((scope.get("client") or ("",))[0]), b"\0".join(given)
        seconds = self._brake.begin(address, password)
        if seconds:
            await _refuse(send, seconds)
            return
        counted = True

        def end(status: int | None) -> None:
            nonlocal counted
            if counted:
                counted = False
                self._brake.end(address, password, wrong=status == HTTPStatus.UNAUTHORIZED)

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                end(message["status"])  # before its sender knows, who may try the next
            await send(message)

        try:
            await self._application(scope, receive, watched)
        finally:
            end(None)


async def _refuse(send: Send, seconds: float) -> None:
    said = f"too many wrong passwords: wait {seconds:.0f} s"
    body = json.dumps({"error_code": "REQUEST_LIMIT_EXCEEDED", "message": said}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", f"{seconds:.0f}".encode()),
    ]
    await send(
        {"type": "http.response.start", "status": int(HTTPStatus.TOO_MANY_REQUESTS), "headers": headers}
    )
    await send({"type": "http.response.body", "body": body})


def create_app() -> Door:
    """Make MLflow's application with sign-in, behind the door; uvicorn calls this in each worker.

    Raises:
        MlflowException: The secrets of the sign-in are missing in the environment.
    """
    from mlflow.server.auth import create_app as with_sign_in

    folder = Path(os.environ[FOLDER_OF_THE_SERVER])
    tries = folder / TRIES
    # the first worker makes the accounts' database, and no two may at once
    with FileLock(folder / "accounts.lock"):
        keep_private(tries)
        return Door(FirstPage(with_sign_in()), Brake(tries))
