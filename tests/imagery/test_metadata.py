from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD
from PIL.TiffImagePlugin import IFDRational

from wildetect.imagery.opening import open_image
from wildetect.imagery.positions.metadata import Position, read_position

GOOD: dict[int, Any] = {
    GPS.GPSLatitudeRef: "S",
    GPS.GPSLatitude: (2.0, 30.0, 36.0),
    GPS.GPSLongitudeRef: "E",
    GPS.GPSLongitude: (34.0, 45.0, 0.0),
}


def photograph(path: Path, tags: dict[int, Any]) -> Path:
    exif = Image.Exif()
    exif[IFD.GPSInfo] = tags
    Image.new("RGB", (8, 8)).save(path, exif=exif)
    return path


def test_position(tmp_path: Path) -> None:
    position = open_image(photograph(tmp_path / "a.jpg", GOOD)).position
    assert position == pytest.approx(Position(34.75, -2.51))


@pytest.mark.parametrize(
    "change",
    [
        {GPS.GPSLatitude: (0.0, 0.0, 0.0), GPS.GPSLongitude: (0.0, 0.0, 0.0)},
        {GPS.GPSLatitude: (95.0, 0.0, 0.0)},
        {GPS.GPSLongitude: (181.0, 0.0, 0.0)},
        {GPS.GPSStatus: "V"},
        {GPS.GPSLatitudeRef: "X"},
        {GPS.GPSLatitudeRef: None},
        {GPS.GPSLongitude: None},
    ],
)
def test_positions_that_are_none(tmp_path: Path, change: dict[int, Any]) -> None:
    tags = {tag: value for tag, value in (GOOD | change).items() if value is not None}
    assert open_image(photograph(tmp_path / "a.jpg", tags)).position is None


class Odd:
    """An image whose EXIF holds what no writer would accept."""

    def __init__(self, tags: Any) -> None:
        self.tags = tags

    def getexif(self) -> Odd:
        return self

    def get_ifd(self, _: int) -> Any:
        if isinstance(self.tags, Exception):
            raise self.tags
        return self.tags


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (GOOD | {GPS.GPSLatitudeRef: b"N\0", GPS.GPSLatitude: (2.5,)}, Position(34.75, 2.5)),
        (GOOD | {GPS.GPSLatitude: (Fraction(5, 2), 0)}, Position(34.75, -2.5)),
        (GOOD | {GPS.GPSLatitude: (IFDRational(1, 0), 0, 0)}, None),
        (GOOD | {GPS.GPSLatitude: ()}, None),
        (GOOD | {GPS.GPSLatitude: 2.5}, None),
        (GOOD | {GPS.GPSLatitude: ("a", "b", "c")}, None),
        (GOOD | {GPS.GPSLatitude: (-2.0, 0.0, 0.0)}, None),
        (GOOD | {GPS.GPSLatitudeRef: 7}, None),
        (GOOD | {GPS.GPSLatitudeRef: ("S", "S")}, None),
        ({}, None),
        (TypeError("broken EXIF"), None),
    ],
)
def test_odd_tags(tags: Any, expected: Position | None) -> None:
    position = read_position(Odd(tags))  # type: ignore[arg-type]
    assert position == (pytest.approx(expected) if expected else None)


@pytest.mark.parametrize(
    "name", ["pil_empty_gps_ifd", "pil_exif_gps", "pil_exif_gps_typeerror", "pil_invalid-exif"]
)
def test_broken_exif_does_not_cost_the_photograph(shared_data: Path, name: str) -> None:
    assert open_image(shared_data / "naughty" / f"{name}.jpg").position is None


def test_a_drone_photograph(shared_data: Path) -> None:
    position = open_image(shared_data / "geo" / "DJI_0018.JPG").position
    assert position == pytest.approx(Position(-91.99456, 46.842607), abs=1e-5)
