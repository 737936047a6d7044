"""What a drone writes into a photograph's XMP block."""

from __future__ import annotations

import re

__all__ = ["read_xmp"]

_NAMES = (
    "AbsoluteAltitude",
    "CalibratedFocalLength",
    "CalibratedOpticalCenterX",
    "CalibratedOpticalCenterY",
    "FlightYawDegree",
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
# as attributes, name="value", or as elements, <name>value</name>
_VALUE = re.compile(
    rf"""[\s<](?:[\w-]+:)?({"|".join(_NAMES)})(?:\s*=\s*["']|>)\s*([^"'<]*)["'<]""".encode("ascii")
)


def read_xmp(block: object) -> dict[str, str]:
    """Values by name of a drone's properties, in both layouts that XMP has.

    Nothing is parsed as XML: blocks that programs have cut or mended wrongly tell as much as they hold.

    Args:
        block: What Pillow found; anything but bytes holds nothing.
    """
    if not isinstance(block, bytes):
        return {}
    found: dict[str, str] = {}
    for name, value in _VALUE.findall(block):
        found.setdefault(name.decode("ascii"), value.decode("ascii", errors="ignore").strip())
    return found
