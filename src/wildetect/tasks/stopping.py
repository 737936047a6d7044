"""Ctrl+C during a long run: the first finishes what is at hand, the second stops at once."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

__all__ = ["stop_wish"]

NAMES = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")
NOTE = (
    b"\nstopping: the images at hand are finished first, of an image of many tiles what is done is kept "
    b"(Ctrl+C again stops at once)\n"
)


@contextlib.contextmanager
def stop_wish() -> Iterator[Callable[[], bool]]:
    """Collect the wish to stop.

    Yields:
        Says whether the user wishes to stop. A second Ctrl+C raises KeyboardInterrupt. A signal that is
        ignored (nohup) stays so, and outside the main thread nothing is collected.
    """
    wished = threading.Event()

    def collect(number: int, frame: object) -> None:
        del number, frame
        if wished.is_set():
            raise KeyboardInterrupt
        wished.set()
        with contextlib.suppress(OSError, ValueError):  # no terminal, or a closed one
            os.write(sys.stderr.fileno(), NOTE)  # print could be in the middle of a line of its own

    before = {}
    if threading.current_thread() is threading.main_thread():
        for name in NAMES:
            known = getattr(signal, name, None)
            if known is not None and signal.getsignal(known) is not signal.SIG_IGN:
                before[known] = signal.signal(known, collect)
    try:
        yield wished.is_set
    finally:
        for known, handler in before.items():
            signal.signal(known, handler)
