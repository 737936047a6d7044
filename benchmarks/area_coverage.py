"""How often the limits of mAP50 in model.compare hold the true difference: simulated test sets.

    uv run python -m benchmarks.area_coverage [test sets a cell] [photographs ...]

The worlds are those of benchmarks.paired_coverage. Here each detector also gives unsure boxes, surer ones
where it is right, and where a photograph is hard for it, it is less sure. The true difference is that of a
test set of 100,000 photographs, by an average precision of this file's own: precision made to fall only,
read at recalls 0, 0.01, ..., 1 (Lin et al. 2014).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from benchmarks.paired_coverage import RARER, WORLD, WORLDS, Cell
from numpy.typing import NDArray

from wildetect.evaluation.paired import ClassDifference, PictureCounts, compare_pairs
from wildetect.evaluation.scoring import ScoredBox

SETS = 200
PHOTOGRAPHS = (15, 30, 60)
COUNTED = 0.3  # confidence from which a box counts, as in a survey
LEVELS = 10  # of IoU; a box that hits does so at all of them, so that mAP50 is all there is


@dataclass(frozen=True)
class Boxes:
    """Boxes of one class: the photograph of each, its confidence, and whether it hits."""

    photograph: NDArray[np.int64]
    confidence: NDArray[np.float64]
    hits: NDArray[np.bool_]

    def area(self, animals: int) -> float:
        """Average precision where so many animals are."""
        hits = self.hits[np.argsort(-self.confidence, kind="stable")]
        found = np.cumsum(hits)
        precision = np.maximum.accumulate((found / np.arange(1, len(hits) + 1))[::-1])[::-1]
        at = np.searchsorted(found / animals, np.linspace(0, 1, 101))
        return float(np.append(precision, 0.0)[np.minimum(at, len(precision))].mean())


def animals_in(cell: Cell, dice: np.random.Generator, photographs: int) -> NDArray[np.int64]:
    """Animals in each photograph, shape (photographs, classes)."""
    there = np.zeros((photographs, len(cell.world.classes)), np.int64)
    for column, (_, chance, herd) in enumerate(cell.world.classes):
        size = dice.gamma(0.8, herd / 0.8, photographs) if cell.world.uneven else np.full(photographs, herd)
        there[:, column] = (dice.random(photographs) < chance) * (1 + dice.poisson(size))
    return there


def boxes_in(
    cell: Cell, dice: np.random.Generator, there: NDArray[np.int64]
) -> tuple[list[Boxes], list[Boxes]]:
    """What both detectors find, for each class."""
    rows = np.arange(len(there))
    hard = dice.normal(0, 1.0, len(there))
    made: list[list[Boxes]] = []
    for gain in (0.0, cell.gain):
        own = hard + dice.normal(0, 0.6, len(there))
        recall = 1 / (1 + np.exp(-(2.2 + gain - own)))
        of_class = []
        for column in range(there.shape[1]):
            right = np.repeat(rows, dice.binomial(there[:, column], recall))
            wrong = np.repeat(rows, dice.poisson(3 * cell.world.wrong * np.exp(0.7 * own)))
            sure = dice.normal(0.8 + 0.5 * gain - 0.5 * own[right], 1.1)
            unsure = dice.normal(-1.3 + 0.3 * own[wrong], 1.0)
            confidence = 1 / (1 + np.exp(-np.concatenate([sure, unsure])))
            hits = np.arange(len(confidence)) < len(right)
            of_class.append(Boxes(np.concatenate([right, wrong]), confidence, hits))
        made.append(of_class)
    return made[0], made[1]


def mean_area(found: list[Boxes], there: NDArray[np.int64]) -> float:
    """The mean of the classes."""
    return float(np.mean([one.area(int(there[:, column].sum())) for column, one in enumerate(found)]))


def compared(cell: Cell, dice: np.random.Generator) -> list[ClassDifference]:
    """A test set as model.compare sees it: all classes, then each."""
    there = animals_in(cell, dice, cell.photographs)
    tables: list[list[PictureCounts]] = []
    boxes: list[list[ScoredBox]] = []
    for found in boxes_in(cell, dice, there):
        tables.append([])
        boxes.append([])
        for column, (name, _, _) in enumerate(cell.world.classes):
            one = found[column]
            for row in range(cell.photographs):
                counted = (one.photograph == row) & (one.confidence >= COUNTED)
                hits, all_boxes = int(one.hits[counted].sum()), int(counted.sum())
                tables[-1].append(
                    PictureCounts(
                        picture=str(row),
                        sha256="",
                        name=name,
                        found=hits,
                        missed=int(there[row, column]) - hits,
                        wrong=all_boxes - hits,
                    )
                )
            each = zip(one.photograph.tolist(), one.confidence.tolist(), one.hits.tolist(), strict=True)
            boxes[-1] += [
                ScoredBox(str(row), name, confidence, ("1" if hit else "0") * LEVELS)
                for row, confidence, hit in each
            ]
    paired = compare_pairs(tables[0], tables[1], (boxes[0], boxes[1]))
    return [paired.overall, *paired.classes]


def coverage(cell: Cell, sets: int, seed: int = 20) -> dict[str, float]:
    """How often the limits hold the true difference: of all classes, and of the rarer one."""
    key = [seed, cell.photographs, int(10 * cell.gain), len(cell.world.name), 51]
    dice = np.random.default_rng(key)
    there = animals_in(cell, dice, WORLD)
    one, other = boxes_in(cell, dice, there)
    rarer = int(there[:, 0].sum())
    truth = {
        "all": mean_area(other, there) - mean_area(one, there),
        RARER: other[0].area(rarer) - one[0].area(rarer),
    }
    held: dict[str, list[bool]] = {name: [] for name in truth}
    for _ in range(sets):
        for each in compared(cell, dice):
            lower, upper = each.map50.lower, each.map50.upper
            if each.name in held and lower is not None and upper is not None:
                held[each.name].append(lower <= truth[each.name] <= upper)
    return {name: sum(of) / len(of) for name, of in held.items() if of}


def main(sets: int, photographs: tuple[int, ...]) -> int:
    """Print a row for each cell."""
    print("| photographs | world | second is | all classes | the rarer class |\n|---|---|---|---|---|")
    for number in photographs:
        for world in WORLDS:
            for gain in (0.0, 0.7):
                found = coverage(Cell(world, number, gain), sets)
                row = [str(number), world.name, "better" if gain else "as good"]
                row += [f"{found[name]:.3f}" if name in found else "-" for name in ("all", RARER)]
                print(f"| {' | '.join(row)} |", flush=True)
    return 0


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[1:]]
    sys.exit(main(asked[0] if asked else SETS, tuple(asked[1:]) or PHOTOGRAPHS))
