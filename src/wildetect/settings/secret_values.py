"""Passwords and keys taken out of what is shown."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from wildetect.settings.address import server_address
from wildetect.settings.problems import SECRET_WORDS, Key

__all__ = ["HIDDEN", "hidden", "secret_texts"]

HIDDEN = "***"
# An address is worth showing, without the sign-in that may stand in it.
NAMES = (*(word for word in SECRET_WORDS if word != "uri"), "access_key", "secret_key")
SIGN_IN = re.compile(r"://[^\s/@]*(?::[^\s@]*)?@")
IN_QUERY = re.compile(r"([?&][^=&\s]*(?:password|secret|token|key|sig)[^=&\s]*=)[^&\s]+", re.IGNORECASE)
SHORTEST = 6  # characters; a shorter text stands in many places by chance


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
