"""Whether heights and lenses can be right, by what they make of animals, pixels and the ground."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from wildetect.census.cautions.caution import Caution, number_of
from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.ground.photographs import Photograph, Views
from wildetect.census.ground.views import View
from wildetect.imagery.camera.lens import film_px, is_cut

__all__ = ["sizes"]

_FEW = 5  # boxes: their median says nothing
_TOLD_FROM = 1.15  # times: less says nothing
_SMALLEST = 0.02  # m: no animal that a survey counts from the air is shorter
_FINEST, _COARSEST = 0.0005, 1.0  # m/px of photographs in which single animals can be detected
_NARROWEST, _WIDEST = 12.0, 125.0  # degrees from corner to corner: lenses of 206 and 11 mm on 35 mm film
_AT_ODDS = 1.3  # times: the tags of real cameras differ by up to 1.14
_LOWEST_GROUND = -110.0  # m: ground below the sea, or below the ellipsoid, that many photographs can show
_HEIGHT = (
    "Check the heights (a table's column may be in feet: name its unit in the head, as height_ft; or count "
    "from the sea: call it altitude, and name survey.terrain) and detection.flight_specs; "
    "or give the ground resolution as detection.flight_specs.gsd."
)

_DATA_SHEET = (
    "Hold the focal length in the tags against the camera's data sheet; where they differ, give the ground "
    "resolution as detection.flight_specs.gsd."
)


def sizes(
    photographs: Sequence[Photograph], views: Views, boxes: GroundBoxes, largest_animal: float | None
) -> Iterator[Caution]:
    """Boxes longer than any animal, pixels too large or small, wrong lenses, and ground deep below the sea.

    Args:
        photographs: Photographs as `make_views` was given them.
        views: What it made of them.
        boxes: Those that count.
        largest_animal: Length in m, from the settings; null: boxes are not looked at.
    """
    shots = [view for view in views.views if isinstance(view, View)]
    if largest_animal is not None:
        yield from _animals(boxes, largest_animal)
    yield from _pixels(shots)
    yield from _lenses(shots)
    yield from _lenses_at_odds(photographs, shots)
    yield from _ground(photographs, shots)


def _animals(boxes: GroundBoxes, largest: float) -> Iterator[Caution]:
    if len(boxes) < _FEW:
        return
    sides = np.hypot(*np.moveaxis(boxes.corners[:, [1, 2]] - boxes.corners[:, [0, 1]], 2, 0))
    usual = float(np.median(sides.max(axis=1)))
    if usual > largest:
        yield Caution(
            "animals-too-large",
            f"Half of the boxes are more than {usual:.1f} m long on the ground, and the largest animal of "
            f"the settings is {largest:g} m: heights or lens are wrong{_times(usual / largest)}, and areas "
            "and densities with them.",
            f"{_HEIGHT} For larger animals set detection.processing.largest_animal.",
        )
    elif usual < _SMALLEST:
        yield Caution(
            "animals-too-small",
            f"Half of the boxes are less than {usual * 100:.1f} cm long on the ground: heights or lens are "
            "wrong, and areas and densities with them.",
            _HEIGHT,
        )


def _times(factor: float) -> str:
    """Say by how much at least, where that is a number to tell."""
    return f" by {factor:.1f} times or more" if factor >= _TOLD_FROM else ""


def _pixels(shots: Sequence[View]) -> Iterator[Caution]:
    odd = [view for view in shots if not _FINEST <= view.gsd <= _COARSEST]
    if odd:
        found = [view.gsd * 100 for view in odd]
        yield Caution(
            "resolution-odd",
            f"In {number_of(odd, verb=False)} a pixel would be {min(found):.3g} to {max(found):.3g} cm wide "
            "on the ground, which no camera sees animals with from the air: height or lens is wrong.",
            _HEIGHT,
            [view.file for view in odd],
        )


def _lenses(shots: Sequence[View]) -> Iterator[Caution]:
    """Lenses that see less or more than those of a survey, by tags: a wrong focal length or sensor."""
    angles = {
        view.file: 2 * math.degrees(math.atan(math.hypot(view.width, view.height) / 2 / view.focal_px))
        for view in shots
        if view.source_of("lens") != "flight_specs"
    }
    odd = {file: angle for file, angle in angles.items() if not _NARROWEST <= angle <= _WIDEST}
    if odd:
        yield Caution(
            "lens-odd",
            f"In {number_of(list(odd), verb=False)} the lens would see {min(odd.values()):.0f} to "
            f"{max(odd.values()):.0f} degrees from corner to corner by its tags; those that surveys are "
            f"flown with see {_NARROWEST:.0f} to {_WIDEST:.0f}: focal length or sensor is likely wrong, and "
            "areas and places with it.",
            _DATA_SHEET,
            list(odd),
        )


def _lenses_at_odds(photographs: Sequence[Photograph], shots: Sequence[View]) -> Iterator[Caution]:
    """Lenses that two tags tell otherwise, as where a program wrote the tags again."""
    films = {
        one.file: film_px(one.tags, (one.width, one.height))
        for one in photographs
        if one.tags.zoom is None and not is_cut(one.tags, (one.width, one.height))  # told by themselves
    }
    factors = {
        view.file: view.focal_px / film
        for view in shots
        if view.source_of("lens") != "flight_specs" and (film := films.get(view.file)) is not None
    }
    odd = [file for file, factor in factors.items() if not 1 / _AT_ODDS <= factor <= _AT_ODDS]
    if odd:
        factor = float(np.median([factors[file] for file in odd]))
        yield Caution(
            "lens-at-odds",
            f"{number_of(odd)} tags that tell two lenses: the focal length that counts is {factor:.2g} times "
            "that by the one in 35 mm film. One of them is wrong, and if it is the first, resolution, areas "
            "and places are so by as many times, and animals in overlaps may count twice.",
            _DATA_SHEET,
            odd,
        )


def _ground(photographs: Sequence[Photograph], shots: Sequence[View]) -> Iterator[Caution]:
    """Heights above the ground that are more than the altitudes above the sea allow."""
    altitudes = {one.file: one.tags.altitude for one in photographs if one.tags.altitude is not None}
    below = {
        view.file: altitudes[view.file] - view.height_above_ground
        for view in shots
        if view.file in altitudes and view.source_of("height") in {"CSV", "flight_specs"}
    }
    deep = [file for file, ground in below.items() if ground < _LOWEST_GROUND]
    if 2 * len(deep) > len(below):
        lowest = float(np.median([below[file] for file in deep]))
        yield Caution(
            "ground-below-sea",
            f"By the heights of {number_of(deep, verb=False)} and the altitudes above the sea the ground "
            f"would lie at {lowest:,.0f} m: the heights are too large, or the altitudes are of another kind.",
            _HEIGHT,
            deep,
        )
