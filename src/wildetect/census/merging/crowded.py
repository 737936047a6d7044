"""Boxes that were joined though other animals stand about as near: in dense herds they may be two animals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from wildetect.census.counting.animals import Animals
from wildetect.census.ground.boxes import GroundBoxes

__all__ = ["Crowded", "crowded"]

_FEWEST = 20  # pairs of boxes: fewer do not tell how well boxes of one animal agree
_QUARTER = 0.7585  # standard deviations within which a quarter of the lengths of normal errors lie: Rayleigh
_FAR = 4.0  # standard deviations: hardly a box lies farther from another one of its animal
_AMONG = 2.0  # times as far: another animal there may be the true one, or have been missed
_LEAST = 1.0  # m: no box tells the middle of an animal better


class Crowded(NamedTuple):
    """Joined boxes that lie far from each other among other animals.

    Attributes:
        joins: How many pairs of boxes.
        metres: How far apart boxes of one animal lie at the most once the photographs are shifted to fit, as
            the nearer quarter of the pairs tells it.
    """

    joins: int = 0
    metres: float = 0.0


def crowded(boxes: GroundBoxes, animals: Animals) -> Crowded:
    """Count the pairs that lie farther apart than boxes of one animal do, with other animals about as near.

    Where an animal is missed in one photograph and its neighbour in the other, the boxes of both are joined
    if they lie within the tolerance. Boxes of one animal agree far better than the tolerance once the
    photographs fit together. Pairs that do not, and that have other animals about as near in the same
    photograph, are mostly two animals: in simulated herds about as many as the number was too low by. What
    people have judged is not in doubt.

    Args:
        boxes: All that count.
        animals: Made of them.
    """
    merges = [merge for merge in animals.merges if not merge.told]
    if len(merges) < _FEWEST:
        return Crowded()
    one = np.array([merge.box_a for merge in merges], np.int64)
    other = np.array([merge.box_b for merge in merges], np.int64)
    left = np.array([merge.left for merge in merges], np.float64)
    far = max(_FAR * float(np.quantile(left, 0.25)) / _QUARTER, _LEAST)
    apart = 2 * float(np.ptp(boxes.centre, axis=0).max()) + 1
    tree = cKDTree(np.column_stack([boxes.centre, boxes.view * apart]))
    nearest = tree.query(tree.data, k=2)[0][:, 1]  # to another box of the same photograph
    doubtful = (left > far) & (np.minimum(nearest[one], nearest[other]) < _AMONG * left)
    return Crowded(int(doubtful.sum()), far)
