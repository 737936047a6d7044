from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

from wildetect.geometry import Window
from wildetect.imagery.opening import open_image
from wildetect.imagery.raster import RasterSource
from wildetect.imagery.reading import Reading
from wildetect.imagery.source import UnreadableImageError


def save_raster(path: Path, bands: np.ndarray, **profile: Any) -> Path:
    meanings = profile.pop("colorinterp", None)
    shape = {"count": bands.shape[0], "height": bands.shape[1], "width": bands.shape[2], "dtype": bands.dtype}
    place = {"crs": "EPSG:32633", "transform": from_origin(5e5, 4e6, 0.1, 0.1)}
    with rasterio.open(path, "w", driver="GTiff", **shape, **place, **profile) as file:
        file.write(bands)
        if meanings:
            file.colorinterp = meanings
    return path


def noise(count: int, dtype: str = "uint8") -> np.ndarray:
    return np.random.default_rng(0).integers(1, np.iinfo(dtype).max, (count, 50, 70)).astype(dtype)


def test_windows_are_read_as_rgb(tmp_path: Path) -> None:
    bands = noise(3)
    source = open_image(save_raster(tmp_path / "raster.tif", bands, photometric="rgb"))
    assert isinstance(source, RasterSource)
    assert (source.width, source.height) == (70, 50)
    expected = bands[:, 5:25, 10:40].transpose(1, 2, 0)
    assert np.array_equal(source.read(Window(10, 5, 30, 20)), expected)
    source.close()


def test_bands_are_taken_by_colour(tmp_path: Path) -> None:
    bands = noise(4)
    bands[3] = 255
    meanings = [ColorInterp.blue, ColorInterp.green, ColorInterp.red, ColorInterp.alpha]
    source = open_image(save_raster(tmp_path / "raster.tif", bands, colorinterp=meanings))
    pixels = source.read(Window(0, 0, 70, 50))
    assert np.array_equal(pixels, bands[[2, 1, 0]].transpose(1, 2, 0))


def test_grey_16_bit_and_nodata(tmp_path: Path) -> None:
    bands = noise(1, "uint16")
    bands[0, :10] = 0
    source = open_image(save_raster(tmp_path / "raster.tif", bands, nodata=0))
    pixels = source.read(Window(0, 0, 70, 50))
    assert (pixels[:10] == 114).all()
    assert np.array_equal(pixels[10:, :, 1], np.round(bands[0, 10:] / 257).astype(np.uint8))


def test_alpha_comes_out_grey(tmp_path: Path) -> None:
    bands = noise(4)
    bands[3] = 255
    bands[3, :, :20] = 0
    meanings = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    pixels = open_image(save_raster(tmp_path / "raster.tif", bands, colorinterp=meanings)).read(
        Window(0, 0, 70, 50)
    )
    assert (pixels[:, :20] == 114).all()
    assert np.array_equal(pixels[:, 20:], bands[:3, :, 20:].transpose(1, 2, 0))


def test_values_of_no_picture(tmp_path: Path) -> None:
    path = save_raster(tmp_path / "elevation.tif", np.ones((1, 4, 4), np.float32))
    with pytest.raises(UnreadableImageError, match="float32"):
        open_image(path)


@pytest.mark.parametrize(
    "name",
    [
        "df_5dded5bc0140b80006d2e565_23.tif",
        "df_OSBS_029.tif",
        "rio_RGBA.byte.tif",
        "rio_RGBA.uint16.tif",
        "rio_all-nodata.tif",
        "rio_cogeo.tif",
        "rio_rotated.tif",
        "webodm_orthophoto.tif",
    ],
)
def test_real_rasters_open(shared_data: Path, name: str) -> None:
    source = open_image(shared_data / "geo" / name)
    width, height = min(source.width, 300), min(source.height, 300)
    assert source.read(Window(source.width - width, source.height - height, width, height)).shape == (
        height,
        width,
        3,
    )
    source.close()


def test_a_corrupt_raster_opens_and_fails_to_read(shared_data: Path) -> None:
    source = open_image(shared_data / "geo" / "rio_corrupt.tif")
    with pytest.raises(UnreadableImageError, match=r"cannot read rio_corrupt\.tif: the file is damaged"):
        source.read(Window(0, 0, source.width, source.height))


def test_a_tile_without_data(tmp_path: Path) -> None:
    bands = noise(3)
    bands[:, :, :40] = 0
    source = open_image(save_raster(tmp_path / "raster.tif", bands, nodata=0, photometric="rgb"))
    assert source.tile(Window(0, 0, 40, 50)) is None
    tile = source.tile(Window(30, 0, 20, 20))
    assert tile is not None
    assert np.array_equal(tile, source.read(Window(30, 0, 20, 20)))


def test_a_tile_of_one_colour_holds_nothing(tmp_path: Path) -> None:
    bands = noise(3)
    bands[:, :, :40] = 255  # no nodata is named: the program that made it wrote white
    source = open_image(save_raster(tmp_path / "raster.tif", bands, photometric="rgb"))
    assert source.tile(Window(0, 0, 40, 50)) is None
    assert source.tile(Window(0, 0, 41, 50)) is not None


