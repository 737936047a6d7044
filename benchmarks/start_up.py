"""What listing the tasks costs over starting invoke alone: nothing heavy may be imported for it."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIMIT = 1.3
TURNS = 15


def seconds(*words: str) -> float:
    """Wall time of one run of invoke."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "invoke", *words]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def main() -> int:
    """Measure both in turn; the ratio of the medians counts, as the machine's speed drifts."""
    seconds("--list")
    turns = [(seconds("--list"), seconds("--version")) for _ in range(TURNS)]
    listed, bare = zip(*turns, strict=True)
    ratio = statistics.median(listed) / statistics.median(bare)
    verdict = "ok" if ratio <= LIMIT else "TOO SLOW"
    print(
        f"invoke --list {statistics.median(listed) * 1000:.0f} ms, "
        f"invoke --version {statistics.median(bare) * 1000:.0f} ms: "
        f"ratio {ratio:.2f} (limit {LIMIT}) {verdict}"
    )
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
