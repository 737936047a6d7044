"""A long image, such as an orthomosaic, is shared by workers: each does some of its tiles at a time.

A worker that is given a long image says which tiles it has; they are handed out in stretches, in the order
in which they are best read. The tiles are those of a run on one machine, and none is done twice. When all
are there, one worker joins their boxes (and runs the second stage), as for an image of its own. What comes
of a stretch is kept in the journal at once, so that a run that is stopped goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wildetect.detection.run.keeping import TileKeeper
from wildetect.geometry import Window
from wildetect.imagery.discovery import ImageFile
from wildetect.results.journal.lines import tiles_document, tiles_from
from wildetect.results.records import TileResult

__all__ = ["LongFinder", "LongImage", "Part", "PartKeeper"]

STRETCH = 50
"""Tiles: half a minute on a processor, and few enough that no worker waits long for another at the end."""


@dataclass(frozen=True, slots=True)
class Part:
    """What of a long image a worker is to do.

    Attributes:
        windows: Tiles to run; none: its result is to be made of those that are known.
        known: What is known of its tiles, as a line of the journal says it.
    """

    windows: tuple[Window, ...] = ()
    known: dict[str, Any] | None = None


class PartKeeper(TileKeeper):
    """Has a worker do its part of a long image, and gathers the tiles.

    Args:
        part: Part of an image.
    """

    def __init__(self, part: Part) -> None:
        self._wanted = set(part.windows)
        self._known = [] if part.known is None else list(tiles_from(part.known))
        self._tiles: list[TileResult] = []

    @property
    def is_done(self) -> bool:
        """Whether all tiles of the part were looked at."""
        return len(self._tiles) >= len(self._wanted)

    def document(self, name: str) -> dict[str, Any]:
        """The tiles of an image of this name, as a line of the journal."""
        return tiles_document(name, None, self._tiles)

    def known(self, image: ImageFile) -> Sequence[TileResult]:
        """The tiles that other workers did."""
        del image
        return self._known

    def chosen(self, image: ImageFile, windows: list[Window]) -> list[Window]:
        """The tiles of the part; of an image that is to be made whole, all that are not known."""
        del image
        return [window for window in windows if window in self._wanted] if self._wanted else windows

    def keep(self, image: ImageFile, tiles: Sequence[TileResult]) -> None:
        """Gather some tiles."""
        del image
        self._tiles += tiles

    def end(self, image: ImageFile, tiles: Sequence[TileResult]) -> None:
        """Gather the last tiles."""
        self.keep(image, tiles)


class LongFinder(TileKeeper):
    """Leaves long images to others, and says which they are.

    Attributes:
        long: The tiles of each, by its name.
    """

    def __init__(self) -> None:
        self.long: dict[str, tuple[Window, ...]] = {}

    def chosen(self, image: ImageFile, windows: list[Window]) -> list[Window]:
        """None of the tiles of an image that is long."""
        self.long[image.name] = tuple(windows)
        return []


@dataclass(slots=True)
class LongImage:
    """A long image whose stretches are with workers: what came back of it.

    Attributes:
        image: Which one.
        stretches: All that are to be done.
        tiles: What came back, and what an earlier start had done.
        back: Number of stretches that came back.
        seconds: Seconds that workers took for it.
    """

    image: ImageFile
    stretches: Sequence[Part]
    tiles: list[TileResult]
    back: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, image: ImageFile, windows: Sequence[Window], known: Sequence[TileResult]) -> LongImage:
        """An image with these tiles, of which some are known."""
        done = {tile.window for tile in known}
        left = [window for window in windows if window not in done]
        parts = [Part(tuple(left[start : start + STRETCH])) for start in range(0, len(left), STRETCH)]
        return cls(image, parts, list(known))

    def take(self, tiles: Sequence[TileResult], seconds: float) -> None:
        """Take what came of a stretch."""
        self.tiles += tiles
        self.seconds += seconds
        self.back += 1

    @property
    def whole(self) -> Part | None:
        """What makes the result, once all stretches have come back."""
        if self.back < len(self.stretches):
            return None
        return Part(known=tiles_document(self.image.name, None, self.tiles))
