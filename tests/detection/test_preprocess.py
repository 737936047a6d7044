from __future__ import annotations

import numpy as np
import pytest

from wildetect.detection.network.preprocess import network_input, place
from wildetect.registry.manifest import Feeding


def noise(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("resize", "tile", "place_and_size"),
    [
        ("letterbox", (640, 480), (0, 80, 640, 480)),
        ("letterbox", (810, 1080), (80, 0, 480, 640)),
        ("letterbox", (320, 320), (0, 0, 640, 640)),
        ("letterbox", (640, 425), (0, 107, 640, 425)),  # the odd row of the border lies at the bottom
        ("letterbox", (10_000, 1), (0, 319, 640, 1)),
        ("letterbox-corner", (640, 480), (0, 0, 640, 480)),
        ("letterbox-corner", (810, 1080), (0, 0, 480, 640)),
        ("stretch", (810, 1080), (0, 0, 640, 640)),
    ],
)
def test_where_a_tile_goes(
    resize: str, tile: tuple[int, int], place_and_size: tuple[int, int, int, int]
) -> None:
    feeding = Feeding.model_validate({"width": 640, "height": 640, "resize": resize})
    placement = place(*tile, feeding)
    assert (placement.left, placement.top, placement.width, placement.height) == place_and_size
    left, top, width, height = place_and_size
    whole = placement.to_tile(np.array([[left, top, left + width, top + height]], dtype=np.float32))
    assert whole[0] == pytest.approx([0, 0, *tile])


def test_a_tile_that_fits_is_not_resized() -> None:
    tile = noise(64, 32)
    batch, _ = network_input([tile], Feeding(width=64, height=32))
    assert batch.shape == (1, 3, 32, 64)
    assert batch.dtype == np.float32
    assert np.array_equal(np.round(batch[0] * 255), tile.transpose(2, 0, 1))


def test_the_border_has_the_pad_value() -> None:
    batch, _ = network_input([noise(64, 32)], Feeding(width=64, height=64, scale=1.0))
    assert (batch[0, :, :16] == 114).all()
    assert (batch[0, :, 48:] == 114).all()
    corner, _ = network_input(
        [noise(64, 32)], Feeding(width=64, height=64, scale=1.0, resize="letterbox-corner", pad=0)
    )
    assert (corner[0, :, 32:] == 0).all()
    assert corner[0, :, :32].any()


def test_channel_order_scale_mean_and_std() -> None:
    tile = np.full((4, 4, 3), (10, 20, 30), np.uint8)
    bgr = Feeding(width=4, height=4, channel_order="bgr", scale=1.0, mean=(1, 2, 3), std=(2, 4, 8))
    batch, _ = network_input([tile], bgr)
    assert batch[0, :, 0, 0] == pytest.approx([(30 - 1) / 2, (20 - 2) / 4, (10 - 3) / 8])
    unit, _ = network_input([tile], Feeding(width=4, height=4, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)))
    assert unit[0, :, 0, 0] == pytest.approx([p / 127.5 - 1 for p in (10, 20, 30)], abs=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_dtypes(dtype: str) -> None:
    tile = noise(8, 8)
    batch, _ = network_input([tile, tile], Feeding.model_validate({"width": 8, "height": 8, "dtype": dtype}))
    assert batch.dtype == dtype
    expected = tile.transpose(2, 0, 1) if dtype == "uint8" else tile.transpose(2, 0, 1) / 255
    assert batch[1] == pytest.approx(expected, abs=1e-3)


def test_shrinking_looks_at_every_pixel() -> None:
    tile = np.zeros((640, 640, 3), np.uint8)
    tile[301, 301] = 255  # between the samples of a resize that takes four pixels only
    batch, _ = network_input([tile], Feeding(width=64, height=64, scale=1.0))
    assert batch.max() > 0


@pytest.mark.parametrize(("width", "height"), [(60, 60), (100, 30), (150, 40)])
def test_sampling_takes_the_pixels_around_the_middle_of_each_new_one(width: int, height: int) -> None:
    """As OpenCV's INTER_LINEAR and PyTorch's interpolate without antialias do, written out here."""
    tile = noise(123, 97)
    fed, _ = network_input(
        [tile], Feeding(width=width, height=height, scale=1.0, resize="stretch", shrink="sample")
    )
    rows = np.clip((np.arange(height) + 0.5) * 97 / height - 0.5, 0, 96)
    columns = np.clip((np.arange(width) + 0.5) * 123 / width - 0.5, 0, 122)
    upper, left = rows.astype(int), columns.astype(int)
    down, right = (rows - upper)[:, None, None], (columns - left)[None, :, None]
    lower, beside = np.minimum(upper + 1, 96), np.minimum(left + 1, 122)
    pixels = tile.astype(float)
    above = pixels[upper][:, left] * (1 - right) + pixels[upper][:, beside] * right
    below = pixels[lower][:, left] * (1 - right) + pixels[lower][:, beside] * right
    expected = (above * (1 - down) + below * down).transpose(2, 0, 1)
    assert np.abs(fed[0] - expected).max() < 1.1
    averaged, _ = network_input([tile], Feeding(width=width, height=height, scale=1.0, resize="stretch"))
    assert np.abs(averaged[0] - expected).max() > 20


def test_tiles_of_different_sizes_share_a_batch() -> None:
    batch, placements = network_input([noise(64, 64), noise(32, 64)], Feeding(width=64, height=64))
    assert batch.shape == (2, 3, 64, 64)
    assert [placement.left for placement in placements] == [0, 16]


@pytest.mark.parametrize("as_pixels", [False, True])
def test_the_last_tile_fills_up_an_input_of_more(as_pixels: bool) -> None:
    feeding = Feeding(width=64, height=64)
    tiles = [noise(64, 64), noise(32, 64)]
    alone, places = network_input(tiles, feeding, as_pixels=as_pixels)
    filled, same_places = network_input(tiles, feeding, 4, as_pixels=as_pixels)
    assert same_places == places
    assert np.array_equal(filled, alone[[0, 1, 1, 1]])


def test_what_is_enlarged_to_look_as_in_training_gets_contrast_back() -> None:
    tile = np.full((32, 32, 3), 100, np.uint8)
    tile[:, ::4], tile[:, 1::4] = 150, 150  # stripes of two px
    feeding = Feeding(width=64, height=64, scale=1.0)
    plain, sharp = (network_input([tile], feeding, sharp=[one])[0][0, :, :, 8:56] for one in (False, True))
    assert sharp.max() - sharp.min() > 1.2 * 50 > plain.max() - plain.min()
    assert sharp.mean() == pytest.approx(plain.mean(), abs=1)
    large = Feeding(width=16, height=16, scale=1.0)
    assert np.ptp(network_input([tile], large, sharp=[True])[0]) <= 2 * 50  # shrunk, it is not sharpened
