"""Which ground was searched, in each stratum and by each transect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from wildetect.census.design.ground_sizes import (
    M2,
    direction_of,
    evenly_spaced,
    extent,
    places_across,
    polygon_of,
    possible_transects,
    shares,
)
from wildetect.census.design.reach import reach_of
from wildetect.census.design.transect_files import Transect, Transects
from wildetect.census.design.vector_features import projected
from wildetect.census.design.vector_files import Area
from wildetect.census.estimates.sample_records import ALL_STRATA, Reach
from wildetect.census.ground.photographs import Views
from wildetect.errors import InputError
from wildetect.wording import listed, percent

__all__ = [
    "SearchedStratum",
    "SearchedTransect",
    "check_names",
    "check_places",
    "same_name",
    "searched_ground",
]


def check_names(strata: Sequence[Area], transects: Transects) -> None:
    """Every stratum that a transect is said to lie in is there.

    Raises:
        InputError: One is not.
    """
    known = {_plain(area.name) for area in strata}
    lost = [each for each in transects if each.stratum and _plain(each.stratum) not in known]
    if lost:
        raise InputError(
            f"transect {lost[0].name} is said to lie in the stratum {lost[0].stratum}, which is not among "
            f"the strata: {listed(area.name for area in strata)}",
            hint="Write the names of strata alike in both files.",
            details=[f"transect {each.name}: stratum {each.stratum}" for each in lost[1:]],
        )


def check_places(strata: Sequence[Area], polygons: Sequence[Any], everything: Any) -> None:
    """The photographs show at least a part of one stratum.

    Args:
        strata: Strata by their names.
        polygons: Their outlines in m.
        everything: The ground that the photographs show, in m.

    Raises:
        InputError: They show none.
    """
    if any(polygon.intersects(everything) for polygon in polygons):
        return
    distances = [polygon.distance(everything) for polygon in polygons]
    nearest = int(np.argmin(distances))
    names = listed(area.name for area in strata)
    raise InputError(
        f"the photographs show no part of any stratum ({names}): the nearest, "
        f"{strata[nearest].name}, is {distances[nearest] / 1000:,.1f} km away",
        hint="Give the strata of this survey (survey.strata), and check their coordinate system.",
    )


def same_name(one: str, other: str) -> bool:
    """Whether two names differ in spaces and letter case only."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


_BRUSH = 0.1  # of the largest transect in a stratum


_MOSTLY = 0.5  # of a transect's own ground


@dataclass(frozen=True, slots=True)
class SearchedTransect:
    """What a transect searched of a stratum.

    Attributes:
        transect: Which one.
        ground: Union of its footprints in the stratum in m, a shapely polygon.
        area_km2: Area of that ground in km²; what transects share counts in equal parts.
        length_km: Searched length along the line of flight.
        direction: Direction of flight, radians anticlockwise from east.
        across_km: Where it lies across the common direction of the stratum's transects.
    """

    transect: Transect
    ground: Any
    area_km2: float
    length_km: float
    direction: float
    across_km: float


@dataclass(frozen=True, slots=True)
class SearchedStratum:
    """What was searched of a stratum.

    Attributes:
        name: Name as a person calls it; "all" without strata.
        polygon: Polygon in m; null without strata.
        area_km2: Area of the polygon in km²; null without strata.
        searched_km2: Union of all footprints in it, of photographs in no transect too.
        possible: Transects possible; null if unknown.
        transects: Those that sample it.
        notes: What a reader must know, one sentence each.
        systematic: Whether its transects lie in a regular pattern.
        reach: How well they cover it; null without an area, or for fewer than two.
    """

    name: str
    polygon: Any
    area_km2: float | None
    searched_km2: float
    possible: float | None
    transects: tuple[SearchedTransect, ...]
    notes: tuple[str, ...]
    systematic: bool
    reach: Reach | None = None


_Piece = tuple[Transect, Any, float]  # ground in m, direction of flight


