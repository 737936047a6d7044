"""Cut an image into overlapping tiles of equal size."""

from __future__ import annotations

import math
from collections.abc import Sequence

from wildetect.geometry import Window

__all__ = ["from_the_middle", "in_swaths", "tile_windows"]

_WHOLE_UP_TO = 3  # a picture of more network inputs a side shows animals too small for the network
_MOST_TO_LOOK_AT = 100


def tile_windows(width: int, height: int, tile_size: int, overlap_ratio: float) -> list[Window]:
    """Windows that cover an image, row by row.

    Neighbours overlap by at least `overlap_ratio * tile_size` px. Every tile has the full size; no tile
    could be left out, and what they overlap more than they must is spread evenly over all of them.

    Args:
        width: Of the image in px.
        height: Of the image in px.
        tile_size: Side of a tile in px; 0 takes the image whole. An image smaller than a tile in one
            direction is covered by tiles of its own size in that direction.
        overlap_ratio: 0 up to, but not including, 1.

    Raises:
        ValueError: The image is empty, or an argument is out of its range.
    """
    if width <= 0 or height <= 0:
        raise ValueError(f"an image of {width} x {height} px has no tiles")
    if tile_size < 0 or not 0 <= overlap_ratio < 1:
        raise ValueError(f"tile_size {tile_size} must be 0 or more, overlap_ratio {overlap_ratio} in [0, 1)")
    tile_width = min(tile_size or width, width)
    tile_height = min(tile_size or height, height)
    # the overlap is that of a whole tile, also where the image is narrower than one
    step = max(tile_size - math.ceil(overlap_ratio * tile_size - 1e-9), 1)
    return [
        Window(x, y, tile_width, tile_height)
        for y in _starts(height, tile_height, step)
        for x in _starts(width, tile_width, step)
    ]


def from_the_middle(width: int, height: int, side: int) -> list[Window]:
    """A picture whole, then its tiles from the middle outwards: to try a network on.

    Of a large picture the tiles alone: in the whole of it animals are too small.

    Args:
        width: Of the picture in px.
        height: Of the picture in px.
        side: Longer side of the network's input in px.
    """
    whole = [Window(0, 0, width, height)] if max(width, height) <= _WHOLE_UP_TO * side else []
    if max(width, height) <= side:
        return whole

    def distance(window: Window) -> float:
        return abs(window.x + window.right - width) + abs(window.y + window.bottom - height)

    return whole + sorted(tile_windows(width, height, side, 0), key=distance)[:_MOST_TO_LOOK_AT]


def _starts(length: int, tile: int, step: int) -> list[int]:
    """First pixels of the tiles along one side, evenly spread: no two are more than `step` apart."""
    gaps = math.ceil((length - tile) / step)
    return [index * (length - tile) // gaps for index in range(gaps + 1)] if gaps else [0]


def in_swaths(windows: Sequence[Window], swath: int | None) -> list[Window]:
    """Windows in the order in which a raster is best read: swath by swath, each row by row.

    Args:
        windows: Of the whole image.
        swath: Width of a swath in px; None leaves the order as it is.
    """
    if swath is None:
        return list(windows)
    return sorted(windows, key=lambda window: (window.x // swath, window.y, window.x))
