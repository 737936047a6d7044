"""GeoTIFFs with blocks that cannot be read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

BLOCK = 256
"""Side of a block in px."""


def save_damaged(
    path: Path, columns: int, rows: int, damaged: Iterable[tuple[int, int]], *, value: int = 90
) -> Path:
    """A raster of so many blocks, nearly all of one value; those named by column and row are overwritten."""
    width, height = columns * BLOCK, rows * BLOCK
    bands = np.full((3, height, width), value, np.uint8)
    bands[:, ::9, ::9] += 1  # a tile of one colour alone would count as empty
    kind = {"driver": "GTiff", "width": width, "height": height, "count": 3, "dtype": "uint8"}
    blocks = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "deflate"}
    place = {"crs": "EPSG:32736", "transform": from_origin(500_000, 9_700_000, 0.1, 0.1)}
    with rasterio.open(path, "w", interleave="pixel", **kind, **blocks, **place) as file:
        file.write(bands)
    places = [place_of_block(path, column, row) for column, row in damaged]
    with path.open("r+b") as file:
        for offset, size in places:
            file.seek(offset)
            file.write(b"\xff" * size)
    return path


def place_of_block(path: Path, column: int, row: int) -> tuple[int, int]:
    """Where a block lies in the file, and its size, in bytes."""
    with rasterio.open(path) as dataset:
        offset, size = (
            dataset.get_tag_item(f"BLOCK_{word}_{column}_{row}", "TIFF", bidx=1)
            for word in ("OFFSET", "SIZE")
        )
    return int(offset), int(size)
