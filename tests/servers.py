"""Real servers in tests: what belongs to one, whether it answers, one in the foreground."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pytest
from tests.workspaces import Workspace, free_port


def make_workspace(root: Path, ready: Workspace | None = None, **variables: str) -> Workspace:
    """A workspace with a port of its own; with another's empty database its server starts faster."""
    uri = f"http://127.0.0.1:{free_port()}"
    workspace = Workspace.make(root, **{"MLFLOW_TRACKING_URI": uri, **variables})
    if ready is not None:
        target = database_of(workspace)
        target.parent.mkdir(parents=True)
        shutil.copyfile(empty_database_of(ready), target)
    return workspace


def keep_empty_database(workspace: Workspace) -> None:
    """Put aside what a server began with: what other tests register there is in no later workspace."""
    source = sqlite3.connect(database_of(workspace))
    target = sqlite3.connect(empty_database_of(workspace))
    with contextlib.closing(source), contextlib.closing(target):
        source.backup(target)


def empty_database_of(workspace: Workspace) -> Path:
    return workspace.root / "empty.db"


def folder_of(workspace: Workspace) -> Path:
    return workspace.root / "runs" / "mlflow"


def database_of(workspace: Workspace) -> Path:
    return folder_of(workspace) / "mlflow.db"


def uri_of(workspace: Workspace) -> str:
    return workspace.variables["MLFLOW_TRACKING_URI"]


def port_of(workspace: Workspace) -> int:
    return int(uri_of(workspace).rpartition(":")[2])


def processes_of(workspace: Workspace) -> list[psutil.Process]:
    """The server's processes, parent first, found by their command line alone."""
    mark = str(folder_of(workspace) / "logging.json")
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(mark in word for word in process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return sorted(found, key=lambda process: process.create_time())


def answers(uri: str) -> bool:
    return status_of(uri + "/health") == 200


def status_of(
    url: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> int | None:
    """The code that a URL answers with; None where nobody answers."""
    request = urllib.request.Request(url, data=body, headers=dict(headers or {}), method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            code: int = response.status
            return code
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def wait_for(condition: Callable[[], object], timeout: float = 60) -> None:
    until = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < until, "did not happen in time"
        time.sleep(0.05)


@contextlib.contextmanager
def ended_after(workspace: Workspace) -> Iterator[Workspace]:
    """No process of a workspace outlives its test, whatever happens."""
    try:
        yield workspace
    finally:
        for process in reversed(processes_of(workspace)):
            with contextlib.suppress(psutil.Error):
                process.kill()


@contextlib.contextmanager
def small_disk(mount: Path, size: str) -> Iterator[None]:
    """A file system of its own, where the machine allows it."""
    mount.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(mount)]
    if sys.platform != "linux" or os.geteuid() != 0 or subprocess.run(command, check=False).returncode != 0:
        pytest.skip("this machine does not let tests mount a disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


class Window:
    """A terminal window in which a task runs."""

    def __init__(self, workspace: Workspace, *words: str) -> None:
        self.process = workspace.start("-m", "invoke", *words)
        self.stdout = ""
        self.stderr = ""
        self.readers = [threading.Thread(target=self._read, args=(name,)) for name in ("stdout", "stderr")]
        for reader in self.readers:
            reader.start()

    def _read(self, name: str) -> None:
        for line in getattr(self.process, name):
            setattr(self, name, getattr(self, name) + line)

    def wait_for_server(self) -> None:
        wait_for(lambda: "MLflow server" in self.stdout or self.process.poll() is not None)
        assert "MLflow server" in self.stdout, self.stderr

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> tuple[int, float]:
        """Send a signal; the exit code, and the seconds until the program had ended."""
        begun = time.monotonic()
        self.process.send_signal(number)
        return self.ended(), time.monotonic() - begun

    def ended(self, timeout: float = 60) -> int:
        """Wait for the end; the exit code."""
        code = self.process.wait(timeout)
        for reader in self.readers:
            reader.join(10)
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        return code
