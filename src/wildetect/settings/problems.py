"""What is wrong in settings, with file, line and value; and values shown without what stays secret."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wildetect.errors import ConfigurationError
from wildetect.settings.address import server_address

__all__ = [
    "HIDDEN",
    "Key",
    "Problem",
    "dotted",
    "hidden",
    "nearest",
    "raise_problems",
    "secret_texts",
    "shown",
]

Key = tuple[str | int, ...]
"""The path of a setting in its file, such as ("processing", "tile_size")."""

SECRET_WORDS = ("password", "secret", "api_key", "token", "uri")
LONGEST_VALUE = 60
HIDDEN = "***"
# An address is worth showing, without the sign-in that may stand in it.
NAMES = (*(word for word in SECRET_WORDS if word != "uri"), "access_key", "secret_key")
SIGN_IN = re.compile(r"://[^\s/@]*(?::[^\s@]*)?@")
IN_QUERY = re.compile(r"([?&][^=&\s]*(?:password|secret|token|key|sig)[^=&\s]*=)[^&\s]+", re.IGNORECASE)
SHORTEST = 6  # characters; a shorter text stands in many places by chance


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


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in NAMES)


def secret_texts(dotenv: Mapping[str, str]) -> list[str]:
    """The values of all variables that are named as secrets are, in .env and outside; longest first."""
    variables = [*dotenv.items(), *os.environ.items()]
    texts = {value for name, value in variables if _is_secret(name) and len(value) >= SHORTEST}
    texts |= {word for _, value in variables if "@" in value and (word := server_address(value).password)}
    return sorted(texts, key=len, reverse=True)


def hidden(key: Key, value: Any, secrets: list[str]) -> Any:
    """A value of a setting as it may be shown.

    Args:
        key: The setting.
        value: Made of what JSON has.
        secrets: Texts that are never shown, wherever they stand.
    """
    if isinstance(value, list):
        return [hidden(key, one, secrets) for one in value]
    if isinstance(value, dict):
        return {name: hidden((*key, name), one, secrets) for name, one in value.items()}
    if value is None or isinstance(value, bool):
        return value
    if any(_is_secret(str(part)) for part in key):
        return HIDDEN
    if not isinstance(value, str):
        return value
    for secret in secrets:
        value = value.replace(secret, HIDDEN)
    return IN_QUERY.sub(rf"\g<1>{HIDDEN}", SIGN_IN.sub(f"://{HIDDEN}@", value))