def searched_ground(
    views: Views, strata: Sequence[Area] | None, transects: Transects
) -> list[SearchedStratum]:
    """The ground that the photographs show, by stratum and transect.

    Args:
        views: A Views.
        strata: Where the survey took place; null: the area is unknown, and all ground is one stratum.
        transects: Transects of these views.

    Returns:
        Each stratum, in the order of `strata`.

    Raises:
        InputError: The photographs show no part of any stratum, or a transect is said to lie in one that is
            not there.
    """
    if strata is not None:
        check_names(strata, transects)
    footprints = np.array([polygon_of(view.footprint) for view in views.views], object)
    grounds = [shapely.union_all(footprints[list(transect.views)]) for transect in transects]
    rest = shapely.union_all(footprints[list(transects.outside)])
    directions = [direction_of([views.views[row] for row in transect.views]) for transect in transects]
    pieces = list(zip(transects, grounds, directions, strict=True))
    everything = shapely.union_all([*grounds, rest])
    if strata is None:
        return [_stratum(Area(ALL_STRATA, None), None, everything, pieces)]
    shapes = np.array([area.polygon for area in strata], object)
    polygons = projected(shapes, views.projection.to_metres).tolist()
    check_places(strata, polygons, everything)
    return [
        _stratum(area, polygon, everything, pieces) for area, polygon in zip(strata, polygons, strict=True)
    ]


def _stratum(area: Area, polygon: Any, everything: Any, pieces: Sequence[_Piece]) -> SearchedStratum:
    inside = everything if polygon is None else shapely.intersection(everything, polygon)
    taken, brushing = _sampling(area, polygon, pieces)
    parts, directions = [part for _, part, _ in taken], [direction for _, _, direction in taken]
    across = places_across(parts, directions) / 1000
    sampled = tuple(
        SearchedTransect(transect, part, share / M2, extent(part, direction) / 1000, direction, float(place))
        for (transect, part, direction), share, place in zip(taken, shares(parts), across, strict=True)
    )
    notes = _notes(area.name, sampled, brushing)
    grounds = {transect.name: ground for transect, ground, _ in pieces}
    names = [transect.name for transect, _, _ in taken]
    whole = [grounds[name] for name in names]
    possible = area.possible
    note: tuple[str, ...] = ()
    if possible is None and polygon is not None and sampled:
        lines = [(each.area_km2, each.length_km, each.direction) for each in sampled]
        possible, note = possible_transects(area.name, polygon, lines)
    return SearchedStratum(
        area.name,
        polygon,
        None if polygon is None else polygon.area / M2,
        inside.area / M2,
        possible,
        sampled,
        (*notes, *note),
        evenly_spaced(parts, directions),
        None if polygon is None else reach_of(polygon, inside, names, parts, directions, whole),
    )


def _sampling(area: Area, polygon: Any, pieces: Sequence[_Piece]) -> tuple[list[_Piece], list[str]]:
    """What each transect searched of a stratum, and the names of those that only brush it."""
    if polygon is None:
        return list(pieces), []
    parts = [
        (transect, shapely.intersection(ground, polygon), direction, ground.area)
        for transect, ground, direction in pieces
        if not transect.stratum or same_name(transect.stratum, area.name)
    ]
    largest = max((part.area for _, part, _, _ in parts), default=0.0)
    taken, brushing = [], []
    for transect, part, direction, whole in parts:
        if part.area >= _BRUSH * largest or part.area >= _MOSTLY * whole:
            if part.area > 0:
                taken.append((transect, part, direction))
        elif part.area > 0:
            brushing.append(transect.name)
    return taken, brushing


def _notes(name: str, sampled: Sequence[SearchedTransect], brushing: Sequence[str]) -> tuple[str, ...]:
    notes = []
    alone = math.fsum(each.ground.area for each in sampled) / M2
    shared = alone - math.fsum(each.area_km2 for each in sampled)
    if shared > 0.001 * alone:
        notes.append(
            f"Transects of {name} overlap: {shared:.3g} km² ({percent(shared / alone, 1)}) were searched "
            "more than once and count once, shared out evenly."
        )
    if brushing:
        notes.append(f"These transects only brush {name} and are no sample of it: {listed(brushing)}.")
    return tuple(notes)
