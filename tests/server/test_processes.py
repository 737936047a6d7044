"""Processes and ports: known for sure, ended as a whole."""

# ruff: noqa: S104 - addresses are named here, nothing listens on them

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from wildetect.server.process.ports import holder_of, listens, local_url, next_free, wait_until_free
from wildetect.server.process.processes import MARKER, Identity, end, identify, marked, spawn, tree

FAMILY = """
import subprocess, sys, time
code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
subprocess.Popen([sys.executable, "-c", code])
time.sleep(60)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(60)
"""


def started(code: str, log: Path, **variables: str) -> subprocess.Popen[bytes]:
    child = spawn(
        [sys.executable, "-c", code], environment={**os.environ, **variables}, log=log, folder=log.parent
    )
    until = time.monotonic() + 20
    while not log.read_bytes() and time.monotonic() < until:
        time.sleep(0.02)
    return child


def test_a_whole_tree_ends(tmp_path: Path) -> None:
    child = started(FAMILY, tmp_path / "log", **{MARKER: str(tmp_path)})
    members = tree(psutil.Process(child.pid))
    assert len(members) >= 2  # on Windows a launcher stands before each Python
    assert {process.pid for process in members} <= {process.pid for process in marked(tmp_path)}
    assert end(members, timeout=5) == []
    assert not marked(tmp_path)
    child.wait()


def test_orphans_are_known_by_their_mark(tmp_path: Path) -> None:
    child = started(FAMILY, tmp_path / "log", **{MARKER: str(tmp_path)})
    child.kill()
    child.wait()
    (orphan,) = marked(tmp_path)
    assert orphan.pid == int((tmp_path / "log").read_text(encoding="utf-8"))
    assert marked(tmp_path / "elsewhere") == []
    assert end([orphan], timeout=5) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows moves no folder that a program is in")
def test_who_was_taken_along_with_a_folder_is_known_in_its_new_place(tmp_path: Path) -> None:
    before, link, after = tmp_path / "before", tmp_path / "link", tmp_path / "after é"
    before.mkdir()
    child = started(
        "import time; print(1, flush=True); time.sleep(60)", before / "log", **{MARKER: str(before)}
    )
    ours = identify(child.pid)
    assert ours is not None
    link.symlink_to(before)
    assert (ours.process(link) is not None, ours.was_moved(link)) == (True, False)  # the same folder
    before.rename(after)
    before.mkdir()
    assert (ours.process(after), ours.was_moved(after), ours.was_moved(tmp_path)) == (None, True, False)
    (left,) = marked(after)
    assert left.pid == child.pid
    assert end([left], timeout=5) == []
    assert not ours.was_moved(after)
    child.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="every end is by force there")
def test_who_does_not_listen_is_killed(tmp_path: Path) -> None:
    child = started(STUBBORN, tmp_path / "log")
    begun = time.monotonic()
    assert end([psutil.Process(child.pid)], timeout=0.3) == []
    assert 0.3 <= time.monotonic() - begun < 3
    assert child.wait() == -9


def shown(pid: int) -> None:
    """Wait until a process that was just started shows its environment."""
    until = time.monotonic() + 10
    while not psutil.Process(pid).environ() and time.monotonic() < until:
        time.sleep(0.01)


def test_a_process_that_shows_no_environment_yet_is_known_by_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = identify(os.getpid())
    assert ours is not None
    monkeypatch.setattr(psutil.Process, "environ", lambda _process: {})
    assert ours.process(tmp_path) is not None
    assert Identity(ours.pid, ours.create_time - 3600).process(tmp_path) is None


def test_a_number_alone_identifies_nobody(tmp_path: Path) -> None:
    environment = {**os.environ, MARKER: str(tmp_path)}
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    ours = identify(child.pid)
    assert ours is not None
    assert ours.process(tmp_path) is not None  # from its first moment, before it shows its environment
    shown(child.pid)
    # a clock that was set moves start times; a copied project folder is another folder
    assert Identity(ours.pid, ours.create_time - 3600).process(tmp_path) is not None
    assert ours.process(tmp_path / "copy") is None
    stranger = identify(os.getpid())
    assert stranger is not None
    assert stranger.process(tmp_path) is None
    child.communicate(b"\n")
    assert ours.process(tmp_path) is None
    for impossible in (-1, 0, 2**40):
        assert Identity(impossible, 0.0).process(tmp_path) is None
    assert end([], timeout=1) == []


def test_ports() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        listener.listen()
        holder = holder_of("127.0.0.1", port)
        assert holder is not None
        assert holder.pid == os.getpid()
        assert str(holder) == f"{psutil.Process().name()} (pid {os.getpid()})"
        assert holder_of("0.0.0.0", port) is not None
        assert listens([psutil.Process()], port)
        assert not listens([psutil.Process()], port + 1)
        assert (next_free("127.0.0.1", port) or 0) > port
        assert wait_until_free("127.0.0.1", port, timeout=0.1) == holder
    assert holder_of("127.0.0.1", port) is None
    assert wait_until_free("127.0.0.1", port, timeout=0.1) is None
    with pytest.raises(OSError, match=r"assign requested address|not valid in its context"):
        holder_of("203.0.113.7", port)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "http://127.0.0.1:5000"),
        ("0.0.0.0", "http://127.0.0.1:5000"),
        ("::", "http://[::1]:5000"),
        ("::1", "http://[::1]:5000"),
        ("192.168.1.5", "http://192.168.1.5:5000"),
    ],
)
def test_local_url(host: str, expected: str) -> None:
    assert local_url(host, 5000) == expected


def test_the_server_s_collection_is_paused_and_another_sitecustomize_runs_too(tmp_path: Path) -> None:
    from wildetect.server.process.command import FASTER_START

    (tmp_path / "sitecustomize.py").write_text("import sys; sys.seen = True", encoding="utf-8")
    code = "import gc, sys; print(gc.isenabled(), sys.seen); import sitecustomize as s; s.resume_collection()"
    path = os.pathsep.join([str(FASTER_START), str(tmp_path)])
    said = subprocess.run(
        [sys.executable, "-c", f"{code}; print(gc.isenabled(), gc.get_freeze_count() > 0)"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["False", "True", "True", "True"]
