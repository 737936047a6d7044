"""Read rasters window by window, with memory that does not grow with them.

GDAL keeps decoded blocks in a cache. Tiles of neighbouring rows share blocks, so that it should hold
the blocks of a row of tiles; in a wide raster these would be too many. So a raster is read in swaths
that are as wide as the cache allows, one after the other, each from top to bottom (`swath`).
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from wildetect.geometry import Window
from wildetect.imagery.camera.camera import CameraTags
from wildetect.imagery.georeference import Georeference
from wildetect.imagery.jpeg_blocks import JpegBlocks
from wildetect.imagery.limits import MAX_PIXELS
from wildetect.imagery.photograph import BACKDROP, from_16_bit
from wildetect.imagery.positions.metadata import Position
from wildetect.imagery.source import ImageFacts, Pixels, UnreadableImageError, check_size

__all__ = ["RasterSource", "is_raster", "look_at"]

_TIFF_BEGINNINGS: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the latter two: BigTIFF
_GEO_TAGS: Final = (33922, 34264, 34735)  # tie points, transformation matrix, GeoTIFF keys
_CACHE_BYTES: Final = 64 << 20
_MOST_CACHE_BYTES: Final = 512 << 20
_ROWS_OF_TILE: Final = 1024  # px: rows of blocks that a row of tiles of usual size touches


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


def look_at(path: Path) -> ImageFacts:
    """What is known of a raster before its pixels are read.

    Raises:
        UnreadableImageError: The file is damaged or its values are no picture's.
    """
    source = RasterSource(path)
    source.close()
    return source


class RasterSource:
    """A raster on disk, of which windows are read as RGB.

    Colours are taken as the file names its bands. Transparent and nodata pixels come out grey, 16-bit
    values are scaled by their full range: both as in photographs.

    Raises:
        UnreadableImageError: The file is damaged or its values are no picture's.
    """

    def __init__(self, path: Path) -> None:
        import rasterio

        self._path = path
        self._lock = threading.Lock()  # a GDAL dataset serves one thread at a time
        # for us a raster without a place on the map is a picture like others
        warnings.filterwarnings("ignore", category=rasterio.errors.NotGeoreferencedWarning)
        with _damage_explained(path, "the file is damaged ({error})"):
            self._dataset: Any = rasterio.open(path)
            try:
                self._look()
            except BaseException:
                self._dataset.close()
                raise

    def _look(self) -> None:
        """Take from the header what is needed."""
        from rasterio.enums import MaskFlags

        self.width: int = self._dataset.width
        self.height: int = self._dataset.height
        self.position: Position | None = None  # each pixel has its own
        self.camera: CameraTags | None = None
        self.georeference = Georeference.of(self._dataset)
        self._masked = any(MaskFlags.all_valid not in flags for flags in self._dataset.mask_flag_enums)
        self._bands, self._palette = self._colours()
        dtypes = {self._dataset.dtypes[band - 1] for band in self._bands}
        if not dtypes <= {"uint8", "uint16"}:
            raise UnreadableImageError(
                self._path, f"it holds {', '.join(sorted(dtypes))} values, not a picture's"
            )
        self.swath: int | None = self._use_cache()
        self._jpeg_blocks = JpegBlocks.of(self._path, self._dataset, _CACHE_BYTES)

    def read(self, window: Window) -> Pixels:
        """Pixels of a window, shape (height, width, 3), RGB."""
        return self._read(window)[0]

    def tile(self, window: Window) -> Pixels | None:
        """As `read`; None where all is transparent or nodata, or of one colour, as outside the flown area."""
        pixels, empty = self._read(window)
        return None if empty or _is_plain(pixels) else pixels

    def _read(self, window: Window) -> tuple[Pixels, bool]:
        """Pixels of a window, and whether none of them holds data."""
        from rasterio.windows import Window as RasterWindow

        check_size(self._path, window.width, window.height)
        place = RasterWindow(window.x, window.y, window.width, window.height)
        with self._lock, _damage_explained(self._path, "the file is damaged"):
            held = self._jpeg_blocks.read(window) if self._jpeg_blocks else None
            bands: Any = None if held is not None else self._dataset.read(self._bands, window=place)
            valid = self._dataset.dataset_mask(window=place) if self._masked else None
        pixels = self._as_rgb(bands) if held is None else held
        if valid is None:
            return pixels, False
        pixels[valid == 0] = BACKDROP
        return pixels, not valid.any()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._dataset.close()
            if self._jpeg_blocks is not None:
                self._jpeg_blocks.close()

    def _use_cache(self) -> int | None:
        """Bound GDAL's cache, for all rasters together; the width of a swath whose blocks fit into it."""
        height, width = self._dataset.block_shapes[0]
        rows = -(-_ROWS_OF_TILE // height) * height + height
        bytes_a_column: int = rows * self._dataset.count * np.dtype(self._dataset.dtypes[0]).itemsize
        if width >= self.width:  # strips: each is decoded in its whole width, whatever the window
            _bound_cache(min(max(bytes_a_column * self.width, _CACHE_BYTES), _MOST_CACHE_BYTES))
            return None
        _bound_cache(_CACHE_BYTES)
        return int(max(_CACHE_BYTES // bytes_a_column - 2 * width, 2 * width))

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
            bands = from_16_bit(bands)
        if self._palette is not None:
            return np.ascontiguousarray(self._palette[bands[0]])
        if len(bands) == 1:
            return np.repeat(bands[0][..., None], 3, axis=2)
        return bands.transpose(1, 2, 0)


@contextmanager
def _damage_explained(path: Path, reason: str) -> Iterator[None]:
    """Whatever GDAL finds wrong with a file becomes a reason for a person; `{error}` in it what GDAL says."""
    try:
        yield
    except (UnreadableImageError, FileNotFoundError, PermissionError, MemoryError):
        raise
    except Exception as error:  # the classes of GDAL's errors are private to rasterio
        raise UnreadableImageError(path, reason.format(error=error)) from error


def _is_plain(pixels: Pixels) -> bool:
    """Whether all pixels have one colour; few are looked at first, as most pictures are not plain."""
    first = pixels[0, 0]
    return bool((pixels[::53, ::47] == first).all() and (pixels == first).all())


_cache_lock = threading.Lock()
_cache_bytes = 0


def _bound_cache(wanted: int) -> None:
    """Give GDAL's block cache at least so many bytes, and no more than the most that was wanted."""
    import rasterio

    global _cache_bytes  # noqa: PLW0603 - the cache is one for the whole process
    with _cache_lock:
        if wanted > _cache_bytes:
            # entered for good: leaving it would bring back GDAL's default, a part of all memory
            rasterio.Env(GDAL_CACHEMAX=wanted).__enter__()
            _cache_bytes = wanted
