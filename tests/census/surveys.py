"""Surveys on flat ground, photograph by photograph, for tests of what follows from where they look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from wildetect.census.counting.animals import Animals
from wildetect.census.design.sampling import sample_survey
from wildetect.census.design.transect_files import Transects
from wildetect.census.design.vector_files import Area
from wildetect.census.estimates.class_estimates import estimates_of
from wildetect.census.estimates.sample_records import ClassEstimate
from wildetect.census.ground.boxes import GroundBoxes, boxes_on_ground
from wildetect.census.ground.photographs import Photograph, Views
from wildetect.census.ground.projection import Projection
from wildetect.census.ground.views import View
from wildetect.detections import Detections
from wildetect.imagery.camera.camera import CameraTags

PLANE = Projection(36.0, -1.0)
GSD = 0.025  # m
TAGS = CameraTags()


def degrees(shape: Any) -> Any:
    """A shape in m as a file would hold it."""
    return shapely.transform(shape, PLANE.to_degrees)


def area(
    name: str, west: float, south: float, east: float, north: float, possible: float | None = None
) -> Area:
    return Area(name, degrees(shapely.box(west, south, east, north)), possible)


def flight(legs: Sequence[tuple[float, float]], step: float = 50.0) -> NDArray[np.float64]:
    """Positions every `step` m along a way through `legs`."""
    way = shapely.LineString(legs)
    places = shapely.line_interpolate_point(way, np.arange(0, way.length + 1e-6, step))
    return np.asarray(shapely.get_coordinates(places))


def mower(lines: int, length: float, spacing: float, step: float = 50.0) -> NDArray[np.float64]:
    """A way to and fro: lines north and south, `spacing` apart to the east, photographs in the turns too."""
    legs = []
    for number in range(lines):
        ends = [(number * spacing, 0.0), (number * spacing, length)]
        legs += ends if number % 2 == 0 else ends[::-1]
    return flight(legs, step)


def views_at(
    points: NDArray[np.float64],
    across: float = 100.0,
    along: float = 75.0,
    *,
    yaw: float | None = None,
    position_error: float = 1.0,
) -> Views:
    """Photographs at positions, two seconds apart, each along its way or all to one side."""
    ahead = np.gradient(points, axis=0) if len(points) > 1 else np.zeros_like(points)
    yaws = np.degrees(np.arctan2(ahead[:, 0], ahead[:, 1])) if yaw is None else np.full(len(points), yaw)
    start = datetime(2024, 7, 1, 8)  # noqa: DTZ001 - as EXIF has it
    places = PLANE.to_degrees(points)
    return Views(
        PLANE,
        [
            View(
                file=f"DJI_{number:04}.JPG",
                width=round(across / GSD),
                height=round(along / GSD),
                x=float(x),
                y=float(y),
                longitude=float(longitude),
                latitude=float(latitude),
                height_above_ground=75.0,
                yaw=float(direction),
                focal_px=75.0 / GSD,
                position_error=position_error,
                taken=start + timedelta(0, 2 * number),
            )
            for number, ((x, y), (longitude, latitude), direction) in enumerate(
                zip(points, places, yaws, strict=True)
            )
        ],
    )


def changed(views: Views, row: int, **attributes: Any) -> None:
    """Give one view other attributes."""
    view = views.views[row]
    assert isinstance(view, View)
    views.views[row] = replace(view, **attributes)


def seen(
    views: Views, places: Sequence[tuple[float, float]], class_ids: Sequence[int] | None = None
) -> tuple[Animals, GroundBoxes]:
    """Animals at places in m, with a box in every photograph that shows them."""
    photographs: list[Photograph] = []
    members: list[list[int]] = [[] for _ in places]
    ids = list(class_ids) if class_ids is not None else [0] * len(places)
    boxes = 0
    for view in views.views:
        shown = []
        for number, place in enumerate(places):
            x, y = in_picture(view, place)
            if 0 <= x <= view.width and 0 <= y <= view.height:
                shown.append((x - 10, y - 10, x + 10, y + 10, ids[number]))
                members[number].append(boxes)
                boxes += 1
        found = np.array(shown).reshape(-1, 5)
        detections = Detections(found[:, :4], np.full(len(found), 0.9), found[:, 4])
        photographs.append(
            Photograph(
                file=view.file,
                path=Path(view.file),
                width=view.width,
                height=view.height,
                tags=TAGS,
                detections=detections,
            )
        )
    xy = np.array(places, np.float64).reshape(-1, 2)
    animals = Animals(xy, np.array(ids, np.int64), np.full(len(places), 0.9), members, [])
    return animals, boxes_on_ground(photographs, views)


def estimates(
    animals: Animals,
    boxes: GroundBoxes,
    views: Views,
    strata: Sequence[Area] | None,
    transects: Transects,
    wanted: Sequence[int],
) -> list[ClassEstimate]:
    """Sample and estimate one after the other, as a census does."""
    return estimates_of(sample_survey(animals, boxes, views, strata, transects), animals, wanted)


def in_picture(view: Any, place: tuple[float, float]) -> tuple[float, float]:
    """Where a place in m shows in a photograph that looks straight down, in px."""
    turn = np.radians(view.yaw)
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    right, ahead = spin @ (np.array(place) - (view.x, view.y)) / GSD
    return float(view.width / 2 + right), float(view.height / 2 - ahead)
