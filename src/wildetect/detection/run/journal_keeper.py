"""What a run hands to its journal while an image is in work, and the time that it notes there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from wildetect.detection.run.continuation import Continuation
from wildetect.imagery.discovery import ImageFile
from wildetect.results.journal.journal import Journal
from wildetect.results.records import TileResult

__all__ = ["Clock", "JournalKeeper"]


class Clock:
    """Seconds of work, those of earlier starts included.

    Args:
        earlier: How many these are.
    """

    def __init__(self, earlier: float) -> None:
        self._zero = time.monotonic() - earlier

    @property
    def seconds(self) -> float:
        """Until now."""
        return time.monotonic() - self._zero


@dataclass(frozen=True, slots=True)
class JournalKeeper:
    """Keeps tiles of long images in the journal.

    Attributes:
        journal: Of the run.
        work: Its images.
        clock: Its time.
    """

    journal: Journal
    work: Continuation
    clock: Clock

    def known(self, image: ImageFile) -> Sequence[TileResult]:
        """The tiles that an earlier start has done."""
        return self.journal.record.tiles(image.name, self.work.stamps[image.name])

    def keep(self, image: ImageFile, tiles: Sequence[TileResult]) -> None:
        """Keep some more tiles."""
        stamp = self.work.stamps[image.name]
        self.journal.add_tiles(image.name, stamp, tiles, self.clock.seconds)
