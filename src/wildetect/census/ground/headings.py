"""Where a drone flew when it took a photograph: the yaw of a camera that does not tell its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from wildetect.imagery.discovery import natural_order

__all__ = ["Shot", "flight_order", "headings"]

Shot = tuple[str, datetime | None]
"""File and time of a photograph."""

_STANDING = 0.5  # m between two photographs: less is no direction
_GAP_STEPS = 5.0  # a step so many times the usual one leads to another flight


def flight_order(shots: Sequence[Shot]) -> list[int]:
    """Rows in the order in which they were taken; by name where not all tell when."""
    rows = sorted(range(len(shots)), key=lambda row: natural_order(shots[row][0]))
    if any(taken is None for _, taken in shots):
        return rows
    return sorted(rows, key=lambda row: shots[row][1] or datetime.min)  # noqa: DTZ901 - as EXIF, without zone


def headings(shots: Sequence[Shot], metres: NDArray[np.float64]) -> list[float | None]:
    """Direction of flight at each photograph: from the one before to the one after it.

    Args:
        shots: The photographs.
        metres: Their places, shape (n, 2), metres east and north.

    Returns:
        Degrees clockwise from the y axis; None for a photograph without neighbours.
    """
    order = flight_order(shots)
    found: list[float | None] = [None] * len(shots)
    if len(order) < 2:  # noqa: PLR2004 - a direction has two ends
        return found
    track = metres[order]
    steps = np.hypot(*np.diff(track, axis=0).T)
    moving = steps[steps > _STANDING]
    longest = _GAP_STEPS * float(np.median(moving)) if len(moving) else 0.0
    linked = np.concatenate([[False], steps <= longest, [False]])
    for place, row in enumerate(order):
        start = place - 1 if linked[place] else place
        end = place + 1 if linked[place + 1] else place
        east, north = track[end] - track[start]
        if math.hypot(east, north) > _STANDING:
            found[row] = math.degrees(math.atan2(east, north))
    return found
