"""What exporters note in the metadata of an ONNX file: text that holds Python literals."""

from __future__ import annotations

import ast
from collections.abc import Mapping

__all__ = ["noted_class_names", "noted_size"]


def noted_class_names(metadata: Mapping[str, str]) -> tuple[str, ...] | None:
    """Ultralytics' `names`: a dict of numbers to names, or a list; None if there are none."""
    names = _literal(metadata.get("names"))
    if isinstance(names, dict) and sorted(names) == list(range(len(names))):
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list | tuple) or not names or not all(isinstance(name, str) for name in names):
        return None
    return tuple(names)


def noted_size(metadata: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Width and height in px from Ultralytics' `imgsz`: one side, or [height, width]."""
    match _literal(metadata.get("imgsz")):
        case [int(height), int(width)] | (int(height), int(width)):
            return width, height
        case int(side):
            return side, side
        case _:
            return None, None


def _literal(text: str | None) -> object:
    """A Python literal; never evaluated as code."""
    try:
        return ast.literal_eval(text) if text else None
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
