"""Every task says something before any heavy library is loaded, however long that takes."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from invoke.context import Context
from tests.tasks.test_collection import HEAVY
from tests.workspaces import Workspace, unused_uri

from wildetect.how_far import Counted, doing, how_far, through
from wildetect.tasks import ns
from wildetect.tasks.streams import sign_of_life, silence_is_meant
from wildetect.tasks.support import verb

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


def test_a_loop_says_how_far_it_is() -> None:
    assert how_far() == ""
    said = []
    for _ in through(range(2), "files read"):
        said.append(how_far())
        said += [how_far() for _ in through(iter("ab"), "bytes read")]
    assert said == [
        "0 of 2 files read", "0 of 2 files read: 0 bytes read", "0 of 2 files read: 1 bytes read",
        "1 of 2 files read", "1 of 2 files read: 0 bytes read", "1 of 2 files read: 1 bytes read",
    ]  # fmt: skip
    left = through(range(1200), "files read", 1200)
    assert [next(left) for _ in range(1001)][-1] == 1000
    assert how_far() == "1,000 of 1,200 files read"
    del left
    assert how_far() == ""
    with doing("it is packed"):
        assert how_far() == "it is packed"
    assert [how_far() for _ in Counted("ab", "images gone through")] == [
        "0 of 2 images gone through",
        "1 of 2 images gone through",
    ]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PATIENCE", "LEAST", "BETWEEN"):
        monkeypatch.setattr(f"wildetect.tasks.streams.{name}", 0.01)


def test_the_line_comes_again_whenever_there_is_silence(
    impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    often = threading.Barrier(2)
    told = []

    def say(seconds: float) -> None:
        told.append(seconds)
        if len(told) in (2, 4):
            often.wait(60)

    with sign_of_life(say):
        often.wait(60)
        sys.stderr.write("a task that speaks may be silent again")
        often.wait(60)
    assert told == sorted(told)
    assert told[0] > 0


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_a_task_writes_is_no_silence(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = io.StringIO()
    monkeypatch.setattr(sys, stream, taken)
    monkeypatch.setattr("wildetect.tasks.streams.LEAST", 60)
    told: list[float] = []
    with sign_of_life(told.append):
        print("a line", file=getattr(sys, stream))
    assert taken.getvalue() == "a line\n"
    assert told == []


def test_who_waits_for_a_person_is_silent(impatient: None) -> None:
    told: list[float] = []
    with silence_is_meant(), sign_of_life(told.append):
        time.sleep(0.1)
    assert told == []


def test_a_task_says_how_far_its_loop_is(impatient: None, capsys: pytest.CaptureFixture[str]) -> None:
    heard = threading.Event()

    @verb()
    def slow(context: Context) -> None:
        del context
        for number in through(range(3), "photographs' tags read"):
            while number == 1 and not heard.is_set():
                if "slow is at work: 1 of 3 photographs' tags read ...\n" in capsys.readouterr().err:
                    heard.set()

    slow(Context())
    assert heard.is_set()
