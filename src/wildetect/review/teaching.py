"""Which photographs teach a detector most, so that few verdicts make it better.

Most of them are chosen: those in which the detector is unsure, in which its own answers disagree, with
classes that are rare in the run, and with near misses of a census. A photograph teaches less where one that
lies near it is chosen already: the next one of a line shows the same animals on the same ground. One of five
is drawn by chance from all others, since what a detector is sure of and wrong about, or does not see at all,
shows nowhere.

Nothing that is chosen says anything of the others: no number is made of it.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wildetect.imagery.discovery import natural_order
from wildetect.results.records import ImageResult
from wildetect.wording import commas

__all__ = ["BY_CHANCE", "Lesson", "chosen", "lessons_of"]

BY_CHANCE = "by chance"
_CHANCE = 5  # one of so many is drawn by chance
_TWO_ANSWERS = 0.3  # IoU above which boxes of two classes are two answers to one animal
_MOST_RARE = 3.0  # boxes, for one of the rarest class
_LEAST = 0.5  # boxes, below which a reason is none
_FADES = 0.5  # of what a photograph teaches is left for its neighbour
_NEAR = 4  # photographs on each side in the order of flight, where no positions are known
_ACROSS = 2.5  # usual distances between neighbours within which a photograph is near
_EARTH = 6_371_000.0  # m


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What a photograph may teach; each in boxes that are worth a look.

    Attributes:
        image: Its name in the run.
        unsure: Boxes, each by how near its confidence is to 0.5: 1 there, 0 at 0 and 1.
        disagreeing: Boxes that a tile's border cut and no tile shows whole, or that two classes claim.
        rare: Boxes, each by how much rarer than the commonest its class is in the run: 0 to 3.
        near_misses: Boxes that nearly were those of another photograph in a census.
    """

    image: str
    unsure: float = 0.0
    disagreeing: float = 0.0
    rare: float = 0.0
    near_misses: float = 0.0

    @property
    def worth(self) -> float:
        """All of it."""
        return self.unsure + self.disagreeing + self.rare + self.near_misses

    @property
    def why(self) -> str:
        """What it is chosen for, the most first, for a person."""
        reasons = {
            "unsure": self.unsure,
            "disagreeing tiles or classes": self.disagreeing,
            "rare class": self.rare,
            "near miss": self.near_misses,
        }
        named = [name for name in sorted(reasons, key=lambda one: -reasons[one]) if reasons[name] >= _LEAST]
        return commas(named, none="little of anything")


def lessons_of(results: Sequence[ImageResult], near_misses: Mapping[str, int] | None = None) -> list[Lesson]:
    """Weigh what each image of a run that did not fail may teach.

    Args:
        results: Results of the run.
        near_misses: Boxes of a census that nearly were one animal, by image; null: no census was taken.
    """
    common: Counter[int] = Counter()
    for result in results:
        if result.detections is not None:
            common.update(result.detections.class_id.tolist())
    most = max(common.values(), default=0)
    rarity = {one: min(math.sqrt(most / number) - 1, _MOST_RARE) for one, number in common.items()}
    found = []
    for result in results:
        boxes = result.detections
        if boxes is None:
            continue
        doubt = 1 - 2 * np.abs(boxes.confidence - 0.5)
        found.append(
            Lesson(
                image=result.name,
                unsure=float(doubt.sum()),
                disagreeing=float(result.boxes_cut + _two_answers(boxes.xyxy, boxes.class_id)),
                rare=sum(rarity[one] for one in boxes.class_id.tolist()),
                near_misses=float((near_misses or {}).get(result.name, 0)),
            )
        )
    return found


def _two_answers(xyxy: NDArray[np.floating], class_id: NDArray[np.int64]) -> int:
    """Number of boxes over which one of another class lies."""
    claimed: set[int] = set()
    order = np.argsort(xyxy[:, 0])
    for place, row in enumerate(order.tolist()):
        for other in order[place + 1 :].tolist():
            if xyxy[other, 0] >= xyxy[row, 2]:
                break
            if class_id[row] != class_id[other] and _iou(xyxy[row], xyxy[other]) > _TWO_ANSWERS:
                claimed |= {row, other}
    return len(claimed)


def _iou(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    common = float(np.clip(sides, 0, None).prod())
    both = float((one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod()) - common
    return common / both if both > 0 else 0.0


def chosen(
    lessons: Sequence[Lesson], results: Sequence[ImageResult], photographs: int, seed: int
) -> list[tuple[str, str]]:
    """Choose the photographs that a person is to look at.

    Args:
        lessons: What each may teach; others are not chosen.
        results: Results of the run, with the places of the photographs.
        photographs: How many.
        seed: Seed of what is drawn by chance.

    Returns:
        Names of images with the reason, in the order of review; every fifth is drawn by chance.
    """
    # argmax takes the first of equals: of those that teach as much, the first in the order of names
    lessons = sorted(lessons, key=lambda one: natural_order(one.image))
    photographs = min(photographs, len(lessons))
    by_chance = photographs // _CHANCE
    near = _neighbours([one.image for one in lessons], results)
    worth = np.array([one.worth for one in lessons])
    names = [one.image for one in lessons]
    best: list[int] = []
    for _ in range(photographs - by_chance):
        row = int(np.argmax(worth))
        best.append(row)
        worth[near[row]] *= _FADES
        worth[row] = -1.0
    taken = set(best)
    others = sorted((row for row in range(len(lessons)) if row not in taken), key=lambda row: names[row])
    drawn = np.random.default_rng(seed).permutation(len(others))[:by_chance].tolist()
    reasons = [(names[row], lessons[row].why) for row in best]
    chance = iter([(names[others[place]], BY_CHANCE) for place in drawn])
    mixed: list[tuple[str, str]] = []
    for place, one in enumerate(reasons, 1):
        mixed.append(one)
        if place % (_CHANCE - 1) == 0:
            mixed += itertools.islice(chance, 1)
    return [*mixed, *chance]


def _neighbours(names: Sequence[str], results: Sequence[ImageResult]) -> list[NDArray[np.int64]]:
    """For each image the rows of those that show ground near to its own, or are next to it in its flight."""
    place = {
        one.name: (one.longitude, one.latitude)
        for one in results
        if one.longitude is not None and one.latitude is not None
    }
    found: list[set[int]] = [set() for _ in names]
    folders: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(names):
        folders[name.rpartition("/")[0]].append(row)
    for rows in folders.values():
        flown = sorted(rows, key=lambda row: natural_order(names[row]))
        for at, row in enumerate(flown):
            found[row].update(flown[max(0, at - _NEAR) : at + _NEAR + 1])
    placed = [row for row, name in enumerate(names) if name in place]
    if len(placed) > 1:
        _add_near(found, placed, np.radians([place[names[row]] for row in placed]))
    return [np.array(sorted(one), np.int64) for one in found]


def _add_near(found: list[set[int]], rows: Sequence[int], radians: NDArray[np.float64]) -> None:
    """Add those that lie within some of the usual distances between neighbours."""
    from scipy.spatial import cKDTree

    across = np.cos(radians[:, 1])
    metres = _EARTH * np.column_stack([radians[:, 0] * across, radians[:, 1]])
    tree = cKDTree(metres)
    apart = float(np.median(tree.query(metres, k=2)[0][:, 1]))
    for at, others in enumerate(tree.query_ball_point(metres, _ACROSS * apart)):
        found[rows[at]].update(rows[other] for other in others)
