"""Two detectors on the same pictures: whether one is better, or only seems so by chance.

The pictures are drawn again with replacement, each with what both detectors made of it, and the
difference is computed each time: the paired bootstrap (Efron and Tibshirani 1993, An Introduction to the
Bootstrap, chapters 8 and 13), with limits from its percentiles. Boxes of one picture are not independent
of each other; whole pictures are taken, so that this does not matter.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from wildetect.tables.writing import plain_text, table_pieces

__all__ = [
    "FEWEST_PICTURES",
    "MEASURES",
    "PICTURES",
    "ClassDifference",
    "Difference",
    "PairedComparison",
    "PictureCounts",
    "compare_pairs",
    "pictures_from",
    "pictures_table",
]

FEWEST_PICTURES = 10
"""Of fewer pictures a bootstrap gives limits that are far too narrow."""
PICTURES = "pictures.csv"
MEASURES = ("f1", "recall", "precision", "count")

_DRAWS = 4000
_SEED = 20
_LIMITS = (2.5, 97.5)  # percentiles


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureCounts:
    """What a detector made of one class in one picture.

    Attributes:
        picture: Its name.
        sha256: Of its file.
        name: Of the class.
        found: Animals found.
        missed: Animals missed.
        wrong: Boxes without an animal of the class.
    """

    picture: str
    sha256: str
    name: str
    found: int
    missed: int
    wrong: int


def pictures_table(rows: Iterable[PictureCounts]) -> Iterator[str]:
    """Give pictures.csv, in one piece a row."""
    head = [one.name for one in fields(PictureCounts)]
    return table_pieces(head, ([getattr(row, name) for name in head] for row in rows))


def pictures_from(text: str) -> list[PictureCounts]:
    """Read pictures.csv.

    Raises:
        ValueError: It is none.
    """
    try:
        rows = [
            PictureCounts(
                picture=plain_text(row["picture"]),
                sha256=row["sha256"],
                name=plain_text(row["name"]),
                found=int(row["found"]),
                missed=int(row["missed"]),
                wrong=int(row["wrong"]),
            )
            for row in csv.DictReader(io.StringIO(text, newline=""))
        ]
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a table of pictures: {error}") from error
    if not rows:
        raise ValueError("no picture is in it")
    return rows


@dataclass(frozen=True, slots=True)
class Difference:
    """A measure of both detectors, and by how much the second is above the first.

    Attributes:
        before: Of the first; null where there is nothing to measure.
        after: Of the second.
        gain: After less before.
        lower: Lower limit of the gain, 95%.
        upper: Upper limit.
    """

    before: float | None
    after: float | None
    gain: float | None = None
    lower: float | None = None
    upper: float | None = None

    @property
    def above_chance(self) -> bool:
        """Whether the second is better, by more than chance."""
        return self.lower is not None and self.lower > 0

    @property
    def below_chance(self) -> bool:
        """Whether the second is worse, by more than chance."""
        return self.upper is not None and self.upper < 0

    def __str__(self) -> str:
        if self.before is None or self.after is None or self.gain is None:
            return "nothing to measure"
        limits = "" if self.lower is None else f", 95% limits {self.lower:+.3f} to {self.upper:+.3f}"
        return f"{self.before:.3f} -> {self.after:.3f} ({self.gain:+.3f}{limits})"


@dataclass(frozen=True, slots=True)
class ClassDifference:
    """The differences of one class, or of all together (name "all").

    Attributes:
        name: Of the class.
        animals: Labelled in all pictures.
        f1: 2 found / (2 found + missed + wrong): one number that falls with each error.
        recall: Part of the animals that is found.
        precision: Part of the boxes that is right.
        count: Boxes counted for each animal: 1 is right, more is too many.
    """

    name: str
    animals: int
    f1: Difference
    recall: Difference
    precision: Difference
    count: Difference


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Two detectors on the same pictures.

    Attributes:
        pictures: How many there are.
        overall: All classes together: each animal weighs the same.
        classes: Each class with animals or boxes.
    """

    pictures: int
    overall: ClassDifference
    classes: tuple[ClassDifference, ...]


