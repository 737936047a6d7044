"""How often the limits of mAP50 and mAP50-95 in model.compare hold the true difference: simulated test sets.

    uv run python -m benchmarks.area_coverage [test sets a cell] [photographs ...]

The worlds are those of benchmarks.paired_coverage. Here each detector also gives unsure boxes, surer ones
where it is right, and where a photograph is hard for it, it is less sure and its boxes fit less well. The
true difference is that of a test set of 100,000 photographs, by an average precision of this file's own:
precision made to fall only, read at recalls 0, 0.01, ..., 1 (Lin et al. 2014).
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
LEVELS = 10  # of IoU: 0.5, 0.55, ..., 0.95
AREAS = {"mAP50": 1, "mAP50-95": LEVELS}  # how many of the levels each is the mean of


@dataclass(frozen=True)
class Boxes:
    """Boxes of one class: the photograph of each, its confidence, and at how many of the IoUs it hits."""

    photograph: NDArray[np.int64]
    confidence: NDArray[np.float64]
    hits: NDArray[np.int64]

    def area(self, animals: int, levels: int) -> float:
        """Average precision where so many animals are, the mean over the first levels of IoU."""
        return float(np.mean([self._area(animals, level) for level in range(levels)]))

    def _area(self, animals: int, level: int) -> float:
        hits = self.hits[np.argsort(-self.confidence, kind="stable")] > level
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
            fit = 1 / (1 + np.exp(-(0.6 + 0.5 * gain - 0.4 * own[right])))
            hits = np.concatenate([1 + dice.binomial(LEVELS - 1, fit), np.zeros(len(wrong), np.int64)])
            of_class.append(Boxes(np.concatenate([right, wrong]), confidence, hits))
        made.append(of_class)
    return made[0], made[1]


def areas(found: list[Boxes], there: NDArray[np.int64], levels: int) -> dict[str, float]:
    """Average precision of all classes, which is their mean, and of the rarer one."""
    each = [one.area(int(there[:, column].sum()), levels) for column, one in enumerate(found)]
    return {"all": float(np.mean(each)), RARER: each[0]}


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
                hits, all_boxes = int((one.hits[counted] > 0).sum()), int(counted.sum())
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
                ScoredBox(str(row), name, confidence, "1" * hits + "0" * (LEVELS - hits))
                for row, confidence, hits in each
            ]
    paired = compare_pairs(tables[0], tables[1], (boxes[0], boxes[1]))
    return [paired.overall, *paired.classes]


def coverage(cell: Cell, sets: int, seed: int = 20) -> dict[tuple[str, str], float]:
    """How often the limits of each area hold the true difference: of all classes, and of the rarer one."""
    key = [seed, cell.photographs, int(10 * cell.gain), len(cell.world.name), 51]
    dice = np.random.default_rng(key)
    there = animals_in(cell, dice, WORLD)
    one, other = boxes_in(cell, dice, there)
    truth: dict[tuple[str, str], float] = {}
    for area, levels in AREAS.items():
        before, after = areas(one, there, levels), areas(other, there, levels)
        truth |= {(area, name): after[name] - before[name] for name in after}
    held: dict[tuple[str, str], list[bool]] = {what: [] for what in truth}
    for _ in range(sets):
        for each in compared(cell, dice):
            for area, difference in (("mAP50", each.map50), ("mAP50-95", each.map50_95)):
                lower, upper = difference.lower, difference.upper
                if (area, each.name) in held and lower is not None and upper is not None:
                    held[area, each.name].append(lower <= truth[area, each.name] <= upper)
    return {what: sum(of) / len(of) for what, of in held.items() if of}


def main(sets: int, photographs: tuple[int, ...]) -> int:
    """Print a row for each cell."""
    columns = [(area, name) for name in ("all", RARER) for area in AREAS]
    head = ["photographs", "world", "the second is", *(f"{area}, {name}" for area, name in columns)]
    print(f"| {' | '.join(head)} |\n{'|---' * len(head)}|")
    for number in photographs:
        for world in WORLDS:
            for gain in (0.0, 0.7):
                found = coverage(Cell(world, number, gain), sets)
                row = [str(number), world.name, "better" if gain else "as good"]
                row += [f"{found[what]:.3f}" if what in found else "-" for what in columns]
                print(f"| {' | '.join(row)} |", flush=True)
    return 0


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[1:]]
    sys.exit(main(asked[0] if asked else SETS, tuple(asked[1:]) or PHOTOGRAPHS))
