"""Kinds of files: read, or named with what would read them."""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import rasterio
from PIL import Image
from PIL.TiffImagePlugin import AppendingTiffWriter
from rasterio.transform import from_origin

from wildetect.errors import InputError
from wildetect.geometry import Window
from wildetect.imagery import kinds
from wildetect.imagery.discovery import look_for
from wildetect.imagery.opening import look_at, open_image
from wildetect.imagery.photograph import FILM
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
        ("a.dib", "DIB"),
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
    ((why, names),) = found.not_read.items()
    assert names == ["DJI_1.DNG"]
    assert "read in its place" in why


def test_a_film_is_read_as_its_first_picture_and_named(tmp_path: Path) -> None:
    first, second = Image.fromarray(PIXELS), Image.fromarray(PIXELS[::-1].copy())
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second])
    assert "the first alone is read" in look_at(tmp_path / "a.gif").doubts[0]


@pytest.mark.parametrize("big", [False, True])
def test_the_pages_of_a_tiff_are_named_and_its_smaller_copies_are_none(tmp_path: Path, *, big: bool) -> None:
    first, second = Image.fromarray(PIXELS), Image.fromarray(PIXELS[::-1].copy())
    path = tmp_path / "pages.tif"
    first.save(path, save_all=True, append_images=[second], big_tiff=big)
    for facts in (look_at(path), open_image(path)):
        assert sum("the first alone is read" in doubt for doubt in facts.doubts) == 1
    keys = {"driver": "GTiff", "width": 80, "height": 60, "count": 3, "dtype": "uint8", "BIGTIFF": "NO"}
    keys["BIGTIFF"] = "YES" if big else "NO"
    with rasterio.open(tmp_path / "copies.tif", "w", **keys) as file:
        file.write(PIXELS.transpose(2, 0, 1))
        file.write_mask(PIXELS[..., 0] > 9)
    with rasterio.open(tmp_path / "copies.tif", "r+") as file:
        file.build_overviews([2, 4])
    assert look_at(tmp_path / "copies.tif").doubts == ()


def test_a_tiff_that_begins_with_a_preview_says_that_the_picture_is_another(tmp_path: Path) -> None:
    path, picture = tmp_path / "preview.tif", Image.fromarray(PIXELS)
    with AppendingTiffWriter(str(path), new=True) as file:
        picture.resize((20, 15)).save(file, format="TIFF", tiffinfo={254: 1})
        file.newFrame()
        picture.save(file, format="TIFF")
    for facts in (look_at(path), open_image(path)):
        assert sum("the first alone is read" in doubt for doubt in facts.doubts) == 1


def test_a_picture_in_a_directory_below_a_preview_is_named(tmp_path: Path) -> None:
    path = tmp_path / "as cameras do.tif"
    small, large = Image.new("RGB", (20, 10), "tan"), Image.new("RGB", (200, 100), "tan")
    small.save(path, save_all=True, append_images=[large], tiffinfo={330: 0})
    data = bytearray(path.read_bytes())
    (first,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, first)
    end = first + 2 + entries * 12
    (second,) = struct.unpack_from("<I", data, end)
    below = next(place for place in range(first + 2, end, 12) if data[place : place + 2] == b"\x4a\x01")
    struct.pack_into("<HHII", data, below, 330, 4, 1, second)
    struct.pack_into("<I", data, end, 0)
    path.write_bytes(data)
    source = open_image(path)
    assert (source.width, source.doubts) == (20, (FILM,))


def test_a_compression_that_is_not_known_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.new("RGB", (20, 10), "tan").save(path)
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<HHII", 259, 3, 1, 1), struct.pack("<HHII", 259, 3, 1, 50002)))
    with pytest.raises(UnreadableImageError, match=r"not read here \(JXL\): save it with LZW"):
        open_image(path)


def test_webp_in_a_tiff_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    pixels = np.random.default_rng(2).integers(0, 256, (3, 40, 50), np.uint8)
    kind = {"driver": "GTiff", "width": 50, "height": 40, "count": 3, "dtype": "uint8", "compress": "webp"}
    with rasterio.open(path, "w", **kind, webp_lossless=True) as file:
        file.write(pixels)
    assert np.array_equal(open_image(path).read(Window(0, 0, 50, 40)), pixels.transpose(1, 2, 0))


