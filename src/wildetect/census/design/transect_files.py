"""Transects as a file gives them: lines on the map, or the photographs of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from wildetect.census.design.vector_files import Line
from wildetect.census.ground.photographs import Views
from wildetect.census.ground.raster_views import RasterView
from wildetect.census.ground.views import View
from wildetect.errors import InputError
from wildetect.tables.names import Names
from wildetect.wording import form, listed, number_of

__all__ = [
    "MOST_NAMED",
    "Transect",
    "Transects",
    "positions",
    "transects_from_lines",
    "transects_from_table",
    "transects_of",
]


MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Transect:
    """Photographs taken along one line.

    Attributes:
        name: Name as a person calls it.
        views: Rows of Views.views, in the order of flight.
        stratum: The stratum that a file puts it in; null: wherever it lies.
    """

    name: str
    views: tuple[int, ...]
    stratum: str | None = None


@dataclass(frozen=True, slots=True)
class Transects:
    """All transects of a survey.

    Attributes:
        transects: Transects in the order of flight, or of the file.
        outside: Rows of Views.views that belong to no transect: turns, ends, other flights.
        source: "flight track", "lines" or "table".
        notes: What a reader must know, one sentence each.
    """

    transects: tuple[Transect, ...]
    outside: tuple[int, ...]
    source: str
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Transect]:
        return iter(self.transects)

    def __len__(self) -> int:
        return len(self.transects)


def transects_of(found: Sequence[Transect], views: Views, source: str, notes: Sequence[str]) -> Transects:
    """The transects of a survey with the photographs left over (`views` is a Views)."""
    inside = {row for transect in found for row in transect.views}
    outside = tuple(row for row in range(len(views.views)) if row not in inside)
    if outside and found:
        where = "in turns, at ends or on the way" if source == "flight track" else "on no transect"
        names = listed([views.views[row].file for row in outside], most=MOST_NAMED)
        notes = [
            *notes,
            f"{number_of(len(outside), 'photograph')} {form(len(outside), 'lies', 'lie')} {where}: {names}.",
        ]
    return Transects(tuple(found), outside, source, tuple(notes))


def positions(views: Sequence[View | RasterView], rows: Sequence[int]) -> NDArray[np.float64]:
    """Take the positions of cameras in m, shape (n, 2), from some rows of Views.views."""
    return np.array([(views[row].x, views[row].y) for row in rows], np.float64).reshape(-1, 2)


def transects_from_lines(lines: Sequence[Line], views: Views) -> Transects:
    """Each photograph goes to the nearest line, if that lies within half of its footprint's width.

    Args:
        lines: Outcome of `read_lines`, with lines.
        views: A Views.

    Raises:
        InputError: No photograph lies on any of the lines.
    """
    shapes = shapely.transform([line.line for line in lines], views.projection.to_metres)
    places = shapely.points(positions(views.views, range(len(views.views))))
    (_, nearest), distances = shapely.STRtree(shapes).query_nearest(
        places, all_matches=False, return_distance=True
    )
    members: list[list[int]] = [[] for _ in lines]
    for row, (line, distance) in enumerate(zip(nearest.tolist(), distances.tolist(), strict=True)):
        if distance <= _half_width(views.views[row], shapes[line]):
            members[line].append(row)
    if not any(members):
        row = int(distances.argmin())
        raise InputError(
            f"no photograph lies on any of the {number_of(len(lines), 'transect')}: "
            f"{views.views[row].file}, the nearest, "
            f"is {_distance(distances[row])} from {lines[nearest[row]].name}",
            hint="Give the transects of this survey (survey.transects), or none to find them from the track.",
        )
    found = [
        Transect(line.name, tuple(rows), line.stratum)
        for line, rows in zip(lines, members, strict=True)
        if rows
    ]
    empty = [line.name for line, rows in zip(lines, members, strict=True) if not rows]
    notes = (
        [f"No photographs lie on these transects of the file: {listed(empty, most=MOST_NAMED)}."]
        if empty
        else []
    )
    return transects_of(found, views, "lines", notes)


def transects_from_table(lines: Sequence[Line], views: Views) -> Transects:
    """Each photograph goes where the table puts it, by its name with folders or without.

    Args:
        lines: Outcome of `read_lines`, with photographs.
        views: A Views.

    Raises:
        InputError: The table names no photograph of the survey, one in two transects, or one by a name that
            several have.
    """
    rows = {view.file: row for row, view in enumerate(views.views)}
    names = Names(rows)
    named = [
        (number, name, [rows[file] for file in names.fitting(name)])
        for number, line in enumerate(lines)
        for name in line.photographs
    ]
    members: list[dict[int, str]] = [{} for _ in lines]
    for number, name, found in named:
        if len(found) > 1:
            paths = listed([views.views[row].file for row in found], last="or", most=MOST_NAMED)
            raise InputError(
                f"{name} in the table of transects may be any of {paths}",
                hint="Write such photographs with their folders, as in detections.csv.",
            )
        members[number].update((row, name) for row in found)
    unknown = [name for _, name, found in named if not found]
    if not any(members):
        raise InputError(
            f"the table of transects names {listed(unknown, most=MOST_NAMED)}, but no photograph of this "
            "survey",
            hint=f"Write the names as they are: {views.views[0].file}",
        )
    missing = f"{number_of(len(unknown), 'photograph')} that {form(len(unknown), 'is', 'are')}"
    notes = [f"The table names {missing} not there: {listed(unknown, most=MOST_NAMED)}."] if unknown else []
    _check_once(lines, members)
    pairs = zip(lines, members, strict=True)
    transects = [Transect(line.name, tuple(found), line.stratum) for line, found in pairs if found]
    return transects_of(transects, views, "table", notes)


def _check_once(lines: Sequence[Line], members: Sequence[Mapping[int, str]]) -> None:
    first: dict[int, str] = {}
    for line, found in zip(lines, members, strict=True):
        for row, name in found.items():
            if first.setdefault(row, line.name) != line.name:
                raise InputError(
                    f"the table of transects puts {name} into {first[row]} and into {line.name}",
                    hint="Leave each photograph in one transect.",
                )


def _half_width(view: View | RasterView, line: Any) -> float:
    """Half of a footprint's extent across a line in m."""
    ends = shapely.get_coordinates(line)[[0, -1]]
    along = ends[1] - ends[0]
    length = float(np.hypot(*along))
    across = np.array([-along[1], along[0]]) / length if length else np.array([1.0, 0.0])
    return float(np.ptp(view.footprint @ across)) / 2


def _distance(metres: float) -> str:
    return f"{metres / 1000:,.1f} km" if metres >= 1000 else f"{metres:.0f} m"  # noqa: PLR2004
