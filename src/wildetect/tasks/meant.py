"""What a mistyped path was most likely meant to be, wherever on the command line it stands."""

from __future__ import annotations

import difflib
import re
from collections.abc import Container, Iterator, Sequence
from itertools import islice
from pathlib import Path

from wildetect.remote.address import is_address
from wildetect.settings.project import from_caller
from wildetect.wording import quoted

__all__ = [
    "as_option",
    "is_path",
    "joined_version",
    "keep_words",
    "meant_by",
    "nearest_path",
    "turned_round",
    "with_typed",
]

MOST_NAMES = 5_000  # of a folder that are compared with a mistyped one
_words: list[str] = []
_STARTS = ("mlflow.serve", "mlflow.restart")
_OF_ONE_START = ("--detach", "--timeout")
_AGAIN = (
    *(*_STARTS, "mlflow.clean", "mlflow.migrate", "dataset.build", "review.open", "review.import"),
    *("model.evaluate", "model.import", "model.optimize", "model.train"),
)
"""Tasks that what was typed stays right for, where a hint gives them once more."""
_CALL = re.compile(r"uv run invoke ([\w.]+)(?! --help)((?:(?!uv run invoke )[^;\n])*)")
_VERSION = re.compile(r"[^/@\s]+(/v?\d+|/latest|@[^/@\s]+)")
_SIGNED_IN = re.compile(r"://[^/]*@")


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


def with_typed(hint: str) -> str:
    """Give a hint whose command is the task that was typed the options that were typed and it does not name.

    A server on another port stays the shared one of the settings file that was given.
    """
    typed = _words[0] if _words else ""
    tasks = _STARTS if typed in _STARTS else (typed,)
    call = next((call for call in _CALL.finditer(hint) if call[1] in tasks), None)
    if typed not in _AGAIN or call is None:
        return hint
    kept = "".join(
        f" {flag}" + ("" if value is None else f" {quoted(value)}")
        for flag, value in _typed_options()
        if flag not in hint
        and (value is None or quoted(value) not in call[2].split())
        and not (flag in _OF_ONE_START and call[1] != typed)
    )
    return hint[: call.end(1)] + kept + hint[call.end(1) :]


def _typed_options() -> Iterator[tuple[str, str | None]]:
    """The options that were typed, each with its value; without those that hold a password."""
    for word, following in zip(_words[1:], [*_words[2:], "-"], strict=False):
        flag, sign, value = word.partition("=")
        if flag.startswith("--"):
            given = value if sign else None if following.startswith("-") else following
            if given is None or not _SIGNED_IN.search(given):
                yield flag, given


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


def as_option(word: str, flags: Container[str]) -> str:
    """The option that a bare word was most likely meant for, with it; "" where none is plain.

    Args:
        word: What a task does not take without an option.
        flags: The options that it has.
    """
    looks = {
        "--model": _VERSION.fullmatch(word),
        "--port": word.isdecimal(),
    }
    return next((f"{flag} {quoted(word)}" for flag, fits in looks.items() if fits and flag in flags), "")


def joined_version(words: Sequence[str]) -> list[str]:
    """Words whose first two are a version in one: `demo 1 production` is `demo/1 production`; else none."""
    if len(words) < 2 or {"/", "@"} & {*words[0]} or not re.fullmatch(r"[\w-]+", words[1]):  # noqa: PLR2004
        return []
    name, version, *rest = words
    return [f"{name}{'/' if version.removeprefix('v').isdecimal() else '@'}{version}", *rest]


def turned_round(options: Sequence[str], words: Sequence[str]) -> bool:
    """Whether words fit what a task is about only in the other order.

    Args:
        options: The options that take them.
        words: The words in the order that was typed.
    """
    if len(words) != len(options) or any(word.startswith("-") for word in words):
        return False
    pairs = list(zip(options, words, strict=True))
    others = zip(options, reversed(words), strict=True)
    return not all(_fits(*one) for one in pairs) and all(_fits(*one) for one in others)


def _fits(option: str, word: str) -> bool:
    is_version = _VERSION.fullmatch(word) is not None and not is_path(word)
    match option:
        case "model" | "weights":
            return is_version or from_caller(word).is_file()
        case "run" | "dataset":
            return from_caller(word).is_dir()
        case "annotations" | "pictures" | "source":
            return is_path(word)
        case "alias" | "output":
            return not is_version
        case _:
            return True
