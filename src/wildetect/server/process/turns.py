"""One at a time on a store: a start, a migration, a restore, a cleaning; and who is at it.

The lock says that somebody is at work, the file beside it who: a window that was suspended (Ctrl+Z) or hangs
holds the lock for as long as it likes, and has to be named to be ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from wildetect.errors import ServerError
from wildetect.server.process.interrupts import Cancelled
from wildetect.server.process.processes import CLOCK_DRIFT, end

__all__ = ["START", "WHO", "Turn", "end_suspended_start", "turn", "turn_of"]

START = "a start of the server"
LOCK = "server.lock"
WHO = "server.turn.json"
POLL = 0.2  # s
SUSPENDED = 2.0  # s after which a suspended start is named: it may have been let go on meanwhile
SHORT = 1.0  # s
OTHER = 10.0  # s that work other than a start is waited for, at the most


@dataclass(frozen=True)
class Turn:
    """Who works on a store.

    Attributes:
        pid: The process.
        create_time: When it began, in s since 1970.
        what: What it does, in words.
    """

    pid: int
    create_time: float
    what: str

    def process(self) -> psutil.Process | None:
        """The process; None where it has ended, or its number has passed to another."""
        with contextlib.suppress(psutil.Error, ValueError, OverflowError):
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.create_time) < CLOCK_DRIFT:
                return process
        return None

    def suspended(self) -> bool:
        """Whether the process is halted, as Ctrl+Z does it."""
        process = self.process()
        with contextlib.suppress(psutil.Error):
            return process is not None and process.status() == psutil.STATUS_STOPPED
        return False


@contextlib.contextmanager
def turn(
    folder: Path, what: str, *, wait: float = SHORT, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Work on a store alone.

    Args:
        folder: The server's.
        what: The work, in words such as "a restore".
        wait: Seconds that a start by somebody else is waited for; any other work for 10 s at the most.
        cancelled: Asked now and then.

    Raises:
        ServerError: Somebody else is at work for longer; named with its process.
        Cancelled: Where `cancelled` said so.
    """
    lock = FileLock(folder / LOCK)
    begun = time.monotonic()
    while True:
        try:
            lock.acquire(timeout=POLL)
            break
        except Timeout as error:
            if cancelled():
                raise Cancelled from error
            refusal = _refused(turn_of(folder), time.monotonic() - begun, wait)
            if refusal is not None:
                raise refusal from error
    try:
        _write(folder, what)
        yield
    finally:
        with contextlib.suppress(OSError):
            (folder / WHO).unlink(missing_ok=True)
        lock.release()


def _refused(other: Turn | None, seconds: float, wait: float) -> ServerError | None:
    """Why there is no more waiting; None where there is."""
    number = f" (pid {other.pid})" if other else ""
    stop = "uv run invoke mlflow.stop"
    if other is not None and other.suspended() and seconds > SUSPENDED:
        if other.what == START:
            return ServerError(
                f"{START} in another window{number} is suspended",
                hint=f"End it: {stop}; or let it go on where it was suspended (fg).",
            )
        return ServerError(
            f"{other.what} in another window{number} is suspended, and holds the store",
            hint="Let it go on where it was suspended (fg), or end it there with Ctrl+C.",
        )
    if other is not None and other.what != START and seconds > min(wait, OTHER):
        return ServerError(
            f"the store is in use: {other.what} is under way{number}",
            hint="Wait for it, or end it in its window with Ctrl+C.",
        )
    if seconds > wait:
        return ServerError(
            f"another start{number} has been under way for {seconds:.0f} s",
            hint=f"Wait for it, or end it: {stop}",
        )
    return None


def turn_of(folder: Path) -> Turn | None:
    """Who works on a store, where that was written down; meaningful only while the lock is held."""
    try:
        known = json.loads((folder / WHO).read_text(encoding="utf-8"))
        pid, created, what = known["pid"], known["create_time"], known["what"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(pid, int) or not isinstance(created, int | float) or not isinstance(what, str):
        return None
    return Turn(pid, float(created), "".join(letter for letter in what[:60] if letter.isprintable()))


def _write(folder: Path, what: str) -> None:
    own = psutil.Process()
    document = {"pid": own.pid, "create_time": own.create_time(), "what": what}
    draft = folder / f"{WHO}.{os.getpid()}.tmp"
    with contextlib.suppress(OSError):  # then nobody is named, and the lock holds all the same
        draft.write_text(json.dumps(document), encoding="utf-8")
        draft.replace(folder / WHO)


def end_suspended_start(folder: Path, *, timeout: float) -> int:
    """End a start that is suspended and so cannot notice that its server was ended.

    Args:
        folder: The server's.
        timeout: Seconds to let it end by itself.

    Returns:
        How many processes were ended: 0 or 1.
    """
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        other = turn_of(folder)
    except OSError:
        return 0
    else:
        lock.release()
        return 0
    process = other.process() if other is not None and other.what == START and other.suspended() else None
    if process is None or process.pid == os.getpid():
        return 0
    return 1 - len(end([process], timeout=min(timeout, 0.2)))
