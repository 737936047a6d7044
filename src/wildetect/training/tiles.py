"""Photographs cut as the detector sees them, with what is known of each tile."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import shapely
from PIL import Image

from wildetect.detection.tiles.tiling import tile_windows
from wildetect.geometry import Window
from wildetect.imagery.source import Pixels
from wildetect.results.ids import BoxCorners
from wildetect.results.pictures.sight import open_seen
from wildetect.settings.training.dataset import DataSetOptions
from wildetect.training.reviewed import ClassTable, Reviewed
from wildetect.training.splitting import Part

__all__ = ["Chosen", "Kind", "Label", "Tile", "jpeg_of", "pictures_of", "tiles_of"]

Kind = Literal["animals", "rejected", "empty"]
"""What a tile teaches: animals, boxes that were wrong, or plain ground."""
_OFF = 1.0  # px: outlines end at the border of a picture, or a little inside of it


@dataclass(frozen=True, slots=True)
class Label:
    """An animal in a tile: its class id, and its box in px of the tile, cut to it."""

    class_id: int
    xyxy: BoxCorners


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A tile of a reviewed photograph.

    Attributes:
        name: Name of its file, without an ending: from the photograph's pixels and its place.
        window: Where it lies in the photograph.
        labels: The animals in it.
        rejected: Boxes in it that a person has said to be wrong.
    """

    name: str
    window: Window
    labels: tuple[Label, ...]
    rejected: int

    @property
    def kind(self) -> Kind:
        """What it teaches."""
        if self.labels:
            return "animals"
        return "rejected" if self.rejected else "empty"


class Chosen(NamedTuple):
    """The tiles of a photograph.

    Attributes:
        tiles: Those that are taken.
        doubtful: Number left out where a person was not sure, or for a class that is left out.
        unseen: Number left out where no one has looked: on the ground of a neighbouring photograph.
    """

    tiles: list[Tile]
    doubtful: int
    unseen: int


def tiles_of(
    one: Reviewed, part: Part, classes: ClassTable, grid: tuple[int, float], options: DataSetOptions
) -> Chosen:
    """Choose the tiles of a photograph.

    Where a person was not sure, or an animal of a class that is left out is seen, a tile is neither
    animal nor ground, and is left out whole. To learn from, some of the tiles without anything are enough.

    Args:
        one: The photograph.
        part: Part that it is in.
        classes: Classes of the set.
        grid: Side of a tile in px, 0 for whole photographs, and the part that tiles overlap by.
        options: Options of the set.

    Returns:
        The tiles, row by row, and how many were left out.
    """
    width, height = one.result.width or 0, one.result.height or 0
    clear: list[Tile] = []
    doubtful = unseen = 0
    ground = None if one.outline is None else shapely.Polygon(one.outline or None).buffer(_OFF)
    for window in tile_windows(width, height, *grid):
        if not _looked_at(window, ground):
            unseen += 1
            continue
        tile = _tile(one, window, classes, options.shown)
        if tile is None:
            doubtful += 1
        else:
            clear.append(tile)
    if part != "train":
        return Chosen(clear, doubtful, unseen)
    empty = [tile for tile in clear if tile.kind == "empty"]
    chosen = sorted(empty, key=lambda tile: _chance(tile.name, options.seed))[: options.empty_tiles]
    names = {tile.name for tile in chosen}
    taken = [tile for tile in clear if tile.kind != "empty" or tile.name in names]
    return Chosen(taken, doubtful, unseen)


def _looked_at(window: Window, ground: shapely.Geometry | None) -> bool:
    """Whether a person has looked at all of a window: what no one looked for must not be taught as ground.

    Args:
        window: Window of a photograph.
        ground: Outline that a person looked at, in its px; it may be empty. None: all of it.
    """
    if ground is None:
        return True
    corners = (window.x, window.y, window.x + window.width, window.y + window.height)
    return bool(ground.covers(shapely.box(*corners)))


def _chance(name: str, seed: int) -> str:
    return hashlib.sha256(f"{seed} {name}".encode()).hexdigest()


def _tile(one: Reviewed, window: Window, classes: ClassTable, shown: float) -> Tile | None:
    """The tile at a place; null where it is doubtful."""
    labels: list[Label] = []
    rejected = 0
    for mark in one.review.marks:
        inside, share = _seen(mark.box.xyxy, window)
        if share <= 0:
            continue
        class_id = classes.id_of(mark.box.class_name)
        if not mark.counts:
            rejected += share >= shown
        elif mark.standing == "unsure" or class_id is None:
            return None
        elif share >= shown:
            labels.append(Label(class_id, inside))
    name = f"{one.digest[:16]}_{window.x}_{window.y}"
    return Tile(name=name, window=window, labels=tuple(labels), rejected=rejected)


def _seen(box: BoxCorners, window: Window) -> tuple[BoxCorners, float]:
    """A box in px of a window, cut to it, and the part of it that is seen there."""
    x_min, y_min = max(box[0] - window.x, 0.0), max(box[1] - window.y, 0.0)
    x_max, y_max = min(box[2] - window.x, window.width), min(box[3] - window.y, window.height)
    if x_max <= x_min or y_max <= y_min:
        return box, 0.0
    share = (x_max - x_min) * (y_max - y_min) / ((box[2] - box[0]) * (box[3] - box[1]))
    return (x_min, y_min, x_max, y_max), share


def pictures_of(one: Reviewed, tiles: Sequence[Tile]) -> Iterator[tuple[Tile, Pixels]]:
    """Read the pixels of tiles; the photograph is opened once.

    Raises:
        UnreadableImageError: It cannot be read (any more).
    """
    source = open_seen(one.result, one.reading)
    try:
        for tile in tiles:
            yield tile, source.read(tile.window)
    finally:
        source.close()


def jpeg_of(pixels: Pixels, quality: int) -> bytes:
    """A picture as JPEG, with all of its colours: small animals are told by them."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=0)
    return file.getvalue()
