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
from wildetect.census.result import Census
from wildetect.imagery.opening import open_image
from wildetect.imagery.source import UnreadableImageError
from wildetect.results.records import ImageResult
from wildetect.results.report.crops import Crop, cut

__all__ = ["MOST_PAIRS", "NearPair", "Pair", "Pictures", "Shot", "doubtful_pairs", "near_pairs"]

MOST_PAIRS = 40
_MOST_NEAR = 12

_MARGIN = 2.6  # more surroundings than in a gallery: they tell whether it is the same place
_THREADS = 2  # each holds a decoded photograph

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shot:
    """An animal in one photograph.

    Attributes:
        file: The photograph.
        confidence: Of the box.
        crop: The picture; null where the photograph could not be read again.
    """

    file: str
    confidence: float
    crop: Crop | None


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


class Pictures(NamedTuple):
    """Boxes side by side.

    Attributes:
        joined: Those that were taken for one animal.
        near: Those that nearly were.
    """

    joined: list[Pair]
    near: list[NearPair]


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
    crops = _crops(census, sorted(rows))
    return [_near_pair(census, number, crops) for number in chosen]


def _near_pair(census: Census, number: int, crops: dict[int, Crop]) -> NearPair:
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
    crops = _crops(census, sorted({row for merge in merges for row in (merge.box_a, merge.box_b)}))
    return [
        Pair(
            merge.animal + 1,
            int(census.animals.class_id[merge.animal]),
            float(merge.metres),
            (_shot(census, merge.box_a, crops), _shot(census, merge.box_b, crops)),
        )
        for merge in merges
    ]


def _shot(census: Census, row: int, crops: dict[int, Crop]) -> Shot:
    file = census.views.views[int(census.boxes.view[row])].file
    return Shot(file, float(census.boxes.confidence[row]), crops.get(row))


def _crops(census: Census, rows: Sequence[int]) -> dict[int, Crop]:
    photographs = {photograph.file: photograph for photograph in census.photographs}
    wanted: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        wanted[census.views.views[int(census.boxes.view[row])].file].append(row)
    work = [(photographs[file], rows) for file, rows in wanted.items()]
    found: dict[int, Crop] = {}
    unread: list[str] = []
    with ThreadPoolExecutor(_THREADS) as threads:
        for made in threads.map(lambda one: _of_photograph(census, *one), work):
            if isinstance(made, str):
                unread.append(made)
            else:
                found |= made
    if unread:
        logger.warning(
            "no crops of %d photographs: %s%s", len(unread), unread[0], ", ..." * (len(unread) > 1)
        )
    return found


def _of_photograph(census: Census, photograph: Photograph, rows: Sequence[int]) -> dict[int, Crop] | str:
    """The crops by row of box, or why there are none."""
    if photograph.path is None:
        return f"{photograph.file}: the file is no longer there"
    result = ImageResult(
        name=photograph.file, path=photograph.path, detections=photograph.detections, width=photograph.width
    )
    places = census.boxes.index_in_photograph
    try:
        source = open_image(photograph.path)
    except UnreadableImageError as error:
        return error.message
    try:
        return {row: cut(source, result, int(places[row]), margin=_MARGIN) for row in rows}
    except UnreadableImageError as error:
        return error.message
    finally:
        source.close()
