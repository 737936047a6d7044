"""Processes: started so that they outlive us, known by more than their number, ended as a whole."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

__all__ = ["MARKER", "Identity", "end", "identify", "marked", "spawn", "tree"]

MARKER = "WILDETECT_SERVER_FOLDER"
"""Environment variable of all the server's processes: the folder in runs/ that they belong to.

It finds those that no file names: a launcher killed before it could write, a worker whose parent is gone.
"""
CLOCK_DRIFT = 2.0  # s; Linux counts start times from a boot time that moves when the clock is set
POLL = 0.03  # s


class Identity(NamedTuple):
    """A process for sure: its number, and what tells it from a later one with the same number."""

    pid: int
    create_time: float

    def process(self, folder: Path) -> psutil.Process | None:
        """The process, or None where it has ended or its number has passed to another.

        The mark decides, and the folder that it names: start times move when the clock is set, and a
        copied project folder names the processes of the original. Only where the system does not show a
        process's environment does its start time count.

        Args:
            folder: The folder of the server that the process belongs to.
        """
        try:
            process = psutil.Process(self.pid)
            return process if _lives(process) and self._is(process, folder) else None
        except (psutil.Error, OSError, ValueError, OverflowError):
            return None

    def _is(self, process: psutil.Process, folder: Path) -> bool:
        try:
            shown = process.environ()
        except (psutil.AccessDenied, OSError):
            shown = {}
        if not shown:  # refused, or just being started: Linux shows none until the program is loaded
            return abs(process.create_time() - self.create_time) < CLOCK_DRIFT
        return _is_of(shown.get(MARKER), folder)

    def was_moved(self, folder: Path) -> bool:
        """Whether the process was started for a folder that has another place now: its files are gone for it.

        Args:
            folder: The folder of the server, where it lies now.
        """
        with contextlib.suppress(psutil.Error, OSError, ValueError, OverflowError):
            process = psutil.Process(self.pid)
            return _lives(process) and _stays_in(process, folder)
        return False


def identify(pid: int) -> Identity | None:
    """The identity of a running process; None where there is none with this number."""
    try:
        return Identity(pid, psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def spawn(
    command: Sequence[str], *, environment: Mapping[str, str], log: Path, folder: Path
) -> subprocess.Popen[bytes]:
    """Start a program that goes on when the terminal closes and that Ctrl+C does not reach.

    Args:
        command: The program and its arguments; no shell is involved.
        environment: All of its environment.
        log: What it writes is appended to this file.
        folder: Its current folder.

    Raises:
        OSError: Where the program cannot be started.
    """
    with log.open("ab") as stream:

        def start(flags: int) -> subprocess.Popen[bytes]:
            return subprocess.Popen(  # noqa: S603 - a list of our own making, no shell
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=dict(environment),
                start_new_session=sys.platform != "win32",
                creationflags=flags,
            )

        if sys.platform != "win32":
            return start(0)
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        try:
            return start(flags | subprocess.CREATE_BREAKAWAY_FROM_JOB)
        except OSError:  # a job (a CI runner, an IDE) that does not let its processes go
            return start(flags)


def tree(process: psutil.Process) -> list[psutil.Process]:
    """A process and all below it, the uppermost first."""
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def marked(folder: Path) -> list[psutil.Process]:
    """All processes of this user that were started for the server of a folder, wherever it lay then."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            ours = _is_of(process.environ().get(MARKER), folder) or _stays_in(process, folder)
            if ours and process.pid != os.getpid() and _lives(process):
                found.append(process)
    return found


def _is_of(mark: str | None, folder: Path) -> bool:
    """Whether a mark names a folder, by the same way or by another, such as a link."""
    return mark is not None and (mark == str(folder) or Path(mark).resolve() == folder.resolve())


def _stays_in(process: psutil.Process, folder: Path) -> bool:
    """Whether a server's process, which is started in its folder, was taken to another place with it."""
    mark = process.environ().get(MARKER)
    moved = mark is not None and not _is_of(mark, folder)
    return moved and Path(process.cwd()) == folder.resolve()


def end(processes: Iterable[psutil.Process], *, timeout: float) -> list[psutil.Process]:
    """End processes: first asked to, after the timeout (seconds) by force.

    On Windows there is no asking, both are by force.

    Returns:
        Those that are still there.
    """
    remaining = [process for process in processes if _lives(process)]
    for how in (psutil.Process.terminate, psutil.Process.kill):
        for process in remaining:
            with contextlib.suppress(psutil.Error):
                how(process)
        until = time.monotonic() + timeout
        while (
            remaining := [process for process in remaining if _lives(process)]
        ) and time.monotonic() < until:
            time.sleep(POLL)
        timeout = 3.0
    return remaining


def _lives(process: psutil.Process) -> bool:
    """A zombie has ended; that its parent has not asked for its exit code does not matter here."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
