"""A census without exact places: coordinates coarsened to the cells of a grid (module results.blurring)."""

from __future__ import annotations

from dataclasses import replace

from wildetect.census.output.record import CensusRecord
from wildetect.results.blurring import WITHHELD, Grid

__all__ = ["blurred"]


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
