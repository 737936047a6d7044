"""Speed and memory of the census, each as a value, its limit, and whether it holds.

uv run python -m benchmarks.census
"""

from __future__ import annotations

import sys

from benchmarks.census_survey import survey_and_report
from benchmarks.counting_once import counting_once


def main() -> int:
    """Measure and print."""
    rows = [*counting_once(), *survey_and_report()]
    for text, value, limit in rows:
        print(f"{text:<80} {value:>8.3f}   limit {limit:<6} {'ok' if value <= limit else 'NOT'}")
    return 0 if all(value <= limit for _, value, limit in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
