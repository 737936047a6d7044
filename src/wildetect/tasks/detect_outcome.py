"""What a detection run came to: in words, and in MLflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wildetect.tasks.support import say

if TYPE_CHECKING:
    from pathlib import Path

    from wildetect.registry.connection import Connection
    from wildetect.results.run import DetectionRun

__all__ = ["log_run", "show_summary", "warn_of_dark_images"]

MOST_NAMED = 3


def log_run(connection: Connection, run: DetectionRun, output: Path) -> DetectionRun:
    """Log a finished run; it must not fail because the server went away meanwhile.

    Returns:
        The run, with where it is logged.
    """
    from dataclasses import replace

    from wildetect.errors import ServerError
    from wildetect.registry.runs import finish_run, mark_version, start_run
    from wildetect.results.logged_run import run_record
    from wildetect.results.run import Logged, write_run_file

    model = run.model
    try:
        run_id = start_run(connection, "detection", f"{model.name} on {run.images}")
        run = replace(run, mlflow=Logged(connection.uri, run_id))
        write_run_file(output, run)
        finish_run(connection, run_id, run_record(run, output))
        if model.registered:
            mark_version(connection, model.registered, "last_detection", run_id)
    except ServerError as error:
        say(f"warning: the results are written, but the run is not logged: {error.message}. {error.hint}")
    return run


def warn_of_dark_images(run: DetectionRun) -> None:
    """Say so where animals can hardly be seen: a count of 0 would look like any other."""
    dark = run.dark_images
    if not dark:
        return
    more = len(dark) - MOST_NAMED
    named = ", ".join([*dark[:MOST_NAMED], *([f"{more} more, named in run.json"] if more > 0 else [])])
    verb, them = ("is", "it") if len(dark) == 1 else ("are", "them")
    say(
        f"warning: {len(dark)} of {run.images.found} images {verb} almost black, animals in "
        f"{them} can hardly be seen: {named}. Files of 16 bits are read by their full range: "
        "stretch their values to it."
    )


def show_summary(run: DetectionRun, output: Path) -> None:
    """The counts of a run, and where its results are."""
    images = run.images
    failed = f" ({images.failed} more failed)" if images.failed else ""
    for name, count in run.counts.items():
        if count:
            print(f"{name:<20} {count:>7}")
    print(
        f"{run.detections} detections in {images.with_detections} of {images.read} images{failed}, "
        f"{run.tiles} tiles in {run.times.seconds:.1f} s"
    )
    print(f"results: {output}")
    print(f"report:  {output / 'report.html'}   (open it in a browser; it needs no network)")
