"""stdout and stderr as tasks need them: any letter can be written, and a reader may leave."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["outlive_readers", "write_any_letter"]

NAMES = ("stdout", "stderr")
GONE = (errno.EPIPE, errno.EINVAL)
"""What a write says once nobody reads the pipe: the second one on Windows."""


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
