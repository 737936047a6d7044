"""One mistake in all photographs: what makes them fit together, as the overlaps tell it.

Tried are: one angle and one scale for all (a compass or a mounting that is off, a wrong height or lens; a
scale that is several times off, as of metres taken for feet, leaves no overlap: it is tried there, too), one
and the same yaw (a camera that is fixed to the north), yaws that count the other way round, positions that
lost a sign or are swapped (the track is mirrored then, or turned), and positions that were joined to the
photographs by a clock that is off (they lie farther along the way flown, or less far).
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.ground.headings import headings
from wildetect.census.ground.moved import moving, other_positions
from wildetect.census.ground.photographs import Views
from wildetect.census.ground.projection import Projection
from wildetect.census.ground.views import View
from wildetect.census.merging.fitting import Fit, cameras_of
from wildetect.census.merging.overlaps import along_one_line
from wildetect.settings.words import OtherPositions

__all__ = ["Alike", "Shares", "all_alike"]

_BETTER, _TIMES, _LEAST = 3.5, 1.4, 6  # standard deviations, times, and boxes by which it must fit better
_ENOUGH_BOXES = 4_000  # a part of a large survey tells what is wrong in all
_SHARE = 0.5  # of the boxes on common ground: as many must agree where one thing is wrong in all
_NO_WORSE = 0.9  # of the boxes along lines that agree as they are
_EVEN = 0.95  # of the boxes that agree at best: what reaches it cannot be told from it
_ANGLES = tuple(range(-175, 181, 5))
_SCALES = (0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.4)
_FAR_SCALES = tuple(np.geomspace(1.4, 12, 56).tolist())  # 4% from each to the next; a foot is 1 / 3.28 m
_BESIDE = 1.6  # times such a scale: what agrees by chance does so there, too
_FAR_SHARE = 0.2  # of all boxes: as many must agree where no photographs seem to overlap
_NO_SCALE, _NO_TURN = 0.02, 1.5  # less is none; degrees
_POSITIONS: tuple[OtherPositions, ...] = ("latitude", "longitude", "both", "swapped")
_LONGEST_CLOCK = 30.0  # s: a drone is somewhere else by then
_MOST_STEPS = 200  # of the clock, each way
_STEP = 0.35  # of the tolerance, by which photographs move from step to step


class Shares(NamedTuple):
    """Pairs of boxes on common ground / boxes: of all photographs, and of those of different lines."""

    all: float
    across: float


@dataclass(frozen=True, kw_only=True)
class Alike:
    """What makes all photographs fit together.

    Attributes:
        degrees: Turn of all, clockwise, or else the one yaw that all have; -180 to 180.
        scale: Factor by which lengths are to be multiplied.
        fixed: Whether all have one and the same yaw, whatever the way flown.
        yaw_reversed: Whether yaws count the other way round.
        positions: What of the positions is the other way round.
        clock: Seconds by which positions are to be taken later on the way flown.
        before: Boxes of two photographs that agree as they are.
        after: Those that agree then.
        or_else: What makes them fit as well: the overlaps cannot tell one from the other.
    """

    degrees: float = 0.0
    scale: float = 1.0
    fixed: bool = False
    yaw_reversed: bool = False
    positions: OtherPositions | None = None
    clock: float = 0.0
    before: int = 0
    after: int = 0
    or_else: tuple[Alike, ...] = field(default=())

    @property
    def corrections(self) -> dict[str, float | str | bool]:
        """The settings under `survey.corrections` that correct it."""
        others: dict[str, float | str | bool | None] = {
            "positions": self.positions,
            "clock": round(self.clock, 2) if self.clock else None,
            "yaw_reversed": self.yaw_reversed or None,
            "scale": round(self.scale, 3) if abs(self.scale - 1) > _NO_SCALE else None,
        }
        found = {name: value for name, value in others.items() if value is not None}
        if self.fixed or abs(self.degrees) > _NO_TURN or not found:
            found["fixed_yaw" if self.fixed else "yaw"] = round(self.degrees, 1)
        return found


class _Score(NamedTuple):
    """Boxes that agree: of all photographs, of those of one line, of those of different lines."""

    all: float
    along: float
    across: float


class _Tried(NamedTuple):
    """A mistake that may be in all photographs, and how well they fit without it."""

    what: Alike
    score: _Score


class _Search:
    """Tries what may be wrong in all photographs.

    Args:
        boxes: Some of those that count.
        views: Views that they were seen from.
        tolerance: Tolerance in m.
    """

    def __init__(self, boxes: GroundBoxes, views: Views, tolerance: float) -> None:
        self.views, self.tolerance = views, tolerance
        self.fit = Fit(boxes, cameras_of(views), tolerance)
        self.shots = [view for view in views.views if isinstance(view, View)]
        self.score = self._score(self.fit)

    def tried(self) -> Iterator[_Tried]:
        """All that may be, the likelier first."""
        yield self._turned()
        yield from self.far_scaled()
        if len(self.shots) == len(self.views.views):
            yield from self._reversed()
            yield from self._other_positions()
            yield from self._clock()

    def _score(self, fit: Fit, factor: complex = 1) -> _Score:
        found = fit.pairs(factor)
        along = along_one_line(found.one, found.other, self.views)
        sums = [float(found.number[which].sum()) / 2 for which in (along, ~along)]
        return _Score(sum(sums), *sums)

    def _turned(self) -> _Tried:
        turns = [cmath.rect(1, -math.radians(angle)) for angle in _ANGLES]
        found, after = _best(self.fit, [*turns, *map(complex, _SCALES)])
        yaws = np.array([cmath.rect(1, math.radians(view.yaw or 0.0)) for view in self.views.views])
        north = self.fit.placed(factor=yaws)
        one_yaw, agreeing = _best(north, [*turns, 1 + 0j])
        fixed = agreeing > _TIMES * after
        fit, factor = (north, one_yaw) if fixed else (self.fit, found)
        what = Alike(degrees=-math.degrees(cmath.phase(factor)), scale=abs(factor), fixed=fixed)
        return _Tried(what, self._score(fit, factor))

    def far_scaled(self) -> Iterator[_Tried]:
        """Heights far too low make photographs so small that few or none overlap.

        Boxes fit on one another at one scale only, and far less at scales a little smaller and larger.
        """
        factor = complex(max(_FAR_SCALES, key=self.fit.of_all))
        most = self.fit.of_all(factor)
        beside = max(self.fit.of_all(factor * by) for by in (_BESIDE, 1 / _BESIDE))
        if most >= max(_LEAST, _FAR_SHARE * self.fit.boxes) and _deviations(beside, most) >= _BETTER:
            factor = _refined(self.fit, factor)
            what = Alike(degrees=-math.degrees(cmath.phase(factor)), scale=abs(factor))
            yield _Tried(what, self._score(self.fit, factor))

    def _reversed(self) -> Iterator[_Tried]:
        if any(view.source_of("yaw") != "XMP" for view in self.shots):
            return
        twice = [cmath.rect(1, 2 * math.radians(view.yaw)) for view in self.shots]
        yield _Tried(Alike(yaw_reversed=True), self._score(self.fit.placed(factor=np.array(twice))))

    def _other_positions(self) -> Iterator[_Tried]:
        degrees = np.array([(view.longitude, view.latitude) for view in self.shots], np.float64)
        for what in _POSITIONS:
            other = other_positions(degrees, what)
            if np.abs(other[:, 1]).max(initial=0.0) > 90:  # noqa: PLR2004 - no degrees of latitude
                continue
            metres = Projection.around(*other.T).to_metres(other)
            fit = self.fit.placed(_complex(metres), self._along_the_way(metres))
            yield _Tried(Alike(positions=what), self._score(fit))

    def _along_the_way(self, metres: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Turns of those photographs whose direction is that of the way flown, shape (views,)."""
        error = float(np.median([view.position_error for view in self.shots]))
        way = headings([(view.file, view.taken) for view in self.shots], metres, error)
        turns = [
            0.0 if there is None or view.source_of("yaw") == "XMP" else there - view.yaw - view.convergence
            for view, there in zip(self.shots, way, strict=True)
        ]
        return np.asarray(np.exp(-1j * np.radians(np.array(turns))), np.complex128)

    def _clock(self) -> Iterator[_Tried]:
        shots = [(view.file, view.taken) for view in self.shots if view.taken is not None]
        metres = np.array([(view.x, view.y) for view in self.shots], np.float64).reshape(-1, 2)
        if len(shots) < len(self.shots):
            return
        at_time = moving(shots, metres)
        speed = float(np.median(np.hypot(*(at_time(1.0) - metres).T)))
        if speed <= 0:
            return

        def at(seconds: float) -> Fit:
            return self.fit.placed(_complex(at_time(seconds)))

        step = max(_STEP * self.tolerance / speed, _LONGEST_CLOCK / _MOST_STEPS)
        count = int(_LONGEST_CLOCK / step)
        candidates = [step * number for number in range(-count, count + 1) if number]
        best = max(candidates, key=lambda seconds: at(seconds).of_all(), default=0.0)
        near = [best + step * part for part in np.linspace(-1, 1, 11).tolist()]
        third = self.tolerance / 3
        best = max(near, key=lambda seconds: at(seconds).placed(tolerance=third).of_all())
        yield _Tried(Alike(clock=best), self._score(at(best)))


