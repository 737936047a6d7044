"""The blocks of a JPEG-compressed orthomosaic, decoded with libjpeg-turbo.

rasterio's wheels are built with another JPEG library, which takes four to seven times as long for a
block; next to the model's own time that is the one cost of reading a raster that counts. GDAL says where
a block lies (its metadata domain "TIFF"); a block is a JPEG picture whose tables are kept once a file
(TIFF Technical Note 2, "JPEG compression").
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import numpy as np

from wildetect.geometry import Window
from wildetect.imagery.source import Pixels
from wildetect.remote.place import Place

__all__ = ["JpegBlocks"]

_START: Final = b"\xff\xd8"
_END: Final = b"\xff\xd9"
_COLOURS: Final = 3


class JpegBlocks:
    """Colour blocks of an open raster; not for several threads at once.

    Args:
        path: The file.
        dataset: The same, open with rasterio.
        cache_bytes: Memory for decoded blocks, as neighbouring windows share them.
    """

    def __init__(self, path: Place, dataset: Any, cache_bytes: int) -> None:
        self._dataset = dataset
        self._height, self._width = dataset.block_shapes[0]
        tables = bytes.fromhex(dataset.get_tag_item("JPEGTABLES", "TIFF", bidx=1) or "")
        self._begin = tables.removesuffix(_END) or _START
        self._file = path.open("rb")
        most = max(cache_bytes // (self._height * self._width * _COLOURS), 4)
        self._decoded: Callable[[int, int], Pixels | None] = lru_cache(most)(self._decode)

    @classmethod
    def of(cls, path: Place, dataset: Any, cache_bytes: int) -> JpegBlocks | None:
        """The blocks of a raster that has such ones: tiled, three bands of 8 bits, YCbCr."""
        structure = dataset.tags(ns="IMAGE_STRUCTURE")
        fits = (
            dataset.driver == "GTiff"
            and dataset.count == _COLOURS
            and structure.get("COMPRESSION") == "YCbCr JPEG"
            and structure.get("INTERLEAVE") == "PIXEL"
            and dataset.block_shapes[0][1] < dataset.width
        )
        return cls(path, dataset, cache_bytes) if fits else None

    def read(self, window: Window) -> Pixels | None:
        """Pixels of a window, shape (height, width, 3), RGB; None where GDAL must look itself."""
        pixels = np.empty((window.height, window.width, _COLOURS), np.uint8)
        for row in range(window.y // self._height, -(-window.bottom // self._height)):
            for column in range(window.x // self._width, -(-window.right // self._width)):
                block = self._decoded(row, column)
                if block is None:
                    return None
                x, y = column * self._width, row * self._height
                left, top = max(x, window.x), max(y, window.y)
                right, bottom = min(x + self._width, window.right), min(y + self._height, window.bottom)
                pixels[top - window.y : bottom - window.y, left - window.x : right - window.x] = block[
                    top - y : bottom - y, left - x : right - x
                ]
        return pixels

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _decode(self, row: int, column: int) -> Pixels | None:
        """A block; None if the file leaves it out, or it is damaged."""
        import simplejpeg

        offset, size = (
            int(self._dataset.get_tag_item(f"BLOCK_{what}_{column}_{row}", "TIFF", bidx=1) or 0)
            for what in ("OFFSET", "SIZE")
        )
        if not offset or not size:
            return None
        self._file.seek(offset)
        picture = self._begin + self._file.read(size).removeprefix(_START)
        try:
            pixels: Pixels = simplejpeg.decode_jpeg(picture, "RGB")
        except ValueError:
            return None
        return pixels if pixels.shape == (self._height, self._width, _COLOURS) else None
