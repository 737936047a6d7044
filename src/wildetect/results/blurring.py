"""Coordinates coarsened to the cells of a grid, for all that leaves the house.

The exact places of rhinos and elephants help poachers. Source of the way and of the terms: Chapman, A. D.
2020. Current Best Practices for Generalizing Sensitive Species Occurrence Data. GBIF Secretariat,
https://doi.org/10.15468/doc-5jp4-5g10
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple, overload

import numpy as np

from wildetect.errors import ConfigurationError
from wildetect.results.records import CoarseResult, ImageResult
from wildetect.settings.census import same_animals
from wildetect.settings.detection import LARGEST_KM, Sensitive

__all__ = ["BLURRED", "WITHHELD", "Cell", "CoarseResults", "Grid", "Places", "grid_of"]

BLURRED = "blurred"
"""Folder, beside the exact files, of those with coarsened places."""

WITHHELD = "exact coordinates are withheld to protect the animals; ask the publisher"

_EXACT = "none"
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
    if not 0 < km <= LARGEST_KM:
        raise ConfigurationError(
            f"{text} is not a valid grid: kilometres, above 0 and up to {LARGEST_KM:g}",
            hint="Use a customary one: --blur 10",
        )
    return Grid(km)


@dataclass(frozen=True, slots=True)
class Places:
    """When places are coarsened: whenever it is asked for, else where a sensitive species was found.

    Attributes:
        asked: The grid that a person asks for; null: the species decide.
        exact: Whether a person asks for exact places, whatever was found.
        species: The sensitive ones, as the settings have them.
        km: Least side of the cells, where the species decide.
    """

    asked: Grid | None = None
    exact: bool = False
    species: tuple[str, ...] = ()
    km: float = 10.0

    @classmethod
    def of(cls, settings: Sensitive, blur: str | None = None) -> Places:
        """Take it from the settings and what --blur gives: kilometres, or "none" for exact places.

        Raises:
            ConfigurationError: It gives something else.
        """
        exact = blur is not None and blur.strip().casefold() == _EXACT
        asked = None if blur is None or exact else grid_of(blur)
        return cls(asked, exact, tuple(settings.species), settings.blur)

    def with_species(self, species: Iterable[str]) -> Places:
        """These places with more sensitive species: those of the run that is counted in."""
        return replace(self, species=tuple(dict.fromkeys([*self.species, *species])))

    def counted_as(self, roll_up: Mapping[str, Sequence[str]]) -> Places:
        """These places for a count in which classes are species: a sensitive one is so by either name.

        Args:
            roll_up: Classes by species.
        """
        return self.with_species(same_animals(self.species, roll_up))

    def grid(self, found: Iterable[str]) -> Grid | None:
        """The grid for what was found; null where places may be exact.

        Args:
            found: Names of the classes.
        """
        if self.exact:
            return None
        sensitive = {name.casefold() for name in self.species}
        if self.asked is None and any(name.casefold() in sensitive for name in found):
            return Grid(self.km)
        return self.asked

    def unknown(self, known: Iterable[str]) -> list[str]:
        """Sensitive species that are no class: a word written in another way protects nothing."""
        classes = {name.casefold() for name in known}
        return [name for name in self.species if name.casefold() not in classes]


class CoarseResults(Sequence[ImageResult]):
    """Results with the middles of cells for all places, made when they are asked for.

    Args:
        results: The exact ones.
        grid: Grid of the cells.
    """

    def __init__(self, results: Sequence[ImageResult], grid: Grid) -> None:
        self._results, self._grid = results, grid

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[ImageResult]:
        return map(self._coarse, self._results)

    @overload
    def __getitem__(self, index: int) -> ImageResult: ...
    @overload
    def __getitem__(self, index: slice) -> CoarseResults: ...
    def __getitem__(self, index: int | slice) -> ImageResult | CoarseResults:
        if isinstance(index, slice):
            return CoarseResults(self._results[index], self._grid)
        return self._coarse(self._results[index])

    def _coarse(self, result: ImageResult) -> CoarseResult:
        values = {one.name: getattr(result, one.name) for one in fields(result)}
        values["outlines"] = None  # they would tell what the cells hide
        if result.positions is not None:
            middles = [self._grid.middle(*place) for place in result.positions.tolist()]
            values["positions"] = np.array(middles, np.float64).reshape(-1, 2)
        if result.longitude is not None and result.latitude is not None:
            middle = self._grid.middle(result.longitude, result.latitude)
            values["longitude"], values["latitude"] = middle
        return CoarseResult(**values)


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
