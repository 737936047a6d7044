"""Tasks run in forks of a process that has imported everything, and killed there at chosen moments.

A task of its own process takes seconds for imports, hundreds of which would tell nothing. A fork begins with
the first line of the task. It is killed by itself, where it writes: at the n-th time that it opens a file for
writing, renames or removes one, opens a database, starts a process or sends a request. Linux and macOS only.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import mmap
import os
import pkgutil
import signal
import struct
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Ended", "Kill", "fork", "import_everything", "waited"]

WRITES = {
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.truncate",
    "sqlite3.connect",
    "subprocess.Popen",
    "http.client.send",
}
OPENED_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT
FRAME = struct.Struct("q")


@dataclass(frozen=True)
class Kill:
    """When a task is killed.

    Attributes:
        write: Before which of its writes, from 1; None: at a time.
        seconds: After that write, or after its start.
    """

    write: int | None
    seconds: float


@dataclass(frozen=True)
class Ended:
    """How a task ended.

    Attributes:
        pid: Its number; also that of its session, in which all lie that it started and did not detach.
        code: Its exit code; negative: the signal that ended it.
        seconds: How long it took.
        writes: How often it wrote.
        said: Its stdout and stderr.
    """

    pid: int
    code: int
    seconds: float
    writes: int
    said: str


@dataclass(frozen=True)
class Running:
    """A task that was begun."""

    pid: int
    begun: float
    log: Path
    count: mmap.mmap


def import_everything() -> None:
    """Import all that tasks import, so that no fork has to."""
    import wildetect

    for name in ("mlflow.onnx", "mlflow.store.tracking.sqlalchemy_store", "onnxruntime"):
        importlib.import_module(name)
    for module in pkgutil.walk_packages(wildetect.__path__, "wildetect."):
        if "server_site" not in module.name:
            importlib.import_module(module.name)
    if threading.active_count() > 1:
        raise RuntimeError("a thread runs already: a fork would be without it")
    gc.freeze()


def fork(
    words: tuple[str, ...],
    root: Path,
    environment: Mapping[str, str],
    *,
    kill: Kill | None = None,
    patience: float = 300.0,
) -> Running:
    """Begin a task as `invoke` does.

    Args:
        words: The task and its options.
        root: The folder to begin it in.
        environment: All of its variables.
        kill: When it is killed.
        patience: Seconds after which it is killed in any case.
    """
    log = root / f".said-{time.monotonic_ns()}"
    count = mmap.mmap(-1, FRAME.size)
    sys.stdout.flush()
    sys.stderr.flush()
    begun = time.monotonic()
    pid = os.fork()
    if not pid:
        code = 70
        try:
            _enter(root, environment, log)
            signal.setitimer(signal.ITIMER_REAL, patience)
            sys.addaudithook(_Watching(count, kill))
            code = _invoke(words)
        except BaseException:  # noqa: BLE001 - nothing of the parent may run in here
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return Running(pid, begun, log, count)


def waited(running: Running) -> Ended:
    """Wait for a task's end."""
    _, status = os.waitpid(running.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    said = running.log.read_text(encoding="utf-8", errors="replace") if running.log.exists() else ""
    running.log.unlink(missing_ok=True)
    (writes,) = FRAME.unpack(running.count[:])
    running.count.close()
    return Ended(running.pid, code, time.monotonic() - running.begun, writes, said)


def _enter(root: Path, environment: Mapping[str, str], log: Path) -> None:
    """Become what a new process would be."""
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(root)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (file, 1), (file, 2)):
        os.dup2(source, target)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for the process's life
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _invoke(words: tuple[str, ...]) -> int:
    from invoke.main import program

    sys.argv = ["invoke", *words]
    try:
        program.run(sys.argv)
        code: Any = 0
    except SystemExit as ended:
        code = ended.code
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - as the interpreter does at its end
    atexit._run_exitfuncs()  # noqa: SLF001
    return code if isinstance(code, int) else int(code is not None)


class _Watching:
    """Counts writes, and kills its own process at one of them."""

    def __init__(self, count: mmap.mmap, kill: Kill | None) -> None:
        self._count, self._kill = count, kill
        self._writes = 0
        if kill is not None and kill.write is None:
            signal.setitimer(signal.ITIMER_REAL, max(kill.seconds, 1e-6))

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            if not isinstance(arguments[2], int) or not arguments[2] & OPENED_TO_WRITE:
                return
            path = arguments[0]
            if not isinstance(path, str | bytes | os.PathLike) or os.fsdecode(path) == os.devnull:
                return
        elif event not in WRITES:
            return
        self._writes += 1
        with contextlib.suppress(ValueError):
            self._count[:] = FRAME.pack(self._writes)
        if self._kill is not None and self._writes == self._kill.write:
            if not self._kill.seconds:
                os.kill(os.getpid(), signal.SIGKILL)
            signal.setitimer(signal.ITIMER_REAL, self._kill.seconds)
