from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image, ImageOps

from wildetect.geometry import Window
from wildetect.imagery.opening import open_image
from wildetect.imagery.reading import Reading
from wildetect.imagery.source import ArraySource, ImageSource, UnreadableImageError


def whole(source: ImageSource) -> np.ndarray:
    return source.read(Window(0, 0, source.width, source.height))


def corners(pixels: np.ndarray) -> list[str]:
    """Names of the colours in the four corners, from the top left, clockwise."""
    named = {(255, 0, 0): "red", (0, 255, 0): "green", (0, 0, 255): "blue", (255, 255, 255): "white"}
    return [named[tuple(pixels[place].tolist())] for place in ((0, 0), (0, -1), (-1, -1), (-1, 0))]


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (1, ["red", "green", "blue", "white"]),
        (2, ["green", "red", "white", "blue"]),
        (3, ["blue", "white", "red", "green"]),
        (4, ["white", "blue", "green", "red"]),
        (5, ["red", "white", "blue", "green"]),
        (6, ["white", "red", "green", "blue"]),
        (7, ["blue", "green", "red", "white"]),
        (8, ["green", "blue", "white", "red"]),
        (99, ["red", "green", "blue", "white"]),
    ],
)
@pytest.mark.parametrize("ending", ["png", "tif", "webp"])
def test_orientation(tmp_path: Path, orientation: int, expected: list[str], ending: str) -> None:
    image = Image.new("RGB", (6, 4), "red")
    image.paste("lime", (3, 0, 6, 2))
    image.paste("blue", (3, 2, 6, 4))
    image.paste("white", (0, 2, 3, 4))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"image.{ending}"
    image.save(path, exif=exif, lossless=True)  # the latter for WebP, the others pass it over
    source = open_image(path)
    assert corners(whole(source)) == expected
    assert (source.width, source.height) == ((4, 6) if 5 <= orientation <= 8 else (6, 4))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("subsampling", "progressive"), [(0, False), (2, False), (2, True)])
def test_pixels_of_a_jpeg_are_those_of_pillow(
    tmp_path: Path, orientation: int, subsampling: int, progressive: bool
) -> None:
    noise = np.random.default_rng(orientation).integers(0, 256, (37, 53, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "image.jpg"
    Image.fromarray(noise).save(path, exif=exif, subsampling=subsampling, progressive=progressive)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(whole(open_image(path)), expected)


def test_real_jpegs_have_the_pixels_that_pillow_sees(shared_data: Path) -> None:
    for path in sorted((shared_data / "images").glob("*.[jJ]*")):
        with Image.open(path) as image:
            expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
        assert np.array_equal(whole(open_image(path)), expected), path.name


def test_avif(tmp_path: Path) -> None:
    path = tmp_path / "image.avif"
    picture = Image.new("RGB", (64, 48), "red")
    picture.paste("blue", (32, 0, 64, 48))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(path, quality=100, subsampling="4:4:4", exif=exif)
    pixels = whole(open_image(path))
    assert pixels.shape == (64, 48, 3)
    assert pixels[10, 24].tolist() == pytest.approx([255, 0, 0], abs=3)
    assert pixels[50, 24].tolist() == pytest.approx([0, 0, 255], abs=3)


def test_real_photographs_come_out_upright(shared_data: Path) -> None:
    for name, size in (
        ("Portrait_5", (1200, 1800)),
        ("Portrait_6", (1200, 1800)),
        ("Landscape_6", (1800, 1200)),
    ):
        source = open_image(shared_data / "naughty" / f"{name}.jpg")
        assert (source.width, source.height) == size
    first, second = (whole(open_image(shared_data / "naughty" / f"Portrait_{n}.jpg")) for n in (5, 6))
    assert np.abs(first.astype(int) - second).mean() < 3  # the same picture, turned and mirrored back


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("RGB", (10, 20, 30), (10, 20, 30)),
        ("L", 100, (100, 100, 100)),
        ("1", 1, (255, 255, 255)),
        ("LA", (200, 255), (200, 200, 200)),
        ("LA", (200, 0), (114, 114, 114)),
        ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
        ("RGBA", (10, 20, 30, 0), (114, 114, 114)),
        ("RGBA", (214, 14, 114, 128), (164, 64, 114)),
        ("I;16", 65535, (255, 255, 255)),
        ("I;16", 25700, (100, 100, 100)),
    ],
)
def test_modes_of_png(tmp_path: Path, mode: str, value: Any, expected: tuple[int, ...]) -> None:
    path = tmp_path / "image.png"
    Image.new(mode, (5, 3), value).save(path)
    pixels = whole(open_image(path))
    assert pixels.shape == (3, 5, 3)
    assert pixels.dtype == np.uint8
    assert pixels[1, 1].tolist() == list(expected)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_picture_that_is_transparent_everywhere_says_so(tmp_path: Path, mode: str) -> None:
    shown = Image.new(mode, (8, 6))
    for opacity, hidden in ((0, True), (255, False)):
        shown.putalpha(opacity)
        shown.save(tmp_path / f"{opacity}.png")
        source = open_image(tmp_path / f"{opacity}.png")
        assert any("transparent everywhere" in doubt for doubt in source.doubts) == hidden


