"""Features of a vector file, and what is said of those that cannot be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from wildetect.census.ground.projection import to_wgs84
from wildetect.errors import ConfigurationError, InputError
from wildetect.wording import commas, first_lines, listed

__all__ = [
    "Feature",
    "Features",
    "Mistake",
    "in_degrees",
    "in_one_piece",
    "overlap_mistakes",
    "projected",
    "raise_mistakes",
    "shape_mistake",
]


_FARTHEST_EAST = 360.0  # degrees: beyond 180 where a shape lies on both sides of the 180th meridian
_HALF = 180.0


def in_one_piece(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places with longitudes that run on across the 180th meridian.

    GeoJSON's writers draw what lies across it in several ways: cut in two there (RFC 7946), with longitudes
    beyond 180 or -180, or with a leap from 179 to -179. In all of them longitudes lie more than 180 degrees
    apart or out of range; then each becomes the one that is nearest to the first.

    Args:
        degrees: Longitude and latitude of all shapes of a file, shape (n, 2).
    """
    east = degrees[:, 0]
    if not np.isfinite(east).all() or not len(east) or np.abs(east).max() > _FARTHEST_EAST:
        return degrees
    if np.ptp(east) <= _HALF and np.abs(east).max() <= _HALF:
        return degrees
    first = (east[0] + _HALF) % 360 - _HALF
    together = first + (east - first + _HALF) % 360 - _HALF
    if np.ptp(together) >= np.ptp(east) and np.abs(east).max() <= _HALF:
        return degrees  # as wide as a continent: left as it is drawn
    return np.column_stack([together, degrees[:, 1]])


_PIECES = 64  # of the file's extent: an edge is straight in the file's own coordinates only


_REPROJECT = "save the file in WGS 84 (EPSG:4326), in QGIS with Export > Save Features As"


