"""How much tiles must overlap: as much as the largest animal is long, so that one tile sees it whole."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from wildetect.imagery.camera.lens import GroundResolution, ground_resolution
from wildetect.imagery.camera.optics import Flight
from wildetect.imagery.source import ImageFacts

__all__ = ["FALLBACK", "AutoOverlap", "OverlapSummary", "TileOverlap"]

FALLBACK = 0.2
"""Overlap as a part of a tile where nothing tells how much is needed."""
LEAST, MOST = 0.02, 0.5  # beyond half of a tile, larger tiles cost less than more overlap
_ROUND_UP = 1.1  # a box is a little larger than its animal, and the ground is not flat


class TileOverlap(NamedTuple):
    """How much the tiles of an image overlap, and what that comes from.

    Attributes:
        ratio: Overlap as a part of a tile.
        needed: What the largest animal takes up, in px; None if the ground resolution is unknown.
        capped: Whether that is more than tiles overlap by.
        assumed: Whether height or lens come from the settings, as the image does not tell.
    """

    ratio: float
    needed: int | None = None
    capped: bool = False
    assumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoOverlap:
    """Overlap from the ground resolution of each image.

    Attributes:
        largest_animal: Length of the largest animal that is expected, in m.
        flight: Camera and flight, where an image does not tell.
    """

    largest_animal: float = 6.0
    flight: Flight = field(default_factory=Flight)

    def ratio(self, source: ImageFacts, tile_size: int) -> float:
        """Overlap of the tiles of an image as a part of a tile; arguments as for `measure`."""
        return self.measure(source, tile_size).ratio

    def measure(self, source: ImageFacts, tile_size: int) -> TileOverlap:
        """Overlap of the tiles of an image, 0.02 to 0.5 of a tile; 0.2 if its ground resolution is unknown.

        Args:
            source: The image.
            tile_size: Side of a tile in px; 0 takes the image whole.
        """
        resolution = self.resolution(source)
        if tile_size == 0 or resolution is None:
            return TileOverlap(FALLBACK)
        needed = math.ceil(self.largest_animal * _ROUND_UP / resolution.gsd)
        ratio = needed / tile_size
        return TileOverlap(min(max(ratio, LEAST), MOST), needed, ratio > MOST, resolution.assumed)

    def gsd(self, source: ImageFacts) -> float | None:
        """Ground sampling distance of an image in m/px, if it can be known."""
        resolution = self.resolution(source)
        return None if resolution is None else resolution.gsd

    def resolution(self, source: ImageFacts) -> GroundResolution | None:
        """Ground resolution of an image, if it can be known, and whether it rests on the settings."""
        if source.camera is not None and source.georeference is None:
            return ground_resolution(source.camera, (source.width, source.height), self.flight)
        if self.flight.gsd is not None:
            return GroundResolution(self.flight.gsd / 100, assumed=False)
        if source.georeference is None:
            return None
        gsd = source.georeference.gsd(source.width / 2, source.height / 2)
        return None if gsd is None else GroundResolution(gsd, assumed=False)


@dataclass(slots=True)
class OverlapSummary:
    """What `AutoOverlap` comes to over images; those that one tile covers do not count.

    Attributes:
        images: How many.
        least: Smallest overlap as a part of a tile.
        most: Largest overlap.
        assumed: Images whose height or lens come from the settings.
        unknown: Images whose ground resolution is unknown.
        capped: Images whose tiles overlap by less than the largest animal takes up.
        needed: Most that the largest animal takes up in any image, in px.
    """

    images: int = 0
    least: float = 1.0
    most: float = 0.0
    assumed: int = 0
    unknown: int = 0
    capped: int = 0
    needed: int = 0

    def add(self, overlap: TileOverlap) -> None:
        """Count one more image."""
        self.images += 1
        self.least = min(self.least, overlap.ratio)
        self.most = max(self.most, overlap.ratio)
        self.assumed += overlap.assumed
        self.unknown += overlap.needed is None
        self.capped += overlap.capped
        self.needed = max(self.needed, overlap.needed or 0)

    @property
    def tile_size(self) -> int:
        """Side in px that tiles need at least so that all can overlap by the largest animal."""
        return math.ceil(self.needed / MOST)
