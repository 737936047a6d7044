"""Whether what was searched stands for the stratum: how far its ground lies from any that was searched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from wildetect.census.design.ground_sizes import axis_of, places_across
from wildetect.census.estimates.sample_records import Reach

__all__ = ["FAR", "reach_of"]

FAR = 2.0  # line spacings: with lines in a pattern nothing lies farther than half of one
_SHORT = 0.2  # of a line's way through the stratum
_LONG = 3.0  # times its width
_BESIDE = 0.25  # of a spacing: another line there is a piece of this one
_LEAST = 2  # transects that have a space between them
_SMOOTH = 0.02  # of a spacing: outlines of thousands of photographs need not be so exact
_ROUND = 4  # segments of a quarter circle: within 2% of it


def reach_of(
    polygon: Any,
    searched: Any,
    names: Sequence[str],
    grounds: Sequence[Any],
    directions: Sequence[float],
    whole: Sequence[Any],
) -> Reach | None:
    """How well transects cover a stratum; null for fewer than two.

    Args:
        polygon: Polygon of the stratum in m.
        searched: All ground in it that was searched, in m.
        names: Names of the transects.
        grounds: Ground of each, a shapely polygon in m.
        directions: Direction of each in radians.
        whole: The ground of each within the stratum and without.
    """
    if len(grounds) < _LEAST:
        return None
    spacing = _spacing(grounds, directions)
    plain = shapely.simplify(searched, spacing * _SMOOTH)
    near = shapely.buffer(plain, FAR * spacing, quad_segs=_ROUND)
    far = shapely.difference(polygon, near).area / polygon.area
    axis = axis_of(directions)
    if axis is None or not _long(whole):
        return Reach(spacing / 1000, far, (), 0.0)
    flown = shapely.union_all([_alongside(ground, axis, spacing * _BESIDE) for ground in grounds])
    ways = [_way(polygon, ground, axis, flown) for ground in grounds]
    short = [name for name, (way, left) in zip(names, ways, strict=True) if left > _SHORT * way]
    through = math.fsum(way for way, _ in ways)
    unflown = math.fsum(left for _, left in ways) / through if through else 0.0
    return Reach(spacing / 1000, far, tuple(short), unflown)


def _spacing(grounds: Sequence[Any], directions: Sequence[float]) -> float:
    """From one transect to the next in m.

    Of parallel lines it is their mean distance; of others, as plots, half of them have another within it.
    """
    middles = shapely.get_coordinates(shapely.centroid(grounds))
    between = np.hypot(*(middles[:, None] - middles[None]).transpose(2, 0, 1))
    np.fill_diagonal(between, np.inf)
    nearest = float(np.median(between.min(axis=1)))
    # 0 for transects without a common direction; plots in rows and columns have no mean distance of lines
    return max(float(np.ptp(places_across(grounds, directions))) / (len(grounds) - 1), nearest)


def _long(grounds: Sequence[Any]) -> bool:
    """Whether most transects are lines rather than plots."""
    sides = [np.array(shapely.get_coordinates(shapely.oriented_envelope(ground))) for ground in grounds]
    lengths = [np.hypot(*np.diff(corners[:3], axis=0).T) for corners in sides]
    return float(np.median([both.max() / both.min() for both in lengths])) > _LONG


def _way(polygon: Any, ground: Any, axis: float, flown: Any) -> tuple[float, float]:
    """Length in m of a line's way through the stratum, and of the part of it on which none was flown.

    The way is the straight line through the middle of its ground.
    """
    along, middle, reach = _extent(ground, axis)
    far = math.hypot(*np.ptp(np.array(polygon.bounds).reshape(2, 2), axis=0)) + float(np.abs(reach).max())
    chord = shapely.intersection(polygon, shapely.LineString([middle - far * along, middle + far * along]))
    return float(chord.length), float(shapely.difference(chord, flown).length)


def _alongside(ground: Any, axis: float, beside: float) -> Any:
    """What lies beside a line, from its beginning to its end, up to a distance in m to each side.

    A line that was flown in several pieces has several of these, one behind the other.
    """
    along, middle, reach = _extent(ground, axis)
    begin, end = middle + reach.min() * along, middle + reach.max() * along
    wide = beside * np.array([-along[1], along[0]])
    return shapely.Polygon([begin - wide, begin + wide, end + wide, end - wide])


def _extent(ground: Any, axis: float) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """A line's direction and the middle of its ground, shape (2,), and how far corners lie along it in m."""
    along = np.array([math.cos(axis), math.sin(axis)])
    middle = shapely.get_coordinates(shapely.centroid(ground))[0]
    return along, middle, shapely.get_coordinates(ground) @ along - middle @ along
