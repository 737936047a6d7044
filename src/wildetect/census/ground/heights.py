"""How high the ground is, by a raster, and how high above it a camera was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wildetect.census.ground.headings import flight_order
from wildetect.census.ground.projection import Projection
from wildetect.census.ground.views import View
from wildetect.errors import InputError
from wildetect.imagery.camera.camera import CameraTags
from wildetect.imagery.camera.optics import plausible_height
from wildetect.imagery.positions.table import TableRow
from wildetect.local_files import open_raster

__all__ = ["Terrain", "above_flat_ground", "above_terrain"]

_HINT = "Name a GeoTIFF with heights in m (such as of SRTM or Copernicus) as survey.terrain."


class Terrain:
    """Heights of the ground in m, in any coordinate system that PROJ knows.

    Args:
        path: A raster with one band of heights.

    Raises:
        InputError: It cannot be opened, or has no place on the map.
    """

    def __init__(self, path: Path) -> None:
        import rasterio

        try:
            self._dataset: Any = open_raster(path)
        except (rasterio.errors.RasterioError, OSError) as error:
            raise InputError(f"the terrain {path} cannot be read: {error}", hint=_HINT) from error
        if self._dataset.crs is None:
            self._dataset.close()
            raise InputError(f"the terrain {path} has no coordinate system", hint=_HINT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._dataset.close()

    def heights(self, degrees: NDArray[np.float64]) -> NDArray[np.float64]:
        """Heights at places (n, 2) given as longitude and latitude, linear between cells; nan outside."""
        from rasterio.warp import transform

        if not len(degrees):
            return np.zeros(0)
        x, y = transform("EPSG:4326", self._dataset.crs, *degrees.T.tolist())[:2]
        a, b, c, d, e, f = (~self._dataset.transform)[:6]
        columns = a * np.array(x) + b * np.array(y) + c - 0.5  # 0 is the middle of the first cell
        rows = d * np.array(x) + e * np.array(y) + f - 0.5
        inside = (columns >= -1) & (columns <= self._dataset.width)
        inside &= (rows >= -1) & (rows <= self._dataset.height)
        found = np.full(len(degrees), np.nan)
        if inside.any():
            found[inside] = self._between_cells(columns[inside], rows[inside])
        return found

    def _between_cells(self, columns: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
        width, height = self._dataset.width, self._dataset.height
        columns, rows = columns.clip(0, width - 1), rows.clip(0, height - 1)
        left, top = np.floor(columns).astype(int), np.floor(rows).astype(int)
        right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
        cells, x0, y0 = self._cells(int(left.min()), int(top.min()), int(right.max()), int(bottom.max()))
        along, down = columns - left, rows - top
        upper = cells[top - y0, left - x0] * (1 - along) + cells[top - y0, right - x0] * along
        lower = cells[bottom - y0, left - x0] * (1 - along) + cells[bottom - y0, right - x0] * along
        return np.asarray(upper * (1 - down) + lower * down)

    def _cells(self, left: int, top: int, right: int, bottom: int) -> tuple[NDArray[np.float64], int, int]:
        """The cells of a window, nan where there are none, and its upper left corner."""
        from rasterio.windows import Window

        window = Window(left, top, right - left + 1, bottom - top + 1)
        cells = self._dataset.read(1, window=window, masked=True).astype(np.float64).filled(np.nan)
        return cells, left, top


_PAUSE = timedelta(minutes=10)  # between two photographs: the drone has landed, perhaps elsewhere


def above_flat_ground(tags: CameraTags, row: TableRow | None, flight_height: float) -> tuple[float, str]:
    """Height in m and who says so: the photograph (above take-off), the table, or the settings."""
    told = [(tags.height, "XMP"), (None if row is None else row.height, "CSV")]
    for height, source in told:
        plausible = plausible_height(height)
        if plausible is not None:
            return plausible, source
    return flight_height, "flight_specs"


def above_terrain(
    views: Sequence[View], altitudes: Sequence[float | None], terrain: Path, projection: Projection
) -> list[View]:
    """The same views with their heights above the ground that is seen in the middle of each.

    Height above take-off plus the ground's height at take-off, less that in the middle of the picture: so
    it does not matter from which level the terrain's heights count. The place of take-off is that of the
    first photograph of each flight; a pause of ten minutes parts two flights. Only where a photograph tells
    no height above take-off, its altitude above sea less the ground's counts. What the table or the settings
    give as height above ground stays, and so does all where the terrain holds nothing.

    Args:
        views: Above flat ground.
        altitudes: Height of each camera above sea in m, where one is known.
        terrain: A GeoTIFF.
        projection: Projection of the views.

    Raises:
        InputError: The terrain cannot be used.
    """
    if not views:
        return []
    middles = np.array([view.to_ground([(view.width / 2, view.height / 2)])[0] for view in views])
    with Terrain(terrain) as ground:
        below = ground.heights(projection.to_degrees(middles))
        at_camera = ground.heights(np.array([(view.longitude, view.latitude) for view in views]))
    found = list(views)
    for flight in _flights(views):
        for row in flight:
            view, altitude = views[row], altitudes[row]
            height = None
            if view.source_of("height") == "XMP":
                height = view.height_above_ground + at_camera[flight[0]] - below[row]
            elif view.source_of("height") == "flight_specs" and altitude is not None:
                height = altitude - below[row]
            if height is not None and np.isfinite(height):
                sources = {**view.sources, "height": "terrain"}
                found[row] = replace(view, height_above_ground=float(height), sources=sources)
    return found


def _flights(views: Sequence[View]) -> Iterator[list[int]]:
    """Rows of the views of each flight, in the order in which they were taken."""
    flight: list[int] = []
    for row in flight_order([(view.file, view.taken) for view in views]):
        taken = views[row].taken
        before = views[flight[-1]].taken if flight else None
        if taken is not None and before is not None and taken - before > _PAUSE:
            yield flight
            flight = []
        flight.append(row)
    yield flight
