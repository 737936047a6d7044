"""How far a run is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

from wildetect.tasks.support import say
from wildetect.wording import commas, number_of
from wildetect.workflows.watching import Watcher

if TYPE_CHECKING:
    from wildetect.results.records import RunSummary
    from wildetect.workflows.watching import Detecting

__all__ = ["Terminal", "clock", "progress_on", "stop_wish"]

NAMES = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")
SAME = 0.5  # seconds in which a second signal is the same Ctrl+C: uv passes on what the program got, too
NOTE = (
    b"\nstopping: the images at hand are finished first, of an image of many tiles what is done is kept "
    b"(Ctrl+C again stops at once)\n"
)


@contextlib.contextmanager
def stop_wish() -> Iterator[Callable[[], bool]]:
    """Collect the wish to stop.

    Yields:
        Says whether the user wishes to stop. A second Ctrl+C raises KeyboardInterrupt, but not one that
        comes with the first. A signal that is ignored (nohup) stays so, and outside the main thread
        nothing is collected.
    """
    wished = threading.Event()
    came = [-SAME]

    def collect(number: int, frame: object) -> None:
        del number, frame
        now = time.monotonic()
        if now < came[0] + SAME:  # of the last that counted, so that hammering at the keys stops it, too
            return
        came[0] = now
        if wished.is_set():
            raise KeyboardInterrupt
        wished.set()
        with contextlib.suppress(OSError, ValueError):  # no terminal, or a closed one
            os.write(sys.stderr.fileno(), NOTE)  # print could be in the middle of a line of its own

    before = {}
    if threading.current_thread() is threading.main_thread():
        for name in NAMES:
            known = getattr(signal, name, None)
            if known is not None and signal.getsignal(known) is not signal.SIG_IGN:
                before[known] = signal.signal(known, collect)
    try:
        yield wished.is_set
    finally:
        for known, handler in before.items():
            signal.signal(known, handler)


SECONDS_BETWEEN_LINES = 8.0  # fewer than those after which a task that is silent says that it is at work
WIDE = 80  # columns of a terminal that has room for a bar beside the numbers


class Terminal(Watcher):
    """Shows on stderr what a workflow says; Ctrl+C stops a run after the images at hand."""

    def notice(self, text: str) -> None:
        """Print a line."""
        say(text)

    @contextlib.contextmanager
    def detecting(self) -> Iterator[Detecting]:
        """Show how far the run is, and collect the wish to stop."""
        with stop_wish() as stop, progress_on(sys.stderr) as progress:
            yield stop, progress

    @contextlib.contextmanager
    def measuring(self) -> Iterator[Callable[[RunSummary], None]]:
        """Show how far the measurement is."""
        with progress_on(sys.stderr) as progress:
            yield progress


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
    from rich.progress import BarColumn, Progress, Task, TextColumn, TimeRemainingColumn
    from rich.table import Column
    from rich.text import Text

    class TimeLeft(TimeRemainingColumn):
        def render(self, task: Task) -> Text:
            return Text.assemble(super().render(task), " left") if task.time_remaining else Text()

    console = Console(file=stream)
    columns = (
        TextColumn("[progress.download]{task.fields[done]}"),
        TextColumn("images  {task.fields[rate]}  {task.fields[found]}"),
        TimeLeft(table_column=Column(no_wrap=True)),
    )
    bars = [BarColumn()] if console.width >= WIDE else []
    with Progress(*bars, *columns, console=console) as progress:
        bar = progress.add_task("", total=None, visible=False, done="", rate="", found="")
        pace = _Pace()

        def show(summary: RunSummary) -> None:
            pace.note(summary)
            progress.update(
                bar,
                visible=True,
                total=summary.expected,
                completed=summary.done,
                done=f"{summary.done:,}/{summary.expected:,}",
                rate=pace.rate,
                found=_found(summary),
            )

        yield show


def _lines(stream: TextIO) -> Callable[[RunSummary], None]:
    last = time.monotonic()
    pace = _Pace()

    def show(summary: RunSummary) -> None:
        nonlocal last
        pace.note(summary)
        finished = summary.done and summary.done == summary.expected
        if not finished and time.monotonic() - last < SECONDS_BETWEEN_LINES:
            return
        last = time.monotonic()
        left = f"{clock(pace.seconds_left(summary.left))} left" if pace.images and not finished else ""
        parts = (
            f"{summary.done:,} of {number_of(summary.expected, 'image')}",
            pace.rate,
            _found(summary),
            left,
        )
        print(commas(part for part in parts if part), file=stream, flush=True)

    return show


class _Pace:
    """How fast images are read in this start. Those of earlier starts and failed ones took no time now.

    Attributes:
        images: Read in this start.
        seconds: Since the progress began to be shown.
    """

    def __init__(self) -> None:
        self.images = 0
        self.seconds = 0.0
        self._begun = time.monotonic()
        self._earlier: int | None = None

    def note(self, summary: RunSummary) -> None:
        """Take up where the run is; the first summary is what was done before."""
        if self._earlier is None:
            self._earlier = summary.read
        self.images = summary.read - self._earlier
        self.seconds = time.monotonic() - self._begun

    @property
    def rate(self) -> str:
        """Images per second; nothing where no image was read."""
        return f"{self.images / self.seconds:.2f} images/s" if self.images and self.seconds else ""

    def seconds_left(self, images: int) -> float:
        """How long so many images take; some must have been read."""
        return images * self.seconds / self.images


def _found(summary: RunSummary) -> str:
    failed = f", {summary.failed} failed" if summary.failed else ""
    return f"{number_of(summary.detections, 'detection')}{failed}"


def clock(seconds: float) -> str:
    """Seconds as hours, minutes and seconds: 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
