"""What the benchmarks work on besides detectors: photographs and orthomosaics of noise, made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["make_photograph", "make_raster", "noise"]


def noise(width: int, height: int, seed: int) -> NDArray[np.uint8]:
    """Coarse and fine noise, shape (height, width, 3): a JPEG of it costs what one of savanna does."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(40, 200, (height // 16 + 1, width // 16 + 1, 3), np.uint8))
    pixels = np.asarray(coarse.resize((width, height), Image.Resampling.BILINEAR)).astype(np.int16)
    pixels += random.integers(-20, 21, pixels.shape, np.int16)
    return pixels.clip(0, 255).astype(np.uint8)


def make_photograph(path: Path, width: int, height: int, seed: int) -> Path:
    """A photograph of noise, the same for the same seed."""
    Image.fromarray(noise(width, height, seed)).save(path, quality=90)
    return path


def make_raster(path: Path, side: int) -> Path:
    """A square orthomosaic of noise: JPEG-compressed blocks of 512 px, 5 cm a pixel, in UTM."""
    import rasterio
    from rasterio.transform import from_origin
    from rasterio.windows import Window

    block = noise(1024, 1024, seed=3).transpose(2, 0, 1)
    profile = {"driver": "GTiff", "width": side, "height": side, "count": 3, "dtype": "uint8"}
    profile |= {"crs": "EPSG:32736", "transform": from_origin(5e5, 9e6, 0.05, 0.05)}
    profile |= {
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
        "compress": "jpeg",
        "photometric": "ycbcr",
    }
    with rasterio.open(path, "w", **profile) as file:
        for y in range(0, side, 1024):
            for x in range(0, side, 1024):
                width, height = min(1024, side - x), min(1024, side - y)
                file.write(block[:, :height, :width], window=Window(x, y, width, height))
    return path
