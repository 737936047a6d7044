"""Numbers that options give, refused with an example where they are not what is wanted."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["decimal", "whole"]


def whole(option: str, text: str, *, least: int, example: object) -> int:
    """A whole number.

    Args:
        option: Such as "--seed".
        text: What was typed behind it.
        least: Smallest that is taken.
        example: For the hint.

    Raises:
        ConfigurationError: It is none, or smaller.
    """
    if text.isascii() and text.isdigit() and int(text) >= least:
        return int(text)
    raise _refused(option, text, f"a whole number of {least} or more", example)


def decimal(option: str, text: str, fits: Callable[[float], bool], wanted: str, example: object) -> float:
    """A number with decimals.

    Args:
        option: Such as "--cv".
        text: What was typed behind it.
        fits: Whether a number is taken.
        wanted: Which are, in words: "a number between 0 and 1".
        example: For the hint.

    Raises:
        ConfigurationError: It is none, or does not fit.
    """
    value = _number(text)
    if value is None or not fits(value):
        meant = _number(text.replace(",", "."))
        raise _refused(option, text, wanted, example if meant is None or not fits(meant) else f"{meant:g}")
    return value


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _refused(option: str, text: str, wanted: str, example: object) -> Exception:
    from wildetect.errors import ConfigurationError

    return ConfigurationError(f"{option}: {text} is not {wanted}", hint=f"For example {option} {example}")
