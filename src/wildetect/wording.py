"""How messages count and list: plurals, "a, b and c", "and 3 more", hints. One answer for all texts.

    number_of(1, "photograph")                      1 photograph
    number_of(1204, "photograph")                   1,204 photographs
    listed(["a", "b", "c"])                         a, b and c
    listed(["a", "b", "c", "d"], most=2)            a, b and 2 more
    percent(0.25), percent(0.996)                   25%, 99.6%

tools/check_house.py refuses what is put together by hand elsewhere.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable, Sequence

__all__ = [
    "commas",
    "first_lines",
    "first_of",
    "form",
    "hint_line",
    "in_bytes",
    "listed",
    "number_of",
    "percent",
    "plural",
    "quoted",
    "quoted_program",
    "the_others",
    "with_extra",
]


_MOST_PLACES = 2
_GIGABYTE = 1e9
_READ_IN_QUOTES = re.compile(r"[$`!]")
_PLAIN_WORD = re.compile(r"[\w%+=:./\\~-][\w@%+=:./\\~-]*")
"""A word that no shell parts or reads: letters of any language, signs of paths and addresses.

PowerShell parts words at commas, and reads an @ at their beginning.
"""


def form(count: float, one: str, many: str) -> str:
    """Give one of two forms of a word or phrase.

    Args:
        count: Number of the things that it is about.
        one: Form for exactly one.
        many: Form for any other number, 0 included.
    """
    return one if count == 1 else many


def plural(count: float, noun: str, nouns: str | None = None) -> str:
    """Give a noun in the form that goes with a number.

    Args:
        count: Number of things.
        noun: Name of one thing.
        nouns: Name of several; None: the same with an s.
    """
    return form(count, noun, f"{noun}s" if nouns is None else nouns)


def number_of(count: int, noun: str, nouns: str | None = None) -> str:
    """Give a number with its noun, thousands parted by commas: "1 image", "1,204 images".

    Args:
        count: Number of things.
        noun: Name of one thing.
        nouns: Name of several; None: the same with an s.
    """
    return f"{count:,} {plural(count, noun, nouns)}"


def in_bytes(count: float) -> str:
    """Give a number of bytes as people know it: "1.1 MB", "81.0 GB"."""
    return f"{count / _GIGABYTE:,.1f} GB" if count >= _GIGABYTE else f"{count / 1e6:.1f} MB"


def percent(share: float, digits: int = 0) -> str:
    """Give a part of a whole in percent: "0%" for nothing and "100%" for all, never for what is near.

    Args:
        share: Part, from 0 to 1.
        digits: How many behind the point; more where these would round to nothing or all.
    """
    exact = round(share, 9)  # sums of floats miss 1 by less
    for places in range(digits, _MOST_PLACES + 1):
        said = f"{exact:.{places}%}"
        if exact in {0, 1} or float(said.removesuffix("%")) not in {0, 100}:
            return said
    return "under 0.01%" if exact < 1 / 2 else "over 99.99%" if exact < 1 else said


def listed(
    names: Iterable[object],
    *,
    last: str = "and",
    most: int | None = None,
    more: str = "",
    none: str = "",
    comma: str = ", ",
) -> str:
    """List things in a sentence: "a", "a and b", "a, b and c", or "a, b and 3 more".

    Args:
        names: What is listed, in this order.
        last: Word before the last one: "and" or "or".
        most: Most that are named; those beyond it are counted. None: all are named.
        more: What follows the number of those that are not named, such as ", named in run.json".
        none: What stands where there is nothing to list.
        comma: Sign between them; a semicolon where they hold commas.
    """
    texts = [str(name) for name in names]
    if most is not None and len(texts) > most:
        left = f"{len(texts) - most:,} more{more}"
        return f"{comma.join(texts[:most])} and {left}" if most else left
    if len(texts) <= 1:
        return texts[0] if texts else none
    return f"{comma.join(texts[:-1])} {last} {texts[-1]}"


def first_of(problems: Sequence[object]) -> str:
    """Give the first of some problems in one line: "it is empty (and 2 more)".

    Args:
        problems: Problems, at least one.
    """
    more = f" (and {len(problems) - 1:,} more)" if len(problems) > 1 else ""
    return f"{problems[0]}{more}"


def first_lines(lines: Iterable[object], most: int, *, more: str = "") -> list[str]:
    """Give the first of some lines, with a last one that counts the others: "and 12 more".

    Args:
        lines: What is shown, one line each.
        most: Most of them that are shown.
        more: What follows the number of the others, such as ", named in run.json".
    """
    texts = [str(line) for line in lines]
    left = [f"and {len(texts) - most:,} more{more}"] if len(texts) > most else []
    return [*texts[:most], *left]


def commas(names: Iterable[object], *, none: str = "") -> str:
    """Put things in a row for a cell, a tag or a parameter, where no sentence stands: "a, b, c".

    Args:
        names: What is listed, in this order.
        none: What stands where there is nothing to list.
    """
    return ", ".join(str(name) for name in names) or none


def quoted(text: str) -> str:
    """Give a word of a command that is to be pasted, in quotes where a shell would part or read it.

    They are those of this machine's shells: on Windows double ones, which cmd.exe and PowerShell know;
    elsewhere single ones for what a shell reads in double ones, too, such as the $ of a name.
    """
    if sys.platform != "win32" and _READ_IN_QUOTES.search(text):
        return shlex.quote(text)
    if '"' in text:
        return f"'{text}'"
    if _PLAIN_WORD.fullmatch(text):
        return text
    # Windows' programs read \" as a quote that belongs to the word
    behind = "\\" * (len(text) - len(text.rstrip("\\"))) if sys.platform == "win32" else ""
    return f'"{text}{behind}"'


def quoted_program(path: str) -> str:
    """Give the path of a program that begins a command that is to be pasted.

    A command that begins with a quote is a text to PowerShell, so on Windows the quote follows the drive,
    which cmd.exe reads as well.
    """
    drive = re.match(r"[A-Za-z]:\\", path)
    if sys.platform != "win32" or drive is None or quoted(path) == path:
        return quoted(path)
    return f'{drive[0]}"{path[drive.end() :]}"'


def the_others(count: int, one: str, many: str) -> str:
    """Begin a sentence on those of several things that the one before was not about: "The others are".

    Args:
        count: Number of the others; a sentence on none of them is left out.
        one: Verb for a single one.
        many: Verb for several.

    Returns:
        "" where there are none, "The other is" or "The others are".
    """
    return "" if not count else f"The other {one}" if count == 1 else f"The others {many}"


def with_extra(extra: str) -> str:
    """Give the command that installs an extra; those that are installed stay."""
    return f"uv sync --inexact --extra {extra}"


def hint_line(hint: str) -> str:
    """Give a hint as it is shown: the word that marks it, then what fixes the mistake."""
    return f"hint: {hint}"
