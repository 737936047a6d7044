"""Look for exact coordinates in every byte of a folder: text, archives, workbooks, databases, picture tags.

A coordinate is looked for as decimals of three and more digits, as degrees, minutes and seconds, as metres of
UTM and Web Mercator, and as the bytes of a double or float, which is how SQLite, WKB and R-trees hold it.
"""

from __future__ import annotations

import base64
import io
import re
import struct
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import ExifTags, Image
from pyproj import Transformer

_PICTURE = re.compile(rb"data:image/[a-z]+;base64,([A-Za-z0-9+/=]+)")
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG")
_HEAD = 65_536
_MINUTES = 60


class Place(NamedTuple):
    longitude: float
    latitude: float


class Found(NamedTuple):
    """Where an exact coordinate is."""

    file: str
    what: str


def _texts(degrees: float) -> Iterator[str]:
    """A coordinate in words; three decimals, which are 100 m, are enough to be exact."""
    size = abs(degrees)
    yield f"{size:.9f}"[: len(str(int(size))) + 4]  # cut after three decimals: finer ones begin so, too
    minutes = size % 1 * _MINUTES
    whole, part, seconds = int(size), int(minutes), minutes % 1 * _MINUTES
    yield f"{whole}° {minutes:.6f}"[: len(str(whole)) + 7]
    yield f"{whole}°{part:02}\N{PRIME}{int(seconds):02}"
    yield f"{whole}°{part}'{int(seconds)}"
    yield f"{whole} {part:02} {seconds:.4f}"[: len(str(whole)) + 6]
    yield f"{whole}, {part}, {seconds:.4f}"[: len(f"{whole}, {part}, ") + 4]


def _metres(place: Place) -> Iterator[str]:
    zone = int((place.longitude + 180) // 6) + 1
    for system in (32600 + zone, 32700 + zone, 3857):
        for metres in Transformer.from_crs(4326, system, always_xy=True).transform(*place):
            if abs(metres) >= 100_000:  # fewer digits are found by chance
                yield str(int(abs(metres)))


def needles(places: Sequence[Place]) -> dict[bytes, str]:
    """What is looked for, and what it is called."""
    found: dict[bytes, str] = {}
    for place in places:
        for degrees in place:
            for text in _texts(degrees):
                found[text.encode("utf-8")] = text
                found[text.encode("utf-16-le")] = f"{text} in UTF-16"
            for form in ("<d", ">d"):  # the bytes that do not depend on the last digits
                packed = struct.pack(form, degrees)
                kept = packed[3:] if form == "<d" else packed[:5]
                found[kept] = f"{degrees} as a double"
            for form in ("<f", ">f"):
                found[struct.pack(form, degrees)] = f"{degrees} as a float"
        for text in _metres(place):
            found[text.encode("utf-8")] = f"{text} m"
    return found


def _contents(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """The bytes of a file, and those of what is packed in it."""
    # what follows the head of a picture is pixels, in which any bytes come by chance
    yield name, content[:_HEAD] if content.startswith(_PICTURES) else content
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield from _contents(f"{name}/{member}", archive.read(member))
    for number, picture in enumerate(_PICTURE.findall(content)):
        yield from _contents(f"{name}/picture {number}", base64.b64decode(picture))


def _position_tags(content: bytes) -> bool:
    """Whether a picture's head, which is all there is of it here, holds EXIF with a position, or XMP."""
    with Image.open(io.BytesIO(content)) as picture:
        return bool(picture.getexif().get_ifd(ExifTags.IFD.GPSInfo)) or "xmp" in picture.info


def exact_places(folder: Path, places: Sequence[Place]) -> list[Found]:
    """Every file of a folder that holds one of some places, and in which form; each file and form once."""
    wanted = needles(places)
    pattern = re.compile(b"|".join(map(re.escape, sorted(wanted, key=len, reverse=True))))
    found: list[Found] = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            for name, content in _contents(path.relative_to(folder).as_posix(), path.read_bytes()):
                found += [Found(name, wanted[hit]) for hit in sorted(set(pattern.findall(content)))]
                if content.startswith(_PICTURES) and _position_tags(content):
                    found.append(Found(name, "tags with a position"))
    return found
