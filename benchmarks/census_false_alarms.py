"""How often a census doubts its merging though nothing is wrong: many small simulated flights.

uv run python -m benchmarks.census_false_alarms [surveys a row] [minutes]

18 photographs of three lines, 60% overlap ahead and 30% aside, 60 animals; tags that tell the truth, other
positions and detectors in each row, single animals and herds. A caution about merging is a false alarm here.
The rows take turns, so that the table is even where the minutes end before all surveys are done. With 1,000
surveys a row the limits of a rate of 1% are 0.5% and 1.8% (Wilson).
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from itertools import count, takewhile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.census.doubtful_flights import HONEST, Case, Told, told
from tests.census.simulator import Herd, Survey, fly

SURVEYS, MINUTES = 1_000, 120.0
MOST_FALSE = 0.02


def survey_of(case: Case, seed: int) -> Told:
    """Fly a small survey, every other one over herds, and count it."""
    flight = Survey(**{"position_error": 0.03, "stated_error": 0.04, "jitter": 0.1, **case.changes})
    return told(
        fly(flight.mown(3, 6, ahead=0.6, aside=0.3), _herds(seed) if seed % 2 else _single(seed), seed)
    )


def _single(seed: int) -> Herd:
    return Herd.apart(5, 220, 200, 60, seed)


def _herds(seed: int) -> Herd:
    """Six of ten animals, 3 m apart and more."""
    dice = np.random.default_rng(seed)
    middles = dice.uniform((-100, -90), (100, 90), (6, 2))
    return Herd.at(
        np.concatenate([at + Herd.apart(3, 30, 30, 10, int(dice.integers(10**9))).places for at in middles])
    )


def main() -> int:
    """Print the table; 1 where there are more false alarms than promised."""
    surveys = int(sys.argv[1]) if len(sys.argv) > 1 else SURVEYS
    until = time.monotonic() + 60 * (float(sys.argv[2]) if len(sys.argv) > 2 else MINUTES)  # noqa: PLR2004
    alarms = [Counter[str]() for _ in HONEST]
    errors: list[list[float]] = [[] for _ in HONEST]
    for seed in takewhile(lambda seed: seed < surveys and time.monotonic() < until, count()):
        for row, case in enumerate(HONEST):
            found = survey_of(case, seed)
            errors[row].append(found.error)
            alarms[row].update({*found.kinds, *found.fit, *(["any"] if found.warned else [])})
    print("| nothing is wrong | surveys | mean error | with a caution about merging | which |")
    print("|---|---:|---:|---:|---|")
    for case, kinds, error in zip(HONEST, alarms, errors, strict=True):
        which = ", ".join(f"{kind} {number}" for kind, number in sorted(kinds.items()) if kind != "any")
        rate = kinds["any"] / len(error)
        print(f"| {case.name} | {len(error):,} | {np.mean(error):+.1%} | {rate:.1%} | {which} |")
    broken = any(kinds["any"] > MOST_FALSE * len(error) for kinds, error in zip(alarms, errors, strict=True))
    print("NOT as promised" if broken else "as promised")
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
