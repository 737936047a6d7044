"""The map of report.html: a drawing of positions, without tiles, so that it needs no network.

Degrees become metres on a plane that touches the Earth in the middle of the survey (equirectangular
projection: Snyder 1987, Map Projections, p. 90). Over 50 km its error is below a hundredth of a percent.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from wildetect.results.records import ImageResult
from wildetect.results.report.numbers import bin_of, colour_code

__all__ = ["Dots", "SurveyMap", "dot", "round_length", "survey_map"]

_METRES_PER_DEGREE = math.pi / 180 * 6_371_008.8  # mean radius of the Earth, IUGG
_WIDTH = 1000.0
_LOWEST, _HIGHEST = 380.0, 760.0  # height of the drawing
_EDGE = 60.0  # room around the outermost positions
_NARROWEST = 50.0  # m: a single position has some ground around it
_SMALLEST_DOT, _LARGEST_DOT = 3.0, 6.5
_DOT_SHARE = 0.45  # of the side of the ground that each detection has on average
_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))
_BAR_SHARE = 0.22
_KILOMETRE = 1000
_MOST_DOTS = 2000  # more lie over each other: the page draws sums of them, which it takes apart on zooming


Point = tuple[float, float, int] | tuple[float, float, int, int, int]
"""Place in the drawing and number of the image; of a detection with a place of its own class and bin, too."""


class Dots(NamedTuple):
    """Detections of one class and one bin of confidence, as the path of an SVG drawing."""

    class_id: int
    bin: int
    path: str
    colour: str


@dataclass(frozen=True, kw_only=True)
class SurveyMap:
    """A drawing of where the photographs were taken and what was found there.

    Attributes:
        height: Height of the drawing; it is 1000 wide.
        photographs: Path with a dot for each.
        number: Number of photographs with a position.
        dots: The detections; none where there are too many to be told apart.
        points: Where there are too many, what the page draws sums of.
        classes: Ids of the classes that are drawn.
        per_metre: Units of the drawing in a metre.
        size: Diameter of a dot.
        around: Whether detections are drawn around the position of their photograph.
        bar: Length of the scale bar in units of the drawing.
        bar_text: What it stands for.
        middle: Longitude and latitude of the drawing's middle, for people.
    """

    height: float
    photographs: str
    number: int
    dots: tuple[Dots, ...]
    points: tuple[Point, ...]
    classes: frozenset[int]
    per_metre: float
    size: float
    around: bool
    bar: float
    bar_text: str
    middle: str


class _Marks(NamedTuple):
    """Positions in degrees."""

    cameras: list[tuple[float, float, int]]  # with the image's number
    places: list[tuple[float, float, int, int, int]]  # with the image's number, class and bin
    around: list[tuple[float, float, list[tuple[int, int]]]]

    @property
    def number(self) -> int:
        """How many dots they would be."""
        return len(self.cameras) + self.detections

    @property
    def detections(self) -> int:
        return len(self.places) + sum(len(kinds) for _, _, kinds in self.around)

    @property
    def classes(self) -> frozenset[int]:
        own = {class_id for *_, class_id, _ in self.places}
        return frozenset(own.union(class_id for *_, kinds in self.around for class_id, _ in kinds))

    def points(self, plane: _Plane) -> Iterator[Point]:
        """All positions in the drawing."""
        for longitude, latitude, number in self.cameras:
            x, y = plane(longitude, latitude)
            yield round(x, 2), round(y, 2), number
        for longitude, latitude, number, class_id, place in self.places:
            x, y = plane(longitude, latitude)
            yield round(x, 2), round(y, 2), number, class_id, place


@dataclass(frozen=True)
class _Plane:
    """Places degrees in the drawing; `width` and `depth` are those of the survey in units of it."""

    longitude: float
    latitude: float
    per_metre: float
    height: float
    width: float
    depth: float

    def __call__(self, longitude: float, latitude: float) -> tuple[float, float]:
        east, north = _metres(longitude, latitude, self.longitude, self.latitude)
        return _WIDTH / 2 + east * self.per_metre, self.height / 2 - north * self.per_metre


def survey_map(results: Iterable[ImageResult]) -> SurveyMap | None:
    """Draw the positions; None where none is known."""
    marks = _marks(results)
    points = [(x, y) for x, y, *_ in (*marks.cameras, *marks.places)]
    if not points:
        return None
    plane = _plane(points)
    size = _dot_size(marks, plane)
    many = marks.number > _MOST_DOTS
    metres = round_length(_WIDTH * _BAR_SHARE / plane.per_metre)
    return SurveyMap(
        height=plane.height,
        photographs="".join(dot(*plane(x, y)) for x, y, _ in marks.cameras),
        number=len(marks.cameras),
        dots=() if many else tuple(_dots(marks, plane, size)),
        points=tuple(marks.points(plane)) if many else (),
        classes=marks.classes,
        per_metre=plane.per_metre,
        size=size,
        around=bool(marks.around),
        bar=round(metres * plane.per_metre, 1),
        bar_text=f"{metres / _KILOMETRE:g} km" if metres >= _KILOMETRE else f"{metres:g} m",
        middle=_in_words(plane.longitude, plane.latitude),
    )


def _marks(results: Iterable[ImageResult]) -> _Marks:
    marks = _Marks([], [], [])
    for number, result in enumerate(results):
        found = result.detections
        kinds = (
            []
            if found is None
            else list(zip(found.class_id.tolist(), bin_of(found.confidence).tolist(), strict=True))
        )
        if result.positions is not None:
            marks.places.extend(
                (x, y, number, *kind) for (x, y), kind in zip(result.positions.tolist(), kinds, strict=True)
            )
        elif result.longitude is not None and result.latitude is not None:
            marks.cameras.append((result.longitude, result.latitude, number))
            if kinds:
                marks.around.append((result.longitude, result.latitude, kinds))
    return marks


def _plane(points: list[tuple[float, float]]) -> _Plane:
    """The plane and scale that show all points."""
    places = np.array(points)
    # a survey may cross the antimeridian: longitudes count from one of them, in either direction
    turned = places[0, 0] + (places[:, 0] - places[0, 0] + 180) % 360 - 180
    longitude = float((turned.min() + turned.max()) / 2)
    latitude = float((places[:, 1].min() + places[:, 1].max()) / 2)
    east, north = _metres(turned.max(), places[:, 1].max(), longitude, latitude)
    width, height = max(2 * east, _NARROWEST), max(2 * north, _NARROWEST)
    drawn = min(max((_WIDTH - 2 * _EDGE) * height / width + 2 * _EDGE, _LOWEST), _HIGHEST)
    per_metre = min((_WIDTH - 2 * _EDGE) / width, (drawn - 2 * _EDGE) / height)
    size = width * per_metre, height * per_metre
    return _Plane((longitude + 180) % 360 - 180, latitude, per_metre, round(drawn), *size)


def _metres(longitude: float, latitude: float, around: float, level: float) -> tuple[float, float]:
    turned = (longitude - around + 180) % 360 - 180
    return (
        turned * _METRES_PER_DEGREE * math.cos(math.radians(level)),
        (latitude - level) * _METRES_PER_DEGREE,
    )


def _dot_size(marks: _Marks, plane: _Plane) -> float:
    """The more dots there are, the smaller they are."""
    side = math.sqrt(plane.width * plane.depth / max(marks.detections, 1))
    return round(min(max(_DOT_SHARE * side, _SMALLEST_DOT), _LARGEST_DOT), 1)


def _dots(marks: _Marks, plane: _Plane, spacing: float) -> Iterator[Dots]:
    paths: dict[tuple[int, int], list[str]] = defaultdict(list)
    for longitude, latitude, _, class_id, place in marks.places:
        paths[class_id, place].append(dot(*plane(longitude, latitude)))
    for longitude, latitude, kinds in marks.around:
        x, y = plane(longitude, latitude)
        # like the seeds of a sunflower: each has its place, however many there are (Vogel 1979)
        for number, kind in enumerate(sorted(kinds), start=1):
            radius, angle = spacing * math.sqrt(number), number * _GOLDEN_ANGLE
            paths[kind].append(dot(x + radius * math.cos(angle), y + radius * math.sin(angle)))
    for (class_id, place), parts in sorted(paths.items()):
        yield Dots(class_id, place, "".join(parts), colour_code(class_id))


def dot(x: float, y: float) -> str:
    """A line without length: with round ends it is a dot, and costs the page a few bytes."""
    return f"M{x:.1f} {y:.1f}h0"


def round_length(metres: float) -> float:
    """The largest of 1, 2 or 5 times a power of ten that is not longer."""
    power: float = 10.0 ** math.floor(math.log10(metres))
    return next(factor * power for factor in (5, 2, 1) if factor * power <= metres * (1 + 1e-9))


def _in_words(longitude: float, latitude: float) -> str:
    north, east = "N" if latitude >= 0 else "S", "E" if longitude >= 0 else "W"
    return f"{abs(latitude):.4f}° {north}, {abs(longitude):.4f}° {east}"
