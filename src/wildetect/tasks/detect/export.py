"""The task that makes exports of a run that is done."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from wildetect.settings.words import EXPORTS
from wildetect.tasks.support import emit, say, verb
from wildetect.wording import listed, number_of

__all__ = ["export"]


@verb(
    help={
        "run": "output folder of the run",
        "export": f"what to make: {listed(EXPORTS, last='or')}; may be given more than once",
        "source": "where the photographs lie now, if elsewhere than the run found them",
        "overlays": "pictures with boxes to draw: all, none or a number",
        "blur": "write files for others, too, into blurred/, with places in cells of so many km; or none",
        "config": "settings file; without it configs/detection.yaml",
        "json": "the files written, on stdout",
    },
    paths="run",
    values={"export": EXPORTS},
    iterable=["export", "source"],
)
def export(
    context: Context,
    run: str | None = None,
    export: list[str] | None = None,
    source: list[str] | None = None,
    overlays: str | None = None,
    blur: str | None = None,
    config: str | None = None,
    json: bool = False,
) -> None:
    """Write a finished run's results in other formats."""
    del context
    from wildetect.errors import ConfigurationError
    from wildetect.results.exports.later import export_again
    from wildetect.results.journal.command import Command
    from wildetect.review.summary import reviewed_run
    from wildetect.settings import Project
    from wildetect.settings.project import from_caller, place_from_caller
    from wildetect.tasks.progress import Terminal
    from wildetect.workflows.detection import tell_places
    from wildetect.workflows.detection_plan import Request, settings_for, wanted_of

    formats = [*(export or []), *(["overlays"] if overlays else [])]
    if not (run and formats):
        # without its --blur, exact places would leave the house
        exports = [("--export", name) for name in export or ["gpkg"]]
        raise ConfigurationError(
            "the run's folder and an export are needed",
            hint=str(
                Command.given(
                    "detect.export", [("--run", run or "results"), *exports, ("--blur", blur or None)]
                )
            ),
        )
    project = Project.find()
    settings = settings_for(project, Request(config=config, export=tuple(formats), overlays=overlays))
    folder = Path(from_caller(run))
    sources = [place_from_caller(path) for path in source or ()]
    wanted = wanted_of(settings, *settings.output.exports, blur=blur)
    made = export_again(folder, wanted, reviewed_run, sources)
    tell_places(made.record, folder, wanted.places, Terminal())
    if json:
        emit({"run": str(folder), "files": made.written, "removed": made.removed})
        return
    for name in _shortened(made.written):
        print(folder / name)
    if made.removed:
        print(f"{number_of(len(made.removed), 'overlay')} removed")
    if "report.html" not in made.written and (folder / "report.html").is_file():
        say("report.html is as it was; with --export report it is written again and links these files")


def _shortened(files: list[str]) -> list[str]:
    """The files, with one line for all overlays."""
    single = [name for name in files if not name.startswith("overlays/")]
    return single + (["overlays"] if len(single) < len(files) else [])
