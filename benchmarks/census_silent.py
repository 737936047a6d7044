"""The largest error of a count that a census says nothing of, for each mistake: simulated flights.

uv run python -m benchmarks.census_silent [surveys a row] [first seed] [words of the rows]

84 photographs, 60% overlap ahead and 30% aside, over 300, 150 and 75 animals; positions to 4 cm (RTK) or
to 3 m (plain GPS), a detector that finds nine of ten. Each mistake grows from small to large. Of the surveys
that count more than 5% wrong, a row tells how many had a caution that names something suspicious
(`warned`), how many were only told that so few animals cannot test the merging (`untested`), and how many
were silent, with the largest error among the silent ones.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.census.doubtful_flights import PLAIN, Case, Told, told_of
from tests.census.simulator import Herd

SURVEYS, WRONG = 10, 0.05
ANIMALS = (300, 150, 75)
PLAIN_GPS = {**PLAIN, "stated_error": None}
RTK_ALONE = "stated as 4 cm"
LADDERS: dict[str, tuple[Case, ...]] = {
    "yaw off": tuple(Case(f"{by} degrees", {"yaw_bias": float(by)}) for by in (1, 2, 5, 10, 20, 90)),
    "no yaw tag": (
        Case("camera fixed to the north", {"tells_yaw": False}, mounted=None),
        Case("camera mounted across", {"tells_yaw": False}, mounted=90.0),
    ),
    RTK_ALONE: tuple(Case(f"{by} m", {"position_error": by / 2**0.5}) for by in (0.5, 1.0, 2.0, 3.0)),
    "tilt": tuple(Case(f"{by} degrees", {"tilt": by}) for by in (0.5, 1.0, 2.0, 4.0)),
    "height": tuple(
        Case(f"{factor - 1:+.0%}", {"height_factor": factor}) for factor in (0.7, 0.8, 0.9, 1.1, 1.2, 1.3)
    ),
    "slope": tuple(Case(f"{by:.0%}", {"slope": by}) for by in (0.03, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25)),
    "animals walk": tuple(Case(f"{by} m/s", {"walking": by}) for by in (0.05, 0.1, 0.2, 0.5, 1.5)),
    "recall": tuple(Case(f"{by:.0%}", {"recall": by}) for by in (0.8, 1.0)),
}


@dataclass(frozen=True, slots=True)
class Row:
    """What the surveys of one case and number of animals gave.

    Attributes:
        name: Tags, mistake and animals, as cells of the table.
        told: What each survey gave.
    """

    name: str
    told: tuple[Told, ...]

    @property
    def cells(self) -> str:
        """A line of the table."""
        error = sum(one.error for one in self.told) / len(self.told)
        wrong = [one for one in self.told if abs(one.error) > WRONG]
        rest = [one for one in wrong if not one.warned and set(one.others) <= {"merging-untested"}]
        silent = [one for one in rest if not one.others]
        largest = max((abs(one.error) for one in self.told if not (one.warned or one.others)), default=None)
        shown = "none" if largest is None else f"{largest:.1%}"
        parts = f"{len(wrong)} | {len(wrong) - len(rest)} | {len(rest) - len(silent)} | {len(silent)}"
        return f"| {self.name} | {error:+.1%} | {parts} | {shown} |"


def rows(surveys: int, first: int, words: list[str]) -> Iterator[Row]:
    """All of the table, one by one."""
    for what, ladder in LADDERS.items():
        if words and not any(word in what for word in words):
            continue
        for tags, positions in (("RTK", {}), ("3 m GPS", PLAIN_GPS)):
            if what == RTK_ALONE and positions:
                continue
            for case in ladder:
                flown = replace(case, changes={"recall": 0.9, **positions, **case.changes})
                for number in ANIMALS:
                    told = tuple(
                        told_of(flown, seed, Herd.apart(4, 460, 440, number, seed))
                        for seed in range(first, first + surveys)
                    )
                    yield Row(f"{tags} | {what} {case.name} | {number}", told)


def main() -> int:
    """Print the table; 1 where a survey that is wrong says nothing."""
    surveys = int(sys.argv[1]) if len(sys.argv) > 1 else SURVEYS
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 100  # noqa: PLR2004
    print("| tags | what is wrong | animals | mean error | wrong | warned | untested | silent | largest |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    broken = []
    for row in rows(surveys, first, sys.argv[3:]):
        print(row.cells, flush=True)
        if any(abs(one.error) > WRONG and not (one.warned or one.others) for one in row.told):
            broken.append(row.name)
    print("as promised" if not broken else f"SILENT: {'; '.join(broken)}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
