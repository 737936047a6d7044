"""Each kind of file that a folder gives is the same picture at an address, pixel by pixel."""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import from_origin
from tests.web_pictures import s3_server, web_server

from wildetect.geometry import Window
from wildetect.imagery.discovery import look_for
from wildetect.imagery.opening import look_well, open_image
from wildetect.imagery.source import UnreadableImageError
from wildetect.remote import remote_file
from wildetect.remote.place import Place, place_of_text

DICE = np.random.default_rng(5)
PIXELS = DICE.integers(0, 255, (60, 80, 3), np.uint8)
ON_THE_MAP = {"crs": "EPSG:32737", "transform": from_origin(5e5, 9.8e6, 0.05, 0.05)}
WORLD = "0.05\n0\n0\n-0.05\n500000\n9800000\n"
RASTERS: dict[str, dict[str, Any]] = {
    "five bands.tif": {"count": 5, "dtype": "uint16"},
    "float.tif": {"count": 4, "dtype": "float32"},
    "big.tif": {"BIGTIFF": "YES", "tiled": True, "blockxsize": 16, "blockysize": 16},
    "opacity.tif": {"count": 4, "ALPHA": "YES"},
    "jpeg.tif": {
        "compress": "jpeg",
        "photometric": "ycbcr",
        "tiled": True,
        "blockxsize": 16,
        "blockysize": 16,
    },
    "mask aside.tif": {},
    "placed.jp2": {"driver": "JP2OpenJPEG"},
}
RAW = pytest.mark.skipif(
    any(importlib.util.find_spec(module) is None for module in ("rawpy", "pillow_heif")),
    reason="needs the extra raw",
)


def save(path: Path, kind: str | None = None, **how: Any) -> None:
    Image.fromarray(PIXELS).save(path, kind, **how)  # Pillow keeps in an image how it was saved last


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kinds")
    deep = Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 256)
    for name in ("a.JPG", "a.jpe", "a.jfif", "a.jif"):
        save(root / name, "JPEG", quality=95)
    for name in ("b.png", "c.tif", "d.webp", "e.avif", "f.bmp", "g.gif", "h.jp2", "i.j2k"):
        save(root / name)
    save(root / "both.mpo", "MPO", save_all=True, append_images=[Image.fromarray(PIXELS)])
    save(root / "film.apng", "PNG", save_all=True, append_images=[Image.fromarray(PIXELS)])
    save(root / "pages.tif", save_all=True, append_images=[Image.fromarray(PIXELS)])
    save(root / "bigger.tif", big_tiff=True)
    deep.save(root / "deep.png")
    deep.save(root / "deep.tif")
    for name, how in RASTERS.items():
        keys: dict[str, Any] = (
            {"driver": "GTiff", "width": 80, "height": 60, "count": 3, "dtype": "uint8"} | ON_THE_MAP | how
        )
        with rasterio.open(root / name, "w", **keys) as file:
            file.write(DICE.integers(0, 255, (keys["count"], 60, 80)).astype(keys["dtype"]))
            if name.startswith("mask"):
                file.write_mask(PIXELS[..., 0] > 99)
    for name, world in (("w.jpg", "w.jgw"), ("x.png", "x.pgw"), ("y.jp2", "y.j2w"), ("z.tif", "z.tfw")):
        save(root / name)
        (root / world).write_text(WORLD, encoding="utf-8")
        crs = rasterio.crs.CRS.from_epsg(32737).to_wkt()
        (root / f"{name[0]}.prj").write_text(crs, encoding="utf-8")
    for name in ("q.RPB", "r_RPC.TXT"):
        save(root / f"{name[0]}.tif")
        told = [
            f"{key}_{what}" for key in ("LINE", "SAMP", "LAT", "LONG", "HEIGHT") for what in ("OFF", "SCALE")
        ]
        told += [
            f"{key}_{part}_COEFF_{n}"
            for key in ("LINE", "SAMP")
            for part in ("NUM", "DEN")
            for n in range(1, 21)
        ]
        (root / name).write_text("".join(f"{one}: 1\n" for one in told), encoding="utf-8")
    (root / "empty.jpg").write_bytes(b"")
    (root / "garbage.jpg").write_bytes(b"nothing")
    (root / "garbage.tif").write_bytes(b"II*\0garbage" * 20)
    (root / "garbage.jp2").write_bytes(b"\0\0\0\x0cjP  junk" * 9)
    (root / "cut.jpg").write_bytes((root / "a.JPG").read_bytes()[:1500])
    (root / "cut.tif").write_bytes((root / "five bands.tif").read_bytes()[:9000])
    save(root / "misnamed.bak", "JPEG")
    save(root / "noname", "TIFF")
    (root / "film.mp4").write_bytes(b"0000ftypisom")
    (root / "layers.psd").write_bytes(b"8BPS")
    (root / "readme").write_bytes(b"of the camp")
    return root


