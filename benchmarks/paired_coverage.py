"""How often the limits of model.compare hold the true difference of two detectors: simulated test sets.

    uv run python -m benchmarks.paired_coverage [test sets a cell]

A test set is some photographs of a large world; animals stand in herds, some photographs are harder than
others, for both detectors, and each detector has difficulties of its own. The true difference is that over
the whole world. A cell is good if the 95% limits hold it in 90 to 98.5% of the test sets, and, where the
detectors are equally good, the second is called better in at most 5% (2.5% are promised). The last column
shows what happens where tiles of one photograph are drawn one by one, as they must not be.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wildetect.evaluation.paired import Difference, PictureCounts, compare_pairs
from wildetect.evaluation.scoring import ScoredBox

SETS = 400
WORLD = 1500  # photographs, of which test sets are drawn: their difference is the true one
LEAST, MOST, BETTER = 0.90, 0.985, 0.05
MEASURES = ("recall", "precision", "f1", "map50")
CLASSES = (("elephant", 0.5, 1.2), ("zebra", 0.7, 3.0))  # chance to be in a photograph, herds of about


@dataclass(frozen=True)
class Cell:
    """What is measured.

    Attributes:
        photographs: In the test set.
        tiles: Of each photograph; one: it is measured whole.
        gain: By which the second detector finds more, on the scale of the logit.
    """

    photographs: int
    tiles: int
    gain: float


CELLS = tuple(
    Cell(photographs, tiles, gain) for photographs in (15, 30, 100) for tiles in (1, 6) for gain in (0.0, 0.7)
)


@dataclass(frozen=True)
class Measured:
    """A world or a test set, as both detectors see it: by photograph, rows and boxes of each detector."""

    rows: tuple[list[list[PictureCounts]], list[list[PictureCounts]]]
    boxes: tuple[list[list[ScoredBox]], list[list[ScoredBox]]]

    def of(self, chosen: Sequence[int]) -> Measured:
        """The photographs with these numbers, each under a name of its own."""
        rows, boxes = (
            [
                [[_named(one, place) for one in each[number]] for place, number in enumerate(chosen)]
                for each in of
            ]
            for of in (self.rows, self.boxes)
        )
        return Measured((rows[0], rows[1]), (boxes[0], boxes[1]))


def _named(one: Any, place: int) -> Any:
    """A row or box of the photograph that is the `place`-th of a test set."""
    picture = f"{place}-{one.picture.split('-')[1]}"
    if isinstance(one, ScoredBox):
        return replace(one, picture=picture)
    return replace(one, picture=picture, photograph=f"{place}")


def world(cell: Cell, dice: np.random.Generator, photographs: int) -> Measured:
    """Photographs with animals, and what both detectors make of them."""
    rows: tuple[list[list[PictureCounts]], list[list[PictureCounts]]] = ([], [])
    boxes: tuple[list[list[ScoredBox]], list[list[ScoredBox]]] = ([], [])
    for _ in range(photographs):
        hard = dice.normal(0, 1.0)
        there = [
            dice.multinomial(1 + dice.poisson(herd), np.full(cell.tiles, 1 / cell.tiles))
            if dice.random() < chance
            else np.zeros(cell.tiles, int)
            for _, chance, herd in CLASSES
        ]
        for which in (0, 1):
            own = dice.normal(0, 0.6)
            made = list(_seen(cell, dice, there, (which, hard + own)))
            rows[which].append([row for row, _ in made])
            boxes[which].append([box for _, of in made for box in of])
    return Measured(rows, boxes)


def _seen(
    cell: Cell, dice: np.random.Generator, there: list[np.ndarray], detector: tuple[int, float]
) -> Iterator[tuple[PictureCounts, list[ScoredBox]]]:
    """What one detector makes of a photograph, by tile and class."""
    which, hard = detector
    recall = 1 / (1 + np.exp(-(1.0 + cell.gain * which - hard)))
    wrong = 0.5 * np.exp(0.7 * hard) / cell.tiles
    for (name, _, _), animals in zip(CLASSES, there, strict=True):
        for tile in range(cell.tiles):
            found, false = int(dice.binomial(animals[tile], recall)), int(dice.poisson(wrong))
            sure = [(float(one), "1" * 10) for one in dice.beta(4, 2, found)]
            unsure = [(float(one), "0" * 10) for one in dice.beta(2, 4, false)]
            row = PictureCounts(
                picture=f"0-{tile}",
                sha256="",
                name=name,
                found=found,
                missed=int(animals[tile]) - found,
                wrong=false,
                photograph="0",
            )
            yield row, [ScoredBox(f"0-{tile}", name, one, hits) for one, hits in (*sure, *unsure)]


def differences(measured: Measured, *, tiles_alone: bool = False) -> dict[str, Difference]:
    """What model.compare says of a test set."""
    before, after = ([row for one in each for row in one] for each in measured.rows)
    if tiles_alone:
        before, after = ([replace(row, photograph="") for row in rows] for rows in (before, after))
    one, other = ([box for each in of for box in each] for of in measured.boxes)
    return compare_pairs(before, after, None if tiles_alone else (one, other)).overall.measures


def coverage(cell: Cell, sets: int, seed: int = 20) -> dict[str, float]:
    """How often the limits hold the true difference, by measure; and how often chance is called better."""
    dice = np.random.default_rng([seed, cell.photographs, cell.tiles, int(10 * cell.gain)])
    everything = world(cell, dice, WORLD)
    truth = {name: one.gain or 0.0 for name, one in differences(everything.of(range(WORLD))).items()}
    held = dict.fromkeys((*MEASURES, "tiles alone"), 0)
    better = 0
    for _ in range(sets):
        drawn = everything.of(dice.integers(0, WORLD, cell.photographs).tolist())
        found = differences(drawn)
        for name in MEASURES:
            held[name] += _holds(found[name], truth[name])
        held["tiles alone"] += _holds(differences(drawn, tiles_alone=True)["f1"], truth["f1"])
        better += found["f1"].above_chance
    return {**{name: number / sets for name, number in held.items()}, "better": better / sets}


def _holds(difference: Difference, truth: float) -> bool:
    lower, upper = difference.lower, difference.upper
    return lower is not None and upper is not None and lower <= truth <= upper


def good(cell: Cell, found: dict[str, float]) -> bool:
    """Whether the limits of a cell do what they promise."""
    held = all(LEAST <= found[name] <= MOST for name in MEASURES)
    return held and (cell.gain > 0 or found["better"] <= BETTER)


def main(sets: int) -> int:
    """Print a row for each cell; 1 where one is not good."""
    head = ["photographs", "tiles of each", "second is", *MEASURES, "called better", "F1, tiles alone"]
    print(f"| {' | '.join(head)} |")
    print("|---" * (5 + len(MEASURES)) + "|")
    bad = 0
    for cell in CELLS:
        found = coverage(cell, sets)
        shown = " | ".join(f"{found[name]:.3f}" for name in MEASURES)
        alone = f"{found['tiles alone']:.3f}" if cell.tiles > 1 else "-"
        said = "better" if cell.gain else "equal"
        mark = "" if good(cell, found) else " (not as promised)"
        row = f"| {cell.photographs} | {cell.tiles} | {said} | {shown} | {found['better']:.3f} | {alone} |"
        print(f"{row}{mark}", flush=True)
        bad += not good(cell, found)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else SETS))
