from __future__ import annotations

import gc
import io
import weakref
from collections.abc import Iterator

import numpy as np
import pytest
import simplejpeg
from PIL import Image

from wildetect.imagery import pixel_memory
from wildetect.imagery.pixel_memory import empty_pixels, release_spare_memory


@pytest.fixture(autouse=True)
def _nothing_spare() -> Iterator[None]:
    release_spare_memory()
    yield
    release_spare_memory()


def address(pixels: np.ndarray) -> int:
    return int(pixels.__array_interface__["data"][0])


def test_memory_is_used_again_once_no_view_of_it_is_left() -> None:
    first = empty_pixels(300, 400)
    assert first.shape == (300, 400, 3)
    assert first.dtype == np.uint8
    assert first.flags.writeable
    where = address(first)
    view = first[10:20].transpose(1, 0, 2)[::2]
    del first
    second = empty_pixels(300, 400)
    assert address(second) != where  # the view still looks at it
    del view
    gc.collect()
    assert address(empty_pixels(300, 400)) == where


def test_pixels_decoded_into_it_hold_it() -> None:
    file = io.BytesIO()
    Image.fromarray(np.full((300, 400, 3), 77, np.uint8)).save(file, format="JPEG")
    memory = empty_pixels(300, 400)
    where = address(memory)
    decoded = simplejpeg.decode_jpeg(file.getvalue(), "RGB", buffer=memory)
    del memory
    row = decoded[5:6]
    del decoded
    other = empty_pixels(300, 400)
    other[...] = 0
    assert address(other) != where
    assert abs(int(row.max()) - 77) <= 1


def test_memory_of_another_size_waits_for_its_turn() -> None:
    small, large = empty_pixels(10, 10), empty_pixels(20, 20)
    places = address(small), address(large)
    del small, large
    assert address(empty_pixels(30, 30)) not in places
    again = empty_pixels(20, 20), empty_pixels(10, 10)
    assert (address(again[1]), address(again[0])) == places


def test_huge_pictures_are_given_back() -> None:
    pixels = empty_pixels(10_000, 10_000)
    gone = weakref.ref(pixels.base)
    del pixels
    assert gone() is None
    assert not pixel_memory._spares
