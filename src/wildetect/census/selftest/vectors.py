"""Published figures and hand cases that the formulas are checked against, on the user's machine too.

A: R package SightabilityModel, vignette of MoosePopR: moose in three strata. Two forms of the standard error
   are published, which differ in N against Z / mean(z); the formula of the census is the first, Jolly's.
   All transects are published of stratum H only. Of M and L it is sums and standard errors: the estimates
   are made from the sums, one form of the standard error is made from the other, and the total is theirs.
B: Siniff, D. B. and Skoog, R. O. 1964. Aerial censusing of caribou using stratified random sampling. Journal
   of Wildlife Management 28, 391-401: Nelchina caribou, six strata of equal units.
C: The ground sampling distance of Pix4D's worked example: its camera, its height, its pixels.
D: R's package mrds, function varn, on stratum H of vector A in the listed order: standard error of animals
   per km² by estimator R2 for random lines and by O2 for lines in a regular pattern (Fewster, R. M. et al.
   2009. Estimating the encounter rate variance in distance sampling. Biometrics 65, 225-236).
E: Log-normal limits as R's package Distance prints them: gazelles, N. Gulotta's distance sampling lab of 2021
   (half-normal and hazard-rate models), from estimate, coefficient of variation and degrees of freedom.

Besides them, animals in two photographs that overlap: how many there are is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wildetect.census.counting.animals import count_once
from wildetect.census.estimates import spread
from wildetect.census.estimates.limits import log_normal_limits
from wildetect.census.estimates.methods.jolly import jolly2
from wildetect.census.estimates.records import Estimate, SampleUnit, Stratum
from wildetect.census.estimates.sums import combine
from wildetect.census.ground.boxes import boxes_on_ground
from wildetect.census.ground.photographs import Photograph, Views, make_views
from wildetect.census.ground.projection import Projection
from wildetect.detections import Detections
from wildetect.imagery.camera.camera import CameraTags
from wildetect.imagery.positions.metadata import Position
from wildetect.settings.detection import FlightSpecs

__all__ = [
    "HandCase",
    "VectorCheck",
    "agree",
    "check_vectors",
    "equal_units",
    "example_of_pix4d",
    "moose_h",
    "overlap_cases",
]

OVERLAPS = (20, 40, 60, 80)  # %
TOLERANCE = 2.0  # m
_SIZE = 4608, 3456
_HEIGHT = 100.0  # m
_FOCAL_LENGTH, _SENSOR = 15.4, 13.125  # mm
_YAW = 30.0
_BOX = 1.5  # m: half of an animal's box


class HandCase(NamedTuple):
    """A figure that is known, and as it is computed."""

    what: str
    expected: float
    computed: float
    digits: int


def example_of_pix4d() -> Iterator[HandCase]:
    """Ground sampling distance and footprint of Pix4D's worked example."""
    view = _views(np.zeros((1, 2))).views[0]
    corners = view.footprint
    yield HandCase("ground sampling distance, cm/px", 1.85, view.gsd * 100, 2)
    yield HandCase("footprint, width in m", 85, math.dist(corners[0], corners[1]), 0)
    yield HandCase("footprint, height in m", 64, math.dist(corners[1], corners[2]), 0)


def overlap_cases() -> Iterator[HandCase]:
    """Animals in the overlap of two photographs: 11 of which each is in one only, 3 that are in both."""
    for overlap in OVERLAPS:
        apart = [(0.0, -2.0 + 4.0 * (number % 2)) for number in range(11)]
        eleven = [(across * 6.0 - 30.0, ahead) for across, (_, ahead) in enumerate(apart)]
        seen = [number % 2 for number in range(11)]
        yield HandCase(
            f"{overlap}% overlap: 11 animals, each in one photograph",
            11,
            _counted(
                overlap, [(place, [photograph]) for place, photograph in zip(eleven, seen, strict=True)]
            ),
            0,
        )
        three = [(-20.0, 0.0), (0.0, 3.0), (20.0, -3.0)]
        yield HandCase(
            f"{overlap}% overlap: 3 animals, each in both photographs",
            3,
            _counted(overlap, [(place, [0, 1]) for place in three]),
            0,
        )


def _counted(overlap: int, animals: Sequence[tuple[tuple[float, float], Sequence[int]]]) -> int:
    """Different animals in two photographs that overlap by so many percent.

    Args:
        overlap: Along the line of flight, in percent.
        animals: Place of each in m, across and along the line of flight from the middle of the overlap,
            and which photographs show it.
    """
    side = _SIZE[1] * _SENSOR * _HEIGHT / _FOCAL_LENGTH / _SIZE[0]
    step = side * (1 - overlap / 100)
    ahead, right = _direction(_YAW), _direction(_YAW + 90)
    middles = np.array([-step / 2 * ahead, step / 2 * ahead])
    views = _views(middles)
    photographs = []
    for row, view in enumerate(views.views):
        shown = [place for place, rows in animals if row in rows]
        places = np.array([across * right + along * ahead for across, along in shown])
        centres = _in_picture(views, row, places)
        half = _BOX / view.gsd
        boxes = Detections(np.hstack([centres - half, centres + half]), [0.9] * len(shown), [0] * len(shown))
        photographs.append(_photograph(view.file, CameraTags(), boxes))
    return len(count_once(boxes_on_ground(photographs, views), views, TOLERANCE).class_id)


