"""What the heads of a table of positions mean: which column holds what, and in which unit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from wildetect.tables.numbers import METRES

__all__ = ["PHOTOGRAPH_COLUMNS", "Head", "heads_of"]

PHOTOGRAPH_COLUMNS = (
    *("photograph", "photo", "image", "picture", "file", "filename", "file_name", "image_name", "imagename"),
    *("photo_name", "photo_file", "image_file", "sourcefile", "source_file", "label"),
)
"""Heads of the column of photographs' names in lower case; SourceFile is ExifTool's, Label Metashape's."""

_PICTURE = {"photograph", "photo", "image", "img", "picture", "pic", "file", "source", "filename", "raw"}
_NAMED = _PICTURE | {"name", "path", "filepath", "full", "id", "jpg", "jpeg", "no", "number", "frame"}
_OF_NAMES = {"name", "path", "filepath", "filename", "img", "pic", "jpg", "jpeg"}

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_]+")
_SIGNS = {"n": "N", "s": "S", "e": "E", "w": "W", "north": "N", "south": "S", "east": "E", "west": "W"}
_DEVICE = {"gps", "osd", "exif", "xmp", "composite", "dji", "camera", "drone", "uav"}
_AXES = {
    "latitude": {"lat", "latitude", "latitud", "breitengrad"},
    # longtitude is what some cameras of DJI write
    "longitude": {"lon", "long", "lng", "longitude", "longtitude", "longitud", "laengengrad", "längengrad"},
}
_OF_AXES = _DEVICE | _SIGNS.keys() | {"x", "y", "wgs", "84", "deg", "degree", "degrees", "in", "decimal"}
_OF_AXES |= {"dd", "dm", "dms", "center", "centre", "photo", "image"}
_PLANE = {"easting", "northing", "eastings", "northings", "utm", "x", "y"}
_ALTITUDE = {"altitude", "alt", "height", "elevation", "elev", "agl"}
_MAYBE = {"hoehe", "höhe", "flughoehe", "flughöhe", "altura", "altitud", "hauteur", "hgt", "ht", "z", "h"}
_LEVEL = {"fl", "flightlevel"}  # pressure altitudes in hundreds of feet; "flight level" is two words
_HEIGHT = {"height", "relative", "rel", "agl"}
_GROUND = {"ground", "takeoff", "off", "home"}
_ABOVE = {"above", "over", "from", "relative", "rel", "agl"}
_SEA = {"msl", "asl", "amsl", "sea", "ellipsoid", "ellipsoidal", "orthometric", "geoid", "absolute", "abs"}
_SEA |= {"egm", "96", "2008", "wgs", "84", "elevation", "elev"}
_OF_OTHERS = {"px", "pixel", "pixels", "image", "img", "photo", "picture", "error", "accuracy", "std", "ref"}
_OF_OTHERS |= {"terrain", "dem", "dsm", "width", "sensor", "sigma", "sd", "box", "animal", "tree", "canopy"}
_OF_HEIGHTS = _DEVICE | _ALTITUDE | _HEIGHT | _GROUND | _ABOVE | _SEA
_OF_HEIGHTS |= {"level", "take", "to", "the", "flight", "flying", "at", "location", "of", "in", "z", "point"}
_OF_HEIGHTS |= {"us", "survey", "international", "über", "ueber", "sobre", "sur", "de", "vol"}
_GLUED = re.compile(
    rf"(rel|relative|abs|absolute|gps|flight)?({'|'.join(_ALTITUDE)}|h[oö]e?he)({'|'.join(METRES)})"
)
_FEET_OR_MINUTES = re.compile(r"\w\s*[(\[]?\s*['\u2032\u2019]")  # behind a word: height (')


