"""Single photographs that do not fit what lies around, however few animals they show.

A photograph that does not lie where its tags say shows animals where no other does, and shows none where
others agree that one stands. Both are held against all other photographs, by exact tests: a detector that
misses animals does so everywhere. Where the tests could not tell of such a photograph, that is known, too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.stats import beta, binom, hypergeom

from wildetect.census.counting.animals import Animals
from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.ground.photographs import Views
from wildetect.census.merging.overlaps import Expected, PhotographPairs, animal_of, expected_partners

__all__ = ["Power", "power_of", "unfit_photographs"]

_CHANCE = 0.005  # of a survey in which all is right, that one of its photographs is named
_MOSTLY = 0.6  # of the boxes that no other photograph shows, and of the animals that it does not show
_FITS = 0.65  # of the partners that the others have: below, more is wrong than single photographs
_LITTLE = 0.8  # of what a photograph shows that does not fit, where it lies elsewhere: some fits by chance
_SEAM, _SOME = 0.1, 2_000  # of the ground shown by others: less is a seam; photographs that tell it
_SOUND, _ERROR = 0.9, 0.05  # partner rate of a good detector in right places; of both errors of the test
_AGREE = 2  # photographs that show an animal in one place: it stands there


class _Shown(NamedTuple):
    """What photographs show, one number for each; shape (views,) each.

    Attributes:
        own: Boxes that lie well inside of another photograph.
        alone: Those of them that no other photograph shows.
        known: Animals well inside, that two others show.
        missed: Those of them that it does not show.
    """

    own: NDArray[np.int64]
    alone: NDArray[np.int64]
    known: NDArray[np.int64]
    missed: NDArray[np.int64]

    def by_chance(self) -> NDArray[np.float64]:
        """Probability of as many, or more, if photographs did not differ; shape (views,)."""
        return _joint(_exact(self.own, self.alone), _exact(self.known, self.missed))

    @property
    def mostly(self) -> NDArray[np.bool_]:
        """Whether most of both speak against a photograph: a dark one shows no animals alone."""
        return (
            (self.own + self.known > 0)
            & (self.alone >= _MOSTLY * self.own)
            & (self.missed >= _MOSTLY * self.known)
        )


class Power(NamedTuple):
    """Which mistakes of positions the overlaps could tell from animals that were missed.

    Attributes:
        counted: Animals in all.
        tested: Those that lie well inside another photograph than one that shows them.
        alone: Those on ground that several photographs show, of which only one has a box: each may be
            another one, there twice. Shape (views,), by the photograph that has it.
        blind: Which photographs show too few animals to be named, if they lay elsewhere; shape (views,).
        overlap: Whether photographs show ground of others, more than a seam.
    """

    counted: int
    tested: int
    alone: NDArray[np.int64]
    blind: NDArray[np.bool_]
    overlap: bool

    @property
    def unseen(self) -> float:
        """The largest share of animals without a partner that could pass for animals that were missed.

        An exact binomial test asks whether so many of the animals lack a partner by chance only, when a good
        detector finds nine of ten. Shares up to this one are not told in one of twenty surveys or more. The
        limit is Clopper and Pearson's (1934, Biometrika 26, 404-413).
        """
        told = int(binom.ppf(_ERROR, self.tested, _SOUND)) - 1  # so many joined, or fewer, are told
        return 1.0 if told < 0 else 1 - float(beta.ppf(_ERROR, told + 1, self.tested - told))

    @property
    def twice(self) -> int:
        """How many animals may count twice since photographs lie elsewhere that cannot be named."""
        return int(self.alone[self.blind].sum())

    @property
    def doubtful(self) -> list[int]:
        """Rows of the photographs that show these animals, that with the most of them first."""
        here = np.where(self.blind, self.alone, 0)
        order: list[int] = np.argsort(-here, kind="stable").tolist()
        return order[: int((here > 0).sum())]

    @property
    def too_many(self) -> float:
        """Share by which that would make the number too high."""
        return self.twice / max(self.counted - self.twice, 1)


def power_of(boxes: GroundBoxes, animals: Animals, expected: Expected, views: Views) -> Power:
    """Work out which mistakes could be told with so many boxes in the overlaps.

    Args:
        boxes: All that count.
        animals: Made of them.
        expected: Boxes that lie well inside of another photograph.
        views: Views that they were seen from.
    """
    animal = animal_of(animals, len(boxes))
    shared = np.unique(expected_partners(boxes, animals, views, 0.0).box)
    number = np.bincount(animal, minlength=len(animals.members))
    alone = shared[number[animal[shared]] == 1]
    return Power(
        len(animals.members),
        len(np.unique(animal[expected.box])),
        np.bincount(boxes.view[alone], minlength=len(views.views)),
        _blind(_shown(boxes.view, animal, expected, np.ones(len(views.views), bool))),
        _overlap(views),
    )


def _overlap(views: Views) -> bool:
    """Whether photographs show ground of others on purpose, and not a seam; some of them tell it."""
    grounds = np.array([shapely.Polygon(view.footprint) for view in views.views], object)
    some = grounds[:_SOME]
    one, other = shapely.STRtree(grounds).query(some, predicate="intersects")
    one, other = one[one != other], other[one != other]
    common = shapely.area(shapely.intersection(some[one], grounds[other])).sum()
    return bool(common >= _SEAM * shapely.area(some).sum() > 0)


def _blind(shown: _Shown) -> NDArray[np.bool_]:
    """Photographs that would not be named though little that they show fitted the others; shape (views,)."""
    own, known = (np.ceil(_LITTLE * some).astype(np.int64) for some in (shown.own, shown.known))
    # an animal that loses the partner in this photograph is mostly alone in another one then
    alone = np.minimum(shown.alone.sum() - shown.alone + 2 * own, shown.own.sum())
    missed = shown.missed.sum() - shown.missed + known
    chance = _joint(
        hypergeom.sf(own - 1, shown.own.sum(), alone, shown.own),
        hypergeom.sf(known - 1, shown.known.sum(), missed, shown.known),
    )
    return chance >= _CHANCE / max(len(own), 1)


def unfit_photographs(
    boxes: GroundBoxes, animals: Animals, expected: Expected, pairs: PhotographPairs, views: int
) -> list[int]:
    """Find photographs whose animals are elsewhere than those of the others, beyond chance.

    A wrong photograph leaves animals of its neighbours alone, too. So of neighbours only the one that fits
    worst is set aside at a time, and the others are judged again without it.

    Args:
        boxes: All that count.
        animals: Made of them.
        expected: Boxes that lie well inside of another photograph.
        pairs: Pairs of these.
        views: How many photographs there are.

    Returns:
        Their rows; none where the others do not fit together either.
    """
    animal = animal_of(animals, len(boxes))
    live = np.ones(views, bool)
    while len(expected):
        shown = _shown(boxes.view, animal, expected, live)
        chance = np.where(shown.mostly & live, shown.by_chance(), 1.0)
        worst = chance < _CHANCE / views
        kept = live[pairs.one] & live[pairs.other]
        one, other = pairs.one[kept], pairs.other[kept]
        lowest = chance.copy()
        np.minimum.at(lowest, one, chance[other])
        np.minimum.at(lowest, other, chance[one])
        worst &= chance <= lowest
        if not worst.any():
            break
        live &= ~worst
        if 2 * live.sum() < views:
            return []  # it is not single photographs that are wrong
    kept = live[pairs.one] & live[pairs.other]
    if pairs.joined[kept].sum() < _FITS * pairs.expected[kept].sum():
        return []
    return np.flatnonzero(~live).tolist()


def _shown(
    view: NDArray[np.int64], animal: NDArray[np.int64], expected: Expected, live: NDArray[np.bool_]
) -> _Shown:
    """Count what the live photographs show, those set aside left out."""
    views = len(live)
    seen = np.bincount(animal[live[view]], minlength=len(animal))  # one box for each photograph and animal
    used = live[expected.view] & live[view[expected.box]]
    own = np.unique(expected.box[used])
    places = np.unique(animal[expected.box[used]] * views + expected.view[used])
    who, where = np.divmod(places, views)
    shows = np.isin(places, animal * views + view)
    known = seen[who] - shows >= _AGREE
    return _Shown(
        np.bincount(view[own], minlength=views),
        np.bincount(view[own[seen[animal[own]] == 1]], minlength=views),
        np.bincount(where[known], minlength=views),
        np.bincount(where[known & ~shows], minlength=views),
    )


def _joint(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability that two tests give together, by Fisher's method; shape (views,).

    Source: R. A. Fisher, 1925, Statistical Methods for Research Workers, 21.1: of a product t of two it is
    1 - ln t times t.
    """
    product = np.maximum(one * other, 1e-300)
    return np.asarray(product * (1 - np.log(product)))


def _exact(tried: NDArray[np.int64], failed: NDArray[np.int64]) -> NDArray[np.float64]:
    """Probability that of all that failed so many, or more, fall on one photograph; shape (views,)."""
    if not tried.any():
        return np.ones(len(tried))
    return np.asarray(hypergeom.sf(failed - 1, tried.sum(), failed.sum(), tried), np.float64)
