"""What exporters note in the metadata of an ONNX file: text that holds Python literals."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from wildetect.settings.registration import CENTRES, CORNERS, BoxUnit, Column

__all__ = ["is_rt_detr", "noted_class_names", "noted_layout", "noted_size", "says_end_to_end"]

_RT_DETR = re.compile(r"rt-?detr", re.IGNORECASE)


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


def is_rt_detr(metadata: Mapping[str, str]) -> bool:
    """Say whether Ultralytics' notes name RT-DETR, whose boxes are centres in fractions of the picture."""
    return any(_RT_DETR.search(metadata.get(key, "")) for key in ("head", "description"))


def says_end_to_end(metadata: Mapping[str, str]) -> bool:
    """Say whether Ultralytics' notes say that rows of a box, a score and a class come out."""
    args = _literal(metadata.get("args"))
    suppressed = isinstance(args, dict) and args.get("nms") is True
    return suppressed or metadata.get("end2end", "").lower() == "true"


def noted_layout(metadata: Mapping[str, str]) -> tuple[tuple[Column, ...], BoxUnit] | None:
    """Give the order and unit of Ultralytics' end-to-end rows; None if the notes do not tell."""
    if is_rt_detr(metadata):
        return (*CENTRES, "score", "class"), "fraction"
    return ((*CORNERS, "score", "class"), "px") if says_end_to_end(metadata) else None


def _literal(text: str | None) -> object:
    """A Python literal; never evaluated as code."""
    try:
        return ast.literal_eval(text) if text else None
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
