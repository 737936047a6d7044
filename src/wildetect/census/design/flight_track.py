"""Straight runs in a flight track: what the pilot would call a transect."""

from __future__ import annotations

import itertools

import numpy as np
import shapely
from numpy.typing import NDArray

__all__ = ["straight_runs"]

_TURN = 15.0  # degrees; a smaller bend is one line
_GAP_STEPS = 5.0  # a step so many times the usual one parts two runs
_GAP_SIDES = 2.0  # and so many footprints long
_PARALLEL = 10.0  # degrees between two runs of one direction
_OTHER_WAYS = 0.4  # of the length flown in the main direction: another one is not just the way between lines
_LONG_OFF_AXIS = 0.75  # of the median run in the main direction: nor is such a run
_LONG_ENOUGH = 0.2  # of the median run in the main direction
_LEAST = 3  # photographs
_ON_LINES = 1 / 3  # of all photographs; with fewer the lines are there by chance


class _Run:
    """Photographs along a line, which is fitted to them: where a run ends its places may err most.

    Args:
        members: Rows of the track, in the order of flight.
        track: All positions in m, shape (n, 2).
    """

    def __init__(self, members: list[int], track: NDArray[np.float64]) -> None:
        self.members = members
        self.points = track[members]
        self.middle = self.points.mean(axis=0)
        along = np.linalg.svd(self.points - self.middle, full_matrices=False)[2][0]
        self.along = along if along @ (self.points[-1] - self.points[0]) >= 0 else -along
        reach = (self.points - self.middle) @ self.along
        self.start, self.end = float(reach.min()), float(reach.max())

    @property
    def length(self) -> float:
        """In m."""
        return self.end - self.start


def straight_runs(points: NDArray[np.float64], side: float, tolerance: float) -> list[list[int]]:
    """The straight runs of a track, in the order of flight.

    The track is simplified (Douglas and Peucker 1973), cut where it turns by more than 15 degrees or
    leaps, and the pieces that lie on one line are joined: a transect that was interrupted is one sample, not
    two. Of the pieces, those in the main direction of flight are transects; others if there is as much of
    them.

    Args:
        points: Positions of the camera in m, in the order of flight, shape (n, 2).
        side: Usual side of a footprint in m.
        tolerance: How far in m a photograph may lie off the line, by wind and the error of its position.

    Returns:
        For each run its rows of `points`, each row in at most one run.
    """
    runs = _in_a_row(_cut(points, side, tolerance), points, side, tolerance)
    runs = _joined([run for run in runs if len(run.members) >= _LEAST], points, side, tolerance)
    kept = sorted(_transects_among(runs), key=lambda run: -run.length)
    taken: set[int] = set()
    found = []
    for run in kept:  # the photograph in a corner goes to the longer run
        members = sorted(set(run.members) - taken)
        taken.update(members)
        found.append(members)
    found = sorted(members for members in found if len(members) >= _LEAST)
    return found if sum(map(len, found)) >= _ON_LINES * len(points) else []


def _cut(points: NDArray[np.float64], side: float, tolerance: float) -> list[_Run]:
    """Pieces of the track between turns and leaps."""
    if len(points) < _LEAST:
        return []
    steps = np.hypot(*np.diff(points, axis=0).T)
    moving = steps[steps > 0]
    leap = max(_GAP_STEPS * float(np.median(moving)) if len(moving) else 0.0, _GAP_SIDES * side)
    ends = [0, *(np.flatnonzero(steps > leap) + 1).tolist(), len(points)]
    runs = []
    for first, behind in itertools.pairwise(ends):
        corners = _corners(points[first:behind], tolerance)
        for start, end in itertools.pairwise(corners):
            runs.append(_Run(list(range(first + start, first + end + 1)), points))
    return runs


