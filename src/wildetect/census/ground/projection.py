"""One plane for a whole survey: metres east and north of its middle."""

from __future__ import annotations

import numpy as np
import pyproj
from numpy.typing import ArrayLike, NDArray

__all__ = ["Projection", "in_degrees_already", "to_wgs84"]

_STEP = 1e-4  # degrees of latitude: 11 m


class Projection:
    """A transverse Mercator projection around a survey, on the ellipsoid of WGS 84.

    Lengths are true at the survey's middle and 1.2 in 10,000 too long 100 km east or west of it, so that
    neither zones nor hemispheres matter. The y axis is north at the middle; elsewhere `convergence` tells.

    Args:
        longitude: Longitude of its origin, in degrees.
        latitude: Latitude of its origin, in degrees.
    """

    def __init__(self, longitude: float, latitude: float) -> None:
        self.longitude, self.latitude = longitude, latitude
        origin = f"+lat_0={latitude:.6f} +lon_0={longitude:.6f}"
        self.name = f"+proj=tmerc {origin} +k=1 +x_0=0 +y_0=0 +ellps=WGS84 +units=m"
        self._proj = pyproj.Proj(self.name)

    @classmethod
    def around(cls, longitudes: ArrayLike, latitudes: ArrayLike) -> Projection:
        """The projection around places, given in degrees; on both sides of the 180th meridian, too."""
        x, y = np.asarray(longitudes, np.float64), np.asarray(latitudes, np.float64)
        if not x.size:
            return cls(0.0, 0.0)
        from_first = (x - x[0] + 180) % 360 - 180
        middle = x[0] + (from_first.min() + from_first.max()) / 2
        return cls(float((middle + 180) % 360 - 180), float((y.min() + y.max()) / 2))

    def to_metres(self, degrees: ArrayLike) -> NDArray[np.float64]:
        """Metres east and north of the origin of places (n, 2) given as longitude and latitude in degrees."""
        places = np.asarray(degrees, np.float64).reshape(-1, 2)
        return np.column_stack(self._proj(places[:, 0], places[:, 1]))

    def to_degrees(self, metres: ArrayLike) -> NDArray[np.float64]:
        """Longitude and latitude in degrees of places (n, 2) given in metres."""
        places = np.asarray(metres, np.float64).reshape(-1, 2)
        return np.column_stack(self._proj(places[:, 0], places[:, 1], inverse=True))

    def convergence(self, degrees: ArrayLike) -> NDArray[np.float64]:
        """Direction of true north in the plane at places (n, 2), degrees clockwise from its y axis."""
        places = np.asarray(degrees, np.float64).reshape(-1, 2)
        step = np.where(places[:, 1] > 0, -_STEP, _STEP)  # towards the equator: there is no pole in the way
        moved = self.to_metres(places + np.column_stack([np.zeros(len(places)), step]))
        east, north = ((moved - self.to_metres(places)) * np.sign(step)[:, None]).T
        return np.asarray(np.degrees(np.arctan2(east, north)))


def in_degrees_already(crs: str) -> bool:
    """Whether the coordinates of a system are longitude and latitude; not, where PROJ does not know it."""
    try:
        return bool(pyproj.CRS(crs).is_geographic)
    except pyproj.exceptions.ProjError:
        return False


def to_wgs84(points: ArrayLike, crs: str) -> NDArray[np.float64]:
    """Longitude and latitude in degrees of points (n, 2) of another coordinate system; inf where it has none.

    Args:
        points: x and y, or longitude and latitude, in this order whatever the system's own.
        crs: The system in any form that PROJ knows.

    Raises:
        ValueError: PROJ does not know the system, or no way from it to WGS 84.
    """
    places = np.asarray(points, np.float64).reshape(-1, 2)
    try:
        transformer = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    except pyproj.exceptions.ProjError as error:
        raise ValueError(str(error).splitlines()[0]) from error
    return np.column_stack(transformer.transform(places[:, 0], places[:, 1]))
