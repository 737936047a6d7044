"""Where a photograph looks: a pinhole camera above flat ground."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["STEEPEST", "View", "lowest_corner"]

STEEPEST = 5.0
"""Degrees below the horizon that every corner of a picture must look: beyond, metres mean nothing."""

# The direction in the stored picture of the upright one's right and lower side: EXIF's orientation undone
# (CIPA DC-008, "Orientation"). The stored picture is the sensor's.
_STORED: dict[int, tuple[tuple[int, int], tuple[int, int]]] = {
    1: ((1, 0), (0, 1)),
    2: ((-1, 0), (0, 1)),
    3: ((-1, 0), (0, -1)),
    4: ((1, 0), (0, -1)),
    5: ((0, 1), (1, 0)),
    6: ((0, -1), (1, 0)),
    7: ((0, -1), (-1, 0)),
    8: ((0, 1), (-1, 0)),
}


@dataclass(frozen=True, kw_only=True)
class View:
    """A photograph and the ground that it shows, flat as far as it reaches.

    Attributes:
        file: Name of the photograph.
        width: Width of the upright picture in px.
        height: Height of the upright picture in px.
        x: Place of the camera, m east in the survey's projection.
        y: Place of the camera, m north.
        longitude: Longitude of the camera in degrees, WGS 84.
        latitude: Latitude of the camera in degrees, WGS 84.
        height_above_ground: Height of the camera in m.
        yaw: Direction of the sensor's upper edge, degrees clockwise from true north.
        pitch: -90 looks straight down, 0 at the horizon; degrees.
        roll: About the line of sight, degrees clockwise.
        focal_px: Focal length in px.
        position_error: Horizontal error of the position in m.
        orientation: EXIF's; which side of the upright picture is the sensor's upper edge.
        convergence: Direction of true north in the projection, degrees clockwise from its y axis.
        sources: Who says so: of "position", "height", "yaw", "pitch" and "lens".
        taken: Time by the camera's clock.
    """

    file: str
    width: int
    height: int
    x: float
    y: float
    longitude: float
    latitude: float
    height_above_ground: float
    yaw: float
    pitch: float = -90.0
    roll: float = 0.0
    focal_px: float
    position_error: float
    orientation: int = 1
    convergence: float = 0.0
    sources: Mapping[str, str] = field(default_factory=dict)
    taken: datetime | None = None

    def source_of(self, what: Literal["position", "height", "yaw", "pitch", "lens"]) -> str:
        """Say where a value comes from: the tags, the table, the settings, the flight."""
        return self.sources[what]

    @property
    def gsd(self) -> float:
        """Ground sampling distance in the middle of the picture in m/px: the root of a pixel's area."""
        lift = math.sin(math.radians(-self.pitch))
        return float(self.height_above_ground / self.focal_px / lift**1.5)

    @cached_property
    def footprint(self) -> NDArray[np.float64]:
        """The corners on the ground in m, shape (4, 2): upper left, then clockwise in the picture."""
        width, height = self.width, self.height
        return self.to_ground([(0, 0), (width, 0), (width, height), (0, height)])

    def to_ground(self, points: ArrayLike) -> NDArray[np.float64]:
        """Places in m that points (n, 2) of the upright picture in px show, shape (n, 2)."""
        rays = self._rays(np.asarray(points, np.float64).reshape(-1, 2))
        lengths = self.height_above_ground / -rays[:, 2]
        return np.asarray(rays[:, :2] * lengths[:, None] + (self.x, self.y))

    def to_picture(self, places: ArrayLike) -> NDArray[np.float64]:
        """Points in px of the upright picture that show places (n, 2) in m, shape (n, 2)."""
        places = np.asarray(places, np.float64).reshape(-1, 2) - (self.x, self.y)
        below = np.column_stack([places, np.full(len(places), -self.height_above_ground)])
        across, down, ahead = self._axes() @ below.T
        stored = np.column_stack([across, down]) / ahead[:, None] * self.focal_px
        # the sides of the upright picture are those of the stored one, turned or mirrored
        upright = stored @ np.array(_STORED[self.orientation], np.float64).T
        return np.asarray(upright + np.array([self.width / 2, self.height / 2]))

    def _axes(self) -> NDArray[np.float64]:
        return camera_axes(self.yaw + self.convergence, self.pitch, self.roll)

    def _rays(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Directions east, north and up of points in px, shape (n, 3)."""
        right, down = np.array(_STORED[self.orientation], np.float64)
        off_middle = (points - (self.width / 2, self.height / 2)) / self.focal_px
        stored = off_middle[:, :1] * right + off_middle[:, 1:] * down
        return np.asarray(np.column_stack([stored, np.ones(len(stored))]) @ self._axes())


def camera_axes(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """Directions east, north and up of a sensor's right, lower side and line of sight, shape (3, 3).

    The camera is turned by yaw about the vertical, then by pitch about its right side, then by roll about
    its line of sight, as DJI and aviation have it; so a roll of 180 degrees when it looks straight down is
    the same as a yaw of 180 degrees.
    """
    cos_yaw, sin_yaw = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))
    cos_pitch, sin_pitch = math.cos(math.radians(pitch)), math.sin(math.radians(pitch))
    cos_roll, sin_roll = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    ahead = np.array([sin_yaw * cos_pitch, cos_yaw * cos_pitch, sin_pitch])
    right = np.array([cos_yaw, -sin_yaw, 0.0])
    down = np.array([sin_yaw * sin_pitch, cos_yaw * sin_pitch, -cos_pitch])
    return np.array([cos_roll * right + sin_roll * down, cos_roll * down - sin_roll * right, ahead])


def lowest_corner(view: View) -> float:
    """Degrees below the horizon at which the corner looks that looks least so; 90 is straight down."""
    corners = np.array([(0, 0), (view.width, 0), (view.width, view.height), (0, view.height)], np.float64)
    rays = view._rays(corners)  # noqa: SLF001 - the one test of a view before its rays are cut with the ground
    return float(np.degrees(np.arctan2(-rays[:, 2], np.hypot(rays[:, 0], rays[:, 1]))).min())
