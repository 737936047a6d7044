"""Two detectors on the same pictures: whether one is better, or only seems so by chance.

The photographs are drawn again, each with what both detectors made of it, and the difference is computed each
time: the paired bootstrap (module resampling). Tiles of a photograph are drawn together, and photographs of a
place (a flight line, common ground) where places are known: they show the same animals, ground and light
(Field and Welsh 2007, Bootstrapping Clustered Data, Journal of the Royal Statistical Society B 69, 369-390).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wildetect.evaluation.areas import areas_in_draws
from wildetect.evaluation.resampling import FEWEST_PLACES, FEWEST_WITH, draws, limits_of, limits_of_gain
from wildetect.evaluation.scoring import ScoredBox
from wildetect.tables.writing import plain_text, table_pieces

__all__ = [
    "AREAS",
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

Unit = Literal["places", "photographs"]
PICTURES = "pictures.csv"
MEASURES = ("f1", "recall", "precision", "count")
AREAS = ("map50", "map50_95")

_AREA_DRAWS = 1000  # a curve in each takes long


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureCounts:
    """What a detector made of one class in one picture.

    Attributes:
        picture: Its name.
        sha256: SHA-256 of its file.
        name: Name of the class.
        found: Animals found.
        missed: Animals missed.
        wrong: Boxes without an animal of the class.
        photograph: Photograph that the picture is a tile of; empty: it is one itself.
        place: Pictures with the same one are not independent of each other; empty: unknown.
    """

    picture: str
    sha256: str
    name: str
    found: int
    missed: int
    wrong: int
    photograph: str = ""
    place: str = ""


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
                photograph=plain_text(row.get("photograph") or ""),
                place=plain_text(row.get("place") or ""),
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
        before: Value of the first; null where there is nothing to measure.
        after: Value of the second.
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


_UNKNOWN = Difference(None, None)


@dataclass(frozen=True, slots=True)
class ClassDifference:
    """The differences of one class, or of all together (name "all").

    Attributes:
        name: Name of the class.
        animals: Labelled in all pictures.
        f1: 2 found / (2 found + missed + wrong): one number that falls with each error.
        recall: Part of the animals that is found.
        precision: Part of the boxes that is right.
        count: Boxes counted for each animal: 1 is right, more is too many.
        map50: Average precision at IoU 0.5; of all classes their mean. Unknown where boxes were not kept.
        map50_95: Its mean at IoU 0.5, 0.55, ..., 0.95.
        photographs: Number of those that hold such animals.
        drawn: "places" or "photographs": what its limits are made of.
        held: Number of these that hold such animals.
    """

    name: str
    animals: int
    f1: Difference
    recall: Difference
    precision: Difference
    count: Difference
    map50: Difference = _UNKNOWN
    map50_95: Difference = _UNKNOWN
    photographs: int = 0
    drawn: Unit = "photographs"
    held: int = 0

    @property
    def measures(self) -> dict[str, Difference]:
        """The differences by name, those that are known."""
        each = {name: getattr(self, name) for name in (*MEASURES, *AREAS)}
        return {name: one for name, one in each.items() if one != _UNKNOWN}


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Two detectors on the same pictures.

    Attributes:
        pictures: How many there are.
        photographs: How many those are of.
        places: How many those are of; 0: not known, of none or of some.
        overall: All classes together: each animal weighs the same (in mAP each class).
        classes: Each class with animals or boxes.
    """

    pictures: int
    photographs: int
    overall: ClassDifference
    classes: tuple[ClassDifference, ...]
    places: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Draws:
    """Photographs, or places with all of theirs, that are drawn.

    Attributes:
        unit: Which of both.
        of_photograph: The one that each photograph belongs to, shape (photographs,).
        weights: How often each comes in each draw, shape (draws, units).
    """

    unit: Unit
    of_photograph: NDArray[np.int64]
    weights: NDArray[np.float32]

    def summed(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Counts of photographs (photographs, 3), summed over what is drawn."""
        found = np.zeros((self.weights.shape[1], counts.shape[1]), np.int64)
        np.add.at(found, self.of_photograph, counts)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _Tables:
    """What both made of the photographs.

    Attributes:
        names: Names of the classes.
        unit_of: The photograph of each picture.
        units: Number of photographs.
        places: Number of places; 0: unknown.
        counts: Animals found, missed and boxes wrong of each detector, shape (units, classes, 3).
        ways: Ways of drawing, the one to take first where there is enough for it.
    """

    names: tuple[str, ...]
    unit_of: Mapping[str, int]
    units: int
    places: int
    counts: tuple[NDArray[np.int64], NDArray[np.int64]]
    ways: tuple[_Draws, ...]


def compare_pairs(
    before: Sequence[PictureCounts],
    after: Sequence[PictureCounts],
    boxes: tuple[Sequence[ScoredBox], Sequence[ScoredBox]] | None = None,
) -> PairedComparison:
    """Compare two detectors.

    Args:
        before: Counts of the first, a row for each class and picture.
        after: Value of the second.
        boxes: Boxes of both, down to a low confidence, for mAP; null: without.

    Raises:
        ValueError: They were not measured on the same pictures and animals.
    """
    tables = _tables(before, after)
    one, other = tables.counts
    if (one[:, :, :2].sum(axis=2) != other[:, :, :2].sum(axis=2)).any():
        raise ValueError("they were not measured on the same labelled animals")
    each = [
        _compared(name, one[:, column], other[:, column], tables.ways)
        for column, name in enumerate(tables.names)
        if one[:, column].any() or other[:, column].any()
    ]
    overall = _compared("all", one.sum(axis=1), other.sum(axis=1), tables.ways)
    if boxes is not None:
        overall, *each = _with_areas([overall, *each], tables, boxes)
    return PairedComparison(len(tables.unit_of), tables.units, overall, tuple(each), tables.places)


def _tables(before: Sequence[PictureCounts], after: Sequence[PictureCounts]) -> _Tables:
    pictures = {row.picture: row.sha256 for row in before}
    if pictures != {row.picture: row.sha256 for row in after}:
        raise ValueError("they were not measured on the same pictures")
    names = tuple(dict.fromkeys(row.name for row in (*before, *after)))
    # an evaluation of an earlier WildDetect does not say of which photograph a tile is
    told = {row.picture: row.photograph for row in (*before, *after) if row.photograph}
    units = {
        unit: number for number, unit in enumerate(dict.fromkeys(told.get(one, one) for one in pictures))
    }
    unit_of = {picture: units[told.get(picture, picture)] for picture in pictures}
    one, other = (_table(rows, unit_of, len(units), names) for rows in (before, after))
    place_of = {unit_of[row.picture]: row.place for row in (*before, *after) if row.place}
    known = {place: number for number, place in enumerate(dict.fromkeys(place_of.values()))}
    ways = [_Draws("photographs", np.arange(len(units)), draws(len(units)))]
    whole = len(place_of) == len(units)
    if whole and FEWEST_PLACES <= len(known) < len(units):
        of_photograph = np.array([known[place_of[unit]] for unit in range(len(units))])
        ways.insert(0, _Draws("places", of_photograph, draws(len(known), FEWEST_PLACES)))
    return _Tables(names, unit_of, len(units), len(known) if whole else 0, (one, other), tuple(ways))


def _table(
    rows: Iterable[PictureCounts], unit_of: Mapping[str, int], units: int, names: Sequence[str]
) -> NDArray[np.int64]:
    """Found, missed and wrong by photograph and class, shape (units, classes, 3)."""
    column = {name: number for number, name in enumerate(names)}
    counts = np.zeros((units, len(names), 3), np.int64)
    for row in rows:
        counts[unit_of[row.picture], column[row.name]] += row.found, row.missed, row.wrong
    return counts


def _with_areas(
    each: Sequence[ClassDifference],
    tables: _Tables,
    boxes: tuple[Sequence[ScoredBox], Sequence[ScoredBox]],
) -> list[ClassDifference]:
    """The differences with those of mAP; the first is of all classes."""
    there = tables.counts[0][:, :, :2].sum(axis=2).astype(np.float64)
    animals = {name: there[:, column] for column, name in enumerate(tables.names) if there[:, column].any()}
    if not animals:
        return list(each)
    areas = {}
    for way in tables.ways:
        if way.unit in {one.drawn for one in each}:
            weights = way.weights[:_AREA_DRAWS, way.of_photograph]
            drawn = np.vstack([np.ones((1, tables.units), np.float32), weights])  # first all as they are
            areas[way.unit] = [areas_in_draws(of, tables.unit_of, animals, drawn) for of in boxes]
    return [
        replace(
            one,
            map50=_area_difference(areas[one.drawn], names, slice(0, 1), one.held),
            map50_95=_area_difference(areas[one.drawn], names, slice(None), one.held),
        )
        if (names := list(animals) if number == 0 else [one.name] if one.name in animals else [])
        else one
        for number, one in enumerate(each)
    ]


def _area_difference(
    areas: Sequence[Mapping[str, NDArray[np.float64]]], names: Sequence[str], levels: slice, held: int
) -> Difference:
    """The difference of the mean area of classes over levels of IoU; `held` units hold such animals."""
    one, other = (
        _mean_of_known(np.array([of[name][:, levels].mean(axis=1) for name in names])) for of in areas
    )
    limits = (limits_of((other - one)[1:], held) if held >= FEWEST_WITH else None) or (None, None)
    return Difference(float(one[0]), float(other[0]), float(other[0] - one[0]), *limits)


def _mean_of_known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of each column, of its numbers that are known; nan where none is."""
    known = ~np.isnan(values)
    mean: NDArray[np.float64] = np.full(values.shape[1], np.nan)
    np.divide(np.where(known, values, 0).sum(axis=0), known.sum(axis=0), out=mean, where=known.any(axis=0))
    return mean


def _compared(
    name: str, one: NDArray[np.int64], other: NDArray[np.int64], ways: Sequence[_Draws]
) -> ClassDifference:
    """Differences of counts (photographs, 3) of found, missed and wrong.

    Where few places hold a class, its photographs are drawn: no limits at all would hide that it got worse.
    """
    animals, photographs = int(one[:, :2].sum()), int(one[:, :2].any(axis=1).sum())
    for way in ways:
        before, after = way.summed(one), way.summed(other)
        held = int(before[:, :2].any(axis=1).sum())
        if held >= FEWEST_WITH:
            break
    f1, recall, precision, count = (_difference(before, after, measure, way.weights) for measure in MEASURES)
    return ClassDifference(
        name, animals, f1, recall, precision, count, photographs=photographs, drawn=way.unit, held=held
    )


def _difference(
    one: NDArray[np.int64], other: NDArray[np.int64], measure: str, weights: NDArray[np.float32]
) -> Difference:
    shares = _share(measure, one), _share(measure, other)
    (above, below), (above_after, below_after) = (share.sum(axis=0).tolist() for share in shares)
    before = above / below if below else None
    after = above_after / below_after if below_after else None
    if before is None or after is None:
        return Difference(before, after)
    lower, upper = limits_of_gain(*shares, weights) or (None, None)
    if lower is None or upper is None:
        return Difference(before, after, after - before)
    if measure != "count":  # a share lies between 0 and 1
        lower, upper = max(lower, -1.0), min(upper, 1.0)
    return Difference(before, after, after - before, lower, upper)


def _share(measure: str, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """What is above and below the line of a measure, shape (units, 2), of found, missed and wrong."""
    found, missed, wrong = counts.T
    above, below = {
        "f1": (2 * found, 2 * found + missed + wrong),
        "recall": (found, found + missed),
        "precision": (found, found + wrong),
        "count": (found + wrong, found + missed),
    }[measure]
    return np.stack([above, below], axis=1)
