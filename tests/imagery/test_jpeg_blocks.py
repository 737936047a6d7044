from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import from_origin
from rasterio.windows import Window as RasterWindow
from tests.imagery.damaged_rasters import place_of_block

from wildetect.geometry import Window
from wildetect.imagery.jpeg_blocks import JpegBlocks
from wildetect.imagery.opening import open_image
from wildetect.imagery.raster import RasterSource
from wildetect.imagery.source import UnreadableImageError

SIDE = 128
WIDTH, HEIGHT = 600, 500  # 5 x 4 blocks, those at the right and at the bottom not full
PLACE = {"crs": "EPSG:32636", "transform": from_origin(5e5, 9e6, 0.05, 0.05)}
JPEG = {"tiled": True, "blockxsize": SIDE, "blockysize": SIDE, "compress": "jpeg", "photometric": "ycbcr"}


def picture() -> np.ndarray:
    """Soft colours, shape (3, height, width)."""
    coarse = np.random.default_rng(5).integers(30, 220, (5, 6, 3), np.uint8)
    smooth = Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    return np.asarray(smooth).transpose(2, 0, 1)


def save(path: Path, **profile: Any) -> Path:
    kind = {"driver": "GTiff", "width": WIDTH, "height": HEIGHT, "count": 3, "dtype": "uint8"}
    with rasterio.open(path, "w", **kind, **PLACE, **(JPEG | profile)) as file:
        file.write(picture())
    return path


def blocks_of(path: Path, cache_bytes: int = 1 << 20) -> JpegBlocks | None:
    with rasterio.open(path) as dataset:
        return JpegBlocks.of(path, dataset, cache_bytes, in_order=True)


@pytest.mark.parametrize("cache_bytes", [0, 1 << 20])
@pytest.mark.parametrize(
    "window",
    [
        Window(0, 0, WIDTH, HEIGHT),
        Window(130, 140, 60, 50),
        Window(100, 100, 300, 200),
        Window(WIDTH - 1, HEIGHT - 1, 1, 1),
    ],
)
def test_windows_show_what_gdal_shows(tmp_path: Path, window: Window, cache_bytes: int) -> None:
    path = save(tmp_path / "raster.tif")
    with rasterio.open(path) as dataset:
        blocks = JpegBlocks.of(path, dataset, cache_bytes, in_order=True)
        assert blocks is not None
        pixels = blocks.read(window)
        blocks.close()
        place = RasterWindow(window.x, window.y, window.width, window.height)
        expected = dataset.read(window=place).transpose(1, 2, 0)
    assert pixels is not None
    assert pixels.shape == expected.shape
    # the two libraries smooth the coarser colour planes in different ways
    difference = np.abs(pixels.astype(int) - expected)
    assert difference.mean() < 1
    assert difference.max() <= 16


@pytest.mark.parametrize("profile", [{"compress": "deflate", "photometric": "rgb"}])
def test_other_rasters_are_left_to_gdal(tmp_path: Path, profile: dict[str, Any]) -> None:
    path = save(tmp_path / "raster.tif", **profile)
    assert blocks_of(path) is None
    assert RasterSource(path).read(Window(0, 0, 9, 9)).shape == (9, 9, 3)


LAYOUTS = {
    "tiles": {},
    "no YCbCr": {"photometric": "rgb"},
    "strips": {"tiled": False, "blockxsize": WIDTH, "blockysize": 16},
    "bands": {"photometric": "rgb", "interleave": "band"},
    "opacity": {"photometric": "rgb", "count": 4, "alpha": "yes"},
    "grey": {"photometric": "minisblack", "count": 1},
}


@pytest.mark.parametrize("profile", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("placed", [True, False])
def test_damage_in_a_block_is_told_however_blocks_lie(
    tmp_path: Path, profile: dict[str, Any], *, placed: bool
) -> None:
    path = tmp_path / "raster.tif"
    kind = {"driver": "GTiff", "width": WIDTH, "height": HEIGHT, "count": 3, "dtype": "uint8"}
    with rasterio.open(path, "w", **kind | (PLACE if placed else {}) | JPEG | profile) as file:
        bands = np.concatenate([picture(), np.full((1, HEIGHT, WIDTH), 255, np.uint8)])
        file.write(bands[: file.count])
    whole = Window(0, 0, WIDTH, HEIGHT)
    sound = open_image(path)
    expected = picture() if profile.get("count", 3) > 1 else picture()[[0, 0, 0]]
    assert np.abs(sound.read(whole) - expected.transpose(1, 2, 0).astype(int)).mean() < 12
    assert sound.doubts == ()
    data, (offset, size) = path.read_bytes(), place_of_block(path, 0, 1)
    middle, end = offset + size // 2, offset + size
    path.write_bytes(data[:middle] + b"\xff\xd9" + bytes(end - middle - 2) + data[end:])
    with pytest.raises(UnreadableImageError, match="the file is damaged"):
        open_image(path).read(whole)
    late = end - size // 8
    path.write_bytes(data[:late] + bytes(end - late - 2) + data[end - 2 :])
    source = open_image(path)
    source.read(whole)
    (doubt,) = source.doubts
    assert "bytes that belong to nothing" in doubt


def test_a_block_that_the_file_leaves_out_is_black(tmp_path: Path) -> None:
    path = tmp_path / "sparse.tif"
    kind = {"driver": "GTiff", "width": WIDTH, "height": HEIGHT, "count": 3, "dtype": "uint8"}
    with rasterio.open(path, "w", **kind, **PLACE, **JPEG, sparse_ok=True) as file:
        file.write(picture()[:, :SIDE, :SIDE], window=RasterWindow(0, 0, SIDE, SIDE))
    source = RasterSource(path)
    assert source.tile(Window(0, 0, SIDE, SIDE)) is not None
    assert source.tile(Window(256, 256, 100, 100)) is None
    assert not source.read(Window(256, 256, 100, 100)).any()
    source.close()


def test_a_damaged_block_costs_its_windows_alone(tmp_path: Path) -> None:
    path = save(tmp_path / "raster.tif")
    offset, size = place_of_block(path, 1, 1)
    data = bytearray(path.read_bytes())
    data[offset : offset + size] = bytes(size)
    path.write_bytes(data)
    source = RasterSource(path)
    with pytest.raises(UnreadableImageError, match="the file is damaged"):
        source.read(Window(130, 140, 60, 50))
    assert source.tile(Window(300, 300, 100, 100)) is not None
    source.close()


def test_a_mask_inside_the_file_counts(tmp_path: Path) -> None:
    path = tmp_path / "masked.tif"
    kind = {"driver": "GTiff", "width": WIDTH, "height": HEIGHT, "count": 3, "dtype": "uint8"}
    mask = np.full((HEIGHT, WIDTH), 255, np.uint8)
    mask[:, :200] = 0
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", **kind, **PLACE, **JPEG) as file,
    ):
        file.write(picture())
        file.write_mask(mask)
    source = RasterSource(path)
    assert source.tile(Window(0, 0, 100, 100)) is None
    assert (source.read(Window(0, 0, 200, 100)) == 114).all()
    assert source.tile(Window(300, 0, 100, 100)) is not None
    source.close()
