"""From pixels of a raster to longitude and latitude, and how large a pixel is on the ground."""

from __future__ import annotations

import logging
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Georeference"]

METRES_PER_DEGREE = 111_320.0  # of latitude; within 0.6% everywhere
_STEP = 100.0  # px: long enough to be told apart in degrees, short enough to be straight

logger = logging.getLogger(__name__)


class Georeference:
    """The place of a raster on the map, rotated or not, in any coordinate system that PROJ knows.

    Args:
        transform: Transform from column and row in px to x and y of the coordinate system (an affine.Affine);
            the left edge of the first pixel is column 0, as in boxes.
        crs: The coordinate system (a rasterio.crs.CRS).
    """

    def __init__(self, transform: Any, crs: Any) -> None:
        self._transform = transform
        self._crs = crs

    def positions(self, points: NDArray[Any]) -> NDArray[np.float64] | None:
        """Longitude and latitude in degrees, WGS 84, of points (n, 2) given as column and row in px.

        Returns:
            Shape (n, 2); None if the coordinate system cannot be turned into WGS 84, as that of a building
            site, or a point lies outside the area where it can.
        """
        from rasterio.warp import transform

        if not len(points):
            return np.zeros((0, 2))
        columns, rows = np.asarray(points, np.float64).T
        a, b, c, d, e, f = self._transform[:6]
        x, y = a * columns + b * rows + c, d * columns + e * rows + f
        try:
            longitude, latitude = transform(self._crs, "EPSG:4326", x.tolist(), y.tolist())[:2]
        except Exception as error:  # noqa: BLE001 - the classes of GDAL's errors are private to rasterio
            logger.warning("no positions: a coordinate system cannot be turned into WGS 84 there")
            logger.debug("%s", error)
            return None
        found = np.column_stack([longitude, latitude])
        return found if np.isfinite(found).all() else None

    def centres(self, xyxy: NDArray[Any]) -> NDArray[np.float64] | None:
        """Longitude and latitude of the middles of boxes (n, 4) in px, shape (n, 2), as `positions`."""
        boxes = np.asarray(xyxy, np.float64)
        return self.positions((boxes[:, :2] + boxes[:, 2:]) / 2)

    def outlines(self, corners: NDArray[Any] | None) -> NDArray[np.float64] | None:
        """Longitude and latitude of corners (n, 8), x and y in px one after the other, as `positions`."""
        if corners is None:
            return None
        found = self.positions(np.asarray(corners, np.float64).reshape(-1, 2))
        return None if found is None else found.reshape(len(corners), -1)

    def gsd(self, column: float, row: float) -> float | None:
        """Ground sampling distance in m/px around a pixel: the root of a pixel's area; None if unknown."""
        corners = np.array([[column, row], [column + _STEP, row], [column, row + _STEP]])
        found = self.positions(corners)
        if found is None:
            return None
        metres = (found[1:] - found[0]) * METRES_PER_DEGREE
        metres[:, 0] *= math.cos(math.radians(found[0, 1]))
        area = abs(metres[0, 0] * metres[1, 1] - metres[0, 1] * metres[1, 0]) / _STEP**2
        return math.sqrt(area) if area > 0 and math.isfinite(area) else None