@contextmanager
def at_address(where: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    if where == "web":
        with web_server(root) as web:
            yield place_of_text(f"{web.address}/")
        return
    with s3_server(root) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        remote_file.store_for.cache_clear()
        yield place_of_text("s3://survey/")
    remote_file.store_for.cache_clear()


def seen(source: Place) -> dict[str, object]:
    """All that a run would know of the files at a place, and their pixels."""
    found = look_for([source])
    told: dict[str, object] = {image.name: _picture(image.path) for image in found.images}
    return {**told, "not read": {name for names in found.not_read.values() for name in names}} | {
        "why": [*found.not_read],
    }


def _picture(path: Place) -> object:
    try:
        look_well(path)
        source = open_image(path)
        window = Window(0, 0, source.width, source.height)
        pixels, tile = source.read(window).tobytes(), source.tile(window)
        source.close()
    except UnreadableImageError as error:
        return error.reason
    place = source.georeference
    corners = None if place is None else place.positions(np.array([[0.0, 0.0], [80.0, 60.0]]))
    told = source.read_as, source.doubts, None if corners is None else corners.tobytes()
    return pixels, None if tile is None else tile.tobytes(), told


@pytest.mark.parametrize("where", ["web", "s3"])
def test_every_kind_is_read_at_an_address_as_here(
    where: str, kinds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = seen(kinds)
    with at_address(where, kinds, monkeypatch) as address:
        assert seen(address) == here
    assert sum(isinstance(one, str) for one in here.values()) == 6  # the broken ones
    assert here["not read"] == {"misnamed.bak", "noname", "film.mp4", "layers.psd"}
    assert len(here) == 39


def test_rasters_that_are_named_one_by_one_are_placed_by_what_lies_beside(kinds: Path) -> None:
    with web_server(kinds) as web:
        for name in ("y.jp2", "z.tif", "mask%20aside.tif", "q.tif", "r.tif"):
            place = place_of_text(f"{web.address}/{name}")
            assert _picture(place) == _picture(kinds / name.replace("%20", " "))


@RAW
@pytest.mark.parametrize("where", ["web", "s3"])
def test_raw_files_and_heic_are_read_at_an_address_as_here(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pillow_heif import from_pillow

    from_pillow(Image.fromarray(PIXELS)).save(tmp_path / "a.HEIC", quality=95)
    save_dng(tmp_path / "b.dng")
    save_dng(tmp_path / "c.DNG")
    Image.fromarray(PIXELS).save(tmp_path / "c.jpg")
    (tmp_path / "d.dng").write_bytes(b"no raw file" * 100)
    here = seen(tmp_path)
    assert here["not read"] == {"c.DNG"}
    assert isinstance(here["b.dng"], tuple)
    with at_address(where, tmp_path, monkeypatch) as address:
        assert seen(address) == here


def save_dng(path: Path) -> None:
    """Write a small raw file as a camera does: one value a pixel behind a colour filter (DNG 1.4)."""
    width, height = 64, 48
    values = DICE.integers(0, 4095, (height, width)).astype("<u2").tobytes()

    def numbers(kind: int, *given: int) -> tuple[int, int, bytes]:
        return kind, len(given), struct.pack(f"<{len(given)}{'BHI'[(1, 3, 4).index(kind)]}", *given)

    unit = struct.pack("<18i", *(part for one in (1, 0, 0, 0, 1, 0, 0, 0, 1) for part in (one, 1)))
    tags = {
        254: numbers(4, 0),
        256: numbers(4, width),
        257: numbers(4, height),
        258: numbers(3, 16),
        259: numbers(3, 1),
        262: numbers(3, 32803),
        273: numbers(4, 0),
        277: numbers(3, 1),
        278: numbers(4, height),
        279: numbers(4, len(values)),
        33421: numbers(3, 2, 2),
        33422: numbers(1, 0, 1, 1, 2),
        50706: numbers(1, 1, 4, 0, 0),
        50708: (2, 8, b"Camp One"[:7] + b"\0"),
        50717: numbers(4, 4095),
        50721: (10, 9, unit),
        50728: (5, 3, struct.pack("<6I", 1, 1, 1, 1, 1, 1)),
        50778: numbers(3, 21),
    }
    begin = 8 + 2 + 12 * len(tags) + 4
    tags[273] = numbers(4, begin + sum(len(one[2]) for one in tags.values() if len(one[2]) > 4))
    entries = aside = b""
    for tag, (kind, count, content) in tags.items():
        where = struct.pack("<I", begin + len(aside)) if len(content) > 4 else content.ljust(4, b"\0")
        aside += content if len(content) > 4 else b""
        entries += struct.pack("<HHI", tag, kind, count) + where
    head = b"II*\0" + struct.pack("<IH", 8, len(tags))
    path.write_bytes(head + entries + struct.pack("<I", 0) + aside + values)