def _corners(points: NDArray[np.float64], tolerance: float) -> list[int]:
    """Rows at which a leapless track turns, its first and last among them."""
    if len(points) < _LEAST:
        return [0, len(points) - 1] if len(points) > 1 else []
    line = shapely.simplify(shapely.linestrings(points), tolerance, preserve_topology=False)
    kept = shapely.get_coordinates(line)
    rows, row = [], 0
    for corner in kept:
        row += int(np.flatnonzero((points[row:] == corner).all(axis=1))[0])
        rows.append(row)
        row += 1
    rows[-1] = len(points) - 1
    corners = rows[:1]
    for before, at, after in zip(rows, rows[1:], rows[2:], strict=False):
        if _angle(points[at] - points[before], points[after] - points[at]) > _TURN:
            corners.append(at)
    return [*corners, rows[-1]]


def _in_a_row(runs: list[_Run], track: NDArray[np.float64], side: float, tolerance: float) -> list[_Run]:
    """Runs with each that goes on on the line of the one before it made one with it: a place was off."""
    done = runs[:1]
    for run in runs[1:]:
        short = run.length < side  # its own direction says little
        if _on_one_line(done[-1], run, side, tolerance, any_way=short):
            done[-1] = _Run(sorted({*done[-1].members, *run.members}), track)
        else:
            done.append(run)
    return done


def _joined(runs: list[_Run], track: NDArray[np.float64], side: float, tolerance: float) -> list[_Run]:
    """Runs with those that lie on one line made one, whatever was flown in between."""
    before: list[_Run] = []
    while len(runs) != len(before):  # a piece that has been joined may reach the next
        before, runs = runs, _joined_once(runs, track, side, tolerance)
    return runs


def _joined_once(runs: list[_Run], track: NDArray[np.float64], side: float, tolerance: float) -> list[_Run]:
    done: list[_Run] = []
    for run in sorted(runs, key=lambda run: -run.length):
        lines = (number for number, longer in enumerate(done) if _on_one_line(longer, run, side, tolerance))
        number = next(lines, None)
        if number is None:
            done.append(run)
        else:
            done[number] = _Run(sorted({*done[number].members, *run.members}), track)
    return done


def _on_one_line(longer: _Run, run: _Run, side: float, tolerance: float, *, any_way: bool = False) -> bool:
    """Whether a run goes on with a longer one, either way, or flies it again."""
    if run.length == 0 or not (any_way or _between(longer, run) <= _TURN):
        return False
    offsets = run.points - longer.middle
    across = offsets @ np.array([-longer.along[1], longer.along[0]])
    if np.sqrt(np.mean(across**2)) > tolerance:
        return False
    reach, gap = offsets @ longer.along, _GAP_SIDES * side
    return bool(reach.min() < longer.end + gap and reach.max() > longer.start - gap)


def _transects_among(runs: list[_Run]) -> list[_Run]:
    """Runs in the main direction of flight, and in others if as long and as much was flown there.

    So the legs of a zigzag and of a grid are transects, the ways between parallel lines and home are not.
    """
    if not runs:
        return []
    lengths = np.array([run.length for run in runs])
    parallel = np.array([[_between(one, other) <= _PARALLEL for other in runs] for one in runs])
    flown = parallel @ lengths
    main = parallel[flown.argmax()]
    usual = float(np.median(lengths[main]))
    kept = np.where(
        main,
        lengths >= _LONG_ENOUGH * usual,
        (lengths >= _LONG_OFF_AXIS * usual) & (flown >= _OTHER_WAYS * flown.max()),
    )
    return [run for run, keep in zip(runs, kept & (lengths > 0), strict=True) if keep]


def _between(one: _Run, other: _Run) -> float:
    """Angle between two lines, 0 to 90 degrees: flown to or fro is one."""
    angle = _angle(one.along, other.along)
    return min(angle, 180 - angle)


def _angle(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Between two vectors, 0 to 180 degrees; 0 if one has no length."""
    cross = one[0] * other[1] - one[1] * other[0]
    return float(abs(np.degrees(np.arctan2(cross, one @ other))))
