"""Cut an image into overlapping tiles of equal size, in the shape of the network's input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from wildetect.geometry import Window

__all__ = ["SQUARE", "LargeWindows", "from_the_middle", "in_swaths", "large_windows", "tile_windows"]

SQUARE = (1, 1)

_WHOLE_UP_TO = 3  # a picture of more network inputs a side shows animals too small for the network
_MOST_TO_LOOK_AT = 100
_LEAST_STEP = 0.1  # of a side: the shorter side of a long tile is not worth more passes than that


def tile_windows(
    width: int, height: int, tile_size: int, overlap_ratio: float, shape: tuple[int, int] = SQUARE
) -> list[Window]:
    """Windows that cover an image, row by row.

    Neighbours overlap by at least `overlap_ratio * tile_size` px, or by nine tenths of a side that is shorter
    than that. Every tile has the full size; no tile could be left out, and what they overlap more than they
    must is spread evenly over all of them.

    Args:
        width: Width of the image in px.
        height: Height of the image in px.
        tile_size: Longer side of a tile in px; 0 takes the image whole. An image smaller than a tile in one
            direction is covered by tiles of its own size in that direction.
        overlap_ratio: 0 up to, but not including, 1.
        shape: Width and height that tiles are like.

    Raises:
        ValueError: The image is empty, or an argument is out of its range.
    """
    if width <= 0 or height <= 0:
        raise ValueError(f"an image of {width} x {height} px has no tiles")
    if tile_size < 0 or not 0 <= overlap_ratio < 1:
        raise ValueError(f"tile_size {tile_size} must be 0 or more, overlap_ratio {overlap_ratio} in [0, 1)")
    if not tile_size:
        return [Window(0, 0, width, height)]
    # the overlap is that of a whole tile, also where the image is narrower than one
    overlap = math.ceil(overlap_ratio * tile_size - 1e-9)
    least = min(_LEAST_STEP, 1 - overlap_ratio)
    across, down = _sides(tile_size, shape)
    step_across, step_down = (max(side - overlap, math.floor(least * side), 1) for side in (across, down))
    across, down = min(across, width), min(down, height)
    return [
        Window(x, y, across, down)
        for y in _starts(height, down, step_down)
        for x in _starts(width, across, step_across)
    ]


class LargeWindows(NamedTuple):
    """Windows of several tiles, for a network with free sides.

    Attributes:
        most: Longest side, in tiles.
        parts: Parts of a tile's longer side, as many as cells of the network's coarsest grid: a side is a
            number of them, so that nothing is padded. Networks find animals at the edge of a border.
    """

    most: int
    parts: int


def large_windows(
    width: int,
    height: int,
    tile_size: int,
    overlap_ratio: float,
    large: LargeWindows,
    shape: tuple[int, int] = SQUARE,
) -> list[Window]:
    """Windows of several tiles that cover an image with few overlaps, row by row.

    They overlap by at least as many px as tiles would. All have one size, the least that so many of them
    need: an image that is little longer than a window is not cut into two of which one repeats the other.
    An image smaller than a tile in one direction is cut into tiles.

    Args:
        width: Width of the image in px.
        height: Height of the image in px.
        tile_size: Longer side of a tile in px.
        overlap_ratio: Overlap of tiles as a part of one, 0 up to, but not including, 1.
        large: How large.
        shape: Width and height that tiles are like.
    """
    if min(width, height) < tile_size:
        return tile_windows(width, height, tile_size, overlap_ratio, shape)
    overlap = math.ceil(overlap_ratio * tile_size - 1e-9)
    (columns, across), (rows, down) = (_even(length, overlap, tile_size, large) for length in (width, height))
    return [Window(x, y, across, down) for y in rows for x in columns]


def _even(length: int, overlap: int, tile_size: int, large: LargeWindows) -> tuple[list[int], int]:
    """First pixels and length of the fewest windows that cover a side."""
    number = max(math.ceil((length - overlap) / (large.most * tile_size - overlap)), 1)
    if number == 1:
        return [0], length
    part = tile_size / large.parts
    size = min(math.ceil(math.ceil((length + (number - 1) * overlap) / number / part) * part), length)
    return [index * (length - size) // (number - 1) for index in range(number)], size


def from_the_middle(width: int, height: int, size: tuple[int, int]) -> list[Window]:
    """A picture whole, then its tiles from the middle outwards: to try a network on.

    Of a large picture the tiles alone: in the whole of it animals are too small.

    Args:
        width: Width of the picture in px.
        height: Height of the picture in px.
        size: Width and height of the network's input in px.
    """
    side = max(size)
    whole = [Window(0, 0, width, height)] if max(width, height) <= _WHOLE_UP_TO * side else []
    if max(width, height) <= side:
        return whole

    def distance(window: Window) -> float:
        return abs(window.x + window.right - width) + abs(window.y + window.bottom - height)

    return whole + sorted(tile_windows(width, height, side, 0, size), key=distance)[:_MOST_TO_LOOK_AT]


def _sides(tile_size: int, shape: tuple[int, int]) -> tuple[int, int]:
    """Width and height in px of a tile whose longer side is `tile_size`, in the shape of the network's input.

    A square tile would be shrunk to the shorter side of an input of 640 x 480 px, with all of its animals.
    """
    width, height = (max(round(tile_size * side / max(shape)), 1) for side in shape)
    return width, height


def _starts(length: int, tile: int, step: int) -> list[int]:
    """First pixels of the tiles along one side, evenly spread: no two are more than `step` apart."""
    gaps = math.ceil((length - tile) / step)
    return [index * (length - tile) // gaps for index in range(gaps + 1)] if gaps else [0]


def in_swaths(windows: Sequence[Window], swath: int | None) -> list[Window]:
    """Windows in the order in which a raster is best read: swath by swath, each row by row.

    Args:
        windows: Windows of the whole image.
        swath: Width of a swath in px; None leaves the order as it is.
    """
    if swath is None:
        return list(windows)
    return sorted(windows, key=lambda window: (window.x // swath, window.y, window.x))
