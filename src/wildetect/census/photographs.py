"""From what photographs say, and what a table and settings add, to where each of them looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from wildetect.census.headings import headings
from wildetect.census.heights import LOWEST, above_terrain
from wildetect.census.photograph import Photograph
from wildetect.census.placing import USUAL_ERROR, Place, Placed, raster_of, view_of
from wildetect.census.projection import Projection
from wildetect.census.raster_views import RasterView
from wildetect.census.views import STEEPEST, View, lowest_corner
from wildetect.imagery.lens import FlightLike
from wildetect.imagery.metadata import Position
from wildetect.imagery.position_match import rows_for
from wildetect.imagery.position_table import TableRow

__all__ = ["USUAL_ERROR", "Photograph", "RasterView", "View", "Views", "make_views"]


@dataclass(frozen=True, slots=True)
class Views:
    """Where the photographs of a survey look.

    Attributes:
        projection: Of all metres.
        views: One for each photograph that has a place, in their order.
        left_out: Why each other photograph has none, by its name.
    """

    projection: Projection
    views: list[View | RasterView]
    left_out: dict[str, str] = field(default_factory=dict)


def make_views(
    photographs: Sequence[Photograph],
    specs: FlightLike,
    table: Mapping[str, TableRow] | None = None,
    terrain: Path | None = None,
    projection: Projection | None = None,
) -> Views:
    """Find out where each photograph looks.

    What a photograph says counts first, then the table of positions, then the settings; only the settings'
    `gsd` overrides what a photograph says. A camera that does not tell its yaw points where the drone flew;
    one that does not tell its pitch looks straight down.

    Args:
        photographs: In any order.
        specs: Camera and flight, where a photograph does not tell.
        table: Of `read_position_table`.
        terrain: Heights of the ground, a GeoTIFF; null: it is as flat as the place of take-off.
        projection: Null: around the survey.

    Returns:
        The views; each photograph is among them or among those left out.

    Raises:
        InputError: The terrain, or the table, cannot be used.
    """
    placed, left_out = _place(photographs, table or {})
    degrees = np.array([one.position for one in placed], np.float64).reshape(-1, 2)
    if projection is None:
        projection = Projection.around(*degrees.T)
    metres = projection.to_metres(degrees)
    north = projection.convergence(degrees)
    flown = headings([(one.photograph.file, one.photograph.tags.taken) for one in placed], metres)
    views: list[View | RasterView] = []
    for row, one in enumerate(placed):
        x, y = metres[row].tolist()
        place = Place(one.position, x, y, float(north[row]), flown[row])
        if one.photograph.georeference is not None:
            views.append(raster_of(one.photograph, one.photograph.georeference, place, projection))
        else:
            views.append(view_of(one, place, specs))
    if terrain is not None:
        views = _over(terrain, placed, views, projection)
    left_out |= {view.file: reason for view in views if (reason := _useless(view)) is not None}
    return Views(projection, [view for view in views if view.file not in left_out], left_out)


def _place(
    photographs: Sequence[Photograph], table: Mapping[str, TableRow]
) -> tuple[list[Placed], dict[str, str]]:
    """Photographs with their places, and why others have none."""
    unsure = [
        one.file
        for one in photographs
        if one.georeference is None and (one.tags.position is None or one.tags.height is None)
    ]
    rows = rows_for(unsure, table)
    placed: list[Placed] = []
    left_out: dict[str, str] = {}
    for one in photographs:
        row = rows.get(one.file)
        position = one.tags.position or (row.position if row is not None else None)
        if one.georeference is not None:
            middle = one.georeference.positions(np.array([(one.width / 2, one.height / 2)]))
            position = None if middle is None else Position(*middle[0].tolist())
        if not one.width or not one.height:
            left_out[one.file] = "its width and height are not known"
        elif position is None:
            left_out[one.file] = (
                "its coordinate system cannot be turned into degrees"
                if one.georeference is not None
                else "it has no position: no GPS tags, and no line in a table of positions"
            )
        else:
            placed.append(Placed(one, position, row))
    return placed, left_out


def _over(
    terrain: Path, placed: Sequence[Placed], views: Sequence[View | RasterView], projection: Projection
) -> list[View | RasterView]:
    """The views above terrain, as far as they can look at it."""
    altitudes: list[float | None] = []
    rows: list[int] = []
    seen: list[View] = []
    for row, (one, view) in enumerate(zip(placed, views, strict=True)):
        if isinstance(view, View) and _useless(view) is None:
            rows.append(row)
            seen.append(view)
            from_table = one.row.altitude if one.row is not None else None
            altitudes.append(
                from_table if one.photograph.tags.altitude is None else one.photograph.tags.altitude
            )
    found = list(views)
    for row, view in zip(rows, above_terrain(seen, altitudes, terrain, projection), strict=True):
        found[row] = view
    return found


def _useless(view: View | RasterView) -> str | None:
    """Why a view tells nothing of the ground; None if it does."""
    if isinstance(view, RasterView):
        return None
    if view.height_above_ground < LOWEST:
        return f"the terrain reaches up to the camera ({view.height_above_ground:.0f} m above the ground)"
    if lowest_corner(view) < STEEPEST:
        return (
            f"the camera was tilted so far that it sees the horizon (gimbal pitch {view.pitch:.0f} degrees)"
        )
    return None
