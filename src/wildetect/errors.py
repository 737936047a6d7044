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
]

EXIT_BUG = 1
EXIT_INTERRUPTED = 130


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