@dataclass(frozen=True, slots=True)
class Head:
    """The head of one column.

    Attributes:
        text: Text as the file writes it.
        words: Its words in lower case, without units: `rel_height(feet)` and `RelHeightFeet` have the same.
        unit: The unit of length that it names; null: none.
        unknown_unit: What may be a unit and is not known: a word in brackets, or beside one of heights, that
            is not one of heights, a prime, or two units; null: nothing, or another word names the unit.
    """

    text: str
    words: frozenset[str]
    unit: str | None
    unknown_unit: str | None

    @classmethod
    def of(cls, text: str) -> Head:
        """Read a head."""
        words = _words(text)
        units = [word for word in words if word in METRES]
        bracketed = [word for part in re.findall(r"[(\[{]([^)\]}]*)", text) for word in _WORD.findall(part)]
        judged = set(words) if _ALTITUDE & set(words) else {word.casefold() for word in bracketed}
        strange = sorted(judged - _OF_HEIGHTS - _MAYBE - METRES.keys())
        doubtful = bool(_FEET_OR_MINUTES.search(text)) or len({METRES[unit] for unit in units}) > 1
        return cls(
            text,
            frozenset(words) - METRES.keys(),
            unit=units[-1] if units else None,
            unknown_unit=text if doubtful else " ".join(strange) if strange and not units else None,
        )

    @property
    def names_photographs(self) -> bool:
        """Whether the column holds the names of photographs."""
        return self.text.strip().casefold().lstrip("#").replace(" ", "_") in PHOTOGRAPH_COLUMNS

    @property
    def may_name_photographs(self) -> bool:
        """Whether the column may hold the names of photographs, where no other has a usual head."""
        several = len(self.words & _PICTURE) > 1 or bool(self.words & _PICTURE and self.words & _NAMED)
        return self.words <= _NAMED and (several or bool(self.words & _OF_NAMES))

    @property
    def is_of_a_plane(self) -> bool:
        """Whether the column holds metres of a map rather than degrees: easting, northing, x, y."""
        return bool(self.words & _PLANE) and not any(self.words & axis for axis in _AXES.values())

    def is_axis(self, axis: str) -> bool:
        """Whether the column holds latitudes, or longitudes, by all of its words."""
        return bool(self.words & _AXES[axis]) and self.words <= _AXES[axis] | _OF_AXES

    def is_reference(self, axis: str) -> bool:
        """Whether the column holds the directions of latitudes, or longitudes: ExifTool's GPSLatitudeRef.

        Args:
            axis: "latitude", "longitude", or "altitude" for which side of the sea level altitudes are on.
        """
        plain = replace(self, words=self.words - {"ref"})
        if axis == "altitude":
            return plain.words != self.words and plain.is_length and not plain.above_ground
        return plain.words != self.words and plain.is_axis(axis)

    @property
    def hemisphere(self) -> str:
        """The direction that the head of a latitude or longitude names: "S" of `Lat (S)`; "" for none."""
        named = {_SIGNS[word] for word in self.words if word in _SIGNS}
        return named.pop() if len(named) == 1 else ""

    @property
    def is_length(self) -> bool:
        """Whether the column holds heights or altitudes: of the camera, not of the ground or the picture."""
        if self.words & _GROUND and not self.words & _ABOVE:
            return False
        return bool(self.words & _ALTITUDE) and not self.words & _OF_OTHERS

    @property
    def may_be_length(self) -> bool:
        """Whether the column may hold heights or altitudes, and does not say from where they count."""
        of_length = self.words & _MAYBE - {"h"} or (self.unit is not None and "h" in self.words)
        level = self.words & _LEVEL or {"flight", "level"} <= self.words
        known = self.words <= _OF_HEIGHTS | _MAYBE | _LEVEL
        return bool(of_length or level) and not self.is_length and known

    @property
    def names_ground(self) -> bool:
        """Whether heights count from the ground below the camera, not from the place of take-off."""
        return self.above_ground and ("agl" in self.words or {"above", "ground"} <= self.words)

    @property
    def above_ground(self) -> bool:
        """Whether heights count from the ground or the place of take-off, not from the sea."""
        return bool(self.words & (_HEIGHT | _GROUND)) and not self.words & _SEA


def heads_of(names: Sequence[str]) -> list[Head]:
    """Read the heads of a table."""
    return [Head.of(name) for name in names]


def _words(text: str) -> list[str]:
    """Words of a head in lower case; a unit that sticks to one of heights is one of its own: heightft."""
    found: list[str] = []
    for run in re.findall(r"[^\W\d_]+|\d+", text):
        glued = _GLUED.fullmatch(run.casefold())
        parts = [part for part in glued.groups() if part] if glued else _pieces(run)
        found += [part.casefold() for part in parts]
    return found


def _pieces(run: str) -> list[str]:
    """RelHeight is two words; Flughöhe is one."""
    return _WORD.findall(run) if run.isascii() else [run]
