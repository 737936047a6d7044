"""Shapes of a file turned to longitude and latitude."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from wildetect.census.projection import to_wgs84
from wildetect.census.vector_features import Features, Mistake, raise_mistakes
from wildetect.errors import InputError

__all__ = ["in_degrees", "projected"]

_PIECES = 64  # of the file's extent: an edge is straight in the file's own coordinates only
_MEND = "save the file in WGS 84 (EPSG:4326), in QGIS with Export > Save Features As"


def in_degrees(table: Features, column: str | None) -> Features:
    """The same features in degrees, WGS 84.

    Args:
        table: Features whose shapes can be used.
        column: Of their names.

    Raises:
        InputError: The coordinate system cannot be turned into degrees, or places are none on the globe.
    """
    shapes = np.array([feature.shape for feature in table.features], object)

    def turned(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return to_wgs84(points, table.crs)

    try:
        degrees = projected(shapes, turned)
    except ValueError as error:
        raise InputError(
            f"{table.path}: its coordinate system cannot be turned into WGS 84: {error}",
            hint=_MEND[0].upper() + _MEND[1:] + ".",
        ) from error
    mistakes = []
    for feature, before, after in zip(table.features, shapes, degrees, strict=True):
        points = shapely.get_coordinates(after)
        if not np.isfinite(points).all() or (np.abs(points) > [180, 90]).any():
            x, y = shapely.get_coordinates(before)[0]
            where = f"{feature.named(column)} lies at {x:.10g}, {y:.10g}"
            mistakes.append(Mistake(f"{where}, which is no place in {table.crs}", _MEND))
    raise_mistakes(table.path, mistakes)
    features = zip(table.features, degrees, strict=True)
    return replace(table, features=tuple(replace(feature, shape=shape) for feature, shape in features))


def projected(shapes: NDArray[Any], turned: Any) -> NDArray[Any]:
    """Shapes in other coordinates, their edges bent as these bend them, polygons still without crossings.

    Args:
        shapes: shapely geometries, shape (n,).
        turned: From points (n, 2) to points (n, 2).
    """
    west, south, east, north = shapely.total_bounds(shapes)
    longest = max(east - west, north - south) / _PIECES
    found = shapely.transform(shapely.segmentize(shapes, longest) if longest > 0 else shapes, turned)
    # parts that touch may cross by a hair in other coordinates
    broken = ~shapely.is_valid(found)
    found[broken] = shapely.make_valid(found[broken], method="structure", keep_collapsed=False)
    return np.asarray(found)
