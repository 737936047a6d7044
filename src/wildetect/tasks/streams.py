"""stdout and stderr as tasks need them: any letter can be written, a reader may leave, silence is watched.

Libraries take seconds to load on a busy laptop or a slow disk, and ten thousand files minutes to read. Which
task is slow, and where, differs from machine to machine, so it is silence itself that a line is said against.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

from wildetect.interrupts import LOADED

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["outlive_readers", "sign_of_life", "silence_is_meant", "write_any_letter"]

NAMES = ("stdout", "stderr")
GONE = (errno.EPIPE, errno.EINVAL)
"""What a write says once nobody reads the pipe: the second one on Windows."""
PATIENCE = 0.8  # seconds of silence at the start, from when the program began to load
LEAST = 0.1  # seconds of them that a task has, however long that took
BETWEEN = 9.0  # seconds of silence later on: what holds the interpreter may delay the line by one more


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
    """Have a line said whenever a block writes nothing to stdout and stderr for a while.

    Args:
        say: Writes the line; told how many seconds the block has taken so far.
    """
    heard, over = _Heard(), threading.Event()
    with contextlib.ExitStack() as stack:
        for stream in (sys.stdout, sys.stderr):
            stack.enter_context(_noted(stream, heard))
        watch = threading.Thread(target=_watch, args=(heard, over, say), name="sign of life", daemon=True)
        watch.start()
        try:
            yield
        finally:
            over.set()
            watch.join()


@contextlib.contextmanager
def silence_is_meant() -> Iterator[None]:
    """Let a block be silent: a page waits for its reader, a question for its answer."""
    _meant.set()
    try:
        yield
    finally:
        _meant.clear()


_meant = threading.Event()


class _Heard:
    """When something was last written, and how long nothing may be from then on."""

    def __init__(self) -> None:
        self.last = time.monotonic()
        # to load the tasks took a part of it
        self.patience = max(PATIENCE - (self.last - LOADED), LEAST)

    def __call__(self) -> None:
        self.last, self.patience = time.monotonic(), BETWEEN

    @property
    def left(self) -> float:
        """Seconds until it has been silent for too long."""
        return self.last + self.patience - time.monotonic()


def _watch(heard: _Heard, over: threading.Event, say: Callable[[float], None]) -> None:
    begun = heard.last
    while not over.wait(max(heard.left, 0)):
        if heard.left > 0:
            continue
        if not _meant.is_set():
            say(time.monotonic() - begun)
        heard()


@contextlib.contextmanager
def _noted(stream: TextIO | None, heard: _Heard) -> Iterator[None]:
    """Note when a stream is written to; pythonw has no streams."""
    if stream is None:
        yield
        return
    write = stream.write

    def noting(text: str, /) -> int:
        heard()
        return write(text)

    stream.write = noting  # type: ignore[method-assign]
    try:
        yield
    finally:
        stream.write = write  # type: ignore[method-assign]
