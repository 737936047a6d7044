"""Which photographs make a transect: from the flight track, from lines, or from a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from wildetect.census.design.flight_track import straight_runs
from wildetect.census.design.transect_files import (
    Transect,
    Transects,
    positions,
    transects_from_lines,
    transects_from_table,
    transects_of,
)
from wildetect.census.design.vector_files import Line
from wildetect.census.ground.photographs import Views
from wildetect.census.ground.raster_views import RasterView
from wildetect.census.ground.views import View
from wildetect.imagery.discovery import natural_order

__all__ = ["find_transects", "transects_for"]

_WANDER = 0.15  # of a footprint's side: how far a flight strays from its line
_ERRORS = 3.0  # times the stated error of a position: nearly none lies farther off


def transects_for(lines: Sequence[Line] | None, views: Views) -> Transects:
    """From a file's lines or table where there are some, else from the flight track.

    Args:
        lines: Outcome of `read_lines`; null if no file was given.
        views: A Views.

    Raises:
        InputError: The lines or the table have nothing to do with the photographs.
    """
    if lines is None:
        return find_transects(views)
    if any(line.photographs for line in lines):
        return transects_from_table(lines, views)
    return transects_from_lines(lines, views)


def find_transects(views: Views) -> Transects:
    """Straight runs of the flight track, by time, or by file name where not every photograph has its time.

    An orthomosaic is not a photograph on a track: each is a transect, or rather a plot, by itself.

    Args:
        views: A Views.
    """
    rasters = [row for row, view in enumerate(views.views) if isinstance(view, RasterView)]
    order, notes = _in_order_of_flight(views.views)
    runs: list[list[int]] = []
    if order:
        sides = [np.sqrt(shapely.Polygon(views.views[row].footprint).area) for row in order]
        error = float(np.median([views.views[row].position_error for row in order]))
        side = float(np.median(sides))
        tolerance = max(_WANDER * side, _ERRORS * error)
        runs = straight_runs(positions(views.views, order), side, tolerance)
    digits = len(str(len(runs)))
    found = [
        Transect(f"T{number:0{digits}}", tuple(order[row] for row in run))
        for number, run in enumerate(runs, 1)
    ]
    found += [Transect(views.views[row].file, (row,)) for row in rasters]
    if not found:
        notes.append("No transects were found: the photographs lie on no straight lines of three or more.")
    return transects_of(found, views, "flight track", notes)


def _in_order_of_flight(views: Sequence[View | RasterView]) -> tuple[list[int], list[str]]:
    """Rows of the photographs, and what to say of their order."""
    rows = sorted(
        (row for row, view in enumerate(views) if not isinstance(view, RasterView)),
        key=lambda row: natural_order(views[row].file),
    )
    times = [(taken, row) for row in rows if (taken := views[row].taken) is not None]
    if len(times) == len(rows):
        return [row for _, row in sorted(times, key=lambda pair: pair[0])], []
    return rows, ["Not every photograph tells when it was taken: they are taken in the order of their names."]
