"""The reader of exact places finds them in every form that a file can hold them in."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from tests.exact_places import Place, exact_places

from wildetect.detections import Detections
from wildetect.results.blurring import CoarseResults, grid_of
from wildetect.results.records import ImageResult
from wildetect.results.rows import rows

PLACE = Place(36.821946, -1.292066)  # UTM 37 S: 257639 E


@pytest.mark.parametrize(
    "content",
    [
        b"36.8219",
        b"-1.29207",
        "36°49\N{PRIME}19\N{DOUBLE PRIME} E".encode(),
        b"1 17 31.4376",
        b"easting 257639.2",
        "lon 36.8219".encode("utf-16-le"),
        struct.pack("<d", 36.8219460),
        struct.pack(">d", -1.2920660),
        struct.pack("<f", 36.821946),
    ],
)
def test_an_exact_place_is_found_in_each_form(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "plain.bin").write_bytes(b"x" + content + b"y")
    with zipfile.ZipFile(tmp_path / "packed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.txt", content)
    assert {one.file for one in exact_places(tmp_path, [PLACE])} >= {"plain.bin", "packed.zip/inner.txt"}


def test_tags_with_a_position_are_found_and_coarse_places_are_not(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "S"
    Image.new("RGB", (8, 8)).save(tmp_path / "tagged.jpg", exif=exif)
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.jpg")
    (tmp_path / "coarse.csv").write_text("36.85,-1.25\n", encoding="utf-8")
    assert [one.file for one in exact_places(tmp_path, [PLACE])] == ["tagged.jpg"]


def test_a_coarse_result_has_no_outlines() -> None:
    corners = [0, 0, 9, 0, 9, 9, 0, 9]
    exact = ImageResult(
        name="map.tif",
        path=Path("map.tif"),
        detections=Detections([[0, 0, 9, 9]], [0.9], [0], [corners]),
        positions=np.array([[PLACE.longitude, PLACE.latitude]]),
        outlines=np.array([[PLACE.longitude, PLACE.latitude] * 4]),
    )
    (coarse,) = CoarseResults([exact], grid_of("10"))
    (row,) = rows(coarse)
    assert row.outline is None
    assert row.position != (PLACE.longitude, PLACE.latitude)