def test_a_raster_larger_than_a_picture_may_be(tmp_path: Path) -> None:
    path = tmp_path / "raster.tif"
    profile = {"driver": "GTiff", "count": 3, "dtype": "uint8", "width": 40_000, "height": 30_000}
    more = {"tiled": True, "sparse_ok": True, "compress": "deflate", "BIGTIFF": "YES"}
    with rasterio.open(path, "w", **profile, **more, crs="EPSG:32633", transform=from_origin(5e5, 4e6, 1, 1)):
        pass
    source = open_image(path)
    assert source.swath is not None
    assert source.swath > 3000
    assert source.read(Window(39_000, 29_000, 1000, 1000)).shape == (1000, 1000, 3)
    with pytest.raises(UnreadableImageError, match="at most 250 are read whole"):
        source.read(Window(0, 0, 40_000, 30_000))
    source.close()


def test_the_cache_is_bounded_for_all_threads(tmp_path: Path) -> None:
    import threading

    from rasterio._env import get_gdal_config

    open_image(save_raster(tmp_path / "raster.tif", noise(3))).close()
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(get_gdal_config("GDAL_CACHEMAX")))
    thread.start()
    thread.join()
    assert 0 < seen[0] <= 512 << 20


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_a_photograph_that_is_too_large_is_read_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    rows, columns = np.mgrid[:50, :70]
    pixels = np.stack([rows * 4, columns * 3, rows + columns], axis=2).astype(np.uint8)
    path = tmp_path / f"large.{ending}"
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(pixels).save(path, exif=exif, quality=95)
    whole = np.asarray(Image.open(path))
    monkeypatch.setattr("wildetect.imagery.raster.MAX_PIXELS", 70 * 50 - 1)
    source = open_image(path)
    assert isinstance(source, RasterSource)
    difference = source.read(Window(30, 20, 40, 30)).astype(int) - whole[20:, 30:]
    assert np.abs(difference).max() <= 3  # GDAL's JPEG library is another one
    assert "to be turned" in source.doubts[0]
    source.close()


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_what_is_missing_of_a_large_photograph_is_no_grey(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    path = tmp_path / f"large.{ending}"
    Image.fromarray(noise).save(path, quality=95)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    monkeypatch.setattr("wildetect.imagery.raster.MAX_PIXELS", 60 * 80 - 1)
    with pytest.raises(UnreadableImageError):
        open_image(path).read(Window(0, 40, 80, 20))
    source = open_image(path, Reading(use_damaged=True))
    assert any("missing part" in doubt for doubt in source.doubts)
    source.close()
    if ending == "jpg":  # as a card's recovery fills it up, to its old size
        path.write_bytes(content[: len(content) * 2 // 3] + bytes(len(content) // 3))
        source = open_image(path)
        assert any("cut short" in doubt for doubt in source.doubts)
        source.close()


def test_palettes_of_16_bits_and_white_that_is_0_have_the_colours_of_the_file(tmp_path: Path) -> None:
    for kind in ("uint8", "uint16"):
        grey = noise(1, kind)
        source = open_image(save_raster(tmp_path / f"{kind}.tif", grey, photometric="miniswhite"))
        dark = 255 - grey[0] / (np.iinfo(kind).max / 255)
        assert np.abs(source.read(Window(0, 0, 70, 50))[..., 1] - dark).max() <= 1
        # not what GDAL itself writes, but others: GDAL gives a palette
        other = tmp_path / f"{kind} of others.tif"
        Image.fromarray(grey[0]).save(other)
        data = other.read_bytes()
        told = struct.pack("<HHII", 262, 3, 1, 1)
        assert told in data
        other.write_bytes(data.replace(told, struct.pack("<HHII", 262, 3, 1, 0)))
        assert np.abs(open_image(other).read(Window(0, 0, 70, 50))[..., 1] - dark).max() <= 1
    path = tmp_path / "palette.tif"
    shape = {"count": 1, "height": 50, "width": 70, "dtype": "uint16"}
    colours = {int(index): (int(index) % 251, int(index) % 241, 9, 255) for index in np.unique(grey)}
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:32633", **shape) as file:
        file.write(grey)
        file.write_colormap(1, colours)
    pixels = open_image(path).read(Window(0, 0, 70, 50))
    assert pixels[7, 9].tolist() == list(colours[int(grey[0, 7, 9])][:3])


def test_a_photograph_of_16_bits_that_is_turned_is_not_doubted(tmp_path: Path) -> None:
    path = tmp_path / "turned.tif"
    upright = np.random.default_rng(1).integers(0, 65536, (40, 30), np.uint16)
    turned = Image.fromarray(np.rot90(upright))
    turned.save(path, tiffinfo={274: 6})
    source = open_image(path)
    assert np.array_equal(source.read(Window(0, 0, 30, 40))[..., 0], np.round(upright / 257).astype(np.uint8))
    assert source.doubts == ()
