"""Read rasters window by window; the only module that imports rasterio."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from wildetect.geometry import Window
from wildetect.imagery.metadata import Position
from wildetect.imagery.photograph import BACKDROP, from_16_bit
from wildetect.imagery.source import MAX_PIXELS, Pixels, UnreadableImageError, check_size

__all__ = ["RasterSource", "is_raster"]

_TIFF_BEGINNINGS: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the latter two: BigTIFF
_GEO_TAGS: Final = (33922, 34264, 34735)  # tie points, transformation matrix, GeoTIFF keys


def is_raster(path: Path) -> bool:
    """Whether a file is a TIFF for rasterio: with a position on the map, huge, or beyond Pillow."""
    with path.open("rb") as file:
        if file.read(4) not in _TIFF_BEGINNINGS:
            return False
    try:
        with Image.open(path, formats=("TIFF",)) as image:
            if image.width * image.height > MAX_PIXELS:
                return True
            tags = getattr(image, "tag_v2", {})
            return any(tag in tags for tag in _GEO_TAGS)
    except Exception:  # noqa: BLE001 - what Pillow cannot even identify, rasterio may read, or say why not
        return True


class RasterSource:
    """A raster on disk, of which windows are read as RGB.

    Colours are taken as the file names its bands. Transparent and nodata pixels come out grey, 16-bit
    values are scaled by their full range: both as in photographs.

    Raises:
        UnreadableImageError: The file is damaged or its values are no picture's.
    """

    def __init__(self, path: Path) -> None:
        import rasterio
        from rasterio.enums import MaskFlags

        self._path = path
        self._lock = threading.Lock()  # a GDAL dataset serves one thread at a time
        # for us a raster without a place on the map is a picture like others
        warnings.filterwarnings("ignore", category=rasterio.errors.NotGeoreferencedWarning)
        try:
            self._dataset: Any = rasterio.open(path)
        except rasterio.errors.RasterioIOError as error:
            raise UnreadableImageError(path, f"the file is damaged ({error})") from error
        self.width: int = self._dataset.width
        self.height: int = self._dataset.height
        self.position: Position | None = None  # each pixel has its own
        self._masked = any(MaskFlags.all_valid not in flags for flags in self._dataset.mask_flag_enums)
        self._bands, self._palette = self._colours()
        dtypes = {self._dataset.dtypes[band - 1] for band in self._bands}
        if not dtypes <= {"uint8", "uint16"}:
            self.close()
            raise UnreadableImageError(path, f"it holds {', '.join(sorted(dtypes))} values, not a picture's")

    def read(self, window: Window) -> Pixels:
        """Pixels of a window, shape (height, width, 3), RGB."""
        from rasterio.errors import RasterioError
        from rasterio.windows import Window as RasterWindow

        check_size(self._path, window.width, window.height)
        place = RasterWindow(window.x, window.y, window.width, window.height)
        try:
            with self._lock:
                bands = self._dataset.read(self._bands, window=place)
                valid = self._dataset.dataset_mask(window=place) if self._masked else None
        except RasterioError as error:
            where = f"{window.width} x {window.height} px at {window.x}, {window.y}"
            raise UnreadableImageError(self._path, f"{where} cannot be read; the file is damaged") from error
        pixels = self._as_rgb(bands)
        if valid is not None:
            pixels[valid == 0] = BACKDROP
        return pixels

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._dataset.close()

    def _colours(self) -> tuple[list[int], Pixels | None]:
        """Band numbers of red, green and blue, or of grey, or of a palette's indices with the palette."""
        from rasterio.enums import ColorInterp

        meanings = list(self._dataset.colorinterp)
        if meanings[0] == ColorInterp.palette:
            palette = np.zeros((256, 3), np.uint8)
            for index, colour in self._dataset.colormap(1).items():
                palette[index & 255] = colour[:3]
            return [1], palette
        wanted = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
        if all(colour in meanings for colour in wanted):
            return [meanings.index(colour) + 1 for colour in wanted], None
        return ([1, 2, 3] if len(meanings) >= 3 else [1]), None  # noqa: PLR2004 - three colours

    def _as_rgb(self, bands: np.ndarray) -> Pixels:
        if bands.dtype == np.uint16:
            bands = from_16_bit(bands, self._path)
        if self._palette is not None:
            return np.ascontiguousarray(self._palette[bands[0]])
        if len(bands) == 1:
            return np.repeat(bands[0][..., None], 3, axis=2)
        return np.ascontiguousarray(bands.transpose(1, 2, 0))
