"""Heights of the ground from a raster."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wildetect.errors import InputError
from wildetect.local_files import open_raster

__all__ = ["Terrain"]

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
