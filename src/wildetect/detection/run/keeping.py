"""Tiles of long images are kept while the image is in work: an orthomosaic can take a night."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from wildetect.detection.run.image_work import ImageWork
from wildetect.geometry import Window
from wildetect.imagery.discovery import ImageFile
from wildetect.results.records import TileResult

__all__ = ["LONG", "Keeping", "TileKeeper"]

LONG = 200
"""Tiles of an image that is long: some photographs have a hundred."""
_SECONDS_BETWEEN = 5.0


class TileKeeper:
    """Keeps what is known of the tiles of long images that are not done. This one keeps nothing."""

    def known(self, image: ImageFile) -> Sequence[TileResult]:
        """The tiles that are done already; called by any thread."""
        del image
        return ()

    def chosen(self, image: ImageFile, windows: list[Window]) -> list[Window]:
        """Those of the tiles that are left which are to be done now; called by any thread."""
        del image
        return windows

    def keep(self, image: ImageFile, tiles: Sequence[TileResult]) -> None:
        """Keep some more tiles; called by the thread that fetches results."""

    def end(self, image: ImageFile, tiles: Sequence[TileResult]) -> None:
        """Take the last tiles of an image that has its result; called by any thread."""


class Keeping:
    """The long images in work, and when their tiles were last handed over.

    Args:
        keeper: Takes them.
    """

    def __init__(self, keeper: TileKeeper) -> None:
        self._keeper = keeper
        self._lock = threading.Lock()
        self._long: dict[int, ImageWork] = {}
        self._last = time.monotonic()

    def begin(self, image: ImageWork, windows: list[Window]) -> list[Window]:
        """The tiles of an image that are left to do; what is known of the others is in its parts then."""
        if len(windows) < LONG:
            return windows
        known = self._keeper.known(image.file)
        image.take(known)
        with self._lock:
            self._long[image.index] = image
        done = {tile.window for tile in known}
        left = [window for window in windows if window not in done]
        chosen = self._keeper.chosen(image.file, left)
        image.partial = len(chosen) < len(left)
        return chosen

    def end(self, image: ImageWork) -> None:
        """An image has its result."""
        with self._lock:
            if self._long.pop(image.index, None) is None:
                return
            tiles = image.new_tiles()
        self._keeper.end(image.file, tiles)

    def is_long(self, index: int) -> bool:
        """Whether an image in work is long."""
        with self._lock:
            return index in self._long

    def hand_over(self, *, now: bool = False) -> None:
        """Hand the new tiles of long images to the keeper: every few seconds, or now."""
        if not now and time.monotonic() - self._last < _SECONDS_BETWEEN:
            return
        with self._lock:
            new = [(image.file, image.new_tiles()) for image in self._long.values()]
        for file, tiles in new:
            if tiles:
                self._keeper.keep(file, tiles)
        self._last = time.monotonic()
