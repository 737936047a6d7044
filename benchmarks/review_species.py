"""What `review.plan --species` gains for a rare species: cover and width of the limits of its number.

    uv run python -m benchmarks.review_species [surveys a cell]

A rare species stands in few photographs, in threes at the most, and another in every second one. Photographs
are drawn by the detections of both, or by those of the rare one alone. A cell is good if the 95% limits of
the rare species hold the truth in 93 to 97% of the surveys where its own detections draw.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from benchmarks.review_coverage import LEAST, MOST, Numbers, review

from wildetect.evaluation.reviewed_sample import limits_of_total
from wildetect.evaluation.two_phase import correct


@dataclass(frozen=True)
class Cell:
    """Photographs, those reviewed, the share that shows the species, and what the detector does."""

    photographs: int
    reviewed: int
    share: float
    recall: float
    wrong: float


CELLS = (
    Cell(1200, 150, 0.08, 0.8, 0.0),
    Cell(1200, 150, 0.08, 0.7, 0.02),
    Cell(1200, 150, 0.03, 0.8, 0.01),
    Cell(400, 80, 0.08, 0.8, 0.0),
)


def survey(cell: Cell, seed: int) -> list[tuple[bool, float]]:
    """Whether the limits hold the truth, and their width to it: drawn by both species, and by the rare."""
    dice = np.random.default_rng(seed)
    number = cell.photographs
    there = (dice.random(number) < cell.share) * dice.integers(1, 4, number)
    others = dice.poisson(3, number) * dice.integers(0, 2, number)
    found: Numbers = (dice.binomial(there, cell.recall) + dice.poisson(cell.wrong, number)).astype(np.float64)
    rows = []
    for drawn_by in (found + dice.binomial(others, cell.recall), found):
        design = review(dice, drawn_by, cell.reviewed)
        limits = limits_of_total(correct(design, found, there.astype(np.float64)))
        truth = int(there.sum())
        rows.append((limits.lower <= truth <= limits.upper, (limits.upper - limits.lower) / max(truth, 1)))
    return rows


def main() -> int:
    """Print the table; 1 if a cell is off."""
    surveys = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print("| in photographs | recall | wrong | reviewed | by all: cover, width | by it: cover, width |")
    print("|---|---|---|---|---|---|")
    off = 0
    for cell in CELLS:
        table = np.array([survey(cell, seed) for seed in range(surveys)], np.float64)
        cover, width = table[..., 0].mean(axis=0), np.median(table[..., 1], axis=0)
        off += not LEAST <= cover[1] <= MOST
        print(
            f"| {cell.share:.0%} | {cell.recall} | {cell.wrong} | {cell.reviewed} of {cell.photographs:,} "
            f"| {cover[0]:.3f}, {width[0]:.2f} | {cover[1]:.3f}, {width[1]:.2f} |",
            flush=True,
        )
    print(f"{len(CELLS) - off} of {len(CELLS)} cells are good")
    return int(off > 0)


if __name__ == "__main__":
    sys.exit(main())
