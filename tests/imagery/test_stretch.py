"""How values of more than 8 bits become black to white."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from tests.imagery.test_geotiff import save_raster

from wildetect.geometry import Window
from wildetect.imagery.opening import look_at, open_image
from wildetect.imagery.photograph import BACKDROP
from wildetect.imagery.reading import Reading
from wildetect.imagery.source import Pixels, UnreadableImageError

PERCENTILES = Reading(stretch="percentiles")


def read(path: Path, reading: Reading | None = None) -> Pixels:
    source = open_image(path, reading or Reading())
    pixels = source.read(Window(0, 0, source.width, source.height)).copy()
    source.close()
    return pixels


def ramp(count: int, low: float, high: float, dtype: str) -> np.ndarray:
    values = np.linspace(low, high, 100 * 100).reshape(100, 100)
    return np.stack([values] * count).astype(dtype)


def scaled(values: np.ndarray, low: float, high: float) -> np.ndarray:
    expected: np.ndarray = np.rint(np.clip((values - low) / (high - low), 0, 1) * 255)[0]
    return expected


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_the_bits_that_a_file_states_are_its_range(tmp_path: Path, bits: int) -> None:
    most = (1 << bits) - 1
    values = ramp(3, 0, most, "uint16")
    path = save_raster(tmp_path / "a.tif", values, nbits=bits)
    assert np.array_equal(read(path)[..., 1], scaled(values, 0, most))
    assert (
        look_at(path).read_as[-1] == f"values 0 to {most} as black to white (the full range of {bits} bits)"
    )


def test_signed_bytes_are_bytes(tmp_path: Path) -> None:
    values = ramp(3, 0, 255, "int16")
    assert np.array_equal(read(save_raster(tmp_path / "a.tif", values))[..., 0], values[0])


@pytest.mark.parametrize(("dtype", "low", "high"), [("float32", 0.02, 0.4), ("int16", -300, 9000)])
def test_values_without_a_range_are_stretched_by_raster_and_named(
    tmp_path: Path, dtype: str, low: float, high: float
) -> None:
    values = ramp(3, low, high, dtype)
    path = save_raster(tmp_path / "a.tif", values)
    source = open_image(path)
    limits = np.percentile(values, (2, 98))
    assert np.abs(read(path)[..., 2] - scaled(values, *limits)).max() <= 1
    assert "percentiles 2 and 98 of the raster" in source.read_as[-1]
    assert "equal values differ between rasters" in source.doubts[0]
    # a window is read by the same rule as the whole
    assert np.array_equal(source.read(Window(0, 90, 50, 5)), read(path)[90:95, :50])
    source.close()
    stated = Reading(stretch=(low, high))
    assert np.abs(read(path, stretch_of(low, high))[..., 0] - scaled(values, low, high)).max() <= 1
    assert look_at(path, stated).doubts == ()


def stretch_of(low: float, high: float) -> Reading:
    return Reading(stretch=(low, high))


def test_one_band_of_numbers_is_no_picture_until_the_settings_say_so(tmp_path: Path) -> None:
    values = ramp(1, 20.5, 41.0, "float32")
    path = save_raster(tmp_path / "thermal.tif", values)
    with pytest.raises(UnreadableImageError, match=r"set processing\.stretch to percentiles"):
        open_image(path)
    assert np.abs(read(path, stretch_of(20.5, 41))[..., 0] - scaled(values, 20.5, 41)).max() <= 1
    assert read(path, PERCENTILES).max() == 255


def test_no_number_and_nodata_are_no_data(tmp_path: Path) -> None:
    values = ramp(3, 0, 1, "float32")
    values[:, :10] = np.nan
    values[:, 10:20] = -9999
    path = save_raster(tmp_path / "a.tif", values, nodata=-9999)
    pixels = read(path, PERCENTILES)
    assert (pixels[:20] == 114).all()
    source = open_image(path, PERCENTILES)
    assert source.tile(Window(0, 0, 100, 20)) is None
    black = float(source.read_as[-1].split()[1])
    assert black > 0.2  # the percentiles leave them out
    source.close()


@pytest.mark.parametrize(
    ("mark", "dtype"),
    [(-9999, "float32"), (-3.4028234663852886e38, "float32"), (-9999, "int16"), (-32768, "int16")],
)
def test_a_mark_of_no_data_that_nobody_declared_is_none(tmp_path: Path, mark: float, dtype: str) -> None:
    values = ramp(3, 100, 9000, dtype)
    path = save_raster(tmp_path / "whole.tif", values)
    expected = read(path)[:, 50:]
    values[:, :, :50] = mark
    marked = save_raster(tmp_path / "marked.tif", values)
    found = read(marked)
    assert (found[:, :50] == BACKDROP).all()
    # the same stretch, but for the half that is not there
    assert np.abs(found[:, 50:].astype(int) - expected.astype(int)).max() <= 2
    assert "is no data, though the file does not say so" in look_at(marked).read_as[-1]
    source = open_image(marked, stretch_of(0, 10_000))
    assert source.tile(Window(0, 0, 50, 100)) is None
    source.close()


def test_values_that_lie_near_a_mark_of_no_data_are_data(tmp_path: Path) -> None:
    values = ramp(3, -9999, 9000, "float32")
    path = save_raster(tmp_path / "a.tif", values)
    assert "no data" not in look_at(path).read_as[-1]
    assert not (read(path)[0, 0] == BACKDROP).all()


def test_a_large_raster_is_sampled_all_over(tmp_path: Path) -> None:
    values = np.zeros((3, 2100, 2100), np.uint16)
    values[:] = np.linspace(2000, 6000, 2100).astype(np.uint16)
    path = save_raster(tmp_path / "a.tif", values, compress="deflate")
    _, black, _, white, *_ = look_at(path, PERCENTILES).read_as[-1].split()
    assert (float(black), float(white)) == pytest.approx((2080, 5920), abs=80)


def test_photographs_of_16_bits_follow_the_same_rule(tmp_path: Path) -> None:
    values = ramp(3, 0, 10_000, "uint16")
    path = tmp_path / "a.png"
    with rasterio.open(path, "w", driver="PNG", count=3, width=100, height=100, dtype="uint16") as file:
        file.write(values)
    grey = tmp_path / "grey.png"
    Image.fromarray(values[0]).save(grey)
    assert np.array_equal(read(path)[..., 0], scaled(values, 0, 65535))
    for one in (path, grey):
        assert np.abs(read(one, stretch_of(0, 10_000))[..., 0] - scaled(values, 0, 10_000)).max() <= 1


def test_plain_photographs_are_left_as_they_are(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 90, (40, 50, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.array_equal(read(tmp_path / "a.png", PERCENTILES), pixels)
    assert look_at(tmp_path / "a.png", PERCENTILES).read_as == ()
