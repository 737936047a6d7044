"""An image in progress: its tiles read, their detections gathered, at the end its result."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from wildetect.detection.network.detector import Found
from wildetect.detection.network.relabelling import Relabelling
from wildetect.detection.tiles.borders import Stitched, TilePart, stitch
from wildetect.detection.tiles.stitching import one_class_each
from wildetect.detections import Detections
from wildetect.errors import ModelError, WildDetectError
from wildetect.geometry import Window
from wildetect.imagery.discovery import ImageFile
from wildetect.imagery.photograph import BACKDROP
from wildetect.imagery.source import ArraySource, ImageSource, Pixels, UnreadableImageError
from wildetect.remote.place import Place
from wildetect.results.pictures.stamps import pieces_of
from wildetect.results.records import ImageResult, TileResult
from wildetect.settings.words import OverlapMetric
from wildetect.wording import number_of, the_others

__all__ = ["ImageWork", "reason_of"]

_DARK = 16  # of 255: what 12 bits come to in a file of 16
_DIM = 64  # of 255: what 14 bits, or reflectance times 10,000, come to in a file of 16
_WHITE = 255
_FLAT = 24  # of 255: what a temperature's few hundred steps come to in a file of 16
_NARROW = 80  # of 255: what values up to 20,000 come to in a file of 16 bits
_TAILS = (1.0, 99.0)  # percent: hot pixels and marks of no data are no part of a picture
_FEW = 4  # px between those that are looked at of deep values
_STEP = 32  # px; few are looked at first, as most pictures are bright
_UNSTRETCHED = (
    "they use a small part of the range of their values, so that they come out dark or flat and animals are "
    "easily missed; set processing.stretch to percentiles, or to the two values that are black and white, "
    "such as [0, 10000]"
)
_POOR = "they are dark or flat (all values within a small part of black to white): animals are easily missed"
_SIZELESS = (
    "the network gave boxes without a width or a height, which are left out: animals may be missing; look at "
    "how the model was exported, or raise the confidence where they are faint"
)

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class ImageWork:
    """An image in progress. Its lists are filled by several threads, in any order.

    Attributes:
        index: Its place in the run.
        file: Where it lies.
        started: When decoding began, by time.perf_counter().
        source: Its pixels, while it is open.
        parts: Detections of each tile.
        empty: Tiles without data.
        unread: Tiles that could not be read, or for which the model failed, and why.
        levels: Lowest and highest value of each tile of which they can be told.
        tiles: Tiles run through the model.
        scale: What is doubtful about its scale.
        scaled: Side in px of its tiles where they are cut for the model's scale; else 0.
        seams: What came of its boxes at the borders of tiles, once they are stitched.
        full: Number of tiles that may hold more animals than were given.
        sizeless: Whether boxes without a size were left out.
        left_out: What the network leaves out by itself, though it is asked for.
        noted: What was noted of tiles and is not kept yet.
        second_stage: The classification of its boxes, once the tiles are done.
        jobs_left: Tiles, later passes of the second stage, to do; the last of them makes the result.
        begun: Whether a worker has begun it.
        partial: Whether some of its tiles are left to others, so that it has no result of its own.
        failure: Why it failed.
    """

    index: int
    file: ImageFile
    started: float
    source: ImageSource | None = None
    parts: list[TilePart] = field(default_factory=list)
    empty: list[Window] = field(default_factory=list)
    unread: list[tuple[Window, str]] = field(default_factory=list)
    levels: list[tuple[int, int]] = field(default_factory=list)
    scale: str | None = None
    scaled: int = 0
    seams: Stitched = field(default_factory=lambda: Stitched(Detections.empty()))
    full: int = 0
    sizeless: bool = False
    left_out: str | None = None
    noted: list[TileResult] = field(default_factory=list)
    second_stage: Relabelling | None = None
    jobs_left: int = 1
    begun: bool = False
    partial: bool = False
    failure: str | None = None

    def read(self, window: Window, source: ImageSource) -> Pixels | None:
        """A tile's pixels; None where it holds no data or cannot be read, which is noted."""
        try:
            pixels = source.tile(window)
        except UnreadableImageError as error:
            self.note(TileResult(window, failure=error.reason))
            return None
        if pixels is None:
            self.note(TileResult(window))
        return pixels

    def found(self, window: Window, pixels: Pixels, found: Found) -> None:
        """Add what the model found in a tile, in px of the tile; where it failed, it is not counted silently.

        A photograph is read whole, so that it fails as a whole; a raster is told to be incomplete.
        """
        if found.failure is not None:
            if isinstance(self.source, ArraySource):
                self.failure = reason_of(found.failure, self.file)
            else:
                self.note(TileResult(window, failure=reason_of(found.failure, self.file)))
            return
        detections = found.detections.shift(window.x, window.y)
        self.note(TileResult(window, detections, levels=self._levels_of(pixels), full=found.full))

    def glance(self, window: Window, source: ImageSource) -> None:
        """Note what a tile's pixels alone tell; no model looks at it."""
        if (pixels := self.read(window, source)) is not None:
            self.note(TileResult(window, Detections.empty(), levels=self._levels_of(pixels)))

    def _levels_of(self, pixels: Pixels) -> tuple[int, int] | None:
        deep = self.source is not None and self.source.deep
        return _deep_levels(pixels) if deep else _levels(pixels)

    def take(self, tiles: Sequence[TileResult]) -> None:
        """Add what an earlier start knew."""
        for tile in tiles:
            if tile.failure is not None:
                self.unread.append((tile.window, tile.failure))
            elif tile.detections is None:
                self.empty.append(tile.window)
            else:
                self.parts.append(TilePart(tile.detections, tile.window))
            if tile.levels is not None:
                self.levels.append(tile.levels)
            self.full += tile.full

    def note(self, tile: TileResult) -> None:
        """Add what is known now of a tile."""
        self.take([tile])
        self.noted.append(tile)

    def new_tiles(self) -> list[TileResult]:
        """What was noted since this was last asked."""
        tiles = self.noted[:]
        del self.noted[: len(tiles)]  # others may have been noted at its end meanwhile
        return tiles

    def fail_if_unread(self) -> None:
        """A raster of which no tile at all has a result has failed."""
        if self.failure is not None or not self.unread or self.parts:
            return
        number, why = len(self.unread), self.unread[0][1]
        if empty := the_others(len(self.empty), "holds no data", "hold no data"):
            self.failure = f"{number} of its tiles failed, {empty.lower()}: {why}"
        elif number == 1:
            self.failure = f"its only tile failed: {why}"
        else:
            self.failure = f"all of its {number_of(number, 'tile')} failed: {why}"

    def stitched(self, source: ImageSource, threshold: float, metric: OverlapMetric) -> Detections:
        """The detections of all tiles, each animal once, cut to the image."""
        self.sizeless = any(part.detections.sizeless.any() for part in self.parts)
        # one tile has no borders to other tiles, and has had its NMS
        if len(self.parts) == 1:
            joined = self.parts[0].detections
        else:
            self.seams = stitch(self.parts, (source.width, source.height), threshold, metric)
            joined = self.seams.detections
        return one_class_each(joined).clip(source.width, source.height)

    def result(self, detections: Detections | None) -> ImageResult:
        """The outcome; closes the image."""
        source, self.source = self.source, None
        position = (source.position or self.file.position) if source is not None else None
        positions = outlines = None
        if source is not None:
            if detections is not None and source.georeference is not None:
                positions = source.georeference.centres(detections.xyxy)
                outlines = source.georeference.outlines(detections.corners)
            source.close()
        return ImageResult(
            name=self.file.name,
            path=self.file.path,
            detections=detections,
            failure=self.failure,
            width=source.width if source is not None else None,
            height=source.height if source is not None else None,
            tiles=len(self.parts),
            seconds=time.perf_counter() - self.started,
            longitude=position.longitude if position else None,
            latitude=position.latitude if position else None,
            positions=positions,
            outlines=outlines,
            tiles_empty=len(self.empty),
            tiles_failed=() if self.failure is not None else self._tiles_failed(),
            dark=self.failure is None and self._dark,
            read_as=source.read_as if source is not None else (),
            doubts=() if source is None else (*source.doubts, *self._doubts_of(source)),
            tiles_full=0 if self.failure is not None else self.full,
            boxes_cut=self.seams.cut,
            boxes_joined=self.seams.joined,
            longest_cut=self.seams.longest,
            scaled_tile=0 if self.failure is not None else self.scaled,
            pieces=_pieces_of(self.file.path),
        )

    @property
    def _dark(self) -> bool:
        return bool(self.levels) and max(high for _, high in self.levels) <= _DARK

    def _doubts_of(self, source: ImageSource) -> tuple[str, ...]:
        """What is doubtful about its values and its scale."""
        if self.failure is not None:
            return ()
        told = self.scale, self.left_out, _SIZELESS if self.sizeless else None
        return (*self._doubts_of_levels(source), *filter(None, told))

    def _doubts_of_levels(self, source: ImageSource) -> tuple[str, ...]:
        """Say so where pixels differ so little that nobody would find animals; of black ones `dark` does."""
        if not self.levels or (self._dark and not source.deep):
            return ()
        low, high = min(low for low, _ in self.levels), max(high for _, high in self.levels)
        if high > _DIM and high - low >= (_NARROW if source.deep else _FLAT):
            return ()
        return (_UNSTRETCHED if source.deep else _POOR,)

    def _tiles_failed(self) -> tuple[str, ...]:
        """The tiles that could not be read, in the order of the image."""
        unread = sorted(self.unread, key=lambda tile: (tile[0].y, tile[0].x))
        return tuple(f"{tile.width} x {tile.height} px at {tile.x}, {tile.y}: {why}" for tile, why in unread)


