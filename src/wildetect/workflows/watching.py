"""What a workflow tells whoever called it, and what it asks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from wildetect.results.records import RunSummary

__all__ = ["SILENT", "Detecting", "Watcher"]

logger = logging.getLogger(__name__)

Detecting = tuple[Callable[[], bool], Callable[[RunSummary], None]]
"""Asks whether to stop; learns how far the run is."""


class Watcher:
    """Takes what a workflow says: notices go to the log, progress is not shown, nobody stops it.

    A caller who shows more overrides what it wants to show.
    """

    def notice(self, text: str) -> None:
        """Take a line for a person; one that begins with "warning: " is a warning."""
        warning = text.startswith("warning: ")
        logger.log(logging.WARNING if warning else logging.INFO, "%s", text.removeprefix("warning: "))

    @contextmanager
    def detecting(self) -> Iterator[Detecting]:
        """Be there while the model runs."""
        yield lambda: False, lambda _summary: None

    @contextmanager
    def measuring(self) -> Iterator[Callable[[RunSummary], None]]:
        """Be there while a model is measured."""
        yield lambda _summary: None


SILENT = Watcher()
"""For a caller who shows nothing."""
