"""Photographs that make a transect, and those that make none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wildetect.census.photographs import RasterView, View, Views

__all__ = ["Transect", "Transects", "listed", "positions", "transects_of"]

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Transect:
    """Photographs taken along one line.

    Attributes:
        name: As a person calls it.
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
        transects: In the order of flight, or of the file.
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
        names = listed([views.views[row].file for row in outside])
        notes = [*notes, f"{len(outside)} photographs lie {where}: {names}."]
    return Transects(tuple(found), outside, source, tuple(notes))


def positions(views: Sequence[View | RasterView], rows: Sequence[int]) -> NDArray[np.float64]:
    """Of cameras in m, shape (n, 2), for some rows of Views.views."""
    return np.array([(views[row].x, views[row].y) for row in rows], np.float64).reshape(-1, 2)


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
