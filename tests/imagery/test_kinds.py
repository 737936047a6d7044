"""Kinds of files: read, or named with what would read them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import from_origin

from wildetect.errors import InputError
from wildetect.geometry import Window
from wildetect.imagery import kinds
from wildetect.imagery.discovery import look_for
from wildetect.imagery.opening import look_at, open_image
from wildetect.imagery.source import UnreadableImageError

ROWS, COLUMNS = np.mgrid[:60, :80]
PIXELS = np.stack([ROWS * 4, COLUMNS * 3, ROWS + COLUMNS], axis=2).astype(np.uint8)


def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without the extra."""
    monkeypatch.setattr(kinds, "find_spec", lambda _: None)
    kinds.extensions.cache_clear()


@pytest.fixture(autouse=True)
def _known_again() -> None:
    kinds.extensions.cache_clear()


@pytest.mark.parametrize(
    ("name", "format_"),
    [
        ("a.jpe", "JPEG"),
        ("a.JFIF", "JPEG"),
        ("a.bmp", "BMP"),
        ("a.BMP", "BMP"),
        ("a.gif", "GIF"),
        ("a.jp2", "JPEG2000"),
        ("a.JPG", "JPEG"),
    ],
)
def test_more_kinds_are_read(tmp_path: Path, name: str, format_: str) -> None:
    Image.fromarray(PIXELS).save(tmp_path / name, format=format_)
    (image,) = look_for([tmp_path]).images
    source = open_image(image.path)
    assert (source.width, source.height) == (80, 60)
    difference = np.abs(source.read(Window(0, 0, 80, 60)).astype(int) - PIXELS)
    assert difference.mean() < 6
    source.close()


def test_jpeg_2000_keeps_its_place_on_the_map(tmp_path: Path) -> None:
    path = tmp_path / "a.jp2"
    place = {"crs": "EPSG:32737", "transform": from_origin(5e5, 9.8e6, 0.05, 0.05)}
    keys = {"driver": "JP2OpenJPEG", "width": 80, "height": 60, "count": 3, "dtype": "uint8"}
    with rasterio.open(path, "w", **keys, **place, QUALITY="100", REVERSIBLE="YES") as file:
        file.write(PIXELS.transpose(2, 0, 1))
    source = open_image(path)
    assert source.georeference is not None
    assert np.array_equal(source.read(Window(0, 0, 80, 60)), PIXELS)
    source.close()


def test_what_is_not_read_is_named_with_what_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing(monkeypatch)
    Image.fromarray(PIXELS).save(tmp_path / "ok.png")
    for name in ("a.HEIC", "b.dng", "c.psd", "d.txt", "e.xml", "f.dng"):
        (tmp_path / name).write_bytes(b"x")
    found = look_for([tmp_path])
    assert [image.name for image in found.images] == ["ok.png"]
    assert {why.split()[0]: list(names) for why, names in found.not_read.items()} == {
        ".heic": ["a.HEIC"],
        ".dng": ["b.dng", "f.dng"],
        ".psd": ["c.psd"],
    }
    assert all("--extra raw" in why for why in found.not_read if why.startswith((".heic", ".dng")))
    (tmp_path / "ok.png").unlink()
    with pytest.raises(InputError, match="but 4 others") as caught:
        look_for([tmp_path])
    assert any("b.dng" in line for line in caught.value.details)
    with pytest.raises(InputError, match="--extra raw"):
        look_for([tmp_path / "b.dng"])


def test_a_raw_file_beside_its_jpeg_is_the_same_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "find_spec", lambda _: object())
    for name in ("DJI_1.JPG", "DJI_1.DNG", "dji_2.dng", "x/DJI_1.dng"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = look_for([tmp_path])
    assert sorted(image.name for image in found.images) == ["DJI_1.JPG", "dji_2.dng", "x/DJI_1.dng"]
    assert (found.twins, found.not_read) == (["DJI_1.DNG"], {})


def test_a_film_is_read_as_its_first_picture_and_named(tmp_path: Path) -> None:
    first, second = Image.fromarray(PIXELS), Image.fromarray(PIXELS[::-1].copy())
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second])
    assert "the first alone is read" in look_at(tmp_path / "a.gif").doubts[0]


@pytest.mark.skipif(importlib.util.find_spec("pillow_heif") is None, reason="needs the extra raw")
def test_heic_is_read_with_the_extra(tmp_path: Path) -> None:
    from pillow_heif import from_pillow

    path = tmp_path / "a.HEIC"
    from_pillow(Image.fromarray(PIXELS)).save(path, quality=95)
    (image,) = look_for([tmp_path]).images
    pixels = open_image(image.path).read(Window(0, 0, 80, 60))
    assert np.abs(pixels.astype(int) - PIXELS).mean() < 6


@pytest.mark.skipif(importlib.util.find_spec("rawpy") is None, reason="needs the extra raw")
def test_a_raw_file_that_is_none_fails_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "a.dng").write_bytes(b"no raw file" * 100)
    with pytest.raises(UnreadableImageError, match="cannot be developed"):
        open_image(tmp_path / "a.dng")
