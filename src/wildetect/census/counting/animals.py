"""Animals counted once: boxes of several photographs that show the same animal become one."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wildetect.census.counting.clusters import join
from wildetect.census.counting.misfit import FITS, Misfit
from wildetect.census.counting.pairings import PairFinder, Pairs
from wildetect.census.counting.said import NOTHING_SAID, Said
from wildetect.census.counting.shifts import Settled, settle
from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.ground.photographs import USUAL_ERROR, Views
from wildetect.how_far import doing

__all__ = ["ERRORS_IN_TOLERANCE", "Animals", "Merge", "count_once", "default_tolerance"]

ERRORS_IN_TOLERANCE = 3 * math.sqrt(2)
"""Usual errors of a place that make the tolerance: two places differ by root 2, at most by 3 times that."""

_LEAST = 1.0  # m: boxes of one animal do not have their middles at the same place of it
_TILT = 0.5  # degrees by which a camera looks elsewhere than its tags say


class Merge(NamedTuple):
    """Two boxes that were taken for one animal.

    Attributes:
        animal: Row of Animals.
        box_a: Row of GroundBoxes.
        box_b: Row of GroundBoxes.
        metres: How far apart they lie on the ground, what is wrong in all photographs alike taken out: the
            distance that was held against the tolerance.
        told: Whether a person said so, whatever the distance.
        left: What remains of the distance once the photographs are shifted so that they fit, in m.
    """

    animal: int
    box_a: int
    box_b: int
    metres: float
    told: bool = False
    left: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Animals:
    """Different animals.

    Attributes:
        xy: Place of each in m, shape (m, 2): the mean of its boxes' places.
        class_id: The one whose boxes' confidences have the largest sum, shape (m,).
        confidence: The highest of its boxes, shape (m,).
        members: Rows of GroundBoxes of each, in rising order.
        merges: The pairs of boxes that were joined: one less than the boxes of each animal.
        misfit: What is wrong in all photographs alike, as the animals seen twice show.
    """

    xy: NDArray[np.float64]
    class_id: NDArray[np.int64]
    confidence: NDArray[np.float64]
    members: list[list[int]]
    merges: list[Merge] = field(default_factory=list)
    misfit: Misfit = FITS


def default_tolerance(views: Views) -> float:
    """How far apart in m two boxes of one animal may lie, from the errors that positions have.

    The usual error of a place on the ground is that of the camera's position (3 m where none is stated) and
    half a degree of tilt at the camera's height. The places of two photographs differ by root 2 times as
    much, and nearly never by more than three times that: 3 * root 2 * error, but at least 1 m.
    """
    errors = [
        math.hypot(view.position_error, (view.height_above_ground or 0.0) * math.tan(math.radians(_TILT)))
        for view in views.views
    ]
    error = float(np.median(errors)) if errors else USUAL_ERROR
    return max(ERRORS_IN_TOLERANCE * error, _LEAST)


@doing("boxes of overlapping photographs are joined")
def count_once(boxes: GroundBoxes, views: Views, tolerance: float, said: Said = NOTHING_SAID) -> Animals:
    """Join the boxes that show one animal.

    Boxes in different photographs whose ground overlaps can be one animal if they lie within the tolerance,
    whatever their classes: a detector that takes an animal for two species in two photographs would else
    make two of it. It is of the class whose boxes are the surest together. What is wrong in all photographs
    alike (height, lens, compass) and the error of each photograph's position move the boxes of animals seen
    twice in a common way; both are found from them and taken out, and what remains between two boxes of one
    animal must be within half the tolerance. The nearest boxes are joined first, one of each photograph at
    the most. What people said of pairs comes before all of this. The result does not depend on the order of
    photographs or boxes.

    Args:
        boxes: All that count.
        views: Views that they were seen from.
        tolerance: Tolerance in m.
        said: Pairs of detections that people called one animal, or two.

    Raises:
        InputError: Hundreds of photographs state one position.
    """
    none = np.zeros(0, np.int64)
    if not len(boxes):
        return _animals(boxes, none, Pairs(none, none), Settled(boxes.centre, boxes.centre, FITS), none)
    rows = said.rows(boxes)
    if tolerance <= 0:
        settled, pairs = Settled(boxes.centre, boxes.centre, FITS), Pairs(none, none)
    else:
        settled, pairs = _near(boxes, views, tolerance)
    animal, joining = join(boxes, settled.places, pairs, tolerance / 2, rows)
    return _animals(boxes, animal, joining, settled, rows.of(joining))


def _near(boxes: GroundBoxes, views: Views, tolerance: float) -> tuple[Settled, Pairs]:
    """Where boxes lie when the photographs fit together, and the pairs that may be one animal then."""
    cameras = np.array([(view.x, view.y) for view in views.views], np.float64)
    finder = PairFinder(boxes, [view.footprint for view in views.views])
    settled = settle(boxes, finder, cameras, tolerance)
    pairs = Pairs.joined(finder.near(settled.places, tolerance / 2))
    return settled, pairs.select(pairs.metres(settled.before) <= tolerance)


def _animals(
    boxes: GroundBoxes,
    animal: NDArray[np.int64],
    joining: Pairs,
    settled: Settled,
    told: NDArray[Any],
) -> Animals:
    order = np.argsort(animal, kind="stable")
    number = int(animal.max(initial=-1)) + 1
    counts = np.bincount(animal, minlength=number)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
    sums = np.column_stack([np.bincount(animal, axis, number) for axis in boxes.centre.T])
    confidence = np.zeros(number)
    np.maximum.at(confidence, animal, boxes.confidence)
    columns = (
        animal[joining.one],
        joining.one,
        joining.other,
        joining.metres(settled.before),
        told,
        joining.metres(settled.places),
    )
    merges = [Merge(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]
    return Animals(
        xy=sums / np.maximum(counts, 1)[:, None],
        class_id=_surest_class(boxes, animal, number),
        confidence=confidence,
        members=[part.tolist() for part in np.split(order, starts[1:])] if number else [],
        merges=sorted(merges),
        misfit=settled.misfit,
    )


def _surest_class(boxes: GroundBoxes, animal: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """The class of each animal by vote of its boxes' confidences, the lower class id where two are even."""
    classes, column = np.unique(boxes.class_id, return_inverse=True)
    if not number:
        return np.zeros(0, np.int64)
    kinds = len(classes)
    votes = np.bincount(animal * kinds + column, boxes.confidence, number * kinds).reshape(number, kinds)
    return np.asarray(classes[votes.argmax(axis=1)], np.int64)