def _views(places: NDArray[np.float64]) -> Views:
    """Photographs that look straight down from places in m, on the southern half of the globe."""
    plane = Projection(36.0, -1.0)
    photographs = []
    for number, place in enumerate(plane.to_degrees(places)):
        tags = CameraTags(
            position=Position(*place.tolist()),
            height=_HEIGHT,
            yaw=_YAW,
            pitch=-90.0,
            focal_length=_FOCAL_LENGTH,
            sensor_width=_SENSOR,
            position_error=0.5,
        )
        photographs.append(_photograph(f"{number}.jpg", tags, Detections.empty()))
    return make_views(photographs, FlightSpecs(), projection=plane)


def _photograph(file: str, tags: CameraTags, detections: Detections) -> Photograph:
    width, height = _SIZE
    return Photograph(file=file, path=None, width=width, height=height, tags=tags, detections=detections)


def _direction(degrees: float) -> NDArray[np.float64]:
    """One metre in a direction clockwise from north."""
    return np.array([math.sin(math.radians(degrees)), math.cos(math.radians(degrees))])


def _in_picture(views: Views, row: int, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where places in m show in a picture that looks straight down, in px, shape (n, 2)."""
    origin, right, down = views.views[row].to_ground([(0, 0), (1, 0), (0, 1)])
    axes = np.array([right - origin, down - origin])
    return np.asarray((places - origin) @ np.linalg.inv(axes))


_A = "A: moose, MoosePopR"
_B = "B: caribou, Siniff and Skoog 1964"
_C = "C: resolution, Pix4D's example"
_D = "D: moose, varn of mrds"
_E = "E: gazelles, R's Distance"
_HAND = "Animals counted once"

# counted, km² searched
_MOOSE_H = (
    *((57, 33.0), (40, 30.0), (24, 31.4), (29, 21.0), (15, 24.4), (32, 32.7), (11, 27.7), (16, 24.5)),
    *((5, 32.9), (5, 18.4), (16, 23.2), (28, 21.2), (40, 26.4), (28, 39.1), (8, 32.6), (55, 30.4)),
)


@dataclass(frozen=True, slots=True)
class VectorCheck:
    """One figure: as published, and as computed here.

    Attributes:
        name: Name of the vector, with its source.
        what: Which figure.
        expected: Value as published.
        computed: Value that this program computes.
        digits: Decimals to which they must agree.
        ok: Whether they do.
    """

    name: str
    what: str
    expected: float
    computed: float
    digits: int
    ok: bool


@dataclass(frozen=True, slots=True)
class _Moose:
    """A stratum of vector A as it is published.

    Attributes:
        name: H, M or L.
        area: Z in km².
        possible: N.
        flown: n.
        counted: Sum of y.
        searched: Sum of z in km².
        estimate: Y.
        error_by_n: Standard error, N² form.
        error_by_area: Standard error, (Z / mean z)² form.
    """

    name: str
    area: float
    possible: int
    flown: int
    counted: int
    searched: float
    estimate: float
    error_by_n: float
    error_by_area: float


_MOOSE = (
    _Moose("H", 2071, 73, 16, 409, 448.9, 1886.921, 253.1770, 256.0071),
    _Moose("M", 7006, 242, 34, 499, 981.4, 3562.252, 518.9849, 520.5259),
    _Moose("L", 3795, 127, 14, 161, 415.5, 1470.505, 292.9520, 294.9589),
)
_MOOSE_ALL = (6919.679, 647.5066, 650.7593)

# estimate, coefficient of variation, degrees of freedom, lower and upper limit
_GAZELLES = {
    "half-normal": (603.0613, 0.1032431, 29.61684, 488.6335, 744.2857),
    "hazard-rate": (455.6905, 0.09224161, 19.59512, 375.9868, 552.2902),
}

# N, n, mean and variance of the animals counted on a unit
_CARIBOU = {
    "A": (400, 98, 24.1, 5575.0),
    "B": (30, 10, 25.6, 4064.0),
    "C": (61, 37, 267.6, 347556.0),
    "D": (18, 6, 179.0, 22798.0),
    "E": (70, 39, 293.7, 123578.0),
    "F": (120, 21, 33.2, 9795.0),
}


def check_vectors() -> list[VectorCheck]:
    """Every published figure and hand case, computed by the code that a census runs."""
    cases = [(_C, case) for case in example_of_pix4d()] + [(_HAND, case) for case in overlap_cases()]
    return [*_moose(), *_caribou(), *_lines(), *_gazelles(), *(_check(name, *case) for name, case in cases)]


def moose_h() -> Stratum:
    """Stratum H of vector A, of which every transect is published."""
    h = _MOOSE[0]
    units = tuple(
        SampleUnit(f"{number}", counted, area) for number, (counted, area) in enumerate(_MOOSE_H, 1)
    )
    return Stratum(h.name, h.area, h.possible, units)


def equal_units(flown: int, mean: float, variance: float, area_km2: float) -> tuple[SampleUnit, ...]:
    """Units of one size of which only mean and variance are published.

    All but one hold the same number, which with the one more gives mean and variance (with n - 1): the
    formulas look at nothing else.

    Raises:
        ValueError: The numbers would have to be negative.
    """
    step = math.sqrt(flown * variance)
    usual = mean - step / flown
    if usual < 0:
        raise ValueError(f"{usual:.1f} animals in a unit: no such units have this mean and variance")
    counts = [usual + step, *[usual] * (flown - 1)]
    return tuple(SampleUnit(f"{number}", counted, area_km2) for number, counted in enumerate(counts, 1))


def _moose() -> Iterator[VectorCheck]:
    estimates = [jolly2(_stratum(published)) for published in _MOOSE]
    errors = [_error_by_area(*pair) for pair in zip(_MOOSE, estimates, strict=True)]
    for published, estimate, error in zip(_MOOSE, estimates, errors, strict=True):
        name = published.name
        yield _check(_A, f"{name}: estimate", published.estimate, estimate.estimate, 3)
        if name == "H":
            yield _check(_A, "H: standard error, N² form", published.error_by_n, estimate.standard_error, 4)
            yield _check(_A, "H: standard error, (Z / mean z)² form", published.error_by_area, error, 4)
        else:
            what = f"{name}: standard error, (Z / mean z)² form, from the published N² form"
            yield _check(_A, what, published.error_by_area, error, 4)
    together = combine(estimates)
    by_area = combine(
        [replace(one, standard_error=error) for one, error in zip(estimates, errors, strict=True)]
    )
    yield _check(_A, "all: estimate", _MOOSE_ALL[0], together.estimate, 3)
    yield _check(_A, "all: standard error, N² form", _MOOSE_ALL[1], together.standard_error, 4)
    yield _check(_A, "all: standard error, (Z / mean z)² form", _MOOSE_ALL[2], by_area.standard_error, 4)


def _caribou() -> Iterator[VectorCheck]:
    strata = [
        Stratum(name, float(possible), float(possible), equal_units(flown, mean, variance, 1.0))
        for name, (possible, flown, mean, variance) in _CARIBOU.items()
    ]
    together = combine([jolly2(stratum) for stratum in strata])
    yield _check(_B, "all: estimate", 54496.6, together.estimate, 1)
    yield _check(_B, "all: standard error", 5840.0, together.standard_error, 1)


def _lines() -> Iterator[VectorCheck]:
    """The error of sum(y) / sum(z), which varn gives: sqrt(s² / n) / mean(z)."""
    counted, areas = np.array(_MOOSE_H, np.float64).T
    lines, searched = len(counted), float(areas.sum())
    for what, expected, digits, variance in (
        ("R2, random lines", 0.1399, 4, spread.of_all_lines(counted, areas)),
        ("O2, neighbouring lines", 0.11822, 5, spread.of_neighbours(counted, areas)),
    ):
        error = math.sqrt(lines * variance) / searched
        yield _check(_D, f"H: standard error per km², {what}", expected, error, digits)


def _gazelles() -> Iterator[VectorCheck]:
    for model, (estimate, cv, freedom, *limits) in _GAZELLES.items():
        found = log_normal_limits(estimate, cv * estimate, freedom)
        for name, expected, computed in zip(("lower", "upper"), limits, found, strict=True):
            yield _check(_E, f"{model}: {name} log-normal limit", expected, computed, 3)


def _stratum(published: _Moose) -> Stratum:
    if published.name == "H":
        return moose_h()
    n, possible = published.flown, published.possible
    variance = published.error_by_n**2 * n / (possible * (possible - n))
    units = equal_units(n, published.counted / n, variance, published.searched / n)
    return Stratum(published.name, published.area, possible, units)


def _error_by_area(published: _Moose, estimate: Estimate) -> float:
    """The standard error with Z / mean z where Jolly has N."""
    mean = published.searched / published.flown
    return (estimate.standard_error or math.nan) * published.area / mean / published.possible


def _check(name: str, what: str, expected: float, computed: float | None, digits: int) -> VectorCheck:
    found = math.nan if computed is None else computed
    return VectorCheck(name, what, expected, found, digits, agree(expected, found, digits))


def agree(expected: float, computed: float, digits: int) -> bool:
    """Whether a figure rounds to the published one."""
    return abs(computed - expected) <= 0.5 * 10.0**-digits * (1 + 1e-9)
