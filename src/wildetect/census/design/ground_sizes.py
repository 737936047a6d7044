"""Sizes of searched ground: areas shared out, lengths, and how many transects are possible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from wildetect.census.ground.raster_views import RasterView
from wildetect.census.ground.views import View

__all__ = [
    "M2",
    "axis_of",
    "direction_of",
    "evenly_spaced",
    "extent",
    "places_across",
    "polygon_of",
    "possible_transects",
    "shares",
]

M2 = 1e6  # in a km²
_CROSSING = 1.25  # between the two ways to count possible transects: transects cross the stratum
_POLYGON = 2  # dimensions
_PARALLEL = 0.9  # mean resultant length of the doubled directions of transects
_EVEN = 0.25  # coefficient of variation of the spaces between them; by chance it is near 1
_PATTERN = 3  # transects make one


def polygon_of(corners: NDArray[np.float64]) -> Any:
    """A footprint, given by its corners in m, as a shapely polygon that does not cross itself."""
    polygon = shapely.Polygon(corners)
    return polygon if polygon.is_valid else polygon.convex_hull


def shares(grounds: Sequence[Any]) -> NDArray[np.float64]:
    """Areas in m² that add up to that of the union: ground of k transects counts for each with 1 / k."""
    if not grounds:
        return np.zeros(0)
    areas = shapely.area(grounds)
    tree = shapely.STRtree(grounds)
    one, other = tree.query(grounds, predicate="intersects")
    crowded = sorted(set(one[one != other].tolist()))
    if not crowded:
        return np.asarray(areas, np.float64)
    outlines = shapely.union_all(shapely.boundary([grounds[row] for row in crowded]))
    faces = shapely.get_parts(shapely.polygonize([outlines]))
    face, holder = tree.query(shapely.point_on_surface(faces), predicate="within")
    share = shapely.area(faces) / np.maximum(np.bincount(face, minlength=len(faces)), 1)
    found = np.array(areas, np.float64)
    found[crowded] = np.bincount(holder, share[face], minlength=len(found))[crowded]
    return found


def possible_transects(
    name: str, polygon: Any, lines: Sequence[tuple[float, float, float]]
) -> tuple[float, tuple[str, ...]]:
    """N: stratum's width across the line of flight / strip width, or its area / mean searched area.

    The first is for parallel transects that cross the stratum (Norton-Griffiths 1978); then both agree.

    Args:
        name: Name of the stratum.
        polygon: Polygon of the stratum in m.
        lines: Searched area in km², length in km and direction in radians of each transect, at least one.

    Returns:
        N, and what to say of it.
    """
    searched = math.fsum(area for area, _, _ in lines)
    by_area = polygon.area / M2 / (searched / len(lines))
    axis = axis_of([direction for _, _, direction in lines])
    if axis is not None:
        strip = searched / math.fsum(length for _, length, _ in lines)
        by_width = extent(polygon, axis + math.pi / 2) / 1000 / strip
        if 1 / _CROSSING <= by_width / by_area <= _CROSSING:
            return by_width, ()
    note = (
        f"The transects of {name} are not parallel lines from edge to edge, so the number possible is taken "
        "as its area divided by the mean searched area of a transect."
    )
    return by_area, (note,)


def extent(ground: Any, direction: float) -> float:
    """Length in m along a direction that the parts of a shape cover, gaps left out."""
    along = np.array([math.cos(direction), math.sin(direction)])
    intervals = sorted(
        (float(reach.min()), float(reach.max()))
        for reach in (
            shapely.get_coordinates(part) @ along
            for part in shapely.get_parts(ground)
            if shapely.get_dimensions(part) == _POLYGON
        )
    )
    length, behind = 0.0, -math.inf
    for start, end in intervals:
        length += max(end - max(start, behind), 0.0)
        behind = max(behind, end)
    return length


def direction_of(views: Sequence[View | RasterView]) -> float:
    """Fit a line through photographs: radians anticlockwise from east; for a single one, its upper edge's."""
    points = np.array([(view.x, view.y) for view in views], np.float64)
    offsets = points - points.mean(axis=0)
    if np.hypot(*offsets.T).max() < 1:
        return math.radians(90 - (views[0].yaw or 0))
    return float(np.arctan2(*np.linalg.svd(offsets, full_matrices=False)[2][0][::-1]))


def evenly_spaced(grounds: Sequence[Any], directions: Sequence[float]) -> bool:
    """Whether transects lie in a regular pattern: parallel, and about as far from one to the next.

    Args:
        grounds: Ground of each transect, shapely polygons in m.
        directions: Direction of each in radians.
    """
    if axis_of(directions) is None or len(grounds) < _PATTERN:
        return False
    spaces = np.diff(np.sort(places_across(grounds, directions)))
    return bool(np.std(spaces) <= _EVEN * np.mean(spaces))


def places_across(grounds: Sequence[Any], directions: Sequence[float]) -> NDArray[np.float64]:
    """Where transects lie across their common direction, in m; all 0 where they have none.

    Args:
        grounds: Ground of each transect, shapely polygons in m.
        directions: Direction of each in radians.
    """
    axis = axis_of(directions)
    if axis is None:
        return np.zeros(len(grounds))
    middles = shapely.get_coordinates(shapely.centroid(grounds))
    return np.asarray(middles @ np.array([-math.sin(axis), math.cos(axis)]), np.float64)


def axis_of(directions: Sequence[float]) -> float | None:
    """The common direction of parallel lines in radians, to or fro; None if they are not parallel."""
    # doubled, opposite directions are one
    mean = np.exp(2j * np.asarray(directions)).mean() if len(directions) else 0
    return float(np.angle(mean)) / 2 if abs(mean) >= _PARALLEL else None
