"""stdout and stderr as tasks need them: any letter can be written, a reader may leave, silence is watched.

Libraries take seconds to load on a busy laptop or a slow disk, and a task can say nothing before. Which
task is slow differs from machine to machine, so it is silence itself that a line is said against.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["outlive_readers", "sign_of_life", "write_any_letter"]

NAMES = ("stdout", "stderr")
GONE = (errno.EPIPE, errno.EINVAL)
"""What a write says once nobody reads the pipe: the second one on Windows."""
PATIENCE = 1.0  # seconds of silence at the start
BETWEEN = 10.0  # seconds from one line to the next, as long as the task itself says nothing


class _Pipe(io.FileIO):
    """The end of a pipe that is written to; what comes after its reader has left goes nowhere."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in GONE:
                raise
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())  # for child processes, too, which write to the same number
        os.close(nowhere)
        return memoryview(data).nbytes


def outlive_readers() -> None:
    """Let a task go on, to its own exit code, where what reads its lines ends first, as in `... | head`.

    A night's run must not end because somebody left the pager that shows its lines. Only streams that
    are pipes change; done again it does nothing.
    """
    for name in NAMES:
        stream = getattr(sys, name)
        if not isinstance(stream, io.TextIOWrapper):
            continue  # replaced by whoever runs us: theirs to look after
        below = getattr(stream.buffer, "raw", stream.buffer)  # nothing lies between with PYTHONUNBUFFERED
        if not isinstance(below, io.FileIO) or isinstance(below, _Pipe) or not _is_pipe(below):
            continue
        stream.flush()
        pipe = _Pipe(below.fileno(), "w", closefd=False)
        lasting = io.TextIOWrapper(
            pipe if below is stream.buffer else io.BufferedWriter(pipe),
            encoding=stream.encoding,
            errors=stream.errors,
            line_buffering=stream.line_buffering,
            write_through=stream.write_through,
        )
        setattr(sys, name, lasting)


def _is_pipe(file: io.FileIO) -> bool:
    mode = os.fstat(file.fileno()).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def write_any_letter() -> None:
    """Windows pipes take cp1252 only: a letter that does not fit must not end the run."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def sign_of_life(say: Callable[[float], None]) -> Iterator[None]:
    """Have a line said while a block writes nothing to stdout and stderr.

    Its first write, whatever it is, ends the watch: from there on the task speaks for itself.

    Args:
        say: Writes the line; told for how many seconds there was silence.
    """
    spoken = threading.Event()
    streams = (sys.stdout, sys.stderr)
    with contextlib.ExitStack() as stack:
        for stream in streams:
            stack.enter_context(_noted(stream, spoken))
        watch = threading.Thread(target=_watch, args=(spoken, say), name="sign of life", daemon=True)
        watch.start()
        try:
            yield
        finally:
            spoken.set()
            watch.join()


def _watch(spoken: threading.Event, say: Callable[[float], None]) -> None:
    silent = PATIENCE
    pause = PATIENCE
    while not spoken.wait(pause):
        say(silent)
        pause = BETWEEN
        silent += pause


@contextlib.contextmanager
def _noted(stream: TextIO | None, spoken: threading.Event) -> Iterator[None]:
    """Note the first write of the main thread to a stream; pythonw has no streams."""
    if stream is None:
        yield
        return
    write = stream.write

    def noting(text: str, /) -> int:
        if threading.current_thread() is threading.main_thread():
            spoken.set()
        return write(text)

    stream.write = noting  # type: ignore[method-assign]
    try:
        yield
    finally:
        stream.write = write  # type: ignore[method-assign]
