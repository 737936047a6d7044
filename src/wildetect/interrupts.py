"""Ctrl+C while the program loads, which takes a while: this module is imported before all others."""

from __future__ import annotations

import os
import signal
import sys
import time

from wildetect.errors import EXIT_INTERRUPTED

__all__ = ["LOADED", "leave_on_interrupt", "raise_on_interrupt"]

LOADED = time.monotonic()
"""When the program began to load, by the clock of `time.monotonic`."""


def leave_on_interrupt() -> None:
    """Have Ctrl+C end the program as it should while tasks are loaded; invoke would end with 1, silently."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def raise_on_interrupt() -> None:
    """Have Ctrl+C raise KeyboardInterrupt, as elsewhere: a task is at work, which knows what to do."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(number: int, frame: object) -> None:
    del number, frame
    os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, b"interrupted\n")
    os._exit(EXIT_INTERRUPTED)  # an exception could be swallowed by the import that it comes in
