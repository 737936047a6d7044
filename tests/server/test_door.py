"""Wrong passwords are counted in front of everything that answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from wildetect.server.access.door import Brake, Door, Message

PASSWORD = [(b"authorization", b"Basic eDp5")]
OF_THE_GATEWAY = [(b"X-MLflow-Authorization", b"Basic eDp5")]


def test_who_tries_passwords_has_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("wildetect.server.access.door.time.monotonic", lambda: now)
    brake = Brake(most=3, seconds=10)
    for _ in range(3):
        assert brake.wait("10.0.0.7") == 0
        brake.failed("10.0.0.7")
    assert brake.wait("10.0.0.7") == 10
    assert brake.wait("10.0.0.8") == 0
    now += 11
    assert brake.wait("10.0.0.7") == 0


def asked(door: Door, headers: list[tuple[bytes, bytes]], address: str = "10.0.0.7", path: str = "/x") -> int:
    """The status that a request is answered with."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": "http", "path": path, "headers": headers, "client": (address, 5)}
    asyncio.run(door(scope, receive, send))
    return int(sent[0]["status"])


async def refusing(scope: Message, receive: Any, send: Any) -> None:
    status = 200 if scope["path"] == "/health" else 401
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("headers", [PASSWORD, OF_THE_GATEWAY])
def test_whoever_answers_wrong_passwords_are_counted(headers: list[tuple[bytes, bytes]]) -> None:
    door = Door(refusing, Brake(most=3))
    assert [asked(door, headers) for _ in range(4)] == [401, 401, 401, 429]
    assert asked(door, headers, "10.0.0.8") == 401
    assert asked(door, headers, path="/health") == 200


def test_a_request_without_a_password_is_not_a_wrong_one() -> None:
    door = Door(refusing, Brake(most=3))
    assert [asked(door, []) for _ in range(5)] == [401] * 5
    assert asked(door, PASSWORD) == 401