def test_palette_with_and_without_transparency(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "plain.png")
    image.save(tmp_path / "transparent.png", transparency=1)
    assert whole(open_image(tmp_path / "plain.png")).tolist() == [[[10, 20, 30], [40, 50, 60]]]
    assert whole(open_image(tmp_path / "transparent.png")).tolist() == [[[10, 20, 30], [114, 114, 114]]]


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "L", "RGB"])
def test_modes_of_jpeg(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "image.JPG"
    Image.new("RGB", (16, 16), (120, 120, 120)).convert(mode).save(path, format="JPEG")
    assert whole(open_image(path)) == pytest.approx(120, abs=3)


def test_first_frame_of_several(tmp_path: Path, shared_data: Path) -> None:
    red, blue = Image.new("RGB", (4, 4), "red"), Image.new("RGB", (8, 8), "blue")
    red.save(tmp_path / "pages.tif", save_all=True, append_images=[blue])
    assert corners(whole(open_image(tmp_path / "pages.tif"))) == ["red"] * 4
    source = open_image(shared_data / "geo" / "DJI_0018.JPG")  # an MPO with a preview behind it
    assert (source.width, source.height) == (4000, 2250)


def test_16_bit_colour(shared_data: Path) -> None:
    pixels = whole(open_image(shared_data / "naughty" / "pil_tiff_16bit_RGB.tiff"))
    with rasterio.open(shared_data / "naughty" / "pil_tiff_16bit_RGB.tiff") as file:
        values = file.read().transpose(1, 2, 0)
    assert values.dtype == np.uint16
    assert np.array_equal(pixels, np.round(values / 257).astype(np.uint8))


def test_floating_point_is_no_photograph(tmp_path: Path) -> None:
    path = tmp_path / "elevation.tif"
    Image.new("F", (4, 4), 812.5).save(path)
    with pytest.raises(UnreadableImageError, match="floating point"):
        open_image(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "does not exist"),
        (b"", "empty"),
        (b"not an image at all", "not a JPEG, PNG, TIFF, WebP, AVIF, BMP or GIF"),
        (b"\xff\xd8\xff\xe0", "not a JPEG, PNG, TIFF, WebP, AVIF, BMP or GIF"),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "not a JPEG, PNG, TIFF, WebP, AVIF, BMP or GIF"),
        (b"II*\0\x08\0\0\0" + bytes(64), "damaged"),
    ],
)
def test_what_is_no_image(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "image.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnreadableImageError, match=reason) as caught:
        whole(open_image(path))
    assert caught.value.reason in caught.value.message
    assert "image.jpg" in caught.value.message


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
def test_truncated_at_any_place_never_crashes(tmp_path: Path, ending: str) -> None:
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(tmp_path / f"whole.{ending}")
    content = (tmp_path / f"whole.{ending}").read_bytes()
    for _ in range(60):
        broken = bytearray(content[: random.integers(0, len(content))])
        for place in random.integers(0, max(len(broken), 1), 3):
            if broken:
                broken[place] ^= 1 << int(random.integers(8))
        path = tmp_path / f"broken.{ending}"
        path.write_bytes(bytes(broken))
        with suppress(UnreadableImageError):  # and nothing else
            assert whole(open_image(path)).shape[2] == 3


def noise(mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("tail", [b"", b"\xff\xd9", bytes(3000)])
def test_a_jpeg_whose_data_end_in_the_middle_is_damaged_however_it_is_closed(
    tmp_path: Path, mode: str, tail: bytes
) -> None:
    path = tmp_path / "a.jpg"
    noise(mode).save(path, quality=95)
    whole_pixels = whole(open_image(path)).copy()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3] + tail)
    with pytest.raises(UnreadableImageError):
        open_image(path)
    source = open_image(path, Reading(use_damaged=True))
    (doubt,) = source.doubts
    assert doubt.startswith("damaged: what could be decoded is used")
    assert (whole(source)[:32] == whole_pixels[:32]).all()
    assert not (whole(source)[-16:] == whole_pixels[-16:]).all()


