"""How a detection run goes about its images."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wildetect.detection.tiles.overlap import AutoOverlap
from wildetect.detection.tiles.scale import ModelScale
from wildetect.detection.tiles.tiling import SQUARE, LargeWindows, in_swaths, large_windows, tile_windows
from wildetect.geometry import Window
from wildetect.imagery.reading import AS_IT_IS, Reading
from wildetect.imagery.source import ImageFacts

__all__ = ["PipelineOptions", "most_failures"]

_HOPELESS = 50  # images: a wrong drive or folder, not some bad files


def most_failures(max_errors: float, images: int) -> float:
    """How many of these images may fail by a number or a share (below 1, above 0)."""
    return max_errors * images if 0 < max_errors < 1 else max_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineOptions:
    """Tiles and threads of a run; its thresholds are those of the detector's manifest.

    Attributes:
        tile_size: Longer side of a tile in px; it is resized to the network's input. 0: the image whole.
        shape: Width and height of that input, in whose shape tiles are cut.
        overlap_ratio: Overlap of neighbouring tiles, 0 up to, but not including, 1.
        auto_overlap: Takes the overlap from each image's ground resolution instead.
        windows: How large a pass may be, for a network with free sides; None: each is a tile.
        scale: Scale of the model's training, for which tiles may be cut; None: it is unknown.
        reading: How bands and values are read.
        max_errors: The run stops when more images than this have failed; below 1 and above 0 a share of
            them; None: when its first 50 images all have.
        confidence: Lowest to report; None: the manifest's. An evaluation's curve needs lower ones.
        decode_ahead: Decoded images that may wait for a worker; None: one for each thread that decodes.
        most_ahead: Most of them, whatever decode_ahead says.
        decode_threads: Threads that decode images; None: as many as keep the device busy.
        workers: Threads that run the model; None: as many as the device has use for.
    """

    tile_size: int = 800
    shape: tuple[int, int] = SQUARE
    overlap_ratio: float = 0.2
    auto_overlap: AutoOverlap | None = None
    windows: LargeWindows | None = None
    scale: ModelScale | None = None
    confidence: float | None = None
    reading: Reading = AS_IT_IS
    max_errors: float | None = None
    decode_ahead: int | None = None
    most_ahead: int = 64
    decode_threads: int | None = None
    workers: int | None = None

    def stops(self, failed: int, looked_at: int, images: int) -> bool:
        """Whether so many failures end a run.

        Args:
            failed: Images that failed.
            looked_at: Images that have a result.
            images: All of them.
        """
        if self.max_errors is None:
            return failed == looked_at == _HOPELESS < images
        return failed > most_failures(self.max_errors, images)

    def scaled_side(self, source: ImageFacts) -> int:
        """Longer side in px of an image's tiles where they are cut for the model's scale; else 0."""
        return 0 if self.scale is None else self.scale.measure(source).side or 0

    def side(self, source: ImageFacts) -> int:
        """Longer side in px of an image's tiles: for the model's scale, else `tile_size`; 0: it is whole."""
        return self.scaled_side(source) or self.tile_size

    def of_cut_tiles(self) -> PipelineOptions:
        """The options for tiles of a training set: whole ones, where tiles are to be cut for a scale.

        They are cut for it already, and have no tags that would tell their ground resolution.
        """
        if self.scale is None or not self.scale.cut:
            return self
        return replace(self, tile_size=0, scale=replace(self.scale, cut=False))

    def tiles(self, source: ImageFacts) -> list[Window]:
        """The tiles of an image, in the order in which it is best read."""
        side, ratio, size = self.side(source), self.overlap_ratio, (source.width, source.height)
        if self.auto_overlap is not None:
            ratio = self.auto_overlap.ratio(source, side)
        if self.windows is not None and side:
            windows = large_windows(*size, side, ratio, self.windows, self.shape)
        else:
            windows = tile_windows(*size, side, ratio, self.shape)
        return in_swaths(windows, source.swath)

    def scale_doubt(self, source: ImageFacts, tile: Window) -> str | None:
        """Say so where one of the tiles of an image shows the ground far off the model's scale."""
        if self.scale is None:
            return None
        if self.windows is not None and (side := self.side(source)):  # animals look as large as in a tile
            tile = tile_windows(tile.width, tile.height, side, 0, self.shape)[0]
        return self.scale.doubt(source, tile)
