"""Ways to fly a survey, and mistakes that people make with its photographs, of which the truth is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
from tests.census.doubtful_flights import PLAIN, RTK, told
from tests.census.simulator import Flown, Herd, Survey, fly

from wildetect.census.cautions.again import flown_again
from wildetect.census.cautions.findings import cautions
from wildetect.census.cautions.sizes import sizes
from wildetect.census.counting.animals import count_once, default_tolerance
from wildetect.census.ground.boxes import boxes_on_ground
from wildetect.census.ground.photographs import Photograph, make_views
from wildetect.imagery.camera.optics import Flight
from wildetect.imagery.positions.metadata import Position

ANIMALS = 150
LARGEST = 5.0  # m: a box of the simulator is 2 m wide
_DEGREE = 111_000.0  # m of latitude

Layout = Callable[[Survey], Survey]
Photographs = list[Photograph]


def _crossed(survey: Survey) -> Survey:
    north = survey.mown(3, 10, ahead=0.6, aside=0.3)
    east = survey.mown(3, 8, ahead=0.6, aside=0.3, heading=90)
    return replace(survey, shots=north.shots + east.shots)


def _two_days(survey: Survey) -> Survey:
    first = survey.mown(4, 10, ahead=0.6, aside=0.3)
    return replace(survey, shots=first.shots + tuple(replace(shot, day=1) for shot in first.shots))


def _tilted(survey: Survey) -> Survey:
    mown = survey.mown(4, 10, ahead=0.6, aside=0.3)
    return replace(mown, shots=tuple(replace(shot, pitch=-75.0) for shot in mown.shots))


def _uneven(survey: Survey) -> Survey:
    mown = survey.mown(4, 10, ahead=0.6, aside=0.3)
    shots = [replace(shot, climb=30.0 if number // 10 % 2 else 0.0) for number, shot in enumerate(mown.shots)]
    return replace(mown, shots=tuple(shots))


def _portrait(survey: Survey) -> Survey:
    upright = replace(survey, size=(survey.size[1], survey.size[0]))
    return upright.mown(5, 8, ahead=0.6, aside=0.3)


LAYOUTS: Mapping[str, Layout] = {
    "60/30% overlap": lambda survey: survey.mown(4, 10, ahead=0.6, aside=0.3),
    "80/70% overlap": lambda survey: survey.mown(5, 12, ahead=0.8, aside=0.7),
    "a single line": lambda survey: survey.mown(1, 24, ahead=0.6, aside=0.0),
    "cross-hatch": _crossed,
    "two days over the same ground": _two_days,
    "camera tilted by 15 degrees": _tilted,
    "heights of 100 and 130 m": _uneven,
    "portrait mounting": _portrait,
}
FLOWN_AGAIN = {"two days over the same ground"}


@dataclass(frozen=True)
class Mistake:
    """Something that is not as it should be.

    Attributes:
        name: For people.
        changes: What it does to the photographs; null: nothing is wrong.
        right: Whether numbers and areas are right all the same, so that no caution is owed.
        areas: Whether searched areas are wrong, too, so that one is owed whatever the number.
        mounted: Degrees by which the camera is turned against the way flown.
    """

    name: str
    changes: Callable[[Photographs], Photographs] | None = None
    right: bool = False
    areas: bool = False
    mounted: float = 0.0


def _each(change: Callable[[int, Photograph], Mapping[str, Any]]) -> Callable[[Photographs], Photographs]:
    """Change tags of each photograph."""
    return lambda photographs: [
        replace(one, tags=replace(one.tags, **change(number, one))) for number, one in enumerate(photographs)
    ]


def _position(one: Photograph) -> Position:
    assert one.tags.position is not None
    return one.tags.position


def _copies(photographs: Photographs) -> Photographs:
    """Every third one again, under another name."""
    return photographs + [replace(one, file=f"copy of {one.file}") for one in photographs[::3]]


def _same_names(photographs: Photographs) -> Photographs:
    """Two cards, on each of which names count from 1."""
    half = len(photographs) // 2
    return [
        replace(one, file=f"card {number // half + 1}/DJI_{number % half + 1:04}.JPG")
        for number, one in enumerate(photographs)
    ]


def _other_clock(photographs: Photographs) -> Photographs:
    """The second half by a clock of another time zone."""
    half = len(photographs) // 2
    return [
        one
        if number < half or one.tags.taken is None
        else replace(one, tags=replace(one.tags, taken=one.tags.taken - timedelta(hours=2)))
        for number, one in enumerate(photographs)
    ]


def _moved(east: float, north: float) -> Callable[[int, Photograph], Mapping[str, Any]]:
    """All positions moved by so many m."""

    def change(_number: int, one: Photograph) -> Mapping[str, Any]:
        at = _position(one)
        across = _DEGREE * np.cos(np.radians(at.latitude))
        return {"position": Position(at.longitude + east / across, at.latitude + north / _DEGREE)}

    return change


def _rounded(digits: int) -> Callable[[int, Photograph], Mapping[str, Any]]:
    return lambda _number, one: {"position": Position(*(round(part, digits) for part in _position(one)))}


def _every_other_yaw(number: int, _one: Photograph) -> Mapping[str, Any]:
    return {} if number % 2 else {"yaw": None}


MISTAKES = (
    Mistake("nothing", right=True),
    Mistake("lens of 24 in place of 35 mm", _each(lambda _n, _one: {"focal_length_35": 24.0}), areas=True),
    Mistake("lens of 50 in place of 35 mm", _each(lambda _n, _one: {"focal_length_35": 50.0}), areas=True),
    Mistake("lens of 350 in place of 35 mm", _each(lambda _n, _one: {"focal_length_35": 350.0}), areas=True),
    Mistake(
        "focal length in mm is that in 35 mm film",
        _each(lambda _n, _one: {"camera": "DJI FC6310", "focal_length": 35.0}),
        areas=True,
    ),
    Mistake(
        "longitude without its sign",
        _each(lambda _n, one: {"position": Position(-_position(one).longitude, _position(one).latitude)}),
    ),
    Mistake(
        "latitude and longitude swapped",
        _each(lambda _n, one: {"position": Position(_position(one).latitude, _position(one).longitude)}),
    ),
    Mistake("second half by a clock of another time zone", _other_clock),
    Mistake("every third photograph twice", _copies),
    Mistake("the same names in two folders", _same_names),
    Mistake("all 50 m off", _each(_moved(40.0, 30.0)), right=True),
    Mistake("another datum (Arc 1950 as WGS 84)", _each(_moved(-140.0, -300.0)), right=True),
    Mistake("coordinates of 4 decimals", _each(_rounded(4))),
    Mistake("coordinates of 3 decimals", _each(_rounded(3))),
    Mistake("coordinates of 5 decimals", _each(_rounded(5))),
    Mistake(
        "every other yaw tag missing",
        _each(_every_other_yaw),
    ),
    Mistake(
        "every other yaw tag missing, mounted across",
        _each(_every_other_yaw),
        mounted=90.0,
    ),
    Mistake(
        "second half without yaw tags", lambda photographs: _without_yaw(photographs, len(photographs) // 2)
    ),
)


def _without_yaw(photographs: Photographs, first: int) -> Photographs:
    return [
        one if number < first else replace(one, tags=replace(one.tags, yaw=None))
        for number, one in enumerate(photographs)
    ]


POSITIONS: Mapping[str, Mapping[str, Any]] = {"RTK": RTK, "3 m GPS": {**PLAIN, "stated_error": None}}


FACTS = {"flat-ground", "tilted", "resolution-varies", "mixed-cameras"}
"""Kinds of cautions that say how a survey was flown, not that something is suspicious."""


class Found(NamedTuple):
    """What a census makes of a cell.

    Attributes:
        error: Counted / true - 1.
        kinds: All kinds of its cautions.
    """

    error: float
    kinds: frozenset[str]

    @property
    def suspicious(self) -> frozenset[str]:
        """Those that say that something is wrong with the numbers."""
        return self.kinds - FACTS


def surveyed(layout: Layout, mistake: Mistake, positions: Mapping[str, Any], seed: int) -> Found:
    """Fly, make the mistake, and count."""
    survey = layout(Survey(**{"jitter": 0.1, **positions}))
    shots = tuple(replace(shot, yaw=shot.yaw + mistake.mounted) for shot in survey.shots)
    flown = fly(replace(survey, shots=shots), Herd.apart(4, 380, 380, ANIMALS, seed), seed)
    if mistake.changes is not None:
        flown = Flown(mistake.changes(flown.photographs), flown.animals)
    return everything(flown)


def everything(flown: Flown) -> Found:
    """The count, and all that a census says of where photographs lie and what they show."""
    views = make_views(flown.photographs, Flight())
    boxes = boxes_on_ground(flown.photographs, views)
    animals = count_once(boxes, views, default_tolerance(views))
    overlaps = told(flown)
    kinds = {
        one.kind
        for one in (
            *flown_again(views, boxes, animals),
            *sizes(flown.photographs, views, boxes, LARGEST),
            *cautions(flown.photographs, views, None, animals),
        )
    }
    return Found(overlaps.error, frozenset({*overlaps.kinds, *overlaps.others, *kinds}))
