"""The task that opens the review page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.context import Context

from wildetect.tasks.streams import silence_is_meant
from wildetect.tasks.support import say, say_hint, show_in_browser, verb

if TYPE_CHECKING:
    from pathlib import Path

    from wildetect.review.plan import Purpose

__all__ = ["open_"]

_HIGHEST_PORT = 65535


@verb(
    name="open",
    help={
        "run": "output folder of a finished detect.run, or of a census of it",
        "census": "folder of a census of the run, to compare its animals; without it the one that is found",
        "port": "port on this machine; without it any that is free",
        "no_browser": "print the address only",
        "reviewer": "who looks; without it the name of the user of this machine",
        "for": "estimate or training: whose plan is gone through; without it the one that there is",
        "source": "where the photographs lie now, if elsewhere than the run found them",
    },
    shim="review.bat",
    paths="run",
    iterable=["run", "source"],
)
def open_(
    context: Context,
    run: list[str] | None = None,
    census: str | None = None,
    port: str | None = None,
    no_browser: bool = False,
    reviewer: str | None = None,
    for_: str | None = None,
    source: list[str] | None = None,
) -> None:
    """Open the page on which people look at detections.

    Detections are looked at one by one, photographs as a whole, and animals of a census in all photographs
    that show them. It runs until Ctrl+C, on this machine only, without a network, for whoever has its
    address. Each verdict is on the disk before the page goes on.
    """
    del context
    import getpass

    from wildetect.results.finished_run import read_finished_run
    from wildetect.review.page.serving import open_page
    from wildetect.settings import Project
    from wildetect.settings.project import given_path, place_from_caller
    from wildetect.tasks.progress import Terminal
    from wildetect.tasks.review.review import run_folder
    from wildetect.workflows.review import cases_of, run_and_census, with_photographs_to_look_at

    number = _port(port)
    folder, of_run = run_and_census(run_folder(run, "review.open"), given_path(census))
    finished = read_finished_run(folder)
    sources = [place_from_caller(path) for path in source or ()]
    finished = with_photographs_to_look_at(finished, sources, Terminal())
    cases = cases_of(Project.find(), finished, of_run)
    who = (reviewer or "").strip() or getpass.getuser()
    purpose = _purpose(finished.folder, for_)
    with open_page(finished, who, number, cases, purpose) as page:
        print(page.url, flush=True)
        say("Ctrl+C ends the page. What was said is kept.")
        with silence_is_meant():
            page.serve(lambda: None if no_browser else show_in_browser(page.url))


def _purpose(folder: Path, wanted: str | None) -> Purpose:
    """Whose plan is gone through: the one that is asked for, else the one that there is."""
    from wildetect.review.plan import read_plan
    from wildetect.tasks.review.review import purpose_of

    if wanted is not None:
        purpose = purpose_of(wanted)
        if read_plan(folder, purpose) is None:
            say(f"there is no plan for {purpose}: all photographs are shown")
        return purpose
    if read_plan(folder, "training") is None:
        return "estimate"
    if read_plan(folder) is None:
        say("these photographs were chosen for training: no number of animals can be made of them")
        return "training"
    say_hint("There is a plan for training, too: --for training")
    return "estimate"


def _port(text: str | None) -> int:
    from wildetect.errors import ConfigurationError

    if text is None:
        return 0
    if not text.isdecimal() or not 0 < int(text) <= _HIGHEST_PORT:
        raise ConfigurationError(f"--port: {text} is not a valid port", hint="For example --port 8123")
    return int(text)