def _pieces_of(path: Place) -> str | None:
    """What tells the file from another one of its size; null where it is gone, or its server tells it."""
    if not isinstance(path, Path):
        return None
    try:
        return pieces_of(path)
    except OSError:
        return None


def _deep_levels(pixels: Pixels) -> tuple[int, int] | None:
    """The values of nearly all of a tile that was made of more than 8 bits, black and white left out.

    A few hot pixels, or a mark of no data, would make reflectance look as if it used its whole range.
    """
    some = pixels[::_FEW, ::_FEW]
    values = some[(some != BACKDROP) & (some != 0) & (some != _WHITE)]
    if not values.size:
        return _levels(pixels)
    low, high = np.percentile(values, _TAILS)
    return int(low), int(high)


def _levels(pixels: Pixels) -> tuple[int, int] | None:
    """The lowest and highest value of a tile, or some between that tell that it is neither dark nor flat.

    Backdrop does not count; None where there is nothing else.
    """
    found = None
    for some in (pixels[::_STEP, ::_STEP], pixels):
        values = some[some != BACKDROP]
        if values.size:
            found = int(values.min()), int(values.max())
            if found[1] > _DIM and found[1] - found[0] >= _FLAT:
                return found
    return found


def reason_of(error: Exception, image: ImageFile) -> str:
    """Why an image failed, for a person; the log gets the whole story of what nobody expected."""
    if isinstance(error, UnreadableImageError):
        return error.reason
    if isinstance(error, ModelError):  # what helps is not in the picture
        return f"{error.message}. {error.hint}" if error.hint else error.message
    if isinstance(error, WildDetectError):
        return error.message
    logger.error("%s failed", image.name, exc_info=error)
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    return f"unexpected {type(error).__name__}: {error}"
