from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wildetect.detection.tiles.tiling import LargeWindows, large_windows, tile_windows
from wildetect.geometry import Window

lengths = st.integers(1, 700)
percent = st.integers(0, 90)


@given(lengths, lengths, st.integers(8, 300), percent.map(lambda number: number / 100))
def test_tiles_cover_everything_and_none_is_redundant(
    width: int, height: int, tile_size: int, overlap_ratio: float
) -> None:
    windows = tile_windows(width, height, tile_size, overlap_ratio)
    assert len(set(windows)) == len(windows)
    for side, length in (("x", width), ("y", height)):
        starts = sorted({getattr(window, side) for window in windows})
        tile = min(tile_size, length)
        assert starts[0] == 0
        assert starts[-1] == length - tile  # shifted back inside, of full size
        gaps = np.diff(starts)
        most = max(tile_size - overlap_ratio * tile_size, 1)
        assert all(0 < gap <= most + 1e-6 for gap in gaps)
        # one tile fewer could not keep the overlap
        assert (len(starts) - 2) * int(most + 1e-6) < length - tile or len(starts) == 1
    assert {(window.width, window.height) for window in windows} == {
        (min(tile_size, width), min(tile_size, height))
    }


@pytest.mark.parametrize(
    ("size", "tile_size", "overlap_ratio", "count"),
    [
        ((5472, 3648), 800, 0.2, 54),  # what other tools take, too
        ((3840, 2160), 320, 0.2, 135),
        ((800, 800), 800, 0.2, 1),
        ((801, 800), 800, 0.2, 2),
        ((1600, 800), 800, 0.0, 2),
        ((100, 50), 800, 0.2, 1),
        ((5472, 3648), 0, 0.2, 1),
    ],
)
def test_number_of_tiles(size: tuple[int, int], tile_size: int, overlap_ratio: float, count: int) -> None:
    assert len(tile_windows(*size, tile_size, overlap_ratio)) == count


def test_tile_size_0_takes_the_image_whole() -> None:
    assert tile_windows(640, 480, 0, 0.2) == [Window(0, 0, 640, 480)]


def test_image_narrower_than_a_tile_gets_tiles_of_its_own_width() -> None:
    assert tile_windows(100, 1000, 640, 0.25) == [Window(0, 0, 100, 640), Window(0, 360, 100, 640)]


@pytest.mark.parametrize(
    "arguments",
    [(0, 10, 10, 0.2), (10, 0, 10, 0.2), (10, 10, -1, 0.2), (10, 10, 10, 1.0), (10, 10, 10, -0.1)],
)
def test_arguments_out_of_range(arguments: tuple[int, int, int, float]) -> None:
    with pytest.raises(ValueError, match=r"tile"):
        tile_windows(*arguments)


@given(
    st.integers(64, 6000),
    st.integers(64, 6000),
    st.sampled_from((64, 640, 800)),
    st.sampled_from((0.0, 0.1, 0.2, 0.5)),
    st.integers(2, 4),
)
def test_large_windows_cover_everything_overlap_as_tiles_do_and_need_no_border(
    width: int, height: int, tile_size: int, overlap_ratio: float, most: int
) -> None:
    large = LargeWindows(most, 10)
    windows = large_windows(width, height, tile_size, overlap_ratio, large)
    if min(width, height) < tile_size:
        assert windows == tile_windows(width, height, tile_size, overlap_ratio)
        return
    part = tile_size / large.parts
    for start, size, length in (("x", "width", width), ("y", "height", height)):
        starts = sorted({getattr(window, start) for window in windows})
        (side,) = {getattr(window, size) for window in windows}
        assert starts[0] == 0
        assert starts[-1] + side == length
        assert all(gap <= side - overlap_ratio * tile_size + 1 for gap in np.diff(starts))
        assert side <= most * tile_size + part
        if len(starts) > 1 and side < length:
            assert side % part < 1 or part - side % part < 1


def test_large_windows_of_a_photograph_cost_less_than_four_fifths_of_its_tiles() -> None:
    for size in ((5472, 3648), (8192, 5460), (4000, 3000)):
        tiles, windows = (
            sum(one.width * one.height for one in cut)
            for cut in (
                tile_windows(*size, 800, 0.2),
                large_windows(*size, 800, 0.2, LargeWindows(3, 10)),
            )
        )
        assert windows <= 0.8 * tiles
