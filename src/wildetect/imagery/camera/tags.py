"""What single tags of a photograph hold, however broken."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

__all__ = [
    "above_zero",
    "coordinate",
    "first",
    "number",
    "read_xmp",
    "text",
]


_NAMES = frozenset(
    (
        *("AboveGroundAltitude", "AbsoluteAltitude", "RelativeAltitude"),
        *("CalibratedFocalLength", "CalibratedOpticalCenterX", "CalibratedOpticalCenterY"),
        *("CameraPitchDegree", "CameraRollDegree", "CameraYawDegree"),
        *("GimbalPitchDegree", "GimbalRollDegree", "GimbalYawDegree"),
        *("DroneYawDegree", "FlightYawDegree"),
        *("GPSLatitude", "GPSLongitude", "GPSLongtitude", "GpsLatitude", "GpsLongitude", "GpsLongtitude"),
        *("GPSXYAccuracy", "GpsHorizontalAccuracy", "RtkFlag", "RtkStdLat", "RtkStdLon"),
    )
)
# Names that mean something only in their namespace, with the prefix that they get here.
_SPACED = {
    "camera": ("Camera", {"Yaw", "Pitch", "Roll"}),
    "xap": ("xmp", {"CreatorTool"}),
    "resourceevent": ("event", {"softwareAgent"}),
    "exif": ("exif", {"GPSLatitude", "GPSLongitude", "GPSStatus"}),
    "drone-skydio": ("skydio", {"Latitude", "Longitude"}),
}
# Fields of structures by the names that they get here; other structures have fields of the same names.
_STRUCTURES = {
    "CameraOrientationNED": {"Yaw": "skydio:Yaw", "Pitch": "skydio:Pitch", "Roll": "skydio:Roll"},
    "CalibratedFocalLength": {"X": "CalibratedFocalLength"},
    "CalibratedOpticalCenter": {"X": "CalibratedOpticalCenterX", "Y": "CalibratedOpticalCenterY"},
}
_BOUND = re.compile(r"""\sxmlns(?::([\w.-]+))?\s*=\s*["']([^"'<>]*)["']""")
# as attributes, name="value", or as elements, <name>value</name>
_ATTRIBUTE = re.compile(r"""\s(?:([\w.-]+):)?(\w+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""")
_ELEMENT = re.compile(r"""<(?:([\w.-]+):)?(\w+)(?:\s[^<>]*)?>([^<]*)(?=<)""")
_COORDINATE = re.compile(r"(\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?)?\s*([NSEW])")
_VERSION = re.compile(r"(?:/v?\d[\d.]*)?[/#]*$")


def read_xmp(block: object) -> dict[str, str]:
    """Values by name of a drone's properties, in both layouts that XMP has (ISO 16684-1, 7).

    Names belong to the namespace that their prefix is bound to, whatever the prefix is; one that nothing
    binds is taken by itself. Nothing is parsed as XML: blocks that programs have cut or repaired wrongly
    tell as much as they hold.

    Names that several namespaces use differently have a prefix here: Camera:Pitch, skydio:Pitch,
    exif:GPSLatitude.

    Args:
        block: What Pillow found; anything but bytes or text holds nothing.
    """
    if isinstance(block, bytes):
        block = block.decode("utf-8", errors="ignore")
    if not isinstance(block, str):
        return {}
    found: dict[str, str] = {}
    bound = [(place.start(), place[1], place[2]) for place in _BOUND.finditer(block)]
    for place in (*_ATTRIBUTE.finditer(block), *_ELEMENT.finditer(block)):
        name = place[2]
        if name in _NAMES or any(name in names for _, names in _SPACED.values()):
            key = _key(_space(place[1], block.find(">", place.end(2)), bound), name)
            value = next((one for one in place.groups()[2:] if one is not None), "").strip()
            if key is not None and value:  # a structure's element holds only white space
                found.setdefault(key, value)
    return _structures(block) | found


def _space(prefix: str | None, until: int, bound: Sequence[tuple[int, str | None, str]]) -> str:
    """The last part of the address of a namespace, without its version: camera, exif, drone-dji.

    Args:
        prefix: Prefix of a name.
        until: Where the tag that holds the name ends: what it binds counts within it.
        bound: Place, prefix and address of each namespace.
    """
    addresses = [address for place, one, address in bound if one == prefix and (place < until or until < 0)]
    if not addresses:
        return (prefix or "").casefold()
    return _VERSION.sub("", addresses[-1].strip()).rsplit("/", 1)[-1].casefold()


def _key(space: str, name: str) -> str | None:
    prefix, names = _SPACED.get(space, ("", frozenset()))
    if name in names:
        return f"{prefix}:{name}"
    return name if name in _NAMES and space != "exif" else None


def _structures(block: str) -> dict[str, str]:
    """Fields of structures, as attributes or elements within them."""
    found: dict[str, str] = {}
    for name, fields in _STRUCTURES.items():
        inner = re.search(rf"[:<]{name}([\s>].*?)(?:</[\w.-]*:?{name}>|/>)", block, re.DOTALL)
        if inner is None:
            continue
        for field, key in fields.items():
            value = re.search(rf"""[\s<:]{field}(?:\s*=\s*["']|>)([^"'<]*)["'<]""", inner[1] + "<")
            if value is not None:
                found[key] = value[1].strip()
    return found


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


def coordinate(value: str | None, directions: str) -> float | None:
    """Signed degrees of a GPSCoordinate of XMP: "47,33.9N", or "47,33,54N" (ISO 16684-1, part 2).

    Args:
        value: Value as XMP has it.
        directions: The letters of plus and minus: "NS" or "EW".
    """
    found = _COORDINATE.fullmatch((value or "").strip().upper())
    if found is None or found[4] not in directions:
        return None
    parts = [float(part) for part in found.groups()[:3] if part]
    degrees = math.fsum(part / 60**power for power, part in enumerate(parts))
    return -degrees if found[4] == directions[1] else degrees


def text(value: Any) -> str:
    """The text that a tag holds, up to the first null byte; "" for anything else."""
    if isinstance(value, bytes):
        value = value.decode("ascii", errors="ignore")
    return value.split("\0")[0].strip() if isinstance(value, str) else ""
