"""Boxes of two photographs that were taken for one animal, side by side, for people to judge."""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from wildetect.census.ground.photographs import Photograph
from wildetect.census.merging.empty import EmptyPlace, empty_places
from wildetect.census.result import Census
from wildetect.how_far import through
from wildetect.imagery.opening import open_image
from wildetect.imagery.source import UnreadableImageError
from wildetect.results.report.crops import Box, cut_around

__all__ = [
    "MOST_PAIRS",
    "EmptyPair",
    "NearPair",
    "Pair",
    "Pictures",
    "Shot",
    "doubtful_pairs",
    "empty_pairs",
    "near_pairs",
]

MOST_PAIRS = 40
_MOST_NEAR = 12
_MOST_EMPTY = 12
_MARGIN = 2.6  # more surroundings than in a gallery: they tell whether it is the same place
_THREADS = 2  # each holds a decoded photograph

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shot:
    """An animal in one photograph, or the place where it should be.

    Attributes:
        file: The photograph.
        confidence: Confidence of the box; null where there is none.
        crop: The picture; null where the photograph could not be read again.
    """

    file: str
    confidence: float | None
    crop: Picture | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two boxes that are counted as one animal.

    Attributes:
        animal: Its number.
        class_id: Its class.
        metres: How far apart they lie on the ground.
        shots: Both of them.
    """

    animal: int
    class_id: int
    metres: float
    shots: tuple[Shot, Shot]


@dataclass(frozen=True, slots=True)
class NearPair:
    """Two boxes that nearly became one animal.

    Attributes:
        class_ids: Their classes.
        metres: How far apart they lie on the ground.
        seconds: Between the exposures; null where the photographs do not tell.
        shots: Both of them.
    """

    class_ids: tuple[int, int]
    metres: float
    seconds: float | None
    shots: tuple[Shot, Shot]


@dataclass(frozen=True, slots=True)
class EmptyPair:
    """A box, and the place of another photograph that should have one, too.

    Attributes:
        class_id: Its class.
        seconds: Between the exposures; null where the photographs do not tell.
        shots: The box, and the place without one.
    """

    class_id: int
    seconds: float | None
    shots: tuple[Shot, Shot]


class Pictures(NamedTuple):
    """Boxes side by side.

    Attributes:
        joined: Those that were taken for one animal.
        near: Those that nearly were.
        empty: Those that a second photograph does not show.
    """

    joined: list[Pair]
    near: list[NearPair]
    empty: list[EmptyPair]


class Picture(NamedTuple):
    """A small square picture.

    Attributes:
        jpeg: The picture.
        box: x_min, y_min, width, height in hundredths of its side.
    """

    jpeg: bytes
    box: Box


class _Spot(NamedTuple):
    """What is cut out of a photograph: around a box in px, so many px wide and high."""

    file: str
    xyxy: Box
    side: float


def near_pairs(census: Census, most: int = _MOST_NEAR) -> list[NearPair]:
    """Near misses of the photographs that agree least, the nearest of each two photographs, with crops."""
    near, pairs, views = census.merging.near, census.merging.pairs, census.boxes.view
    nearest: dict[tuple[int, int], int] = {}
    for number, (one, other) in enumerate(zip(near.one.tolist(), near.other.tolist(), strict=True)):
        nearest.setdefault((int(views[one]), int(views[other])), number)
    worst = np.argsort(pairs.joined - pairs.expected, kind="stable").tolist()
    keys = [(int(pairs.one[row]), int(pairs.other[row])) for row in worst]
    chosen = [nearest[key] for key in keys if key in nearest][:most]
    rows = {int(column[number]) for number in chosen for column in (near.one, near.other)}
    crops = _of_boxes(census, sorted(rows))
    return [_near_pair(census, number, crops) for number in chosen]


def _near_pair(census: Census, number: int, crops: dict[int, Picture]) -> NearPair:
    near = census.merging.near
    one, other = int(near.one[number]), int(near.other[number])
    seconds = float(near.seconds[number])
    return NearPair(
        (int(census.boxes.class_id[one]), int(census.boxes.class_id[other])),
        float(near.metres[number]),
        None if math.isnan(seconds) else seconds,
        (_shot(census, one, crops), _shot(census, other, crops)),
    )


def doubtful_pairs(census: Census, most: int = MOST_PAIRS) -> list[Pair]:
    """The merged pairs that lie farthest apart, with crops; each photograph is decoded once.

    What a person has judged is not in doubt.
    Photographs that can no longer be read leave a gap and one warning.
    """
    merges = [merge for merge in census.animals.merges if not merge.told]
    merges = sorted(merges, key=lambda merge: (-merge.metres, merge.animal))[:most]
    crops = _of_boxes(census, sorted({row for merge in merges for row in (merge.box_a, merge.box_b)}))
    return [
        Pair(
            merge.animal + 1,
            int(census.animals.class_id[merge.animal]),
            float(merge.metres),
            (_shot(census, merge.box_a, crops), _shot(census, merge.box_b, crops)),
        )
        for merge in merges
    ]


def _shot(census: Census, row: int, crops: dict[int, Picture]) -> Shot:
    file = census.views.views[int(census.boxes.view[row])].file
    return Shot(file, float(census.boxes.confidence[row]), crops.get(row))


def empty_pairs(census: Census, most: int = _MOST_EMPTY) -> list[EmptyPair]:
    """Animals that a second photograph does not show, one of each two photographs, with crops of both."""
    of_two: dict[tuple[int, int], EmptyPlace] = {}
    for place in empty_places(census.merging, census.boxes, census.animals, census.views):
        here = int(census.boxes.view[place.row])
        of_two.setdefault((min(here, place.view), max(here, place.view)), place)
        if len(of_two) == most:
            break
    chosen = list(of_two.values())
    spots = [spot for place in chosen for spot in _both(census, place)]
    crops = _crops(census, spots)
    return [
        EmptyPair(
            int(census.boxes.class_id[place.row]),
            None if math.isnan(place.seconds) else place.seconds,
            (
                Shot(spots[2 * row].file, float(census.boxes.confidence[place.row]), crops.get(2 * row)),
                Shot(spots[2 * row + 1].file, None, crops.get(2 * row + 1)),
            ),
        )
        for row, place in enumerate(chosen)
    ]


def _both(census: Census, place: EmptyPlace) -> tuple[_Spot, _Spot]:
    """The box, and its place in the other photograph, with as much ground around as that may be off."""
    here, there = (census.views.views[view] for view in (int(census.boxes.view[place.row]), place.view))
    sides = np.hypot(*(census.boxes.corners[place.row] - np.roll(census.boxes.corners[place.row], 1, 0)).T)
    metres = float(sides.max()) * _MARGIN + 2 * place.metres
    shown = _spot_of(census, place.row)._replace(side=metres / here.gsd)
    return shown, _Spot(there.file, place.xyxy, metres / there.gsd)


def _spot_of(census: Census, row: int) -> _Spot:
    x_min, y_min, x_max, y_max = census.boxes.xyxy[row].tolist()
    file = census.views.views[int(census.boxes.view[row])].file
    longer = max(x_max - x_min, y_max - y_min)
    return _Spot(file, (x_min, y_min, x_max, y_max), longer * _MARGIN)


def _of_boxes(census: Census, rows: Sequence[int]) -> dict[int, Picture]:
    """Crops of boxes by their rows, as far as their photographs can be read."""
    found = _crops(census, [_spot_of(census, row) for row in rows])
    return {rows[number]: crop for number, crop in found.items()}


def _crops(census: Census, spots: Sequence[_Spot]) -> dict[int, Picture]:
    """Crops by their place in the list; each photograph is decoded once."""
    photographs = {photograph.file: photograph for photograph in census.photographs}
    wanted: dict[str, list[int]] = defaultdict(list)
    for number, spot in enumerate(spots):
        wanted[spot.file].append(number)
    work = [(photographs[file], {number: spots[number] for number in each}) for file, each in wanted.items()]
    found: dict[int, Picture] = {}
    unread: list[str] = []
    with ThreadPoolExecutor(_THREADS) as threads:
        for made in through(
            threads.map(lambda one: _of_photograph(*one), work), "photographs cut", len(work)
        ):
            if isinstance(made, str):
                unread.append(made)
            else:
                found |= made
    if unread:
        logger.warning(
            "no crops of %d photographs: %s%s", len(unread), unread[0], ", ..." * (len(unread) > 1)
        )
    return found


def _of_photograph(photograph: Photograph, spots: dict[int, _Spot]) -> dict[int, Picture] | str:
    """The crops by their place in the list, or why there are none."""
    if photograph.path is None:
        return f"{photograph.file}: the file is no longer there"
    try:
        source = open_image(photograph.path)
    except UnreadableImageError as error:
        return error.message
    try:
        return {number: Picture(*cut_around(source, spot.xyxy, spot.side)) for number, spot in spots.items()}
    except UnreadableImageError as error:
        return error.message
    finally:
        source.close()
