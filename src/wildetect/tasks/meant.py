"""What a mistyped path was most likely meant to be, wherever on the command line it stands."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from wildetect.remote.address import is_address
from wildetect.settings.project import from_caller
from wildetect.wording import quoted

__all__ = ["is_path", "keep_words", "meant_by", "nearest_path"]

MOST_NAMES = 5_000  # of a folder that are compared with a mistyped one
_words: list[str] = []


def keep_words(words: Sequence[str]) -> None:
    """Keep what was typed, for the hint of an error on a path in it."""
    _words[:] = words


def meant_by(message: str) -> str:
    """Begin the hint of an error on a path that was typed: "Did you mean results/camp? ".

    Args:
        message: What is wrong.

    Returns:
        "" where the message names no path that was typed and is missing, or none is near it.
    """
    for word in _words:
        typed = word.partition("=")[2] if word.startswith("--") else word
        name = Path(typed).name
        looks_like_one = len(Path(typed).parts) > 1 or Path(typed).suffix or f"/{name}" in message
        if not name or name not in message or not looks_like_one or is_path(typed):
            continue
        if near := nearest_path(typed):
            return f"Did you mean {quoted(near)}? "
    return ""


def is_path(word: str) -> bool:
    """Whether a word is an address, or names a file or folder that there is."""
    return bool(word) and (is_address(word) or from_caller(word).exists())


def nearest_path(word: str) -> str | None:
    """The path that there is and that a mistyped one was most likely meant to be, as it would be typed.

    A folder of a name with spaces, typed without quotes, comes as its first word.
    """
    there = from_caller(".")
    typed: list[str] = []
    for part in Path(word).parts:
        if not (there / part).exists():
            names = _names_in(there)
            starts = sorted(name for name in names if name.startswith(f"{part} "))
            small = {name.lower(): name for name in reversed(names)}
            close = starts or [small[one] for one in difflib.get_close_matches(part.lower(), small, n=1)]
            if not close:
                return None
            part = close[0]  # noqa: PLW2901 - as it is called
        typed.append(part)
        there /= part
    return Path(*typed).as_posix() if typed else None


def _names_in(folder: Path) -> list[str]:
    """Names in a folder; of one with very many the first."""
    try:
        return sorted(path.name for path in islice(folder.iterdir(), MOST_NAMES))
    except OSError:
        return []