@pytest.mark.parametrize("ending", ["png", "tif", "bmp", "gif", "16.png"])
def test_what_can_be_decoded_of_any_damaged_kind_is_used_where_that_is_wished(
    tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"a.{ending}"
    if ending == "16.png":
        values = np.asarray(noise()).astype(np.uint16).transpose(2, 0, 1) * 257
        kind = {"driver": "PNG", "width": 128, "height": 960, "count": 3, "dtype": "uint16"}
        with rasterio.open(path, "w", **kind) as file:
            file.write(np.tile(values, (1, 10, 1)))
    else:
        noise().save(path)
    whole_pixels = whole(open_image(path)).copy()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(UnreadableImageError):
        whole(open_image(path))
    source = open_image(path, Reading(use_damaged=True))
    assert "damaged" in source.doubts[-1]
    assert 0.2 < (whole(source) == whole_pixels).all(axis=2).mean() < 1


def test_surplus_bytes_in_a_jpeg_are_told_and_used(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    noise().save(path, quality=95)
    content = path.read_bytes()
    assert open_image(path).doubts == ()
    path.write_bytes(content.replace(b"\xff\xda", b"\0\0\xff\xda", 1))
    assert "bytes that belong to nothing" in open_image(path).doubts[0]


def bomb(path: Path, width: int, height: int) -> None:
    """A PNG of a few bytes that claims to be huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10_000))) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)


@pytest.mark.parametrize("side", [20_000, 60_000])
def test_a_bomb_is_refused_before_memory_is_spent(tmp_path: Path, side: int) -> None:
    bomb(tmp_path / "bomb.png", side, side)
    with pytest.raises(UnreadableImageError, match="megapixels"):
        open_image(tmp_path / "bomb.png")


def test_200_megapixels_are_within_the_limit(tmp_path: Path) -> None:
    bomb(tmp_path / "large.png", 20_000, 10_000)
    with pytest.raises(UnreadableImageError, match=r"cut short|damaged"):  # it is tried, and found wanting
        open_image(tmp_path / "large.png")


def test_array_source() -> None:
    pixels = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)
    source = ArraySource(pixels)
    assert (source.width, source.height, source.position) == (4, 5, None)
    assert np.array_equal(source.read(Window(1, 2, 3, 2)), pixels[2:4, 1:4])
    with pytest.raises(ValueError, match="uint8"):
        ArraySource(pixels.astype(np.uint16).astype(np.float32))
