from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.imagery.damaged_rasters import BLOCK, save_damaged

from wildetect.geometry import Window
from wildetect.imagery.damage import read_around_damage
from wildetect.imagery.opening import open_image
from wildetect.imagery.photograph import BACKDROP
from wildetect.imagery.source import ArraySource, UnreadableImageError


def test_what_is_whole_comes_as_it_is() -> None:
    pixels = np.arange(60 * 80 * 3, dtype=np.uint8).reshape(60, 80, 3)
    window = Window(7, 11, 30, 20)
    assert np.array_equal(read_around_damage(ArraySource(pixels), window), pixels[11:31, 7:37])


@pytest.mark.parametrize(
    "window",
    [Window(0, 0, 3 * BLOCK, 2 * BLOCK), Window(BLOCK - 40, BLOCK - 30, 100, 90), Window(200, 0, 300, 512)],
)
def test_a_damaged_block_is_grey_and_nothing_else(tmp_path: Path, window: Window) -> None:
    source = open_image(save_damaged(tmp_path / "part.tif", 3, 2, [(1, 1)], value=200))
    pixels = read_around_damage(source, window)
    grey = np.zeros((2 * BLOCK, 3 * BLOCK), bool)
    grey[BLOCK:, BLOCK : 2 * BLOCK] = True
    expected = grey[window.y : window.bottom, window.x : window.right]
    assert pixels.shape == (window.height, window.width, 3)
    assert np.array_equal((pixels == BACKDROP).all(axis=2), expected)
    source.close()


def test_a_window_of_which_nothing_can_be_read(tmp_path: Path) -> None:
    source = open_image(save_damaged(tmp_path / "part.tif", 3, 2, [(1, 1)]))
    with pytest.raises(UnreadableImageError, match="the file is damaged"):
        read_around_damage(source, Window(BLOCK + 5, BLOCK + 5, 50, 60))
    source.close()
