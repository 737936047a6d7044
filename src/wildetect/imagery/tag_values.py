"""What single tags of a photograph hold, however broken."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["above_zero", "first", "number", "text"]


def first(*values: Any) -> Any:
    """The first that is not None."""
    return next((value for value in values if value is not None), None)


def above_zero(value: Any) -> float | None:
    """The number that a tag holds, if it is above 0."""
    found = number(value)
    return found if found is not None and found > 0 else None


def number(value: Any) -> float | None:
    """The number that a tag holds; None for anything else, and for no number or a fraction of nothing."""
    try:
        found = float(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def text(value: Any) -> str:
    """The text that a tag holds, up to the first null byte; "" for anything else."""
    if isinstance(value, bytes):
        value = value.decode("ascii", errors="ignore")
    return value.split("\0")[0].strip() if isinstance(value, str) else ""
