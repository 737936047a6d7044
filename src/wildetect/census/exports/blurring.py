"""A census without exact places: coordinates coarsened to the cells of a grid.

The exact places of rhinos and elephants help poachers. Source of the way and of the terms: Chapman, A. D.
2020. Current Best Practices for Generalizing Sensitive Species Occurrence Data. GBIF Secretariat,
https://doi.org/10.15468/doc-5jp4-5g10
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from wildetect.census.output.record import CensusRecord
from wildetect.errors import ConfigurationError

__all__ = ["WITHHELD", "Cell", "Grid", "blurred", "grid_of"]

WITHHELD = "exact coordinates are withheld to protect the animals; ask the publisher"

_LARGEST_KM = 1000.0
_SHORTEST_DEGREE = 110.574  # km of latitude: at the equator, WGS 84
_LONGEST_DEGREE = 111.694  # km of latitude: at the poles; of longitude, times the cosine of the latitude
_EQUATOR_DEGREE = 111.320  # km of longitude, times the cosine of the latitude: at the equator


class Cell(NamedTuple):
    """A cell of the grid, in degrees."""

    west: float
    south: float
    east: float
    north: float

    @property
    def radius_m(self) -> int:
        """From its middle to its farthest corner."""
        nearest = 0.0 if self.south <= 0 <= self.north else min(abs(self.south), abs(self.north))
        high = (self.north - self.south) / 2 * _LONGEST_DEGREE
        wide = (self.east - self.west) / 2 * _LONGEST_DEGREE * math.cos(math.radians(nearest))
        return math.ceil(math.hypot(high, wide) * 1000)


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells at least so many km wide and high, whose sides are round numbers of degrees.

    Attributes:
        km: The least side of a cell.
    """

    km: float

    def __str__(self) -> str:
        return f"coordinates are the middle of a cell of a grid, at least {self.km:g} km wide and high"

    def cell(self, longitude: float, latitude: float) -> Cell:
        """The cell that holds a place."""
        high = _round_step(self.km / _SHORTEST_DEGREE)
        south, north = _between(latitude, high)
        farthest = min(max(abs(south), abs(north)), 89.0)
        width = self.km / (_EQUATOR_DEGREE * math.cos(math.radians(farthest)))
        west, east = _between(longitude, _round_step(width))
        return Cell(west, south, east, north)

    def middle(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Longitude and latitude of the middle of the cell that holds a place."""
        cell = self.cell(longitude, latitude)
        return _rounded((cell.west + cell.east) / 2), _rounded((cell.south + cell.north) / 2)


def grid_of(text: str) -> Grid:
    """The grid that a person asks for.

    Args:
        text: Kilometres.

    Raises:
        ConfigurationError: It is not a number of kilometres above 0 and up to 1000.
    """
    try:
        km = float(text)
    except ValueError:
        km = math.nan
    if not 0 < km <= _LARGEST_KM:
        raise ConfigurationError(
            f"{text} is not a valid grid: kilometres, above 0 and up to {_LARGEST_KM:g}",
            hint="Use a customary one: --blur 10",
        )
    return Grid(km)


def blurred(record: CensusRecord, grid: Grid) -> CensusRecord:
    """The census with the middles of cells for all places; the zero of its metres is withheld, too.

    Args:
        record: What census.json holds.
        grid: Of the cells.
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
        record, photographs=tuple(photographs), animals=tuple(animals), projection=f"withheld: {WITHHELD}"
    )


def _between(degrees: float, step: float) -> tuple[float, float]:
    """The lines of the grid on both sides of a place."""
    number = math.floor(degrees / step)
    return _rounded(number * step), _rounded((number + 1) * step)


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10 and so on, times a power of ten, that is at least so large."""
    power = 10.0 ** math.floor(math.log10(least))
    return _rounded(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least))


def _rounded(degrees: float) -> float:
    return round(degrees, 9)  # what floating point leaves over, and no more
