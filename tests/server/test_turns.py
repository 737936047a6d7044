"""One at a time on a store, and the one who is at it is named."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wildetect.errors import ServerError
from wildetect.server.process.turns import START, WHO, end_suspended_start, turn, turn_of

HOLD = """
import sys, time
from pathlib import Path
from wildetect.server.process.turns import turn
with turn(Path(sys.argv[1]), sys.argv[2]):
    print("at it", flush=True)
    time.sleep(60)
"""


@contextmanager
def at_work(folder: Path, what: str) -> Iterator[subprocess.Popen[str]]:
    """Another process at work on the store."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), what], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "at it\n"
        try:
            yield process
        finally:
            process.kill()


def refused(folder: Path, wait: float = 0.3) -> ServerError:
    with pytest.raises(ServerError) as raised, turn(folder, "a cleaning", wait=wait):
        pass
    return raised.value


def test_who_is_at_work_is_named(tmp_path: Path) -> None:
    with at_work(tmp_path, "a restore") as other:
        error = refused(tmp_path)
        assert error.message == f"the store is in use: a restore is under way (pid {other.pid})"
        assert "mlflow.stop" not in error.hint  # which would not end it
    with at_work(tmp_path, START) as other:
        error = refused(tmp_path)
        assert f"another start (pid {other.pid}) has been under way" in error.message
        assert "mlflow.stop" in error.hint
        assert end_suspended_start(tmp_path, timeout=1) == 0  # it notices by itself
        assert other.poll() is None
    with turn(tmp_path, "a restore"):  # a killed one holds nothing
        assert turn_of(tmp_path) is not None
    assert not (tmp_path / WHO).exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no Ctrl+Z")
def test_a_suspended_start_is_ended_and_nothing_else(tmp_path: Path) -> None:
    with at_work(tmp_path, START) as other:
        other.send_signal(signal.SIGSTOP)
        assert "is suspended" in refused(tmp_path, wait=60).message
        assert end_suspended_start(tmp_path, timeout=1) == 1
        other.wait(5)
    with at_work(tmp_path, "a restore") as other:
        other.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        assert "is suspended, and holds the store" in refused(tmp_path, wait=60).message
        assert time.monotonic() - begun < 10
        assert end_suspended_start(tmp_path, timeout=1) == 0
        assert other.poll() is None


@pytest.mark.parametrize(
    "broken", ["", "[]", "{}", '{"pid": "1", "create_time": 1, "what": "x"}', "[" * 100_000]
)
def test_a_damaged_note_names_nobody(broken: str, tmp_path: Path) -> None:
    with at_work(tmp_path, START):
        (tmp_path / WHO).write_text(broken, encoding="utf-8")
        assert "another start has been under way" in refused(tmp_path).message
        assert end_suspended_start(tmp_path, timeout=1) == 0


def test_a_number_that_passed_to_another_process_is_left_alone(tmp_path: Path) -> None:
    with at_work(tmp_path, START):
        (tmp_path / WHO).write_text(
            f'{{"pid": {os.getpid()}, "create_time": 1.0, "what": "{START}"}}', encoding="utf-8"
        )
        assert end_suspended_start(tmp_path, timeout=1) == 0
