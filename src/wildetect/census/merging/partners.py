"""Partner rates: of the boxes that lie well inside another photograph, how many have a partner there.

Others are joined though further animals stand about as near: in dense herds they may be two animals.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from wildetect.census.counting.animals import Animals
from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.ground.photographs import Views
from wildetect.census.merging.alike import Alike, Shares, all_alike
from wildetect.census.merging.fitting import Turned, turned_photographs
from wildetect.census.merging.overlaps import PhotographPairs, expected_partners, pairs_of
from wildetect.census.merging.unfit import Power, power_of, unfit_photographs
from wildetect.census.merging.unjoined import Displaced, Doubles, NearMisses, displaced, doubles, near_misses
from wildetect.how_far import doing

__all__ = ["FEWEST", "MergingCheck", "Rate", "check_merging"]

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


FEWEST = 20
"""Boxes that must lie in an overlap: fewer tell nothing of a survey."""

_LOW = 0.5  # a usable detector and right places join more than every second box
_ENOUGH, _GOOD = 200, 0.75  # boxes that tell why partners are missing; part that a good detector joins
_WEAK = 0.5  # of the animals in overlaps, whose partners could be missing without being told
_UNSEEN = 0.03  # of the number: so much too high, by photographs that cannot be named, is told of
_DEVIATIONS, _SHARE = 3.0, 0.01  # more boxes without a partner near each other than chance explains
_SURE = 1.96  # standard errors of a 95% limit
_REPEATED = 4.0  # boxes that miss a partner since one animal was missed: they do not tell it independently
_ALIKE = 0.8  # rate below which one mistake in all is looked for
_GAPS = (0.0, 5.0, 15.0, 60.0, 300.0, 1800.0, math.inf)  # s
_WORSE = 0.12  # by which the rate across lines is below that along them
_BEHIND = 2.5  # standard deviations, of which chance makes half as many: boxes hardly repeat so often


class Rate(NamedTuple):
    """How many of the boxes that should have a partner have one.

    Attributes:
        expected: Boxes that lie well inside another photograph.
        joined: Those of them that were joined to a box of it.
    """

    expected: int
    joined: int

    @property
    def share(self) -> float | None:
        """From 0 to 1; null where none was expected."""
        return self.joined / self.expected if self.expected else None

    @property
    def upper(self) -> float:
        """Wilson's 95% upper limit of the share (Wilson, E. B. 1927. JASA 22, 209-212).

        One animal that is missed once, or off, leaves several boxes without a partner: of so many boxes only
        every fourth tells something of its own.
        """
        count, share = self.expected / _REPEATED, self.share
        if share is None:
            return 1.0
        z2 = _SURE**2 / count
        spread = _SURE * math.sqrt(share * (1 - share) / count + z2 / (4 * count))
        return (share + z2 / 2 + spread) / (1 + z2)


class MergingCheck(NamedTuple):
    """What the overlaps say of how boxes were joined.

    Attributes:
        all: Partners of all overlaps.
        along: Partners of photographs on one line of flight.
        across: Partners of photographs of different lines.
        pairs: Partners of each two photographs.
        displaced: Boxes without a partner that lie near each other.
        guilty: Rows of the photographs whose boxes were joined far more rarely than those of the others.
        turned: Photographs that fit their neighbours when they are turned.
        alike: What makes all photographs fit together; null where nothing does, or they fit.
        of_class: Partners of the boxes of each class, by class id.
        gaps: Rates by the time between the exposures: from and up to so many seconds.
        near: Boxes without a partner that nearly were one animal.
        doubles: Boxes of one photograph that nearly lie on each other.
        crowded: Boxes that were joined though other animals stand about as near.
        margin: How far inside another photograph a box must lie, in m.
        power: Which mistakes could be told.
    """

    all: Rate
    along: Rate
    across: Rate
    pairs: PhotographPairs
    displaced: Displaced
    guilty: tuple[int, ...]
    turned: tuple[Turned, ...]
    alike: Alike | None
    of_class: dict[int, Rate]
    gaps: tuple[tuple[float, float, Rate], ...]
    near: NearMisses
    doubles: Doubles
    crowded: Crowded
    margin: float
    power: Power

    @property
    def told(self) -> bool:
        """Whether there were boxes enough to tell anything."""
        return self.all.expected >= FEWEST

    @property
    def untested(self) -> bool:
        """Whether boxes are too few to tell photographs that lie elsewhere from animals that were missed.

        Where something is found all the same, it is not asked.
        """
        if self.told and self.recall is None:
            return False
        expected, joined = self.all
        missing = joined < expected * (_GOOD if self.told else 1) and expected < _ENOUGH
        weak = self.power.overlap and (not self.told or self.power.unseen > _WEAK)
        return self.power.counted > 0 and (missing or weak or self.power.too_many >= _UNSEEN)

    @property
    def worse_across(self) -> bool:
        """Whether far fewer boxes have their partner across lines than along them, beyond chance."""
        return _worse(self.across, self.along)

    @property
    def recall(self) -> Rate | None:
        """What the overlaps say of the detector's recall; null where the photographs do not fit together.

        Of the photographs that show an animal that another one found, so many found it, too. Animals that
        none found are not in it: it is an upper bound.
        """
        doubted = self.off or self.low or self.guilty or self.turned or self.worse_across
        return self.all if self.told and not doubted else None

    @property
    def low(self) -> bool:
        """Whether more than half of the expected partners are missing, beyond chance."""
        return self.told and self.all.upper < _LOW

    @property
    def off(self) -> bool:
        """Whether animals lie at two places in two photographs, which missed animals cannot explain."""
        return self.told and self.displaced.deviations >= _DEVIATIONS and self.displaced.share >= _SHARE


@doing("the joining is checked")
def check_merging(boxes: GroundBoxes, animals: Animals, views: Views, tolerance: float) -> MergingCheck:
    """Look for partners of all boxes that lie well inside another photograph.

    Args:
        boxes: All that count.
        animals: Made of them.
        views: Views that they were seen from.
        tolerance: Within which boxes were joined, in m; so far from its edge a box is well inside.
    """
    expected = expected_partners(boxes, animals, views, tolerance)
    pairs = pairs_of(expected, boxes, views)
    rate = Rate(len(expected), int(expected.joined.sum()))
    along, across = _rate(pairs, pairs.along), _rate(pairs, ~pairs.along)
    alike: Alike | None = None
    turned: list[Turned] = []
    if rate.expected < FEWEST:
        alike = all_alike(boxes, views, tolerance, None)
    if alike is None and rate.share is not None and (rate.share < _ALIKE or _worse(across, along)):
        shares = Shares(*(one.expected / 2 / len(boxes) for one in (rate, across)))
        alike = all_alike(boxes, views, tolerance, shares)
    if rate.share is not None and rate.share < 1 and alike is None:
        turned = turned_photographs(boxes, views, tolerance, _rates(pairs, len(views.views)))
    return MergingCheck(
        rate,
        along,
        across,
        pairs,
        displaced(boxes, animals, expected, pairs, tolerance),
        tuple(unfit_photographs(boxes, animals, expected, pairs, len(views.views))),
        tuple(turned),
        alike,
        _of_classes(boxes.class_id[expected.box], expected.joined),
        tuple(_by_gap(pairs)),
        near_misses(boxes, expected, pairs, tolerance),
        doubles(boxes, animals),
        crowded(boxes, animals),
        tolerance,
        power_of(boxes, animals, expected, views),
    )


def _worse(across: Rate, along: Rate) -> bool:
    """Whether a rate across lines is far below that along them, beyond chance."""
    if along.share is None or across.share is None or min(along.expected, across.expected) < FEWEST:
        return False
    usual = (along.joined + across.joined) / (along.expected + across.expected)
    spread = usual * (1 - usual) * _REPEATED * (1 / along.expected + 1 / across.expected)
    return along.share - across.share > max(_WORSE, _BEHIND * math.sqrt(spread))


def _rate(pairs: PhotographPairs, which: NDArray[np.bool_]) -> Rate:
    return Rate(int(pairs.expected[which].sum()), int(pairs.joined[which].sum()))


def _rates(pairs: PhotographPairs, views: int) -> NDArray[np.float64]:
    """The partner rate of each photograph, 1 where none is expected; shape (views,)."""
    expected, joined = (_of_views(column, pairs, views) for column in (pairs.expected, pairs.joined))
    return np.where(expected > 0, joined / np.maximum(expected, 1), 1.0)


def _of_classes(class_id: NDArray[np.int64], joined: NDArray[np.bool_]) -> dict[int, Rate]:
    return {
        number: Rate(int((class_id == number).sum()), int(joined[class_id == number].sum()))
        for number in np.unique(class_id).tolist()
    }


def _by_gap(pairs: PhotographPairs) -> Iterator[tuple[float, float, Rate]]:
    """Rates by the seconds between the exposures, of those gaps that there are."""
    for low, high in pairwise(_GAPS):
        rate = _rate(pairs, (pairs.seconds >= low) & (pairs.seconds < high))
        if rate.expected:
            yield low, high, rate


def _of_views(column: NDArray[np.int64], pairs: PhotographPairs, views: int) -> NDArray[np.float64]:
    """The sum over the pairs that each photograph is in."""
    of_one = np.bincount(pairs.one, column, views)
    return np.asarray(of_one + np.bincount(pairs.other, column, views))
