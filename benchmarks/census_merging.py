"""Whether a census that counts animals twice says so: simulated flights on which one thing is wrong.

uv run python -m benchmarks.census_merging [surveys a row]

84 photographs, 60% overlap ahead and 30% aside, 300 animals, of which the tags tell everything, positions
to 4 cm (RTK), but for the mistake that the row names. Each survey is counted as `census.run` counts it; the
row holds the mean error of the number, of the conservative count beside it, the partner rate, and the share
of the surveys with a caution about merging, or that all photographs are taken too large, small or turned.
The honest rows have other positions or a detector that misses animals, and no mistake: there each caution is
a false alarm. The last column shows how well the recall is told that follows from the same overlaps.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.census.doubtful_flights import CASES, HONEST, PLAIN_CASES, Case, Told, told_of

SURVEYS = 40
MOST_FALSE = 0.02
MOST_ERROR = 0.005


@dataclass(frozen=True, slots=True)
class Row:
    """What the surveys of one case gave.

    Attributes:
        case: The mistake.
        honest: Whether there is none.
        told: Words of each survey.
    """

    case: Case
    honest: bool
    told: Sequence[Told]

    @property
    def warned(self) -> float:
        """Share of the surveys with a caution of where photographs lie."""
        return float(np.mean([one.warned for one in self.told]))

    @property
    def error(self) -> float:
        """Mean of counted / true - 1."""
        return float(np.mean([one.error for one in self.told]))

    @property
    def passed(self) -> bool:
        """Whether the program keeps what it promises."""
        if not self.honest:
            return self.warned == 1
        return self.warned <= MOST_FALSE and abs(self.error) < MOST_ERROR

    @property
    def cells(self) -> str:
        """A line of the table in docs/merging.md."""
        conservative = float(np.mean([one.conservative for one in self.told]))
        rate = float(np.mean([one.rate for one in self.told]))
        return (
            f"| {self.case.name} | {self.error:+.1%} | {conservative:+.1%} | {rate:.0%} | {self.warned:.0%} |"
        )


def rows(surveys: int) -> Sequence[Row]:
    """All of the table."""
    return [
        Row(case, honest, [told_of(case, seed) for seed in range(surveys)])
        for cases, honest in (((*CASES, *PLAIN_CASES), False), (HONEST, True))
        for case in cases
    ]


def main() -> int:
    """Print the table; 1 where a promise is not kept."""
    surveys = int(sys.argv[1]) if len(sys.argv) > 1 else SURVEYS
    print("| what is wrong | counted | conservative count | partner rate | surveys with a caution |")
    print("|---|---:|---:|---:|---:|")
    found = rows(surveys)
    for row in found:
        print(row.cells)
    broken = [row.case.name for row in found if not row.passed]
    print(
        f"\n{surveys} surveys a row; "
        + (f"NOT as promised: {', '.join(broken)}" if broken else "all as promised")
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
