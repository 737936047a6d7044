"""How far a run is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from wildetect.results.records import RunSummary

__all__ = ["progress_on"]

SECONDS_BETWEEN_LINES = 10.0


@contextlib.contextmanager
def progress_on(stream: TextIO) -> Iterator[Callable[[RunSummary], None]]:
    """Show the summaries that the yielded function is given.

    Args:
        stream: Where; a terminal gets a bar with images per second and the time left.
    """
    if stream.isatty():
        with _bar(stream) as show:
            yield show
    else:
        yield _lines(stream)


@contextlib.contextmanager
def _bar(stream: TextIO) -> Iterator[Callable[[RunSummary], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("images  {task.fields[rate]}  {task.fields[found]}"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=Console(file=stream)) as progress:
        bar = progress.add_task("", total=None, rate="", found="")
        begun = time.monotonic()
        earlier: int | None = None  # images of an earlier start, which took no time now

        def show(summary: RunSummary) -> None:
            nonlocal earlier
            earlier = summary.done if earlier is None else earlier
            progress.update(
                bar,
                total=summary.expected,
                completed=summary.done,
                rate=_rate(summary.done - earlier, time.monotonic() - begun),
                found=_found(summary),
            )

        yield show


def _lines(stream: TextIO) -> Callable[[RunSummary], None]:
    begun = last = time.monotonic()
    earlier: int | None = None

    def show(summary: RunSummary) -> None:
        nonlocal last, earlier
        earlier = summary.done if earlier is None else earlier
        done = summary.done - earlier
        now = time.monotonic()
        finished = summary.done and summary.done == summary.expected
        if not finished and now - last < SECONDS_BETWEEN_LINES:
            return
        last = now
        rate = _rate(done, now - begun)
        left = f", {_left(summary.left, (now - begun) / done)} left" if done and not finished else ""
        print(
            f"{summary.done} of {summary.expected} images, {rate}, {_found(summary)}{left}",
            file=stream,
            flush=True,
        )

    return show


def _rate(done: int, seconds: float) -> str:
    rate = done / seconds if seconds > 0 else 0.0
    return f"{rate:.2f} images/s"


def _found(summary: RunSummary) -> str:
    failed = f", {summary.failed} failed" if summary.failed else ""
    return f"{summary.detections} detections{failed}"


def _left(images: int, seconds_each: float) -> str:
    minutes, rest = divmod(round(seconds_each * images), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