def test_an_archive_of_pictures_is_named_and_one_of_others_is_not(tmp_path: Path) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "a.jpg")
    for name, inside in (("pictures.zip", "DCIM/DJI_0001.JPG"), ("outlines.zip", "strata.shp")):
        with ZipFile(tmp_path / name, "w") as archive:
            archive.writestr(inside, b"any")
    (tmp_path / "broken.zip").write_bytes(b"PK\3\4")
    found = look_for([tmp_path])
    ((reason, names),) = found.not_read.items()
    assert (names, reason.startswith("archives are not looked into")) == (["pictures.zip"], True)


def test_pages_of_16_bits_and_on_the_map_are_named_once(tmp_path: Path) -> None:
    page = Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 200)
    page.save(tmp_path / "deep.tif", save_all=True, append_images=[page])
    keys = {"driver": "GTiff", "width": 80, "height": 60, "count": 3, "dtype": "uint8", "crs": "EPSG:32737"}
    for number in (1, 2):
        append = {"APPEND_SUBDATASET": "YES"} if number > 1 else {}
        place = from_origin(5e5, 9.8e6, 0.05, 0.05)
        with rasterio.open(tmp_path / "map.tif", "w", transform=place, **keys, **append) as file:
            file.write(PIXELS.transpose(2, 0, 1))
    for name in ("deep.tif", "map.tif"):
        source = open_image(tmp_path / name)
        assert sum("the first alone is read" in doubt for doubt in source.doubts) == 1
        source.close()


def test_pictures_whose_names_say_nothing_are_named_and_so_are_videos(tmp_path: Path) -> None:
    picture = Image.fromarray(PIXELS)
    picture.save(tmp_path / "ok.png")
    for name, format_ in (("a.jpg_1", "JPEG"), ("b", "TIFF"), ("c.JPG_original", "JPEG"), ("d.ovr", "TIFF")):
        picture.save(tmp_path / name, format=format_)
    (tmp_path / "e.bak").write_bytes(b"nothing like a picture")
    (tmp_path / "DJI_0007.MP4").write_bytes(b"0000ftypisom")
    found = look_for([tmp_path])
    assert [image.name for image in found.images] == ["ok.png"]
    assert {why.split(":")[0]: list(names) for why, names in found.not_read.items()} == {
        "their names do not say that they are pictures": ["a.jpg_1", "b"],
        "videos are not read": ["DJI_0007.MP4"],
    }


def jpeg_with(path: Path, *segments: tuple[int, bytes]) -> Path:
    """A JPEG with further application segments behind its first."""
    Image.fromarray(PIXELS).save(path, format="JPEG")
    content = path.read_bytes()
    more = b"".join(
        b"\xff" + bytes([0xE0 + app]) + (len(data) + 2).to_bytes(2) + data for app, data in segments
    )
    path.write_bytes(content[:20] + more + content[20:])
    return path


XMP = b"http://ns.adobe.com/xap/1.0/\0<x drone-dji:%s />"


@pytest.mark.parametrize(
    ("segments", "thermal"),
    [
        ([(1, b"FLIR\0\1\0\0" + bytes(5000))], True),
        ([(3, bytes(65_000))] * 2, True),
        ([(1, XMP % b'ImageSource="InfraredCamera"')], True),
        ([(1, XMP % b'ImageSource="WideCamera"')], False),
        ([(3, b"_JPSJPS_" + bytes(100))], False),
    ],
)
def test_a_thermal_jpeg_says_what_is_read_of_it(
    tmp_path: Path, segments: list[tuple[int, bytes]], *, thermal: bool
) -> None:
    path = jpeg_with(tmp_path / "a.jpg", *segments)
    for facts in (look_at(path), open_image(path)):
        assert (
            any("colours that its camera made of the temperatures" in one for one in facts.read_as) == thermal
        )


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


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a.R3D", "videos are not read"),
        ("a.insv", "videos are not read"),
        ("a.webm", "videos are not read"),
        ("a.crw", "--extra raw"),
        ("a.pcx", "save them as JPEG"),
        ("a.ntf", "save them as JPEG"),
        ("bitmap", "their names do not say"),
    ],
)
def test_no_kind_of_picture_vanishes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, why: str
) -> None:
    missing(monkeypatch)
    Image.fromarray(PIXELS).save(tmp_path / "ok.png")
    Image.fromarray(PIXELS).save(tmp_path / name, format="BMP")
    ((told, names),) = look_for([tmp_path]).not_read.items()
    assert names == [name]
    assert why in told
