"""What single tags of a photograph hold, however broken."""

from __future__ import annotations

import math
import re
from typing import Any

__all__ = [
    "above_zero",
    "first",
    "number",
    "read_xmp",
    "text",
]


_NAMES = (
    "AboveGroundAltitude",
    "AbsoluteAltitude",
    "CalibratedFocalLength",
    "CalibratedOpticalCenterX",
    "CalibratedOpticalCenterY",
    "CameraPitchDegree",
    "CameraRollDegree",
    "CameraYawDegree",
    "FlightYawDegree",
    "GPSXYAccuracy",
    "GPSLatitude",
    "GPSLongitude",
    "GPSLongtitude",
    "GimbalPitchDegree",
    "GimbalRollDegree",
    "GimbalYawDegree",
    "GpsLatitude",
    "GpsLongitude",
    "GpsLongtitude",
    "RelativeAltitude",
    "RtkFlag",
    "RtkStdLat",
    "RtkStdLon",
)


# names that mean something only with their prefix
_PREFIXED = rb"(Camera:(?:Yaw|Pitch|Roll))"
_SKYDIO = re.compile(rb"CameraOrientationNED(.{0,600})", re.DOTALL)
_ANGLE = re.compile(rb"""(Yaw|Pitch|Roll)(?:\s*=\s*["']|>)\s*([^"'<]*)["'<]""")
# as attributes, name="value", or as elements, <name>value</name>
_VALUE = re.compile(
    rf"""[\s<](?:[\w-]+:)?({"|".join(_NAMES)})(?:\s*=\s*["']|>)\s*([^"'<]*)["'<]""".encode("ascii")
)


_EXACT = re.compile(rb"""[\s<]""" + _PREFIXED + rb"""(?:\s*=\s*["']|>)\s*([^"'<]*)["'<]""")


def read_xmp(block: object) -> dict[str, str]:
    """Values by name of a drone's properties, in both layouts that XMP has.

    Nothing is parsed as XML: blocks that programs have cut or repaired wrongly tell as much as they hold.

    Angles of the camera that several makers call alike have a prefix here: Camera:Pitch, skydio:Pitch.

    Args:
        block: What Pillow found; anything but bytes holds nothing.
    """
    if not isinstance(block, bytes):
        return {}
    found: dict[str, str] = {}
    for name, value in [*_VALUE.findall(block), *_EXACT.findall(block), *_skydio(block)]:
        found.setdefault(name.decode("ascii"), value.decode("ascii", errors="ignore").strip())
    return found


def _skydio(block: bytes) -> list[tuple[bytes, bytes]]:
    """The camera's angles in north, east, down: a structure, beside others with the same names in it."""
    place = _SKYDIO.search(block)
    return [] if place is None else [(b"skydio:" + name, value) for name, value in _ANGLE.findall(place[1])]


def first(*values: Any) -> Any:
    """The first that is not None."""
    return next((value for value in values if value is not None), None)


def above_zero(value: Any) -> float | None:
    """The number that a tag holds, if it is above 0."""
    found = number(value)
    return found if found is not None and found > 0 else None


def number(value: Any) -> float | None:
    """The number that a tag holds; None for anything else, and for no number or a fraction of nothing."""
    if isinstance(value, str) and value.count("/") == 1:
        above, below = (number(part) for part in value.split("/"))  # XMP writes fractions so
        return above / below if above is not None and below else None
    try:
        found = float(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def text(value: Any) -> str:
    """The text that a tag holds, up to the first null byte; "" for anything else."""
    if isinstance(value, bytes):
        value = value.decode("ascii", errors="ignore")
    return value.split("\0")[0].strip() if isinstance(value, str) else ""
