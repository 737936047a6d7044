"""What a check says."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from wildetect.errors import ConfigurationError, WildDetectError

__all__ = ["Finding", "Verdict", "fine", "of_error", "problem", "warning", "warnings_kept"]

Verdict = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """One line of a check.

    Attributes:
        check: What was looked at, such as "server".
        verdict: A warning does not keep tasks from working; a problem does.
        says: What was found.
        fix: What fixes it, best as a command; None where nothing has to be done.
        exit_code: Exit code as errors have it: 2 configuration, 3 server, 4 model; 0 where it is not a
            problem.
    """

    check: str
    verdict: Verdict
    says: str
    fix: str | None = None
    exit_code: int = 0


def fine(check: str, says: str) -> Finding:
    """All is well."""
    return Finding(check, "ok", says)


def warning(check: str, says: str, *, fix: str) -> Finding:
    """Something to know of."""
    return Finding(check, "warning", says, fix)


def problem(check: str, says: str, *, fix: str, error: type[WildDetectError] = ConfigurationError) -> Finding:
    """Something that keeps a task from working; it would end with this error."""
    return Finding(check, "problem", says, fix, error.exit_code)


def of_error(check: str, error: WildDetectError) -> list[Finding]:
    """The problems that an error names."""
    return [
        problem(check, says, fix=error.hint, error=type(error)) for says in error.details or (error.message,)
    ]


class _Keeper(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextlib.contextmanager
def warnings_kept() -> Iterator[list[str]]:
    """Collect what the library warns of, instead of its going to terminal and log file."""
    logger, keeper = logging.getLogger("wildetect"), _Keeper()
    handlers, propagate = logger.handlers, logger.propagate
    logger.handlers, logger.propagate = [keeper], False
    try:
        yield keeper.messages
    finally:
        logger.handlers, logger.propagate = handlers, propagate
