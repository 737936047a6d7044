"""What a form of a census is: one record of its file, of who writes it, and of what it is made from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wildetect.census.output.parts import AnimalRecord
from wildetect.census.output.record import CensusRecord
from wildetect.results.blurring import WITHHELD, Grid
from wildetect.settings.census import PublicationKeys
from wildetect.settings.words import CensusExport

__all__ = ["CensusForm", "ExportedCensuses", "Identified", "Publication"]


@dataclass(frozen=True, slots=True)
class Identified:
    """What people said of an animal.

    Attributes:
        by: Who looked at it.
        species: The class that they see there; null where no animal is.
    """

    by: tuple[str, ...]
    species: str | None


@dataclass(frozen=True, slots=True)
class Publication:
    """A census and what is known besides.

    Attributes:
        record: What census.json holds.
        taxa: Scientific names by class.
        identified: What people said, by number of the animal.
        grid: Grid that the record's places are coarsened to; null where they are exact.
        keys: Who answers for it, and what others may do with it.
    """

    record: CensusRecord
    taxa: Mapping[str, str]
    identified: Mapping[int, Identified]
    grid: Grid | None = None
    keys: PublicationKeys = field(default_factory=PublicationKeys)

    @property
    def generalized(self) -> str:
        """What a row with coordinates says of their coarseness."""
        return "" if self.grid is None else str(self.grid)

    @property
    def withheld(self) -> str:
        """What it says of the exact ones."""
        return "" if self.grid is None else WITHHELD

    def uncertainty(self, error: float | None, longitude: float, latitude: float) -> int | None:
        """Radius in m around a place that holds it: twice the usual error, and the cell of the grid."""
        own = None if error is None else 2 * error
        if self.grid is not None:
            return self.grid.cell(longitude, latitude).radius_m + math.ceil(own or 0.0)
        return None if own is None else max(math.ceil(own), 1)

    @property
    def animals(self) -> list[AnimalRecord]:
        """All but those in which people saw none."""
        return [
            one
            for one in self.record.animals
            if one.animal not in self.identified or self.identified[one.animal].species is not None
        ]

    def species_of(self, animal: AnimalRecord) -> str:
        """The class that people see, or else the detector."""
        said = self.identified.get(animal.animal)
        return animal.species if said is None or said.species is None else said.species


@dataclass(frozen=True, slots=True)
class ExportedCensuses:
    """What a form is made from.

    Attributes:
        publications: The censuses: all of them for a form that takes them together, else one.
        species: The class that was asked for; null: the form's own choice.
    """

    publications: Sequence[Publication]
    species: str | None = None

    @property
    def one(self) -> Publication:
        """The census, for a form that takes each by itself."""
        (publication,) = self.publications
        return publication


def _nothing(censuses: ExportedCensuses) -> None:
    del censuses


@dataclass(frozen=True, kw_only=True)
class CensusForm:
    """One form in which a census is written for others.

    Attributes:
        name: The word of `census.export --format`.
        file: Name of its file.
        about: What it holds and whom it is for, for the documentation.
        write: Writes the file of a path; gives what a person should know of it, a sentence each.
        check: Finds what is wrong before any form is written, and raises ConfigurationError.
        together: Whether several censuses make one file; else each has its own, with a number in its name.
        reviewed: Whether it says what people found, so that the review is read.
    """

    name: CensusExport
    file: str
    about: str
    write: Callable[[Path, ExportedCensuses], Sequence[str]]
    check: Callable[[ExportedCensuses], None] = _nothing
    together: bool = False
    reviewed: bool = False
