"""The map of census_report.html: ground that was searched, strata, transects and animals, as one drawing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from wildetect.census.result import Census
from wildetect.results.report.map import dot, round_length
from wildetect.results.report.numbers import colour_code

__all__ = ["CensusMap", "Dots", "Label", "census_map"]

_WIDTH = 1000.0
_LOWEST, _HIGHEST = 300.0, 1000.0  # height of the drawing
_EDGE = 40.0  # room around what is drawn
_NARROWEST = 50.0  # m
_SMALLEST_DOT, _LARGEST_DOT = 3.0, 9.0
_DOT_SHARE = 0.4  # of the side of the ground that each animal has on average
_BAR_SHARE = 0.22
_KILOMETRE = 1000
_MOST_SINGLE = 1500  # footprints drawn one by one, so that overlap shows; more are drawn as one shape
_MOST_LABELS = 30
_MOST_LETTERS = 26  # of a name on the map; the tables have it whole
# width and height of a letter of strata's names where they are largest, on phones
_LETTER, _LINE = 23.0, 42.0
_SIDESTEPS = (0, -1, 1, -2, 2, -3, 3, -4, 4)  # lines by which a name gives way to others


class Dots(NamedTuple):
    """Animals of one class, as the path of an SVG drawing."""

    class_id: int
    path: str
    colour: str


class Label(NamedTuple):
    """A word on the map, and where its middle is."""

    text: str
    x: float
    y: float


@dataclass(frozen=True, kw_only=True)
class CensusMap:
    """A drawing, 1000 units wide.

    Attributes:
        height: Height of the drawing.
        footprints: A path for each photograph, or one for all.
        strata: Path of the outlines.
        stratum_names: Where they stand.
        transects: Path of the lines of flight.
        transect_names: Names of transects, at their beginnings.
        dots: The animals.
        size: Diameter of a dot.
        bar: Length of the scale bar in units of the drawing.
        bar_text: What it stands for.
        middle: Longitude and latitude of the middle, for people.
    """

    height: float
    footprints: tuple[str, ...]
    strata: str
    stratum_names: tuple[Label, ...]
    transects: str
    transect_names: tuple[Label, ...]
    dots: tuple[Dots, ...]
    size: float
    bar: float
    bar_text: str
    middle: str


@dataclass(frozen=True)
class _Plane:
    """Places metres of the survey's plane in the drawing, north up."""

    x: float
    y: float
    per_metre: float
    height: float

    def __call__(self, metres: NDArray[np.float64]) -> NDArray[np.float64]:
        east, north = (np.asarray(metres, np.float64).reshape(-1, 2) - [self.x, self.y]).T
        return np.column_stack([_WIDTH / 2 + east * self.per_metre, self.height / 2 - north * self.per_metre])


def census_map(census: Census) -> CensusMap:
    """Draw a census that has at least one view."""
    polygons = [stratum.polygon for stratum in census.sample.strata if stratum.polygon is not None]
    footprints = [np.asarray(view.footprint, np.float64) for view in census.views.views]
    plane, extent = _plane(footprints, polygons)
    lines = list(_lines(census))
    metres = round_length(_WIDTH * _BAR_SHARE / plane.per_metre)
    return CensusMap(
        height=plane.height,
        footprints=tuple(_footprints(footprints, plane)),
        strata="".join(_outline(polygon, plane) for polygon in polygons),
        stratum_names=tuple(_stratum_names(census, plane)),
        transects="".join(_open(plane(line)) for _, line in lines),
        transect_names=tuple(_transect_names(lines, plane)),
        dots=tuple(_dots(census, plane)),
        size=_dot_size(len(census.animals.class_id), extent),
        bar=round(metres * plane.per_metre, 1),
        bar_text=f"{metres / _KILOMETRE:g} km" if metres >= _KILOMETRE else f"{metres:g} m",
        middle=_in_words(census, plane),
    )


def _plane(footprints: Iterable[NDArray[np.float64]], polygons: Iterable[Any]) -> tuple[_Plane, float]:
    """The plane that shows everything, and the area of it that is used, in units of the drawing."""
    edges = [np.array(polygon.bounds).reshape(2, 2) for polygon in polygons]
    points = np.concatenate([*footprints, *edges])
    low, high = points.min(axis=0), points.max(axis=0)
    width, depth = np.maximum(high - low, _NARROWEST).tolist()
    height = min(max((_WIDTH - 2 * _EDGE) * depth / width + 2 * _EDGE, _LOWEST), _HIGHEST)
    per_metre = min((_WIDTH - 2 * _EDGE) / width, (height - 2 * _EDGE) / depth)
    x, y = ((low + high) / 2).tolist()
    return _Plane(x, y, per_metre, round(height)), width * depth * per_metre**2


