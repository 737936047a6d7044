"""The box of an annotation in a COCO file, whichever way programs write it.

Format: "COCO data format", https://cocodataset.org/#format-data; run lengths as in its maskApi.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

__all__ = ["CocoBox", "box_of"]

_FEWEST_NUMBERS = 6  # of a polygon: three corners
_CORNERS = 4  # numbers of a bbox


class CocoBox(NamedTuple):
    """A box in px of the picture."""

    left: float
    top: float
    width: float
    height: float

    @property
    def has_size(self) -> bool:
        """Whether it is more than a click beside an animal."""
        return self.width > 0 and self.height > 0


def box_of(bbox: object, segmentation: object = None) -> CocoBox | None:
    """The box of an annotation: its bbox, else what lies around its segmentation.

    Args:
        bbox: [x, y, width, height] in px, as the file has it.
        segmentation: Polygons, or the run lengths of a mask, plain or packed into text.

    Returns:
        None where neither is one: missing, of a negative size, or no numbers.
    """
    numbers = _numbers(bbox)
    told = None
    if numbers is not None and len(numbers) == _CORNERS and min(numbers[2:]) >= 0:
        told = CocoBox(*numbers)
    if told is not None and told.has_size:
        return told
    return _around(segmentation) or told


def _around(segmentation: object) -> CocoBox | None:
    if isinstance(segmentation, dict):
        return _around_runs(segmentation.get("size"), segmentation.get("counts"))
    numbers = list(_flat(segmentation)) if isinstance(segmentation, list) else []
    if len(numbers) < _FEWEST_NUMBERS or len(numbers) % 2 or not all(map(math.isfinite, numbers)):
        return None
    xs, ys = numbers[::2], numbers[1::2]
    return CocoBox(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


def _flat(polygons: Sequence[object]) -> Iterator[float]:
    """All numbers of polygons, of one polygon, or of its points; no number for what is none."""
    for one in polygons:
        if isinstance(one, list):
            yield from _flat(one)
        else:
            yield float(one) if isinstance(one, int | float) else math.nan


def _around_runs(size: object, counts: object) -> CocoBox | None:
    """The box around a mask: lengths of runs off and on in turn, down the columns from left to right."""
    sides = _numbers(size)
    lengths = _unpacked(counts) if isinstance(counts, str) else _numbers(counts)
    if sides is None or lengths is None or len(sides) != 2 or sides[0] < 1 or min(lengths, default=0) < 0:  # noqa: PLR2004
        return None
    rows = int(sides[0])
    place, columns, heights = 0, [], []
    for number, length in enumerate(map(int, lengths)):
        first, place = place, place + length
        if number % 2 and length:
            columns += [first // rows, (place - 1) // rows]
            whole = columns[-1] > columns[-2]
            heights += [0, rows - 1] if whole else [first % rows, (place - 1) % rows]
    if not columns or place > rows * sides[1]:
        return None
    left, top = min(columns), min(heights)
    return CocoBox(left, top, max(columns) + 1 - left, max(heights) + 1 - top)


def _unpacked(text: str) -> list[float] | None:
    """Run lengths from text: 5 bits a letter, a sixth where more follow; differences from the fourth on."""
    found: list[float] = []
    value = shift = 0
    for letter in text.encode("ascii", errors="replace"):
        bits = letter - 48
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        found.append(value + (found[-2] if len(found) > 2 else 0))  # noqa: PLR2004 - as maskApi has it
        value = shift = 0
    return None if shift else found


def _numbers(values: object) -> list[float] | None:
    """A list of finite numbers, or of texts that are some; None for anything else."""
    if not isinstance(values, list | tuple):
        return None
    try:
        found = [float(value) for value in values if not isinstance(value, bool)]
    except (TypeError, ValueError, OverflowError):
        return None
    return found if len(found) == len(values) and all(map(math.isfinite, found)) else None
