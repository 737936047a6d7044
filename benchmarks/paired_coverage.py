"""How often the limits of model.compare hold the true difference of two detectors: simulated test sets.

    uv run python -m benchmarks.paired_coverage [test sets a cell]

A test set is some photographs of a world without end; animals stand in herds, some photographs are harder
than others, for both detectors alike, and each detector has difficulties of its own. Two worlds: in "usual"
most photographs hold animals, in "herds" half of them do, in herds of very different size. The true
difference is that over 100,000 photographs. A cell with 30 photographs or more is good if the 95% limits hold
it in 93 to 97.5% of the test sets, for all animals and for the rarer class (where it was in enough
photographs for limits), and, where the detectors are equally good, the second is called better in at most 4%
(2.5% are promised). Limits of mAP have a file of their own, area_coverage.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wildetect.evaluation.paired import ClassDifference, Difference, PictureCounts, compare_pairs

SETS = 1000
WORLD = 100_000  # photographs, whose difference is the true one
LEAST, MOST, BETTER = 0.93, 0.975, 0.04
ENOUGH = 30  # photographs, from which on the limits promise something
MEASURES = ("recall", "precision", "f1", "count")
RARER = "elephant"


@dataclass(frozen=True)
class World:
    """Where animals stand.

    Attributes:
        name: Name of the world.
        classes: Name, chance to be in a photograph, and mean size of a herd less one.
        uneven: Whether herds are of very different size (gamma with shape 0.8), or Poisson.
        wrong: Boxes without an animal in a photograph of usual difficulty, for each class.
    """

    name: str
    classes: tuple[tuple[str, float, float], ...]
    uneven: bool
    wrong: float


WORLDS = (
    World("usual", ((RARER, 0.5, 1.2), ("zebra", 0.7, 3.0)), uneven=False, wrong=0.5),
    World("herds", ((RARER, 0.25, 3.0), ("zebra", 0.3, 8.0)), uneven=True, wrong=0.3),
)


@dataclass(frozen=True)
class Cell:
    """What is measured.

    Attributes:
        world: World that the photographs are of.
        photographs: Photographs in the test set.
        gain: Gain of the second detector, on the scale of the logit.
        tiles: Number of tiles of each photograph; one: it is measured whole.
        places: Whether these are places, and their tiles photographs: what they have in common is the same.
    """

    world: World
    photographs: int
    gain: float
    tiles: int = 1
    places: bool = False


CELLS = tuple(
    Cell(world, photographs, gain)
    for photographs in (15, 30, 60, 150)
    for world in WORLDS
    for gain in (0.0, 0.7)
)
TILED = tuple(Cell(WORLDS[0], 30, gain, 6) for gain in (0.0, 0.7))
PLACED = tuple(Cell(WORLDS[0], places, gain, 5, places=True) for places in (8, 10, 30) for gain in (0.0, 0.7))


def counts_in(cell: Cell, dice: np.random.Generator, number: int) -> NDArray[np.int64]:
    """Found, missed and wrong of both detectors, shape (2, photographs, tiles, classes, 3)."""
    hard = dice.normal(0, 1.0, number)
    there = np.zeros((number, cell.tiles, len(cell.world.classes)), np.int64)
    for column, (_, chance, herd) in enumerate(cell.world.classes):
        size = dice.gamma(0.8, herd / 0.8, number) if cell.world.uneven else np.full(number, herd)
        animals = (dice.random(number) < chance) * (1 + dice.poisson(size))
        there[:, :, column] = dice.multinomial(animals, np.full(cell.tiles, 1 / cell.tiles))
    made = np.zeros((2, *there.shape, 3), np.int64)
    for which in (0, 1):
        own = (hard + dice.normal(0, 0.6, number))[:, None, None]
        recall = 1 / (1 + np.exp(-(1.0 + cell.gain * which - own)))
        found = dice.binomial(there, np.broadcast_to(recall, there.shape))
        wrong = dice.poisson(np.broadcast_to(cell.world.wrong * np.exp(0.7 * own) / cell.tiles, there.shape))
        made[which] = np.stack([found, there - found, wrong], axis=-1)
    return made


def rows_of(cell: Cell, counts: NDArray[np.int64], *, alone: bool = False) -> list[PictureCounts]:
    """The table of one detector; `alone`: as if tiles of one photograph were photographs of their own."""
    return [
        PictureCounts(
            picture=f"{photograph}-{tile}",
            sha256="",
            name=name,
            found=int(counts[photograph, tile, column, 0]),
            missed=int(counts[photograph, tile, column, 1]),
            wrong=int(counts[photograph, tile, column, 2]),
            photograph="" if alone or cell.places else str(photograph),
            place=str(photograph) if cell.places and not alone else "",
        )
        for photograph in range(len(counts))
        for tile in range(cell.tiles)
        for column, (name, _, _) in enumerate(cell.world.classes)
    ]


def truth_of(cell: Cell, dice: np.random.Generator) -> dict[tuple[str, str], float]:
    """The true difference of each measure, of all animals and of the rarer class."""
    one, other = counts_in(cell, dice, WORLD).sum(axis=(1, 2))
    found = {}
    for who, before, after in (("all", one.sum(axis=0), other.sum(axis=0)), (RARER, one[0], other[0])):
        for name in MEASURES:
            found[who, name] = _value(name, after) - _value(name, before)
    return found


def _value(name: str, counts: NDArray[np.int64]) -> float:
    found, missed, wrong = counts.tolist()
    above = {"f1": 2 * found, "recall": found, "precision": found, "count": found + wrong}[name]
    below = {
        "f1": 2 * found + missed + wrong,
        "recall": found + missed,
        "precision": found + wrong,
        "count": found + missed,
    }[name]
    return float(above / below)


def coverage(cell: Cell, sets: int, seed: int = 20) -> dict[str, float]:
    """How often the limits hold the true difference, by measure; and how often chance is called better."""
    dice = np.random.default_rng(
        [seed, cell.photographs, cell.tiles, int(10 * cell.gain), len(cell.world.name)]
    )
    truth = truth_of(cell, dice)
    held: dict[str, list[bool]] = {}
    for _ in range(sets):
        before, after = counts_in(cell, dice, cell.photographs)
        paired = compare_pairs(rows_of(cell, before), rows_of(cell, after))
        rarer = next((one for one in paired.classes if one.name == RARER), None)
        _note(held, "", paired.overall, truth)
        if rarer is not None:
            _note(held, f"{RARER} ", rarer, truth)
        held.setdefault("better", []).append(paired.overall.f1.above_chance)
        if cell.tiles > 1:
            alone = compare_pairs(rows_of(cell, before, alone=True), rows_of(cell, after, alone=True))
            held.setdefault("tiles alone", []).append(_holds(alone.overall.f1, truth["all", "f1"]))
    return {name: sum(each) / len(each) for name, each in held.items()}


def _note(
    held: dict[str, list[bool]], prefix: str, found: ClassDifference, truth: dict[tuple[str, str], float]
) -> None:
    for name in MEASURES:
        difference: Difference = getattr(found, name)  # unknown where no animal or box is
        if difference.lower is not None:
            held.setdefault(f"{prefix}{name}", []).append(_holds(difference, truth[found.name, name]))


def _holds(difference: Difference, truth: float) -> bool:
    lower, upper = difference.lower, difference.upper
    return lower is not None and upper is not None and lower <= truth <= upper


def good(cell: Cell, found: dict[str, float]) -> bool:
    """Whether the limits of a cell do what they promise; of few photographs they promise nothing."""
    if cell.photographs < ENOUGH:
        return True
    promised = [found[f"{prefix}{name}"] for prefix in ("", f"{RARER} ") for name in MEASURES]
    return all(LEAST <= one <= MOST for one in promised) and (cell.gain > 0 or found["better"] <= BETTER)


def main(sets: int) -> int:
    """Print a row for each cell; 1 where one is not good."""
    columns = [*MEASURES, *(f"{RARER} {name}" for name in MEASURES)]
    head: list[Any] = [
        "photographs",
        "world",
        "second is",
        *columns,
        "called better",
        "F1, tiles alone",
    ]
    print(f"| {' | '.join(head)} |")
    print("|---" * len(head) + "|")
    bad = 0
    for cell in (*CELLS, *TILED, *PLACED):
        found = coverage(cell, sets)
        alone = f"{found['tiles alone']:.3f}" if cell.tiles > 1 else "-"
        kind = f", places of {cell.tiles} photographs" if cell.places else f", in {cell.tiles} tiles"
        world = cell.world.name + (kind if cell.tiles > 1 else "")
        row = [str(cell.photographs), world, "better" if cell.gain else "as good"]
        row += [f"{found.get(name, float('nan')):.3f}" for name in (*columns, "better")] + [alone]
        mark = "" if good(cell, found) else " (not as promised)"
        print(f"| {' | '.join(row)} |{mark}", flush=True)
        bad += not good(cell, found)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else SETS))
