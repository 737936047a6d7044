"""What can go wrong, as a user meets it.

    WildDetectError                 exit code
    ├── ConfigurationError          2   a bad argument, settings file or environment variable
    ├── ServerError                 3   the MLflow server: port taken, not reachable, did not start
    ├── ModelError                  4   weights missing or unusable; name, alias or version unknown
    └── InputError                  5   no images, or images that failed

Each error says in one line what is wrong, in `details` where there is more than one place, and in
`hint` what fixes it. A traceback is for bugs only (exit code 1); Ctrl+C ends with 130.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import ClassVar

__all__ = [
    "EXIT_BUG",
    "EXIT_INTERRUPTED",
    "ConfigurationError",
    "InputError",
    "ModelError",
    "ServerError",
    "WildDetectError",
    "leave_on_interrupt",
    "raise_on_interrupt",
]

EXIT_BUG = 1
EXIT_INTERRUPTED = 130


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


class WildDetectError(Exception):
    """An error that a user can fix.

    Args:
        message: One line: what is wrong, with the name or value it is about.
        hint: One line: what fixes it, best as a command.
        details: Further lines, one a place, where several things are wrong at once.
    """

    exit_code: ClassVar[int] = EXIT_BUG

    def __init__(self, message: str, *, hint: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = tuple(details)


class ConfigurationError(WildDetectError):
    """A bad argument, a bad settings file or a bad environment variable."""

    exit_code = 2


class ServerError(WildDetectError):
    """The MLflow server did not start, does not answer, or its port or store is not usable."""

    exit_code = 3


class ModelError(WildDetectError):
    """Weights that are missing or unusable, or a model that the registry does not hold."""

    exit_code = 4


class InputError(WildDetectError):
    """No images to work on, or images that could not be processed."""

    exit_code = 5