def compare_pairs(before: Sequence[PictureCounts], after: Sequence[PictureCounts]) -> PairedComparison:
    """Compare two detectors.

    Args:
        before: Of the first, a row for each class and picture.
        after: Of the second.

    Raises:
        ValueError: They were not measured on the same pictures and animals.
    """
    pictures = {row.picture: row.sha256 for row in before}
    if pictures != {row.picture: row.sha256 for row in after}:
        raise ValueError("they were not measured on the same pictures")
    names = list(dict.fromkeys(row.name for row in (*before, *after)))
    one, other = (_table(rows, list(pictures), names) for rows in (before, after))
    if (one[:, :, :2].sum(axis=2) != other[:, :, :2].sum(axis=2)).any():
        raise ValueError("they were not measured on the same labelled animals")
    weights = _draws(len(pictures))
    each = [
        _compared(name, one[:, column], other[:, column], weights)
        for column, name in enumerate(names)
        if one[:, column].any() or other[:, column].any()
    ]
    overall = _compared("all", one.sum(axis=1), other.sum(axis=1), weights)
    return PairedComparison(len(pictures), overall, tuple(each))


def _table(rows: Iterable[PictureCounts], pictures: list[str], names: list[str]) -> NDArray[np.int64]:
    """Found, missed and wrong by picture and class, shape (pictures, classes, 3)."""
    place: Mapping[str, int] = {name: row for row, name in enumerate(pictures)}
    counts = np.zeros((len(pictures), len(names), 3), np.int64)
    for row in rows:
        counts[place[row.picture], names.index(row.name)] = row.found, row.missed, row.wrong
    return counts


@lru_cache(maxsize=1)
def _draws(pictures: int) -> NDArray[np.int64]:
    """How often each picture comes in each draw, shape (draws, pictures); none of too few pictures."""
    if pictures < FEWEST_PICTURES:
        return np.zeros((0, pictures), np.int64)
    random = np.random.default_rng(_SEED)
    return random.multinomial(pictures, np.full(pictures, 1 / pictures), size=_DRAWS)


def _compared(
    name: str, one: NDArray[np.int64], other: NDArray[np.int64], weights: NDArray[np.int64]
) -> ClassDifference:
    """Differences of counts (pictures, 3) of found, missed and wrong."""
    sums = one.sum(axis=0), other.sum(axis=0)
    drawn = weights @ one, weights @ other
    f1, recall, precision, count = (_difference(sums, drawn, measure) for measure in MEASURES)
    return ClassDifference(name, int(sums[0][:2].sum()), f1, recall, precision, count)


def _difference(
    sums: tuple[NDArray[np.int64], NDArray[np.int64]],
    drawn: tuple[NDArray[np.int64], NDArray[np.int64]],
    measure: str,
) -> Difference:
    values = [float(_measure(measure, each[None])[0]) for each in sums]
    before, after = (None if np.isnan(value) else value for value in values)
    if before is None or after is None:
        return Difference(before, after)
    gains = _measure(measure, drawn[1]) - _measure(measure, drawn[0])
    gains = gains[~np.isnan(gains)]
    if not gains.size:
        return Difference(before, after, after - before)
    lower, upper = np.percentile(gains, _LIMITS).tolist()
    return Difference(before, after, after - before, lower, upper)


def _measure(measure: str, sums: NDArray[np.int64]) -> NDArray[np.float64]:
    """A measure of sums (n, 3) of found, missed and wrong; nan where there is nothing to measure."""
    found, missed, wrong = sums.astype(np.float64).T
    above, below = {
        "f1": (2 * found, 2 * found + missed + wrong),
        "recall": (found, found + missed),
        "precision": (found, found + wrong),
        "count": (found + wrong, found + missed),
    }[measure]
    share: NDArray[np.float64] = np.full(len(sums), np.nan)
    np.divide(above, below, out=share, where=below > 0)
    return share
