"""Tiles of long images are kept while the image is in work: an orthomosaic can take a night."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Protocol

from wildetect.detection.run.image_work import ImageWork
from wildetect.geometry import Window
from wildetect.imagery.discovery import ImageFile
from wildetect.results.records import TileResult

__all__ = ["Keeping", "NoKeeper", "TileKeeper"]

LONG = 200  # tiles: some photographs have a hundred
_SECONDS_BETWEEN = 5.0


class TileKeeper(Protocol):
    """Keeps what is known of the tiles of an image that is not done."""

    def known(self, image: ImageFile) -> Sequence[TileResult]:
        """The tiles that an earlier start has done; called by any thread."""

    def keep(self, image: ImageFile, tiles: Sequence[TileResult]) -> None:
        """Keep some more tiles; called by the thread that fetches results."""


class NoKeeper:
    """Keeps nothing."""

    def known(self, image: ImageFile) -> Sequence[TileResult]:
        """None are known."""
        del image
        return ()

    def keep(self, image: ImageFile, tiles: Sequence[TileResult]) -> None:
        """Forget them."""


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
        return [window for window in windows if window not in done]

    def end(self, image: ImageWork) -> None:
        """An image has its result."""
        with self._lock:
            self._long.pop(image.index, None)

    def is_long(self, index: int) -> bool:
        """Whether an image in work is long."""
        with self._lock:
            return index in self._long

    def hand_over(self, *, now: bool = False) -> None:
        """Hand the new tiles of long images to the keeper: every few seconds, or now."""
        if not now and time.monotonic() - self._last < _SECONDS_BETWEEN:
            return
        with self._lock:
            images = list(self._long.values())
        for image in images:
            # those that could not be read are tried again
            tiles = [tile for tile in image.new_tiles() if tile.failure is None]
            if tiles:
                self._keeper.keep(image.file, tiles)
        self._last = time.monotonic()
