"""Cases whose answer a person sees at once, run through the code that a census runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wildetect.census.counting.animals import count_once
from wildetect.census.ground.boxes import boxes_on_ground
from wildetect.census.ground.photographs import Photograph, Views, make_views
from wildetect.census.ground.projection import Projection
from wildetect.detections import Detections
from wildetect.imagery.camera.camera import CameraTags
from wildetect.imagery.positions.metadata import Position
from wildetect.settings.detection import FlightSpecs

__all__ = ["HandCase", "example_of_pix4d", "overlap_cases"]

OVERLAPS = (20, 40, 60, 80)  # %
TOLERANCE = 2.0  # m
_SIZE = 4608, 3456
_HEIGHT = 100.0  # m
_FOCAL_LENGTH, _SENSOR = 15.4, 13.125  # mm
_YAW = 30.0
_BOX = 1.5  # m: half of an animal's box


class HandCase(NamedTuple):
    """A figure that is known, and as it is computed."""

    what: str
    expected: float
    computed: float
    digits: int


def example_of_pix4d() -> Iterator[HandCase]:
    """Ground sampling distance and footprint of Pix4D's worked example."""
    view = _views(np.zeros((1, 2))).views[0]
    corners = view.footprint
    yield HandCase("ground sampling distance, cm/px", 1.85, view.gsd * 100, 2)
    yield HandCase("footprint, width in m", 85, math.dist(corners[0], corners[1]), 0)
    yield HandCase("footprint, height in m", 64, math.dist(corners[1], corners[2]), 0)


def overlap_cases() -> Iterator[HandCase]:
    """Animals in the overlap of two photographs: 11 of which each is in one only, 3 that are in both."""
    for overlap in OVERLAPS:
        apart = [(0.0, -2.0 + 4.0 * (number % 2)) for number in range(11)]
        eleven = [(across * 6.0 - 30.0, ahead) for across, (_, ahead) in enumerate(apart)]
        seen = [number % 2 for number in range(11)]
        yield HandCase(
            f"{overlap}% overlap: 11 animals, each in one photograph",
            11,
            _counted(
                overlap, [(place, [photograph]) for place, photograph in zip(eleven, seen, strict=True)]
            ),
            0,
        )
        three = [(-20.0, 0.0), (0.0, 3.0), (20.0, -3.0)]
        yield HandCase(
            f"{overlap}% overlap: 3 animals, each in both photographs",
            3,
            _counted(overlap, [(place, [0, 1]) for place in three]),
            0,
        )


def _counted(overlap: int, animals: Sequence[tuple[tuple[float, float], Sequence[int]]]) -> int:
    """Different animals in two photographs that overlap by so many percent.

    Args:
        overlap: Along the line of flight, in percent.
        animals: Place of each in m, across and along the line of flight from the middle of the overlap,
            and which photographs show it.
    """
    side = _SIZE[1] * _SENSOR * _HEIGHT / _FOCAL_LENGTH / _SIZE[0]
    step = side * (1 - overlap / 100)
    ahead, right = _direction(_YAW), _direction(_YAW + 90)
    middles = np.array([-step / 2 * ahead, step / 2 * ahead])
    views = _views(middles)
    photographs = []
    for row, view in enumerate(views.views):
        shown = [place for place, rows in animals if row in rows]
        places = np.array([across * right + along * ahead for across, along in shown])
        centres = _in_picture(views, row, places)
        half = _BOX / view.gsd
        boxes = Detections(np.hstack([centres - half, centres + half]), [0.9] * len(shown), [0] * len(shown))
        photographs.append(_photograph(view.file, CameraTags(), boxes))
    return len(count_once(boxes_on_ground(photographs, views), views, TOLERANCE).class_id)


def _views(places: NDArray[np.float64]) -> Views:
    """Photographs that look straight down from places in m, on the southern half of the globe."""
    plane = Projection(36.0, -1.0)
    photographs = []
    for number, place in enumerate(plane.to_degrees(places)):
        tags = CameraTags(
            position=Position(*place.tolist()),
            height=_HEIGHT,
            yaw=_YAW,
            pitch=-90.0,
            focal_length=_FOCAL_LENGTH,
            sensor_width=_SENSOR,
            position_error=0.5,
        )
        photographs.append(_photograph(f"{number}.jpg", tags, Detections.empty()))
    return make_views(photographs, FlightSpecs(), projection=plane)


def _photograph(file: str, tags: CameraTags, detections: Detections) -> Photograph:
    width, height = _SIZE
    return Photograph(file=file, path=None, width=width, height=height, tags=tags, detections=detections)


def _direction(degrees: float) -> NDArray[np.float64]:
    """One metre in a direction clockwise from north."""
    return np.array([math.sin(math.radians(degrees)), math.cos(math.radians(degrees))])


def _in_picture(views: Views, row: int, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where places in m show in a picture that looks straight down, in px, shape (n, 2)."""
    origin, right, down = views.views[row].to_ground([(0, 0), (1, 0), (0, 1)])
    axes = np.array([right - origin, down - origin])
    return np.asarray((places - origin) @ np.linalg.inv(axes))
