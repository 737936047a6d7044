"""Where a drone flew when it took a photograph: the yaw of a camera that does not tell its own."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from wildetect.imagery.discovery import natural_order

__all__ = ["Shot", "flight_order", "headings", "mounting", "straight_legs"]

Shot = tuple[str, datetime | None]
"""File and time of a photograph."""

_STANDING = 0.5  # m between two photographs: less gives no direction
_GAP_STEPS = 5.0  # a step so many times the usual one leads to another flight
_LEAST_TOLD, _AGREE = 5, 0.95  # photographs, and length of the mean of their directions, 0 to 1
_SURE = 0.5  # degrees of standard error: a direction that is known so well needs no more photographs
_MOST_FITTED = 21  # photographs, along which a line is fitted
_ON_LINE, _BENT = 2.0, 2.5  # standard deviations off a line, and of its curvature: more is none
_FORWARD = 0.7  # of a step: photographs on one line go on along it
_TURN, _SHARP = 30.0, 60.0  # degrees from step to step: more is the end of a line, or no curve either


def flight_order(shots: Sequence[Shot]) -> list[int]:
    """Rows in the order in which they were taken; by name where not all tell when."""
    rows = sorted(range(len(shots)), key=lambda row: natural_order(shots[row][0]))
    if any(taken is None for _, taken in shots):
        return rows
    return sorted(rows, key=lambda row: shots[row][1] or datetime.min)  # noqa: DTZ901 - as EXIF, without zone


def headings(shots: Sequence[Shot], metres: NDArray[np.float64], error: float = 0.0) -> list[float | None]:
    """Direction of flight at each photograph: from the one before to the one after, or along its line.

    Where places err by much of a step, it is the direction of a line that is fitted through so many
    photographs around it that it is sure to half a degree, or through as many as lie on one line.

    Args:
        shots: The photographs.
        metres: Their places, shape (n, 2), metres east and north.
        error: Usual error of a place in m.

    Returns:
        Degrees clockwise from the y axis; None for a photograph without neighbours.
    """
    order = flight_order(shots)
    found: list[float | None] = [None] * len(shots)
    if len(order) < 2:  # noqa: PLR2004 - a direction has two ends
        return found
    track = metres[order]
    lengths = np.hypot(*np.diff(track, axis=0).T)
    longest = _longest(lengths)
    linked = np.concatenate([[False], lengths <= longest, [False, False]])
    # north + i east: the angle counts clockwise from north
    steps = np.asarray(np.diff(track, axis=0) @ (1j, 1), np.complex128)
    fitted = _fitted(steps, longest, error)
    for place, row in enumerate(order):
        before = steps[place - 1] if linked[place] else 0j
        after = steps[place] if linked[place + 1] else 0j
        if fitted[place]:
            direction = 2 * complex(fitted[place])  # as over two steps
        elif _bend(before, after) > _TURN:
            earlier = steps[place - 2] if linked[place - 1] else 0j
            later = steps[place + 1] if linked[place + 2] else 0j
            direction = _on_line(earlier, before, after, later)
        else:
            direction = before + after
        if abs(direction) > _STANDING:
            found[row] = math.degrees(cmath.phase(direction))
    return found


def mounting(flown: Sequence[float | None], yaws: Sequence[float | None]) -> float:
    """How the camera is turned against the way flown, by the photographs that tell their yaw.

    Args:
        flown: Direction of flight at each photograph in degrees; None: unknown.
        yaws: Direction of each photograph's upper edge in the same system; None: it does not tell.

    Returns:
        Degrees clockwise, -180 to 180; 0 where too few tell, or they do not agree.
    """
    pairs = zip(flown, yaws, strict=True)
    turns = [
        cmath.rect(1, math.radians(yaw - way)) for way, yaw in pairs if way is not None and yaw is not None
    ]
    mean = sum(turns, 0j) / max(len(turns), 1)
    if len(turns) < _LEAST_TOLD or abs(mean) < _AGREE:
        return 0.0
    return math.degrees(cmath.phase(mean))


def straight_legs(shots: Sequence[Shot], metres: NDArray[np.float64]) -> list[list[int]]:
    """Give the photographs of each straight way between two turns, gaps or ends, three or more of them.

    Args:
        shots: The photographs.
        metres: Their places, shape (n, 2), metres east and north.

    Returns:
        For each leg the rows of its photographs in the order in which they were taken.
    """
    order = flight_order(shots)
    if len(order) <= 2:  # noqa: PLR2004 - three make a leg
        return []
    steps = np.diff(metres[order], axis=0) @ (1j, 1)
    lengths = np.abs(steps)
    longest = _longest(lengths)
    legs = [[order[0]]]
    for place, row in enumerate(order[1:]):
        if lengths[place] > longest:
            legs.append([])
        elif len(legs[-1]) > 1 and _bend(steps[place - 1], steps[place]) > _TURN:
            legs.append([order[place]])
        legs[-1].append(row)
    return [leg for leg in legs if len(leg) > 2]  # noqa: PLR2004


def _longest(lengths: NDArray[np.float64]) -> float:
    """Length in m of a step beyond which another way begins, of the lengths of all."""
    moving = lengths[lengths > _STANDING]
    return _GAP_STEPS * float(np.median(moving)) if len(moving) else 0.0


def _fitted(steps: NDArray[np.complex128], longest: float, error: float) -> NDArray[np.complex128]:
    """Direction of the line through the photographs around each; 0 where none is needed, or they lie on none.

    Places are regressed on the numbers of the photographs: of n places that are d apart and err by s in each
    direction, the standard error of the angle is s / (d sqrt(n (n^2 - 1) / 12)). The photograph need not be
    in the middle of its line's piece, which so ends where the line does.

    Args:
        steps: Steps from each photograph to the next, north + i east in m, shape (n - 1,).
        longest: Length of a step beyond which another way begins.
        error: Usual error of a place in m.

    Returns:
        Shape (n,).
    """
    found = np.zeros(len(steps) + 1, np.complex128)
    moving = np.abs(steps)[np.abs(steps) > _STANDING]
    if not error or not len(moving):
        return found
    step, spread = float(np.median(moving)), error / math.sqrt(2)
    sure = (count for count in range(3, _MOST_FITTED) if _angle_error(count, step, spread) <= _SURE)
    number = next(sure, _MOST_FITTED)
    for count in range(min(number, len(found)), 3, -1):  # three are the one before and the one after
        linked = np.lib.stride_tricks.sliding_window_view(np.abs(steps), count - 1).max(axis=1) <= longest
        slope, off = _pieces(steps, count, spread)
        good = linked & (off <= 1) & (np.abs(slope) >= _FORWARD * step)
        begins, still = np.flatnonzero(good), found == 0
        least = np.full(len(found), np.inf)
        for member in range(count):  # rather in the middle of a piece, and on the better line
            cost = abs(member - (count - 1) / 2) + off[begins]
            better = still[begins + member] & (cost < least[begins + member])
            found[begins[better] + member] = slope[begins[better]]
            least[begins[better] + member] = cost[better]
    return found


def _pieces(
    steps: NDArray[np.complex128], count: int, spread: float
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """The mean step of so many photographs in a row, and how far off a line they lie: above 1 on none.

    Args:
        steps: Steps as of `_fitted`.
        count: How many photographs.
        spread: Standard deviation of their places in each direction, in m.

    Returns:
        Both of shape (photographs - count + 1,).
    """
    pieces = np.lib.stride_tricks.sliding_window_view(np.concatenate([[0], np.cumsum(steps)]), count)
    at = np.arange(count) - (count - 1) / 2
    slope = pieces @ at / (at @ at)
    along = slope / np.maximum(np.abs(slope), np.finfo(float).tiny)
    off = ((pieces - pieces.mean(axis=1)[:, None]) * np.conj(along)[:, None]).imag / spread
    curve = at**2 - (at**2).mean()
    bent = np.abs(off @ curve) / np.linalg.norm(curve)
    usual = np.sqrt((off**2).sum(axis=1) / (count - 2))
    return slope, np.maximum(usual / _ON_LINE, bent / _BENT)


def _angle_error(count: int, step: float, spread: float) -> float:
    """Standard error in degrees of the angle of a line through so many places."""
    return math.degrees(spread / (step * math.sqrt(count * (count**2 - 1) / 12)))


def _on_line(earlier: complex, before: complex, after: complex, later: complex) -> complex:
    """The step at a turn that belongs to the line that is flown; both where it may be a curve.

    Of the steps before and after the turn, the line's goes on straight at its other end, and that across to
    the next line turns there again. On lines of two photographs each, both turn: there the shorter one is
    the line's, as photographs follow each other more closely along a line than from line to line.
    """
    came_straight, goes_straight = _bend(earlier, before) <= _TURN, _bend(after, later) <= _TURN
    if came_straight != goes_straight:
        return before if came_straight else after
    if _bend(before, after) <= _SHARP:
        return before + after
    return min(before, after, key=abs)


def _bend(one: complex, other: complex) -> float:
    """Degrees between two steps; 0 where one of them is none."""
    if min(abs(one), abs(other)) <= _STANDING:
        return 0.0
    return abs(math.degrees(cmath.phase(other / one)))
