"""How often the limits of reviewed counts hold the truth: 15 cells of simulated surveys.

    uv run python benchmarks/review_coverage.py [surveys a cell]

Each survey flies 20 of 100 possible transects of 60 photographs; animals stand in herds. The detector misses
some, and marks some that are none. 75, 150 or 300 of the 1,200 photographs are drawn and reviewed. A cell is
good if the 95% limits hold the truth in 93 to 97% of the surveys, and the mean error is below 2%.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wildetect.census.estimates.corrected import limits_of_sample
from wildetect.census.estimates.methods.jolly import jolly2
from wildetect.census.estimates.records import SampleUnit, Stratum
from wildetect.evaluation.two_phase import Corrected, Reviewed, correct
from wildetect.review.drawing import allocation

Numbers = NDArray[np.float64]

POSSIBLE, FLOWN, PHOTOGRAPHS, HERDS = 100, 20, 60, 3
LEAST, MOST, BIAS = 0.93, 0.97, 0.02


@dataclass(frozen=True)
class Cell:
    """What the detector does, and how much is reviewed.

    Attributes:
        recall: Share of the animals that it finds.
        wrong: Wrong boxes a photograph.
        reviewed: Photographs.
        confused: Share of the animals of two species that it takes for the other.
    """

    recall: float
    wrong: float
    reviewed: int
    confused: float = 0.0


CELLS = (
    *(
        Cell(recall, wrong, reviewed)
        for recall, wrong in ((0.95, 0.0), (0.9, 0.3), (0.7, 0.1), (0.6, 0.05))
        for reviewed in (75, 150, 300)
    ),
    *(Cell(0.8, 0.05, reviewed, confused=0.1) for reviewed in (75, 150, 300)),
)


def animals_in(dice: np.random.Generator) -> Numbers:
    """Animals of each photograph of all possible transects, shape (POSSIBLE, PHOTOGRAPHS)."""
    found = dice.poisson(0.01, (POSSIBLE, PHOTOGRAPHS)).astype(np.float64)
    sizes = dice.negative_binomial(1.2, 0.07, (POSSIBLE, HERDS))
    middles = dice.uniform(0, PHOTOGRAPHS, (POSSIBLE, HERDS))
    for transect in range(POSSIBLE):
        places = np.repeat(middles[transect], sizes[transect])
        places = places + dice.normal(0, 0.7, len(places))
        rows = np.clip(places, 0, PHOTOGRAPHS - 1).astype(int)
        found[transect] += np.bincount(rows, minlength=PHOTOGRAPHS)
    return found


def review(dice: np.random.Generator, detected: Numbers, number: int) -> Reviewed:
    """Draw photographs as a plan does."""
    stratum = np.digitize(detected, [1, 3, 8])
    sizes = np.bincount(stratum, minlength=4)
    reviewed = np.zeros(len(detected), np.bool_)
    for row, drawn in enumerate(allocation(sizes.tolist(), number)):
        reviewed[dice.choice(np.flatnonzero(stratum == row), drawn, replace=False)] = True
    used = np.flatnonzero(sizes)
    return Reviewed(np.searchsorted(used, stratum), reviewed)


def estimate(counts: Numbers, corrected: Corrected | None) -> tuple[float, float, float]:
    """Value and limits for all possible transects, from the counts of the photographs flown."""
    of_transect = counts.reshape(FLOWN, PHOTOGRAPHS).sum(axis=1)
    units = tuple(SampleUnit(str(row), float(count), 1.0) for row, count in enumerate(of_transect))
    found = jolly2(Stratum("area", float(POSSIBLE), float(POSSIBLE), units))
    if corrected is None:
        return found.estimate or 0.0, found.lower or 0.0, found.upper or 0.0
    scale = POSSIBLE / FLOWN * math.sqrt(FLOWN / POSSIBLE)
    number = limits_of_sample(found, scale**2 * corrected.variance(), corrected.freedom())
    if number is None:
        return 0.0, 0.0, 0.0
    return number.value, number.lower, number.upper


def survey(cell: Cell, seed: int) -> list[tuple[float, ...]]:
    """Truth, then value and limits: corrected, of the detector alone, and of perfect counts."""
    dice = np.random.default_rng([seed, cell.reviewed, int(cell.recall * 100), int(cell.wrong * 100)])
    species = [animals_in(dice), animals_in(dice)] if cell.confused else [animals_in(dice)]
    flown = np.sort(dice.choice(POSSIBLE, FLOWN, replace=False))
    there = [one[flown].ravel() for one in species]
    found = [dice.binomial(one.astype(int), cell.recall) for one in there]
    swapped = [dice.binomial(one, cell.confused) for one in found]
    detected = [
        one - out + swapped[-1 - row] * bool(cell.confused) + dice.poisson(cell.wrong, len(one))
        for row, (one, out) in enumerate(zip(found, swapped, strict=True))
    ]
    design = review(dice, np.sum(detected, axis=0).astype(np.float64), cell.reviewed)
    rows: list[tuple[float, ...]] = []
    for truth, animals, counted in zip(species, there, detected, strict=True):
        corrected = correct(design, counted.astype(np.float64), animals)
        rows.append(
            (
                float(truth.sum()),
                *estimate(corrected.units, corrected),
                *estimate(counted.astype(np.float64), None),
                *estimate(animals, None),
            )
        )
    return rows


def judged(surveys: Numbers) -> tuple[str, bool]:
    """The measured columns of a cell's row, and whether it is good.

    Args:
        surveys: Shape (n, 10), of each survey the truth, then value, lower and upper limit of the reviewed
            estimate, of the one that stands beside it, and of the best that the flight could give.
    """
    truth, value, lower, upper, alone, alone_lower, alone_upper, _, best_lower, best_upper = surveys.T
    cover, bias = np.mean((lower <= truth) & (truth <= upper)), np.mean(value) / np.mean(truth) - 1
    alone_cover = np.mean((alone_lower <= truth) & (truth <= alone_upper))
    alone_bias = np.mean(alone) / np.mean(truth) - 1
    width = np.median(upper - lower) / np.median(best_upper - best_lower)
    good = bool(LEAST <= cover <= MOST and abs(bias) < BIAS)
    shown = f"| {alone_cover:.3f}, {alone_bias:+.0%} | {cover:.3f}, {bias:+.1%} | {width:.2f} |"
    return shown + ("" if good else "  off"), good


def main() -> int:
    """Print the table; 1 if a cell is off."""
    surveys = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print("| recall | wrong | confused | reviewed | detector: cover, bias | reviewed: cover, bias | width |")
    print("|---|---|---|---|---|---|---|")
    off = 0
    for cell in CELLS:
        table = np.array([row for seed in range(surveys) for row in survey(cell, seed)])
        shown, good = judged(table)
        off += not good
        print(f"| {cell.recall} | {cell.wrong} | {cell.confused} | {cell.reviewed} {shown}", flush=True)
    print(f"{len(CELLS) - off} of {len(CELLS)} cells are good")
    return int(off > 0)


if __name__ == "__main__":
    sys.exit(main())