def all_alike(boxes: GroundBoxes, views: Views, tolerance: float, shares: Shares | None) -> Alike | None:
    """Find what makes all photographs fit together; null where nothing does far better.

    Args:
        boxes: All that count.
        views: Views that they were seen from.
        tolerance: Within which boxes are joined, in m.
        shares: How many boxes should agree; null where too few lie on common ground to tell anything:
            then only scales that are far off are tried.
    """
    kept = _some(boxes)
    if not len(kept):
        return None
    search = _Search(boxes.select(kept), views, tolerance)
    before = search.score
    enough = Shares(*(_SHARE * share * len(kept) for share in shares or (0.0, 0.0)))
    tried = search.far_scaled() if shares is None else search.tried()
    found = [one for one in tried if _far_better(before, one.score, enough)]
    if not found:
        return None
    most = max(one.score.all for one in found)
    alike = [
        replace(one.what, before=int(before.all), after=int(one.score.all))
        for one in found
        if one.score.all >= _EVEN * most
    ]
    return replace(alike[0], or_else=tuple(alike[1:]))


def _far_better(before: _Score, after: _Score, enough: Shares) -> bool:
    """Whether far more boxes agree, or far more across lines and no fewer along them."""
    if _more(before.all, after.all, enough.all):
        return True
    return after.along >= _NO_WORSE * before.along and _more(before.across, after.across, enough.across)


