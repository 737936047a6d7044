"""The task that opens the review page."""

from __future__ import annotations

from invoke.context import Context

from wildetect.tasks.support import say, show_in_browser, verb

__all__ = ["open_"]

_HIGHEST_PORT = 65535


@verb(
    name="open",
    help={
        "run": "output folder of a finished detect.run",
        "port": "port on this machine; without it any that is free",
        "no_browser": "print the address only",
        "reviewer": "who looks; without it the name of the user of this machine",
    },
    shim="review.bat",
    paths="run",
    iterable=["run"],
)
def open_(
    context: Context,
    run: list[str] | None = None,
    port: str | None = None,
    no_browser: bool = False,
    reviewer: str | None = None,
) -> None:
    """Open the page on which people look at detections.

    It runs until Ctrl+C, on this machine only, without a network, for whoever has its address. Each
    verdict is on the disk before the page goes on.
    """
    del context
    import getpass

    from wildetect.results.finished_run import read_finished_run
    from wildetect.review.page.serving import open_page
    from wildetect.tasks.review.review import run_folder

    number = _port(port)
    finished = read_finished_run(run_folder(run))
    with open_page(finished, (reviewer or "").strip() or getpass.getuser(), number) as page:
        print(page.url, flush=True)
        say("Ctrl+C ends the page. What was said is kept.")
        page.serve(lambda: None if no_browser else show_in_browser(page.url))


def _port(text: str | None) -> int:
    from wildetect.errors import ConfigurationError

    if text is None:
        return 0
    if not text.isdecimal() or not 0 < int(text) <= _HIGHEST_PORT:
        raise ConfigurationError(f"--port: {text} is not a valid port", hint="For example --port 8123")
    return int(text)
