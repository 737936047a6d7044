"""Every task says something before any heavy library is loaded, however long that takes."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.tasks.test_collection import HEAVY
from tests.workspaces import Workspace, unused_uri

from wildetect.tasks import ns
from wildetect.tasks.streams import sign_of_life

# Python reads a module of this name when it starts: imports of heavy libraries then wait for ever.
GATE = f"""
import sys, threading

class Gate:
    def find_spec(self, name, path=None, target=None):
        if name in {HEAVY!r}:
            threading.Event().wait()

sys.meta_path.insert(0, Gate())
"""
WAITS = ("model.list", "detect.run", "census.run", "detect.export", "review.status", "config.show")
"""Some that read settings or numbers before anything else: the gate holds them, or it holds nothing."""


def test_every_task_speaks_before_a_heavy_library_is_there(tmp_path: Path) -> None:
    workspace = Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())
    (tmp_path / "gate").mkdir()
    (tmp_path / "gate/sitecustomize.py").write_text(GATE, encoding="utf-8")
    environment = {**workspace.environment, "PYTHONPATH": str(tmp_path / "gate")}
    started = {
        name: subprocess.Popen(
            [sys.executable, "-m", "invoke", name],
            cwd=workspace.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for name in ns.task_names
    }
    said = {}
    try:
        for name, process in started.items():
            assert process.stdout is not None
            said[name] = process.stdout.readline().decode()  # a task that stays silent: the test times out
    finally:
        for process in started.values():
            process.kill()
            process.communicate()
    assert all(said.values())
    assert {name: said[name].strip() for name in WAITS} == {name: f"{name} is at work ..." for name in WAITS}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wildetect.tasks.streams.PATIENCE", 0.01)
    monkeypatch.setattr("wildetect.tasks.streams.BETWEEN", 0.01)


def test_the_line_comes_again_while_there_is_silence(impatient: None) -> None:
    twice = threading.Barrier(2)
    told = []

    def say(seconds: float) -> None:
        told.append(seconds)
        if len(told) == 2:
            twice.wait(60)

    with sign_of_life(say):
        twice.wait(60)
    assert told == pytest.approx([0.01, 0.02])


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_a_task_writes_ends_the_watch(
    impatient: None, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = io.StringIO()
    monkeypatch.setattr(sys, stream, taken)
    told: list[float] = []
    with sign_of_life(told.append):
        before = {thread.name for thread in threading.enumerate()}
        print("a line", file=getattr(sys, stream))
        (watch,) = [one for one in threading.enumerate() if one.name == "sign of life"]
        watch.join(60)
        assert not watch.is_alive()
    assert "sign of life" in before
    assert taken.getvalue() == "a line\n"
