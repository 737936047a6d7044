from __future__ import annotations

import io
import re
import time
from pathlib import Path

import pytest

from wildetect.detections import Detections
from wildetect.results.records import ImageResult, RunSummary
from wildetect.tasks import progress
from wildetect.tasks.progress import progress_on

READ = ImageResult(name="a", path=Path("a"), detections=Detections.empty(), width=1, height=1)
FAILED = ImageResult(name="b", path=Path("b"), failure="cut short")


def last_line(before: int, *results: ImageResult, expected: int) -> str:
    """What is said of a start that finds `before` images done and adds some results."""
    summary = RunSummary(expected=expected)
    for number in range(before):
        summary.add(ImageResult(name=f"{number}", path=Path(), detections=Detections.empty()))
    stream = io.StringIO()
    with progress_on(stream) as show:
        show(summary)
        for result in results:
            summary.add(result)
            show(summary)
    return stream.getvalue().splitlines()[-1]


def test_the_rate_is_that_of_images_read_in_this_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0)
    seconds = iter(range(100))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(seconds)))
    assert last_line(3, expected=3) == "3 of 3 images, 0 detections"
    assert last_line(2, FAILED, expected=3) == "3 of 3 images, 0 detections, 1 failed"
    assert last_line(2, FAILED, expected=4) == "3 of 4 images, 0 detections, 1 failed"
    said = re.fullmatch(
        r"4 of 6 images, (.*) images/s, 0 detections, 1 failed, (.*) left",
        last_line(2, READ, FAILED, expected=6),
    )
    assert said is not None
    assert 0 < float(said[1]) < 1


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_a_bar_says_left_behind_a_time_alone(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left, or known, before the first image and behind the last."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    stream, summary = Terminal(), RunSummary(expected=3)
    with progress_on(stream) as show:
        time.sleep(0.2)
        for result in (None, READ, READ, READ):
            if result is not None:
                summary.add(result)
            show(summary)
            time.sleep(0.15)
    said = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", stream.getvalue())
    frames = [line.rstrip() for line in re.split(r"[\r\n]+", said) if line.strip()]
    assert not [frame for frame in frames if re.search(r"(?<!\d) left|\?|…", frame)]
    assert [frame for frame in frames if re.search(r"\d left$", frame)]
    assert max(map(len, frames)) <= columns
    assert frames[-1].count("3/3 images") == 1
