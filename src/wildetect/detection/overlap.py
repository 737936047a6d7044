"""How much tiles must overlap: as much as the largest animal is long, so that one tile sees it whole."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from wildetect.imagery.optics import Flight, photograph_gsd
from wildetect.imagery.source import ImageFacts

__all__ = ["AutoOverlap"]

FALLBACK = 0.2
_LEAST, _MOST = 0.02, 0.5
_ROUND_UP = 1.1  # a box is a little larger than its animal, and the ground is not flat


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
        """Overlap of the tiles of an image as a part of a tile; 0.2 if its ground resolution is unknown.

        Args:
            source: The image.
            tile_size: Side of a tile in px; 0 takes the image whole.
        """
        gsd = self.gsd(source)
        if tile_size == 0 or gsd is None:
            return FALLBACK
        px = math.ceil(self.largest_animal * _ROUND_UP / gsd)
        return min(max(px / tile_size, _LEAST), _MOST)

    def gsd(self, source: ImageFacts) -> float | None:
        """Ground sampling distance of an image in m/px, if it can be known."""
        if self.flight.gsd is not None:
            return self.flight.gsd / 100
        if source.georeference is not None:
            return source.georeference.gsd(source.width / 2, source.height / 2)
        if source.optics is None:
            return None
        return photograph_gsd((source.width, source.height), source.optics, self.flight)
