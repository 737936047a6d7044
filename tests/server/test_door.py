"""Wrong passwords are counted in front of everything that answers."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from wildetect.server.access.door import Brake, Door
from wildetect.server.process.page import Message

PASSWORD = [(b"authorization", b"Basic eDp5")]
OF_THE_GATEWAY = [(b"X-MLflow-Authorization", b"Basic eDp5")]


def tried(brake: Brake, password: bytes, address: str = "10.0.0.7") -> float:
    """Give a wrong password; seconds to wait for the next."""
    seconds = brake.begin(address, password)
    if not seconds:
        brake.end(address, password, wrong=True)
    return seconds


def test_who_tries_passwords_has_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("wildetect.server.access.door.time.monotonic", lambda: now)
    brake = Brake(most=3, seconds=10)
    assert [tried(brake, b"x") for _ in range(5)] == [0, 0, 0, 10, 10]
    assert tried(brake, b"x", "10.0.0.8") == 0
    now += 11
    assert tried(brake, b"x") == 0


def test_the_processes_of_a_server_count_together(tmp_path: Path) -> None:
    """With four workers an address had four times the tries."""
    workers = [Brake(tmp_path / "tries.db", most=20) for _ in range(4)]
    waits = [tried(worker, b"%d" % number) for number in range(10) for worker in workers]
    assert [bool(wait) for wait in waits] == [False] * 20 + [True] * 20
    assert tried(Brake(tmp_path / "tries.db", most=20), b"x", "10.0.0.8") == 0


def test_many_passwords_at_a_time_are_no_more_tries() -> None:
    brake = Brake(most=3)
    passwords = [b"%d" % number for number in range(100)]
    begun = [password for password in passwords if not brake.begin("10.0.0.7", password)]
    assert len(begun) == 3
    for password in begun:
        brake.end("10.0.0.7", password, wrong=True)
    assert brake.begin("10.0.0.7", b"x") > 0


def test_a_right_password_may_ask_for_many_things_at_a_time() -> None:
    brake = Brake(most=3)
    for _ in range(100):
        assert brake.begin("10.0.0.7", b"right") == 0
    for _ in range(100):
        brake.end("10.0.0.7", b"right", wrong=False)
    assert [tried(brake, b"x") > 0 for _ in range(4)] == [False, False, False, True]


def test_a_damaged_or_full_file_does_not_open_the_door(tmp_path: Path) -> None:
    file = tmp_path / "tries.db"
    file.write_bytes(b"no database" * 1000)
    brake = Brake(file, most=3)
    assert [tried(brake, b"x") > 0 for _ in range(4)] == [False, False, False, True]
    # written by a machine that ran for longer than since its start
    later = Brake(tmp_path / "later.db", most=1)
    assert later.begin("10.0.0.7", b"x") == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "later.db")) as connection, connection:
        connection.execute("UPDATE tries SET time = time + 1000")
    assert Brake(tmp_path / "later.db", most=1).begin("10.0.0.7", b"x") == 0


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
