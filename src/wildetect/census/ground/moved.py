"""Positions of all photographs as they were, where one mistake moved all of them alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from wildetect.census.ground.headings import flight_order, headings
from wildetect.settings.words import OtherPositions

__all__ = ["at_other_time", "moving", "other_positions"]

_TURN = 30.0  # degrees between two photographs: more, and the way between them is not known
_LEAST_TIME = 1e-3  # s


def other_positions(degrees: NDArray[np.float64], what: OtherPositions) -> NDArray[np.float64]:
    """Give positions the sign that they lost, or their own order.

    Args:
        degrees: Longitude and latitude, shape (n, 2).
        what: Whose sign is the other one; or that latitude stands where longitude should.
    """
    if what == "swapped":
        return degrees[:, ::-1]
    signs = (1 if what == "latitude" else -1, 1 if what == "longitude" else -1)
    return np.asarray(degrees * signs)


def at_other_time(
    shots: Sequence[tuple[str, datetime]], metres: NDArray[np.float64], seconds: float
) -> NDArray[np.float64]:
    """Where the camera was so many seconds after it was where the photographs say, shape (n, 2).

    The way flown is that of the photographs themselves: straight from one to the next along a line. Where the
    camera turned between two photographs, or before the first and after the last, it is taken to have gone
    straight on.

    Args:
        shots: File and time of each photograph.
        metres: Their places as they say, shape (n, 2).
        seconds: Negative for before.
    """
    return moving(shots, metres)(seconds)


def moving(
    shots: Sequence[tuple[str, datetime]], metres: NDArray[np.float64]
) -> Callable[[float], NDArray[np.float64]]:
    """As `at_other_time`, for many times: what the flight is like is found out once.

    Args:
        shots: File and time of each photograph.
        metres: Their places as they say, shape (n, 2).

    Returns:
        Gives the places for a number of seconds, negative for before.
    """
    order = np.array(flight_order(shots), np.int64)
    if len(order) < 2:  # noqa: PLR2004 - a way has two ends
        return lambda _seconds: metres.copy()
    first = shots[int(order[0])][1]
    time = np.array([(shots[row][1] - first).total_seconds() for row in order.tolist()])
    place = np.asarray(metres[order] @ (1, 1j), np.complex128)
    straight = _straight(shots, metres, order)
    velocity = _velocities(time, place, straight)

    def at(seconds: float) -> NDArray[np.float64]:
        if not seconds:
            return metres.copy()
        wanted = time + seconds
        # the step in which the time lies: from photograph `step` to the one after it
        step = (np.searchsorted(time, wanted, side="right") - 1).clip(0, len(order) - 2)
        share = (wanted - time[step]) / np.maximum(time[step + 1] - time[step], _LEAST_TIME)
        between = place[step] + share * (place[step + 1] - place[step])
        # in a turn from its own side: a line goes on straight
        own = np.where(np.arange(len(order)) <= step, step, step + 1)
        beyond = place[own] + velocity[own] * (wanted - time[own])
        known = straight[step] & (share >= 0) & (share <= 1)
        moved = np.where(known, between, beyond)
        found = np.empty_like(metres)
        found[order] = np.column_stack([moved.real, moved.imag])
        return found

    return at


def _straight(
    shots: Sequence[tuple[str, datetime]], metres: NDArray[np.float64], order: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether the camera flew straight from each photograph to the next, in order of time; shape (n - 1,)."""
    told = headings(shots, metres)
    heading = np.array([np.nan if one is None else one for one in told], np.float64)[order]
    track = metres[order]
    steps = np.diff(track, axis=0)
    way = np.degrees(np.arctan2(steps[:, 0], steps[:, 1]))
    off = [np.abs((one - way + 180) % 360 - 180) for one in (heading[:-1], heading[1:])]
    return np.asarray((off[0] <= _TURN) & (off[1] <= _TURN))


def _velocities(
    time: NDArray[np.float64], place: NDArray[np.complex128], straight: NDArray[np.bool_]
) -> NDArray[np.complex128]:
    """Work out each photograph's velocity in m/s, east + i north, over its straight steps; 0 without any."""
    steps, times = np.diff(place) * straight, np.diff(time) * straight
    way, spent = (np.append(one, 0) + np.insert(one, 0, 0) for one in (steps, times))
    return np.asarray(np.where(spent > 0, way / np.maximum(spent, _LEAST_TIME), 0))
