"""A census without exact places: coordinates coarsened to the cells of a grid (module results.blurring)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import shapely

from wildetect.census.output.maps import Ground
from wildetect.census.output.record import CensusRecord
from wildetect.census.output.rows import AnimalRow
from wildetect.census.result import Census
from wildetect.results.blurring import WITHHELD, Cell, Grid

__all__ = ["blurred", "coarse_ground", "coarse_rows"]

_MOST_CELLS = 4_000
"""An outline of more cells is left out: it would take longer than it tells."""


def blurred(record: CensusRecord, grid: Grid) -> CensusRecord:
    """The census with the middles of cells for all places; the zero of its metres is withheld, too.

    Args:
        record: What census.json holds.
        grid: Grid of the cells.
    """
    photographs = []
    for shot in record.photographs:
        longitude, latitude = grid.middle(shot.longitude, shot.latitude)
        photographs.append(replace(shot, longitude=longitude, latitude=latitude))
    animals = []
    for animal in record.animals:
        longitude, latitude = grid.middle(animal.longitude, animal.latitude)
        animals.append(replace(animal, longitude=longitude, latitude=latitude))
    return replace(
        record,
        photographs=tuple(photographs),
        animals=tuple(animals),
        projection=f"withheld: {WITHHELD}",
        blurred=None,
        places_km=grid.km,
    )


def coarse_rows(animals: Sequence[AnimalRow], grid: Grid) -> list[AnimalRow]:
    """The animals with the middles of cells for their places."""
    found = []
    for animal in animals:
        longitude, latitude = grid.middle(animal.longitude, animal.latitude)
        found.append(animal._replace(longitude=longitude, latitude=latitude))
    return found


def coarse_ground(census: Census, ground: Ground, animals: Sequence[AnimalRow], grid: Grid) -> Ground:
    """What is drawn beneath the animals, made of whole cells.

    A photograph is the cell of its camera; a transect leads through the middles of those of its
    photographs, if there are two; a stratum is all cells that it touches. What is not drawn has no shape.

    Args:
        census: Gives the photographs.
        ground: The exact shapes, with what is known of each.
        animals: The exact rows.
        grid: Grid of the cells.
    """
    cells = [grid.cell(view.longitude, view.latitude) for view in census.views.views]
    lines = [one for one in census.transects if len(one.views) > 1]
    photographs = Counter(cells)
    held = Counter(grid.cell(one.longitude, one.latitude) for one in animals)
    return Ground(
        [(_box(cell), about) for cell, (_, about) in zip(cells, ground.photographs, strict=True)],
        [
            (_line([cells[row] for row in line.views]), about)
            for line, (_, about) in zip(lines, ground.transects, strict=True)
        ],
        [(_covering(shape, grid), about) for shape, about in ground.strata],
        [
            (_box(cell), {"photographs": photographs[cell], "animals": held[cell]})
            for cell in sorted({*photographs, *held})
        ],
    )


def _box(cell: Cell) -> Any:
    return shapely.box(*cell)


def _line(cells: Sequence[Cell]) -> Any:
    middles = [((one.west + one.east) / 2, (one.south + one.north) / 2) for one in cells]
    turns = [place for place, before in zip(middles, [None, *middles], strict=False) if place != before]
    if len(turns) < 2:  # noqa: PLR2004 - a line has two ends
        return None
    return shapely.LineString([[round(degrees, 9) for degrees in one] for one in turns])


def _covering(shape: Any, grid: Grid) -> Any:
    """All cells that a shape touches, as one; null where there are too many."""
    found = []
    shapely.prepare(shape)
    for number, cell in enumerate(_cells_of(shape.bounds, grid)):
        if number == _MOST_CELLS:
            return None
        box = _box(cell)
        if shapely.intersects(shape, box):
            found.append(box)
    return shapely.union_all(found) if found else None


def _cells_of(bounds: tuple[float, float, float, float], grid: Grid) -> Iterator[Cell]:
    """The cells of a rectangle in degrees, row by row."""
    west, south, east, north = bounds
    latitude = south
    while latitude <= north:
        longitude = west
        cell = grid.cell(longitude, latitude)
        while longitude <= east:
            cell = grid.cell(longitude, latitude)
            yield cell
            longitude = cell.east + (cell.east - cell.west) / 2  # the middle of the next one
        latitude = cell.north + (cell.north - cell.south) / 2
