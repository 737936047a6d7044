"""Whether two detectors find the same animals, and how fast each is, on the same pictures."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from wildetect.detection.network.detector import Detector
from wildetect.detections import Detections
from wildetect.geometry import same_boxes
from wildetect.imagery.source import Pixels

__all__ = ["Agreement", "Difference", "agreement_of", "speed_ratio"]

_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Difference:
    """A box that only one of the two has.

    Attributes:
        image: Name of the picture.
        first: Whether the first has it.
        row: Its row among the detections of that one.
    """

    image: str
    first: bool
    row: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two detectors agree.

    Attributes:
        same: Boxes that both have: of one class, with an IoU of 0.5 at least, each matched once.
        first: All boxes of the first.
        second: All boxes of the second.
        counts: Boxes of the first and of the second, by class name.
        differences: The boxes that have no partner.
    """

    same: int
    first: int
    second: int
    counts: Mapping[str, tuple[int, int]]
    differences: Sequence[Difference] = field(repr=False)

    @property
    def share(self) -> float | None:
        """Agreement from 0 to 1, 2 * same / (first + second), as Dice's coefficient; null without boxes."""
        both = self.first + self.second
        return 2 * self.same / both if both else None


def agreement_of(
    first: Mapping[str, Detections], second: Mapping[str, Detections], class_names: Sequence[str]
) -> Agreement:
    """Compare the boxes of two detectors.

    Args:
        first: Boxes of the first, by name of the picture.
        second: Boxes of the second in the same pictures.
        class_names: Names of the classes of both, by class id.
    """
    same, differences = 0, list[Difference]()
    for image, one in first.items():
        other = second[image]
        pairs = same_boxes(one.xyxy, other.xyxy, one.class_id[:, None] == other.class_id)
        same += len(pairs)
        differences += [Difference(image, True, row) for row in _left(len(one), [row for row, _ in pairs])]
        differences += [Difference(image, False, row) for row in _left(len(other), [row for _, row in pairs])]
    of_first, of_second = (_counts(found, len(class_names)) for found in (first, second))
    counts = {
        name: (of_first[number], of_second[number])
        for number, name in enumerate(class_names)
        if of_first[number] or of_second[number]
    }
    return Agreement(
        same=same,
        first=sum(map(len, first.values())),
        second=sum(map(len, second.values())),
        counts=counts,
        differences=differences,
    )


def _counts(found: Mapping[str, Detections], classes: int) -> list[int]:
    ids = np.concatenate([one.class_id for one in found.values()] or [np.zeros(0, np.int64)])
    counts: list[int] = np.bincount(ids, minlength=classes).tolist()
    return counts


def _left(number: int, taken: Sequence[int]) -> Iterator[int]:
    return (int(row) for row in np.setdiff1d(np.arange(number), taken))


def speed_ratio(first: Detector, second: Detector, tiles: Sequence[Pixels]) -> float:
    """Time of the second's forward passes as a share of the first's, in turn on the same tiles.

    The speed of a machine drifts: only what is timed in turn can be compared.
    """
    ratios = []
    for _ in range(_ROUNDS):
        for tile in tiles:
            seconds = []
            for detector in (first, second):
                begun = time.perf_counter()
                detector.forward([tile])
                seconds.append(time.perf_counter() - begun)
            ratios.append(seconds[1] / seconds[0])
    return statistics.median(ratios[len(tiles) :] or ratios)  # the first round warms up
