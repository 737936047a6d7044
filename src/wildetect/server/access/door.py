"""Who tries passwords at a shared server has to wait, whichever part of MLflow answers.

Some of MLflow's routes are Flask's and some FastAPI's, and for those MLflow asks the same questions without
saying from where a request comes. So wrong passwords are counted in front of both.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from filelock import FileLock

from wildetect.server.process.processes import MARKER as FOLDER_OF_THE_SERVER

__all__ = ["APP", "Brake", "Door", "create_app"]

APP = "wildetect"
"""The name of `create_app` among the entry points of the group mlflow.app."""
CREDENTIALS = {b"authorization", b"x-mlflow-authorization"}
OPEN = "/health"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
"""As the ASGI specification has them. Source: https://asgi.readthedocs.io/en/latest/specs/main.html"""


class Brake:
    """Has those wait who give wrong passwords again and again.

    Args:
        most: Wrong passwords in `seconds` from one address before it has to wait.
        seconds: How long they count.
    """

    def __init__(self, most: int = 20, seconds: float = 60.0) -> None:
        self._most, self._seconds = most, seconds
        self._turn = threading.Lock()
        self._failed: dict[str, deque[float]] = {}

    def wait(self, address: str) -> float:
        """Seconds that an address has to wait; 0 where it need not."""
        with self._turn:
            times = self._failed.get(address, deque())
            now = time.monotonic()
            while times and now - times[0] > self._seconds:
                times.popleft()
            if not times:
                self._failed.pop(address, None)
            return self._seconds - (now - times[0]) if len(times) >= self._most else 0.0

    def failed(self, address: str) -> None:
        """Note a wrong password."""
        with self._turn:
            self._failed.setdefault(address, deque(maxlen=self._most)).append(time.monotonic())


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
        signs_in = scope["type"] == "http" and any(
            name.lower() in CREDENTIALS for name, _ in scope["headers"]
        )
        if not signs_in or scope["path"] == OPEN:
            await self._application(scope, receive, send)
            return
        address = str((scope.get("client") or ("",))[0])
        seconds = self._brake.wait(address)
        if seconds:
            await _refuse(send, seconds)
            return

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == HTTPStatus.UNAUTHORIZED:
                self._brake.failed(address)
            await send(message)

        await self._application(scope, receive, watched)


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

    # the first worker makes the accounts' database, and no two may at once
    with FileLock(Path(os.environ[FOLDER_OF_THE_SERVER], "accounts.lock")):
        return Door(with_sign_in(), Brake())
