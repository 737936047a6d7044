"""What people said of pairs of boxes: the same animal, or not. It is stronger than any distance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wildetect.census.counting.pairings import Pairs
from wildetect.census.ground.boxes import GroundBoxes

__all__ = ["NOTHING_SAID", "Said", "SaidRows", "SaidUse"]


class Said(NamedTuple):
    """Pairs of detections, by their ids, of which people said what they are.

    Attributes:
        same: One animal.
        apart: Two animals.
        lost: Pairs of which a detection is no longer in the run.
    """

    same: tuple[tuple[str, str], ...] = ()
    apart: tuple[tuple[str, str], ...] = ()
    lost: int = 0

    def __len__(self) -> int:
        return len(self.same) + len(self.apart) + self.lost

    def rows(self, boxes: GroundBoxes) -> SaidRows:
        """The pairs as rows of some boxes; those that lack one of theirs are left out."""
        named = np.array(sorted({key for pair in (*self.same, *self.apart) for key in pair}), np.str_)
        found = np.flatnonzero(np.isin(boxes.id, named)) if len(named) else np.zeros(0, np.int64)
        row_of = dict(zip(boxes.id[found].tolist(), found.tolist(), strict=True))
        return SaidRows(_rows(self.same, row_of), _rows(self.apart, row_of))


NOTHING_SAID = Said()


class SaidUse(NamedTuple):
    """What came of what people said.

    Attributes:
        same: Pairs that are one animal by their word.
        apart: Pairs that are two.
        unused: Pairs that could not be used: a box is gone or below the threshold, one photograph shows both,
            or people contradict each other.
        animals_without: Different animals if nobody had said anything.
    """

    same: int
    apart: int
    unused: int
    animals_without: int


def _rows(pairs: Iterable[tuple[str, str]], row_of: dict[str, int]) -> tuple[tuple[int, int], ...]:
    there = [(row_of[one], row_of[other]) for one, other in pairs if one in row_of and other in row_of]
    return tuple((min(pair), max(pair)) for pair in there)


class SaidRows(NamedTuple):
    """The same as rows of GroundBoxes, the lower one first.

    Attributes:
        same: One animal.
        apart: Two animals.
    """

    same: tuple[tuple[int, int], ...]
    apart: tuple[tuple[int, int], ...]

    @property
    def barred(self) -> dict[int, set[int]]:
        """Rows that are another animal, by row."""
        found: dict[int, set[int]] = {}
        for one, other in self.apart:
            found.setdefault(one, set()).add(other)
            found.setdefault(other, set()).add(one)
        return found

    @property
    def joining(self) -> Pairs:
        """Pairs that are one animal."""
        columns = np.array(self.same, np.int64).reshape(-1, 2)
        return Pairs(columns[:, 0], columns[:, 1])

    def used(self, members: Sequence[Sequence[int]]) -> tuple[int, int]:
        """How many pairs of either kind are in the animals that were made, which may not hold all rows."""
        of_row = {row: number for number, rows in enumerate(members) for row in rows}
        same = sum(of_row.get(one, -1) == of_row.get(other, -2) for one, other in self.same)
        return same, sum(of_row.get(one, -1) != of_row.get(other, -2) for one, other in self.apart)

    def of(self, pairs: Pairs) -> NDArray[np.bool_]:
        """Which pairs people spoke of, shape (n,)."""
        spoken = {*self.same, *self.apart}
        if not spoken:
            return np.zeros(len(pairs), np.bool_)
        both = zip(pairs.one.tolist(), pairs.other.tolist(), strict=True)
        return np.array([(min(pair), max(pair)) in spoken for pair in both], np.bool_)
