"""Read what can be read of a raster with damaged blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from wildetect.geometry import Window
from wildetect.imagery.photograph import BACKDROP
from wildetect.imagery.source import ImageSource, Pixels, UnreadableImageError

__all__ = ["read_around_damage"]

_SIDE = 256  # px: the side of most rasters' blocks, and a part of that of the others


def read_around_damage(source: ImageSource, window: Window) -> Pixels:
    """Pixels of a window, shape (height, width, 3), grey where the file is damaged.

    Args:
        source: The image, open.
        window: Inside the image.

    Raises:
        UnreadableImageError: Nothing in the window can be read.
    """
    try:
        return source.read(window)
    except UnreadableImageError as error:
        whole = error
    pixels = np.full((window.height, window.width, 3), BACKDROP, np.uint8)
    read = False
    for cell in _cells(window):
        try:
            part = source.read(cell)
        except UnreadableImageError:
            continue
        pixels[cell.y - window.y : cell.bottom - window.y, cell.x - window.x : cell.right - window.x] = part
        read = True
    if not read:
        raise whole
    return pixels


def _cells(window: Window) -> Iterator[Window]:
    """The window, cut where blocks may end: one that is damaged costs what lies in it alone."""
    for top, bottom in _spans(window.y, window.bottom):
        for left, right in _spans(window.x, window.right):
            yield Window(left, top, right - left, bottom - top)


def _spans(start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        stop = min((start // _SIDE + 1) * _SIDE, end)
        yield start, stop
        start = stop
