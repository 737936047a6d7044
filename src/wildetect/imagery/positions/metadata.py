"""What a photograph says about itself: the position it was taken from."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from PIL import Image
from PIL.ExifTags import GPS, IFD

__all__ = ["Position", "position_problem", "read_position"]

_FULL_LONGITUDE = 180
_FULL_LATITUDE = 90
_NORTH_SOUTH, _EAST_WEST = {"N", "S"}, {"E", "W"}
_VOID = "V"  # GPSStatus of a receiver that had no fix


class Position(NamedTuple):
    """A place on Earth, WGS 84, in degrees; longitude first, as in GeoJSON."""

    longitude: float
    latitude: float

    @classmethod
    def checked(cls, longitude: float, latitude: float) -> Position | None:
        """None out of range, and at exactly 0, 0: what cameras write while they have no fix."""
        in_range = abs(longitude) <= _FULL_LONGITUDE and abs(latitude) <= _FULL_LATITUDE
        return cls(longitude, latitude) if in_range and (longitude, latitude) != (0, 0) else None


def read_position(image: Image.Image) -> Position | None:
    """Position of the camera from the EXIF GPS tags of an image opened with Pillow.

    Returns:
        None where the tags are missing, unreadable, out of range, without hemisphere, marked as void, or
        exactly 0, 0: what cameras write while they have no fix.
    """
    try:
        tags = image.getexif().get_ifd(IFD.GPSInfo)
    except Exception:  # noqa: BLE001 - broken EXIF raises nearly anything, and must not cost the photograph
        return None
    if _text(tags.get(GPS.GPSStatus)) == _VOID:
        return None
    longitude = _degrees(tags.get(GPS.GPSLongitude), tags.get(GPS.GPSLongitudeRef), "EW")
    latitude = _degrees(tags.get(GPS.GPSLatitude), tags.get(GPS.GPSLatitudeRef), "NS")
    if longitude is None or latitude is None:
        return None
    return Position.checked(longitude, latitude)


def position_problem(image: Image.Image) -> str | None:
    """Say why the GPS tags of an image opened with Pillow tell no position; None where there are none."""
    try:
        tags = image.getexif().get_ifd(IFD.GPSInfo)
    except Exception:  # noqa: BLE001 - broken EXIF raises nearly anything, and must not cost the photograph
        return None
    latitude, longitude = tags.get(GPS.GPSLatitude), tags.get(GPS.GPSLongitude)
    if latitude is None and longitude is None:
        return None
    if _text(tags.get(GPS.GPSStatus)) == _VOID:
        return "GPS tags that say the receiver had no fix (status V)"
    letters = _text(tags.get(GPS.GPSLatitudeRef)) in _NORTH_SOUTH and (
        _text(tags.get(GPS.GPSLongitudeRef)) in _EAST_WEST
    )
    if not letters:
        return (
            "GPS tags without the letters N or S and E or W, which decide the hemisphere: set "
            "GPSLatitudeRef and GPSLongitudeRef (exiftool)"
        )
    return "GPS tags that are no place on Earth (0, 0, out of range, or not numbers)"


def _degrees(value: Any, hemisphere: Any, directions: str) -> float | None:
    """Signed degrees from EXIF's (degrees, minutes, seconds), or None."""
    letter = _text(hemisphere)
    if not letter or letter not in directions:
        return None
    try:
        parts = [float(part) for part in value][:3]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not parts or not all(math.isfinite(part) and part >= 0 for part in parts):
        return None
    degrees = math.fsum(part / 60**power for power, part in enumerate(parts))
    return -degrees if letter == directions[1] else degrees


def _text(value: Any) -> str:
    """First letter of a tag that holds text or bytes, in upper case; "" for anything else."""
    if isinstance(value, bytes):
        value = value.decode("ascii", errors="ignore")
    return value.strip("\0 ")[:1].upper() if isinstance(value, str) else ""