def _dot_size(animals: int, extent: float) -> float:
    """The more dots there are, the smaller they are."""
    return round(
        float(np.clip(_DOT_SHARE * (extent / max(animals, 1)) ** 0.5, _SMALLEST_DOT, _LARGEST_DOT)), 1
    )


def _footprints(footprints: list[NDArray[np.float64]], plane: _Plane) -> Iterator[str]:
    if len(footprints) <= _MOST_SINGLE:
        yield from (_closed(plane(footprint)) for footprint in footprints)
    else:
        searched = shapely.union_all([shapely.Polygon(footprint) for footprint in footprints])
        yield _outline(shapely.simplify(searched, 0.5 / plane.per_metre), plane)


def _outline(polygon: Any, plane: _Plane) -> str:
    rings = [
        ring
        for part in shapely.get_parts(polygon)
        if part.geom_type == "Polygon"
        for ring in (part.exterior, *part.interiors)
    ]
    return "".join(_closed(plane(shapely.get_coordinates(ring))) for ring in rings)


def _closed(points: NDArray[np.float64]) -> str:
    return f"{_open(points)}z"


def _open(points: NDArray[np.float64]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points.tolist())


def _lines(census: Census) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Name and places of the photographs of each transect, once for all strata."""
    for transect in census.transects:
        views = [census.views.views[number] for number in transect.views]
        if views:
            yield transect.name, np.array([(view.x, view.y) for view in views], np.float64)


def _transect_names(lines: list[tuple[str, NDArray[np.float64]]], plane: _Plane) -> Iterator[Label]:
    if len(lines) <= _MOST_LABELS:
        for name, line in lines:
            yield _label(name, plane(line)[0])


def _stratum_names(census: Census, plane: _Plane) -> Iterator[Label]:
    """The names, each in its stratum or just above or below: not over another, and not cut off."""
    taken: list[NDArray[np.float64]] = []
    for stratum in census.sample.strata:
        if stratum.polygon is None:
            continue
        name = stratum.name
        if len(name) > _MOST_LETTERS:
            name = f"{name[: _MOST_LETTERS - 1].rstrip()}\u2026"
        half = np.array([len(name) * _LETTER, _LINE]) / 2
        inside = plane(shapely.get_coordinates(shapely.point_on_surface(stratum.polygon)))[0]
        near = _places_near(inside, half, plane)
        place = next((place for place in near if not _covers(place, half, taken)), inside)
        taken.append(np.stack([place - half, place + half]))
        yield _label(name, place)


def _places_near(
    inside: NDArray[np.float64], half: NDArray[np.float64], plane: _Plane
) -> Iterator[NDArray[np.float64]]:
    """Middles of a name of that half width and height, in the drawing and as near as can be."""
    room = np.array([_WIDTH, plane.height])
    for lines in _SIDESTEPS:
        yield np.clip(inside + np.array([0, lines * _LINE]), half, np.maximum(room - half, half))


def _covers(place: NDArray[np.float64], half: NDArray[np.float64], taken: list[NDArray[np.float64]]) -> bool:
    return any((place - half < high).all() and (place + half > low).all() for low, high in taken)


def _label(text: str, place: NDArray[np.float64]) -> Label:
    return Label(text, round(float(place[0]), 1), round(float(place[1]), 1))


def _dots(census: Census, plane: _Plane) -> Iterator[Dots]:
    paths: dict[int, list[str]] = defaultdict(list)
    places = plane(census.animals.xy).tolist()
    for class_id, (x, y) in zip(census.animals.class_id.tolist(), places, strict=True):
        paths[class_id].append(dot(x, y))
    for class_id, parts in sorted(paths.items()):
        yield Dots(class_id, "".join(parts), colour_code(class_id))


def _in_words(census: Census, plane: _Plane) -> str:
    middle = census.views.projection.to_degrees(np.array([[plane.x, plane.y]]))
    longitude, latitude = middle[0].tolist()
    north, east = "N" if latitude >= 0 else "S", "E" if longitude >= 0 else "W"
    return f"{abs(latitude):.4f}° {north}, {abs(longitude):.4f}° {east}"