def in_degrees(table: Features, column: str | None) -> Features:
    """The same features in degrees, WGS 84.

    Args:
        table: Features whose shapes can be used.
        column: Column of their names.

    Raises:
        InputError: The coordinate system cannot be turned into degrees, or places are none on the globe.
    """
    shapes = np.array([feature.shape for feature in table.features], object)

    def turned(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return in_one_piece(to_wgs84(points, table.crs))

    try:
        degrees = projected(shapes, turned)
    except ValueError as error:
        raise InputError(
            f"{table.path}: its coordinate system cannot be turned into WGS 84: {error}",
            hint=_REPROJECT[0].upper() + _REPROJECT[1:] + ".",
        ) from error
    mistakes = []
    for feature, before, after in zip(table.features, shapes, degrees, strict=True):
        points = shapely.get_coordinates(after)
        if not np.isfinite(points).all() or (np.abs(points) > [_FARTHEST_EAST, 90]).any():
            x, y = shapely.get_coordinates(before)[0]
            where = f"{feature.named(column)} lies at {x:.10g}, {y:.10g}"
            mistakes.append(Mistake(f"{where}, which is not a place in {table.crs}", _REPROJECT))
    raise_mistakes(table.path, mistakes)
    features = zip(table.features, degrees, strict=True)
    return replace(table, features=tuple(replace(feature, shape=shape) for feature, shape in features))


def projected(shapes: NDArray[Any], turned: Any) -> NDArray[Any]:
    """Shapes in other coordinates, their edges bent as these bend them, polygons still without crossings.

    Args:
        shapes: shapely geometries, shape (n,).
        turned: Function from points (n, 2) to points (n, 2).
    """
    west, south, east, north = shapely.total_bounds(shapes)
    longest = max(east - west, north - south) / _PIECES
    found = shapely.transform(shapely.segmentize(shapes, longest) if longest > 0 else shapes, turned)
    # parts that touch may cross by a hair in other coordinates
    broken = ~shapely.is_valid(found)
    found[broken] = shapely.make_valid(found[broken], method="structure", keep_collapsed=False)
    return np.asarray(found)


MOST_MISTAKES_SHOWN = 10


_COMMON = 1e-3  # part of the smaller of two strata that may lie in the other: lines drawn by hand


_FIX = 'fix the outline, in QGIS with "Fix geometries", and save it under the same name'


_KINDS = {
    "polygon": ({"Polygon", "MultiPolygon"}, "a stratum is drawn as a polygon"),
    "line": ({"LineString", "MultiLineString"}, "a transect is drawn as a line"),
}


class Mistake(NamedTuple):
    """What is wrong with one feature, and what fixes it."""

    text: str
    hint: str


@dataclass(frozen=True, slots=True)
class Feature:
    """A shape and what the file says of it.

    Attributes:
        place: Where it stands in the file, for a person: "feature 3" or "line 4".
        shape: shapely geometry; null if the file has none.
        fields: Values by column.
    """

    place: str
    shape: Any
    fields: Mapping[str, Any]

    def text(self, column: str | None) -> str:
        """The value of a column as a person writes it; empty if it has none."""
        value = None if column is None else self.fields.get(column)
        if value is None or value != value:  # noqa: PLR0124 - a missing number is NaN
            return ""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return str(value).strip()

    def named(self, column: str | None) -> str:
        """Its place, with its name where it has one."""
        name = self.text(column)
        return f"{self.place} ({name})" if name else self.place


@dataclass(frozen=True, slots=True)
class Features:
    """All features of a file.

    Attributes:
        path: The file.
        columns: Columns as the file spells them.
        features: Features, at least one.
        crs: Coordinate system of the shapes, as PROJ knows it.
    """

    path: Path
    columns: tuple[str, ...]
    features: tuple[Feature, ...]
    crs: str = "EPSG:4326"

    def column(self, *usual: str) -> str | None:
        """The first of some usual columns that the file has, in any letter case."""
        spelt = {column.lower(): column for column in reversed(self.columns)}
        return next((spelt[name] for name in usual if name in spelt), None)

    def name_column(self, wanted: str | None, *usual: str) -> str | None:
        """The column of the names: the wanted one, or a usual one.

        Raises:
            ConfigurationError: The file has no such column.
        """
        if wanted is None:
            return self.column(*usual)
        found = self.column(wanted.lower())
        if found is None:
            columns = listed(self.columns, none="none")
            raise ConfigurationError(
                f'{self.path} has no column "{wanted}"; its columns: {columns}',
                hint="Name one of them in configs/census.yaml, or none (null) for the usual ones.",
            )
        return found


def shape_mistake(shape: Any, kind: str) -> Mistake | None:
    """What is wrong with a shape that is to be a "polygon" or a "line"; None if it can be used."""
    types, says = _KINDS[kind]
    if shape is None or shape.is_empty:
        return Mistake("has no shape", "draw it, or delete the empty feature")
    if shape.geom_type not in types:
        return Mistake(f"is a {shape.geom_type}, but {says}", f"give the layer in which {says}")
    if not np.isfinite(shape.bounds).all():
        return Mistake("has points at no place", "draw it again")
    if kind == "polygon" and not shape.is_valid:
        return Mistake(f"is not a valid polygon: {_reason(shape)}", _FIX)
    if (shape.area if kind == "polygon" else shape.length) == 0:
        return Mistake("has no size: all its points are one", "draw it again")
    return None


def overlap_mistakes(names: Sequence[str], polygons: Sequence[Any]) -> list[Mistake]:
    """Strata of which one lies in the other: animals there would count twice."""
    pairs = shapely.STRtree(polygons).query(polygons, predicate="intersects").T.tolist()
    mistakes = []
    for one, other in pairs:
        common = shapely.intersection(polygons[one], polygons[other]).area if one < other else 0
        if common > _COMMON * min(polygons[one].area, polygons[other].area):
            text = f"the strata {names[one]} and {names[other]} overlap"
            mistakes.append(Mistake(text, "cut one out of the other: animals there would count twice"))
    return mistakes


def raise_mistakes(path: Path, mistakes: Sequence[Mistake]) -> None:
    """Report all mistakes of a file at once.

    Raises:
        InputError: There are some.
    """
    if not mistakes:
        return
    details = first_lines((mistake.text for mistake in mistakes[1:]), MOST_MISTAKES_SHOWN - 1)
    first = mistakes[0]
    hint = first.hint[0].upper() + first.hint[1:] + "."
    raise InputError(f"{path}: {first.text}", hint=hint, details=details)


def _reason(shape: Any) -> str:
    """Why a polygon is not valid, with the place: "Self-intersection at 36.1, -1.25"."""
    reason, _, place = str(shapely.is_valid_reason(shape)).partition("[")
    if not place:
        return reason
    return f"{reason} at {commas(f'{float(number):.7g}' for number in place.rstrip(']').split()[:2])}"
