"""What is wrong in a settings file, said with file, line, value and the nearest known key."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wildetect.errors import ConfigurationError

__all__ = ["Key", "Problem", "dotted", "nearest", "raise_problems", "shown"]

Key = tuple[str | int, ...]
"""The path of a setting in its file, such as ("processing", "tile_size")."""

SECRET_WORDS = ("password", "secret", "api_key", "token", "uri")
LONGEST_VALUE = 60


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where: "configs/detection.yaml:12", ".env:3", "--tile-size"."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def dotted(key: Key) -> str:
    """The key as users write it: `processing.tile_size`, `image_paths[2]`."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def shown(key: Key, value: object) -> str:
    """A value for a message: shortened, and hidden where the key may hold a secret."""
    if any(word in str(part).lower() for part in key for word in SECRET_WORDS):
        return "(not shown)"
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known key that a mistyped one was most likely meant to be.

    A key of the same block comes first, then one of the same last part elsewhere in the file:
    `tile_size` at the top level is `processing.tile_size`.
    """
    block, _, last = name.rpartition(".")
    candidates = list(known)
    siblings = {key.rpartition(".")[2]: key for key in candidates if key.rpartition(".")[0] == block}
    close = difflib.get_close_matches(last, siblings, n=1, cutoff=0.6)
    close = close or sorted(sibling for sibling in siblings if sibling.startswith(f"{last}_"))
    if close:
        return siblings[close[0]]
    elsewhere = {key.rpartition(".")[2]: key for key in candidates}
    close = difflib.get_close_matches(last, elsewhere, n=1, cutoff=0.7)
    return elsewhere[close[0]] if close else None


def raise_problems(problems: Sequence[Problem], *, hint: str) -> None:
    """Raise one error that names all problems; does nothing where there is none.

    Raises:
        ConfigurationError: With the problem itself as message where it is the only one, else with a
            line for each in `details`.
    """
    if not problems:
        return
    if len(problems) == 1:
        raise ConfigurationError(str(problems[0]), hint=hint)
    raise ConfigurationError(
        f"{len(problems)} problems in the settings", hint=hint, details=[str(problem) for problem in problems]
    )
