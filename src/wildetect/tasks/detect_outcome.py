"""What a detection run came to: in words, and in MLflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wildetect.tasks.support import say

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wildetect.registry.connection import Connection

__all__ = ["log_run", "read_of", "show_summary", "warn_of_dark_images"]

MOST_NAMED = 3


def read_of(document: Mapping[str, Any]) -> str:
    """How many images of a run were read: `done` in run.json counts failed ones, too."""
    images = document["images"]
    failed = f" ({images['failed']} failed)" if images["failed"] else ""
    return f"{images['done'] - images['failed']} of {images['found']} images{failed}"


def log_run(connection: Connection, document: dict[str, Any], output: Path) -> None:
    """Log a finished run; it must not fail because the server went away meanwhile."""
    from wildetect.errors import ServerError
    from wildetect.registry.runs import finish_run, mark_version, start_run
    from wildetect.results.logged_run import run_record
    from wildetect.results.run import write_run_file

    model = document["model"]
    try:
        run_id = start_run(connection, "detection", f"{model['name']} on {read_of(document)}")
        document["mlflow"] = {"uri": connection.uri, "run_id": run_id}
        write_run_file(output, document)
        finish_run(connection, run_id, run_record(document, output))
        mark_version(connection, (model["name"], model["version"]), "last_detection", run_id)
    except ServerError as error:
        say(f"warning: the results are written, but the run is not logged: {error.message}. {error.hint}")


def warn_of_dark_images(document: Mapping[str, Any]) -> None:
    """Say so where animals can hardly be seen: a count of 0 would look like any other."""
    dark = document["dark_images"]
    if not dark:
        return
    more = len(dark) - MOST_NAMED
    named = ", ".join([*dark[:MOST_NAMED], *([f"{more} more, named in run.json"] if more > 0 else [])])
    verb, them = ("is", "it") if len(dark) == 1 else ("are", "them")
    say(
        f"warning: {len(dark)} of {document['images']['found']} images {verb} almost black, animals in "
        f"{them} can hardly be seen: {named}. Files of 16 bits are read by their full range: "
        "stretch their values to it."
    )


def show_summary(document: Mapping[str, Any], output: Path) -> None:
    """The counts of a run, and where its results are."""
    images, times = document["images"], document["times"]
    failed = f" ({images['failed']} more failed)" if images["failed"] else ""
    for name, count in document["counts"].items():
        if count:
            print(f"{name:<20} {count:>7}")
    print(
        f"{document['detections']} detections in {images['with_detections']} of "
        f"{images['done'] - images['failed']} images{failed}, "
        f"{document['tiles']} tiles in {times['seconds']:.1f} s"
    )
    print(f"results: {output}")
    print(f"report:  {output / 'report.html'}   (open it in a browser; it needs no network)")