def _more(before: float, after: float, enough: float) -> bool:
    return after >= max(_TIMES * before, before + _LEAST, enough) and _deviations(before, after) >= _BETTER


def _deviations(before: float, after: float) -> float:
    """Standard deviations by which one number of boxes is larger than another."""
    return (after - before) / math.sqrt(after + before + 1)


def _best(fit: Fit, candidates: Sequence[complex]) -> tuple[complex, float]:
    """The factor with which most boxes agree, and how many."""
    found = _refined(fit, max(candidates, key=fit.of_all))
    return found, fit.of_all(found)


def _refined(fit: Fit, factor: complex) -> complex:
    """A factor near the given one with which still more agree: smaller and smaller steps of angle and scale.

    Within the tolerance many factors fit alike: a third of it tells the best of them.
    """
    fit = fit.placed(tolerance=fit.tolerance / 3)
    at = fit.of_all(factor)
    for step in (2.5, 1.0, 0.5):
        turn = cmath.rect(1, math.radians(step))
        for more in (turn, 1 / turn, complex(1 + step / 50), complex(1 - step / 50)):
            while (there := fit.of_all(factor * more)) > at:
                factor, at = factor * more, there
    return factor


def _complex(metres: NDArray[np.float64]) -> NDArray[np.complex128]:
    """East + i north."""
    return np.asarray(metres @ (1, 1j), np.complex128)


def _some(boxes: GroundBoxes) -> NDArray[np.intp]:
    """Rows of the boxes of the first photographs, as many as are looked at."""
    counts = np.cumsum(np.bincount(boxes.view))
    last = int(np.searchsorted(counts, _ENOUGH_BOXES, side="right"))
    return np.flatnonzero(boxes.view < max(last, 1))
