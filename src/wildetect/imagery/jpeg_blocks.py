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
from wildetect.imagery.photograph import DAMAGED, wrong_in
from wildetect.imagery.source import Pixels, UnreadableImageError
from wildetect.remote.place import Place

__all__ = ["JpegBlocks"]

_START: Final = b"\xff\xd8"
_END: Final = b"\xff\xd9"
_COLOURS: Final = 3


class JpegBlocks:
    """Blocks of an open raster; not for several threads at once.

    Of rasters whose blocks do not make pixels they are decoded all the same, as GDAL passes over what its
    library finds wrong with them.

    Args:
        path: The file.
        dataset: The same, open with rasterio.
        cache_bytes: Memory for decoded blocks, as neighbouring windows share them.
        make_pixels: Whether they are decoded into the pixels that are wanted.

    Attributes:
        doubts: What is doubtful about the blocks that were read.
    """

    def __init__(self, path: Place, dataset: Any, cache_bytes: int, *, make_pixels: bool) -> None:
        self._path = path
        self._dataset = dataset
        self._make_pixels = make_pixels
        self._bands = dataset.indexes if _structure(dataset).get("INTERLEAVE") == "BAND" else (1,)
        self.doubts: dict[str, None] = {}
        self._height, self._width = dataset.block_shapes[0]
        tables = bytes.fromhex(dataset.get_tag_item("JPEGTABLES", "TIFF", bidx=1) or "")
        self._begin = tables.removesuffix(_END) or _START
        self._file = path.open("rb")
        most = max(cache_bytes // (self._height * self._width * _COLOURS), 4)
        self._decoded: Callable[[int, int], Pixels | None] = lru_cache(most)(self._decode)

    @classmethod
    def of(cls, path: Place, dataset: Any, cache_bytes: int, *, in_order: bool) -> JpegBlocks | None:
        """The blocks of a raster that has such ones; pixels are made of tiles of three bands, YCbCr.

        Args:
            path: The file.
            dataset: The same, open with rasterio.
            cache_bytes: Memory for decoded blocks.
            in_order: Whether the bands that are wanted are those of the file, in its order.
        """
        structure = _structure(dataset)
        if dataset.driver != "GTiff" or not structure.get("COMPRESSION", "").endswith("JPEG"):
            return None
        fits = (
            in_order
            and dataset.count == _COLOURS
            and structure["COMPRESSION"] == "YCbCr JPEG"
            and structure.get("INTERLEAVE") == "PIXEL"
            and dataset.block_shapes[0][1] < dataset.width
        )
        return cls(path, dataset, cache_bytes, make_pixels=fits)

    def read(self, window: Window) -> Pixels | None:
        """Pixels of a window, shape (height, width, 3), RGB; None where GDAL must look itself.

        Raises:
            UnreadableImageError: A block of it is damaged.
        """
        pixels, all_there = np.empty((window.height, window.width, _COLOURS), np.uint8), True
        for row in range(window.y // self._height, -(-window.bottom // self._height)):
            for column in range(window.x // self._width, -(-window.right // self._width)):
                block = self._decoded(row, column)
                if block is None:
                    all_there = False
                    continue
                x, y = column * self._width, row * self._height
                left, top = max(x, window.x), max(y, window.y)
                right, bottom = min(x + self._width, window.right), min(y + self._height, window.bottom)
                pixels[top - window.y : bottom - window.y, left - window.x : right - window.x] = block[
                    top - y : bottom - y, left - x : right - x
                ]
        return pixels if all_there else None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _decode(self, row: int, column: int) -> Pixels | None:
        """A block; None if the file leaves it out, or it is not what the pixels are made of."""
        for band in self._bands:
            pixels = self._decode_band(row, column, band)
        if not self._make_pixels or pixels is None:
            return None
        return pixels if pixels.shape == (self._height, self._width, _COLOURS) else None

    def _decode_band(self, row: int, column: int, band: int) -> Pixels | None:
        import simplejpeg

        offset, size = (
            int(self._dataset.get_tag_item(f"BLOCK_{what}_{column}_{row}", "TIFF", bidx=band) or 0)
            for what in ("OFFSET", "SIZE")
        )
        if not offset or not size:
            return None
        self._file.seek(offset)
        picture = self._begin + self._file.read(size).removeprefix(_START)
        several = len(self._bands) == 1 and self._dataset.count > _COLOURS
        try:
            pixels: Pixels = simplejpeg.decode_jpeg(picture, "CMYK" if several else "RGB")
        except ValueError as error:
            wrong = wrong_in(str(error))
            if wrong == DAMAGED:
                raise UnreadableImageError(self._path, f"the file is damaged ({error})") from error
            self.doubts |= {} if wrong is None else {wrong: None}
            return None
        return pixels


def _structure(dataset: Any) -> dict[str, str]:
    found: dict[str, str] = dataset.tags(ns="IMAGE_STRUCTURE")
    return found
