"""Ctrl+C and its like as a question, so that a start is never cut off between two steps."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

__all__ = ["Cancelled", "stop_signals"]

NAMES = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")


class Cancelled(Exception):  # noqa: N818 - no error: somebody changed their mind
    """Work was called off; nothing is left of it."""


@contextlib.contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Collect the wish to stop: Ctrl+C, a closed window, an ended session.

    Yields:
        An event that is set once any of them has come. A signal that is ignored (nohup, a job in the
        background) stays so, and outside the main thread nothing is collected.
    """
    wished = threading.Event()
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (getattr(signal, name) for name in NAMES if hasattr(signal, name)):
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, lambda *_: wished.set())
    try:
        yield wished
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
