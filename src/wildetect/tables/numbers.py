"""Numbers as people write them in tables: decimal points and commas, units, degrees."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

__all__ = ["METRES", "check_marks", "degrees_of", "length_of", "number_of"]

METRES = {
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres", "mtr", "mtrs"), 1.0),
    **dict.fromkeys(("metro", "metros", "mètre", "mètres"), 1.0),
    **dict.fromkeys(("ft", "feet", "foot", "fuss", "fuß", "pie", "pies", "pied", "pieds"), 0.3048),
    **dict.fromkeys(("yd", "yds", "yard", "yards"), 0.9144),
    **dict.fromkeys(("km", "kilometer", "kilometers", "kilometre", "kilometres"), 1000.0),
}
"""Length in m of each unit that a table may give lengths in; the international foot and yard of 1959."""

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_LENGTH = re.compile(
    r"(?P<number>[+-]?[\d.,]+(?:[eE][+-]?\d+)?)\s*(?P<unit>[^\W\d_]*)\.?(?P<more>.*)", re.DOTALL
)
_WORDS_BEHIND = re.compile(r"[^\d'\"\u2032\u2033\u2019;/+-]*")  # of 1 120, 90-100 or 394' no part is a length
_MINUSES = str.maketrans({"\u2212": "-", "\u2013": "-", "\u00a0": " ", "\u202f": " "})

# 19 deg 15' 3.6" S of ExifTool, 19°15'03,6"S, S 19 15 3.6, 19:15:03.6: whatever parts them
_QUOTES = "\u2032\u2033\u2018\u2019\u201c\u201d\u00b4"  # primes, and what word processors make of them
_ANGLE_MARKS = re.compile(rf"[°º˚'\":{_QUOTES}]|deg(?:rees)?\b\.?", re.IGNORECASE)
_WORDS = {"north": "N", "south": "S", "east": "E", "west": "W"}
_PARTS = 3
_SIXTY = 60


def number_of(text: str) -> float:
    """Read a number with a decimal point or a decimal comma.

    Raises:
        ValueError: It is not a finite number.
    """
    plain = text.strip().translate(_MINUSES)
    number = float(plain.replace(",", ".")) if _NUMBER.fullmatch(plain) else math.nan
    if not math.isfinite(number):
        raise ValueError(f"{text.strip()!r} is not a number")
    return number


def length_of(text: str, unit: str | None = None) -> float:
    """Read a length in m: `120`, `394 ft`, `1120.5 m Above Sea Level`.

    Args:
        text: The cell.
        unit: The unit that the head of its column states; null: none, then m unless the cell states one.

    Raises:
        ValueError: It is not a length, or its unit is not known, or not that of the head.
    """
    found = _LENGTH.fullmatch(text.strip().translate(_MINUSES))
    if found is None:
        raise ValueError(f"{text.strip()!r} is not a number")
    number, own = number_of(found["number"]), found["unit"].casefold()
    if not _WORDS_BEHIND.fullmatch(found["more"] if own else found["unit"] + found["more"]):
        raise ValueError(f"{text.strip()!r} is not a number with m or ft, or nothing, behind it")
    if own and own not in METRES:
        raise ValueError(f"{text.strip()!r} has a unit that is not known: write m or ft")
    if own and unit is not None and METRES[own] != METRES[unit]:
        raise ValueError(f"{text.strip()!r} is in {own} under a head that says {unit}")
    if "below" in found["more"].casefold():  # ExifTool: "12 m Below Sea Level"
        number = -abs(number)
    return number * METRES[own or unit or "m"]


def check_marks(cells: Iterable[str]) -> None:
    """Refuse a line that mixes decimal points and decimal commas: one of them parts thousands.

    Args:
        cells: The cells of the line that hold numbers.

    Raises:
        ValueError: It does.
    """
    written = [cell for cell in cells if cell]
    points = next((cell for cell in written if "." in cell), None)
    commas = next((cell for cell in written if "," in cell), None)
    if points is not None and commas is not None:
        raise ValueError(
            f"{points} and {commas} have different decimal marks: use one, and none for thousands"
        )


def degrees_of(text: str, axis: str, hemisphere: str = "") -> float:
    """Read a latitude or longitude in signed degrees.

    Read are decimal degrees (-19.25, 19,25 S, S19.25), degrees and minutes (19 15.0 S, 19°15.0'S) and
    degrees, minutes and seconds (19°15'00"S, 19 deg 15' 0.00" S, 19:15:00 S).

    Args:
        text: The cell.
        axis: "latitude" or "longitude".
        hemisphere: What another cell, or the head, says of the hemisphere: "S", "south", "" for nothing.

    Raises:
        ValueError: It is not such an angle, or contradicts itself.
    """
    letters = "NS" if axis == "latitude" else "EW"
    plain = text.strip().translate(_MINUSES)
    body, own = _without_letter(plain)
    letter = own or _letter(hemisphere)
    if letter and letter not in letters:
        raise ValueError(f"{text.strip()!r} is not a {axis}: {letter} is a direction of the other axis")
    parts = _parts(body, text)
    degrees = math.fsum(abs(part) / _SIXTY**power for power, part in enumerate(parts))
    negative = body.lstrip().startswith("-")
    if own and negative:
        raise ValueError(f"{text.strip()!r} has a minus and a direction: write one of them")
    if letter == letters[0] and negative:
        raise ValueError(f"{text.strip()!r} is negative, and its direction is {letter}")
    return -degrees if negative or letter == letters[1] else degrees


def _letter(text: str) -> str:
    """Return N, S, E or W for a word or a letter; "" for nothing."""
    word = text.strip().casefold()
    return _WORDS.get(word, word.upper())[:1]


def _without_letter(text: str) -> tuple[str, str]:
    """Return the angle and its hemisphere, which stands before or behind it."""
    for pattern in (r"(?P<word>[A-Za-z]+)\s*(?P<rest>.*)", r"(?P<rest>.*?[^A-Za-z])(?P<word>[A-Za-z]+)"):
        found = re.fullmatch(pattern, text, re.DOTALL)
        word = found["word"].casefold() if found else ""
        if found and (word in _WORDS or word in set("nsew")):
            return found["rest"].strip(), _letter(word)
    return text, ""


def _parts(text: str, whole: str) -> list[float]:
    """Return degrees, minutes and seconds, as far as they are there."""
    try:
        parts = [number_of(part) for part in _ANGLE_MARKS.sub(" ", text).split()]
    except ValueError:
        parts = []
    if not 1 <= len(parts) <= _PARTS:
        raise ValueError(f"{whole.strip()!r} is not an angle")
    if any(part < 0 or part >= _SIXTY for part in parts[1:]) or any(part % 1 for part in parts[:-1]):
        raise ValueError(f"{whole.strip()!r} is not an angle: minutes and seconds are 0 up to 60")
    return parts
