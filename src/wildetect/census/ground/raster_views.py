"""A raster that lies on the map: every pixel has its own place."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from wildetect.census.ground.projection import Projection
from wildetect.imagery.georeference import Georeference
from wildetect.local_files import open_raster
from wildetect.remote.place import Place

__all__ = ["RasterView", "outline"]

_COARSE = 256  # px: long side of the picture of a raster from which its outline is taken
_DETAIL = 0.1  # of a concave hull: 0 follows every gulf, 1 is convex

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RasterView:
    """A raster and the ground that it shows; `View` names most attributes.

    Attributes:
        georeference: Its place on the map.
        projection: Projection of the survey.
        outline: Where it holds data, in px, shape (k, 2).
    """

    file: str
    width: int
    height: int
    georeference: Georeference
    projection: Projection
    outline: NDArray[np.float64]
    x: float
    y: float
    longitude: float
    latitude: float
    gsd: float
    position_error: float
    height_above_ground: float | None = None
    yaw: float | None = None
    pitch: float | None = None
    roll: float | None = None
    sources: Mapping[str, str] = field(default_factory=lambda: {"position": "raster"})
    taken: datetime | None = None

    @property
    def footprint(self) -> NDArray[np.float64]:
        """The ground where it holds data, in m, shape (k, 2)."""
        return self.to_ground(self.outline)

    def to_ground(self, points: ArrayLike) -> NDArray[np.float64]:
        """Places in m that points (n, 2) of the raster in px show, shape (n, 2)."""
        degrees = self.georeference.positions(np.asarray(points, np.float64).reshape(-1, 2))
        if degrees is None:
            raise ValueError(f"{self.file}: points outside the area of its coordinate system")
        return self.projection.to_metres(degrees)


def outline(path: Place | None, width: int, height: int) -> NDArray[np.float64]:
    """Where a raster holds data, as one polygon in px, shape (k, 2); its edges if it cannot be read."""
    whole = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    if path is None:
        return whole
    import rasterio
    from rasterio.features import shapes

    scale = max(width, height) / min(_COARSE, max(width, height))
    size = max(round(height / scale), 1), max(round(width / scale), 1)
    try:
        with open_raster(path) as dataset:
            valid = dataset.dataset_mask(out_shape=size) > 0
    except (rasterio.errors.RasterioError, OSError) as error:
        logger.warning("%s: its outline cannot be read, so all of it counts as searched", path.name)
        logger.debug("%s", error)
        return whole
    if valid.all() or not valid.any():
        return whole
    parts = [shapely.geometry.shape(part) for part, held in shapes(valid.astype(np.uint8), valid) if held]
    ground = shapely.union_all(parts)
    if ground.geom_type != "Polygon":
        ground = shapely.concave_hull(ground, ratio=_DETAIL)
    ring = shapely.get_coordinates(shapely.get_exterior_ring(ground))[:-1]
    return np.asarray(ring * (width / size[1], height / size[0]))
