"""Turn tiles into the network's input, and boxes in that input back into px of the tile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from wildetect.geometry import Boxes
from wildetect.imagery.pixel_memory import empty_pixels
from wildetect.imagery.source import Pixels
from wildetect.registry.manifest import Feeding
from wildetect.settings.words import Shrink

__all__ = ["Placement", "network_input", "place"]

_How = Shrink | Literal["sharp"]

# benchmarks.scale measures what sharpening brings, with pictures that were shrunk in several ways: wider or
# stronger, it brings back animals where pixels averaged and loses others where they were shrunk with Lanczos.
_SHARPENED = 150  # percent at twice the px and more, less below
_BLUR = 0.3  # px of the tile
_ROWS = 32  # cast and scaled together, while they are in the processor's cache


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a tile lies in the network's input, after it was resized to `width` x `height` px.

    Attributes:
        left: First column of the tile in the input.
        top: First row of the tile in the input.
        width: Width of the resized tile in px.
        height: Height of the resized tile in px.
        tile_width: Width of the tile itself in px.
        tile_height: Height of the tile itself in px.
    """

    left: int
    top: int
    width: int
    height: int
    tile_width: int
    tile_height: int

    def to_tile(self, xyxy: Boxes) -> NDArray[np.float32]:
        """Boxes (n, 4) in px of the network's input as boxes in px of the tile; not cut to it."""
        x_scale = self.tile_width / self.width
        y_scale = self.tile_height / self.height
        offset = np.array([self.left, self.top, self.left, self.top], dtype=np.float32)
        return (xyxy - offset).astype(np.float32) * np.array([x_scale, y_scale] * 2, dtype=np.float32)


def place(tile_width: int, tile_height: int, feeding: Feeding) -> Placement:
    """Where a tile goes: stretched over the whole input, or letterboxed (in its shape, with a border).

    The centred letterbox rounds as Ultralytics does, which puts an odd border px to the right or bottom.
    """
    if feeding.resize == "stretch":
        return Placement(0, 0, feeding.width, feeding.height, tile_width, tile_height)
    ratio = min(feeding.width / tile_width, feeding.height / tile_height)
    width = min(max(round(tile_width * ratio), 1), feeding.width)
    height = min(max(round(tile_height * ratio), 1), feeding.height)
    if feeding.resize == "letterbox-corner":
        return Placement(0, 0, width, height, tile_width, tile_height)
    left = round((feeding.width - width) / 2 - 0.1)
    top = round((feeding.height - height) / 2 - 0.1)
    return Placement(left, top, width, height, tile_width, tile_height)


def network_input(
    tiles: Sequence[Pixels],
    feeding: Feeding,
    size: int | None = None,
    *,
    as_pixels: bool = False,
    sharp: Sequence[bool] = (),
) -> tuple[NDArray[Any], list[Placement]]:
    """Resize, pad, reorder and scale tiles.

    Args:
        tiles: RGB, each of shape (height, width, 3); at least one, sizes may differ.
        feeding: What the network expects.
        size: Tiles that the input must hold, where that is more: the last one fills it up.
        as_pixels: Resize and pad them only: the network does the rest itself (module pixel_input).
        sharp: For each tile whether it is resized with as much detail as can be; by default none is.

    Returns:
        The input, shape (size, 3, height, width), and where each of the tiles lies in it. As pixels it is
        uint8, RGB, shape (size, height, width, 3).
    """
    placements = [place(tile.shape[1], tile.shape[0], feeding) for tile in tiles]
    size, height, width = max(size or 0, len(tiles)), feeding.height, feeding.width
    batch: NDArray[Any]
    if as_pixels:
        batch = empty_pixels(size * height, width).reshape(size, height, width, 3)
    else:
        batch = np.empty((size, 3, height, width), np.uint8 if feeding.dtype == "uint8" else np.float32)
    for row, tile, placement, finely in zip_longest(batch[: len(tiles)], tiles, placements, sharp):
        framed = _framed(tile, placement, feeding, sharp=bool(finely))
        if as_pixels:
            row[...] = framed
        else:
            _fill(row, framed, feeding)
    batch[len(tiles) :] = batch[len(tiles) - 1]
    halved = feeding.dtype == "float16" and not as_pixels
    return (batch.astype(np.float16) if halved else batch), placements


def _framed(tile: Pixels, placement: Placement, feeding: Feeding, *, sharp: bool) -> Pixels:
    """The tile resized and in its frame; the tile itself where it fits already."""
    if (placement.width, placement.height) != (placement.tile_width, placement.tile_height):
        how: _How = "sharp" if sharp else feeding.shrink
        tile = _resize(tile, placement.width, placement.height, how)
    if (placement.width, placement.height) == feeding.size:
        return tile
    framed = np.full((feeding.height, feeding.width, 3), feeding.pad, np.uint8)
    bottom, right = placement.top + placement.height, placement.left + placement.width
    framed[placement.top : bottom, placement.left : right] = tile
    return framed


def _resize(tile: Pixels, width: int, height: int, how: _How) -> Pixels:
    """Resize a tile, bilinear, as the pipelines do that detectors are trained in.

    One that shrinks is averaged over all of its pixels, so that no animal is skipped; sampled at the middle
    of each new pixel, without antialias, where that is what its detector was trained with. Where tiles are to
    look as in training though the photograph has other pixels, Lanczos keeps stripes that bilinear blurs. A
    coarse pixel averages over what are several in training, which takes contrast from all that is fine:
    enlarging gives some back.
    """
    image = Image.fromarray(np.ascontiguousarray(tile))
    across, down = image.width / width, image.height / height
    if how == "sample" and max(across, down) > 1:
        where = (across, 0, 0, 0, down, 0)
        return np.asarray(
            image.transform((width, height), Image.Transform.AFFINE, where, Image.Resampling.BILINEAR)
        )
    if how != "sharp":
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    resized = image.resize((width, height), Image.Resampling.LANCZOS)
    times = 1 / min(across, down)
    if times > 1:
        percent = round(_SHARPENED * min(times - 1, 1))
        resized = resized.filter(ImageFilter.UnsharpMask(_BLUR * times, percent, threshold=0))
    return np.asarray(resized)


def _fill(row: NDArray[Any], pixels: Pixels, feeding: Feeding) -> None:
    """Write (p * scale - mean) / std of each channel into `row`, shape (3, height, width)."""
    channels = pixels.transpose(2, 0, 1)
    if feeding.channel_order == "bgr":
        channels = channels[::-1]
    if feeding.dtype == "uint8":
        row[...] = channels
        return
    factor, offset = (values[:, None, None] for values in feeding.factor_and_offset)
    for top in range(0, feeding.height, _ROWS):
        part = row[:, top : top + _ROWS]
        part[...] = channels[:, top : top + _ROWS]  # cast first: at once with the product it takes longer
        part *= factor
        if offset.any():
            part -= offset
