"""What exporters note in the metadata of an ONNX file: text that holds Python literals."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence

from wildetect.settings.registration import CENTRES, CORNERS, BoxUnit, Column
from wildetect.wording import listed

__all__ = [
    "is_rt_detr",
    "names_in_doubt",
    "noted_class_names",
    "noted_layout",
    "noted_size",
    "noted_stride",
    "says_end_to_end",
]

_RT_DETR = re.compile(r"rt-?detr", re.IGNORECASE)


_MOST_CLASSES = 100_000
_SHOWN = 6  # names in a message


def noted_class_names(metadata: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    """Read Ultralytics' `names`: a dict of numbers to names, or a list.

    Returns:
        The ways in which they can be meant, the likelier first; none if there are no names. Numbers are
        those of the outputs, and one without a name is "class 1"; or, where they begin with 1, they only
        count the names. The number of classes in the outputs tells which.
    """
    names = _literal(metadata.get("names"))
    if isinstance(names, list | tuple):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names:
        return ()
    names = {int(key) if str(key).isdecimal() else None: name for key, name in names.items()}
    numbers = sorted(number for number in names if number is not None and number < _MOST_CLASSES)
    if len(numbers) != len(names) or not all(isinstance(name, str) for name in names.values()):
        return ()
    names = {number: str(name).strip() for number, name in names.items()}
    by_number = tuple(names.get(number, f"class {number}") for number in range(numbers[-1] + 1))
    from_one = numbers == list(range(1, len(numbers) + 1))
    return (by_number, tuple(names[number] for number in numbers)) if from_one else (by_number,)


def names_in_doubt(noted: Sequence[str] | None, given: Sequence[str]) -> str | None:
    """Say so where an owner gives a class the name that the file has for another one.

    Args:
        noted: Names from the file; None if it holds none.
        given: Names that count.
    """
    places = {name.casefold(): place for place, name in enumerate(noted or ())}
    moved = [name for place, name in enumerate(given) if places.get(name.casefold(), place) != place]
    if not noted or not moved:
        return None
    return (
        f"class_names has {listed(moved[:3])} at another place than the model's file, whose names are "
        f"{listed(noted[:_SHOWN])}{', ...' if len(noted) > _SHOWN else ''}: the names of the counts may be "
        "swapped; remove class_names, or give them in the file's order"
    )


def noted_stride(metadata: Mapping[str, str]) -> int | None:
    """Give the number of px of which an input's sides are a multiple; None if the notes do not tell."""
    stride = _literal(metadata.get("stride"))
    return stride if isinstance(stride, int) and stride > 0 else None


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
