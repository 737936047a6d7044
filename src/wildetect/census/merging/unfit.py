"""Single photographs that do not fit what lies around, however few animals they show.

A photograph that does not lie where its tags say shows animals where no other does, and shows none where
others agree that one stands. Both are held against all other photographs, by exact tests: a detector that
misses animals does so everywhere.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from wildetect.census.counting.animals import Animals
from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.merging.overlaps import Expected, PhotographPairs, animal_of

__all__ = ["unfit_photographs"]

_CHANCE = 0.005  # of a survey in which all is right, that one of its photographs is named
_MOSTLY = 0.6  # of the boxes that no other photograph shows, and of the animals that it does not show
_FITS = 0.65  # of the partners that the others have: below, more is wrong than single photographs
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
        """Probability of as many, or more, if photographs did not differ; shape (views,).

        One-sided Fisher's exact tests of both, joined by Fisher's method (R. A. Fisher, 1925, Statistical
        Methods for Research Workers, 21.1): of a product t of two, 1 - ln t times t.
        """
        product = np.maximum(_exact(self.own, self.alone) * _exact(self.known, self.missed), 1e-300)
        return np.asarray(product * (1 - np.log(product)))

    @property
    def mostly(self) -> NDArray[np.bool_]:
        """Whether most of both speak against a photograph: a dark one shows no animals alone."""
        return (
            (self.own + self.known > 0)
            & (self.alone >= _MOSTLY * self.own)
            & (self.missed >= _MOSTLY * self.known)
        )


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
        pairs: Of these.
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


def _exact(tried: NDArray[np.int64], failed: NDArray[np.int64]) -> NDArray[np.float64]:
    """Probability that of all that failed so many, or more, fall on one photograph; shape (views,)."""
    if not tried.any():
        return np.ones(len(tried))
    return np.asarray(hypergeom.sf(failed - 1, tried.sum(), failed.sum(), tried), np.float64)
