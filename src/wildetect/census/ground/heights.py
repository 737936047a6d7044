"""How high above the ground a camera was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from wildetect.census.ground.headings import flight_order
from wildetect.census.ground.projection import Projection
from wildetect.census.ground.terrain import Terrain
from wildetect.census.ground.views import View
from wildetect.imagery.camera.camera import CameraTags
from wildetect.imagery.camera.optics import plausible_height
from wildetect.imagery.positions.table import TableRow

__all__ = ["above_flat_ground", "above_terrain"]

_PAUSE = timedelta(minutes=10)  # between two photographs: the drone has landed, perhaps elsewhere


def above_flat_ground(tags: CameraTags, row: TableRow | None, flight_height: float) -> tuple[float, str]:
    """Height in m and who says so: the photograph (above take-off), the table, or the settings."""
    told = [(tags.height, "XMP"), (None if row is None else row.height, "CSV")]
    for height, source in told:
        plausible = plausible_height(height)
        if plausible is not None:
            return plausible, source
    return flight_height, "flight_specs"


def above_terrain(
    views: Sequence[View], altitudes: Sequence[float | None], terrain: Path, projection: Projection
) -> list[View]:
    """The same views with their heights above the ground that is seen in the middle of each.

    Height above take-off plus the ground's height at take-off, less that in the middle of the picture: so
    it does not matter from which level the terrain's heights count. The place of take-off is that of the
    first photograph of each flight; a pause of ten minutes parts two flights. Only where a photograph tells
    no height above take-off, its altitude above sea less the ground's counts. What the table or the settings
    give as height above ground stays, and so does all where the terrain holds nothing.

    Args:
        views: Above flat ground.
        altitudes: Height of each camera above sea in m, where one is known.
        terrain: A GeoTIFF.
        projection: Projection of the views.

    Raises:
        InputError: The terrain cannot be used.
    """
    if not views:
        return []
    middles = np.array([view.to_ground([(view.width / 2, view.height / 2)])[0] for view in views])
    with Terrain(terrain) as ground:
        below = ground.heights(projection.to_degrees(middles))
        at_camera = ground.heights(np.array([(view.longitude, view.latitude) for view in views]))
    found = list(views)
    for flight in _flights(views):
        for row in flight:
            view, altitude = views[row], altitudes[row]
            height = None
            if view.source_of("height") == "XMP":
                height = view.height_above_ground + at_camera[flight[0]] - below[row]
            elif view.source_of("height") == "flight_specs" and altitude is not None:
                height = altitude - below[row]
            if height is not None and np.isfinite(height):
                sources = {**view.sources, "height": "terrain"}
                found[row] = replace(view, height_above_ground=float(height), sources=sources)
    return found


def _flights(views: Sequence[View]) -> Iterator[list[int]]:
    """Rows of the views of each flight, in the order in which they were taken."""
    flight: list[int] = []
    for row in flight_order([(view.file, view.taken) for view in views]):
        taken = views[row].taken
        before = views[flight[-1]].taken if flight else None
        if taken is not None and before is not None and taken - before > _PAUSE:
            yield flight
            flight = []
        flight.append(row)
    yield flight
