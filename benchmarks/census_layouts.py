"""What a census says of other ways to fly and of people's mistakes: a matrix of simulated surveys.

uv run python -m benchmarks.census_layouts [surveys a cell]

24 to 80 photographs of 150 animals whose places are known, each layout with each mistake, positions by RTK
and by plain GPS. A cell shows how far the number is off at the worst, and which cautions come. It is kept to:
every number that is more than 5% off has a caution that something is suspicious, and so has every survey of
which searched areas are wrong; where nothing is wrong, or all photographs are moved together, none comes
and the number is right to 1%. Two days over the same ground are always told.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.census.layouts import FLOWN_AGAIN, LAYOUTS, MISTAKES, POSITIONS, Found, Mistake, surveyed

SURVEYS = 3
WRONG, RIGHT = 0.05, 0.01


def kept(layout: str, mistake: Mistake, cells: Sequence[Found]) -> bool:
    """Whether the census keeps what it promises."""
    if layout in FLOWN_AGAIN:
        return all("flown-again" in one.kinds for one in cells)
    if mistake.right:
        return all(not one.suspicious and abs(one.error) <= RIGHT for one in cells)
    return all(one.suspicious or not (mistake.areas or abs(one.error) > WRONG) for one in cells)


def line(layout: str, mistake: Mistake, cells: Mapping[str, Sequence[Found]]) -> str:
    """A line of the table."""
    shown = []
    for surveys in cells.values():
        kinds = Counter(kind for one in surveys for kind in one.suspicious)
        worst = max((one.error for one in surveys), key=abs)
        shown.append(f"{worst:+.0%} | {', '.join(f'{kind} {kinds[kind]}' for kind in sorted(kinds))}")
    return f"| {layout} | {mistake.name} | {' | '.join(shown)} |"


def main() -> int:
    """Print the table; 1 where a promise is not kept."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else SURVEYS
    print(f"| layout | mistake | {' | '.join(f'{name}: off by | cautions' for name in POSITIONS)} |")
    print("|---|---|" + "---:|---|" * len(POSITIONS))
    broken = []
    for layout, lay in LAYOUTS.items():
        for mistake in MISTAKES:
            cells = {
                name: [surveyed(lay, mistake, positions, seed) for seed in range(number)]
                for name, positions in POSITIONS.items()
            }
            print(line(layout, mistake, cells), flush=True)
            broken += [
                f"{layout}, {mistake.name}, {name}"
                for name, surveys in cells.items()
                if not kept(layout, mistake, surveys)
            ]
    print(
        f"\n{number} surveys a cell; "
        + (f"NOT as promised: {'; '.join(broken)}" if broken else "as promised")
    )
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
