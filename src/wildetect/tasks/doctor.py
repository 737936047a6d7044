"""The task that finds out what is wrong."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from invoke.context import Context

from wildetect.tasks.calling import as_called
from wildetect.tasks.support import emit, verb
from wildetect.wording import number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wildetect.checkup.finding import Finding

__all__ = ["doctor"]

COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}
WIDTHS = (len("problem"), len("shadowing"))
WORTHWHILE = 1.1  # times as fast; less is within what a machine drifts
GIGABYTE = 1_000_000_000


@verb(
    help={
        "space": "gigabytes that must be free, such as what detect.run --dry-run says",
        "speed": "run the detector with both builds for processors, and say which is faster (half a minute)",
        "model": "for --speed: name@alias, name/version or a weights file; without it that of the settings",
        "json": "one JSON document on stdout",
    },
    shim="doctor.bat",
    words=["model"],
)
def doctor(
    context: Context,
    space: str | None = None,
    speed: bool = False,
    model: str | None = None,
    json: bool = False,
) -> None:
    """Look for what is wrong, and say what fixes it.

    Starts and changes nothing, and needs no network; only --speed fetches OpenVINO's build once. The exit
    code is 0 where no problem is found, else that of the first problem: 2 settings or environment, 3 server,
    store or disk, 4 model, as errors have it.
    """
    del context
    from itertools import chain

    from invoke.exceptions import Exit

    from wildetect.checkup.examination import as_document, examine, exit_code
    from wildetect.checkup.subject import Subject
    from wildetect.tasks.mlflow.start import positive
    from wildetect.tasks.shims import declared_shims

    wanted = int(positive("--space", space) * GIGABYTE) if space else None
    subject = Subject.find(shims=declared_shims(), space=wanted)
    if json:
        findings = [*examine(subject), *_speed(speed, model)]
        emit(as_document(findings))
    else:
        findings = list(_shown(chain(examine(subject), _speed(speed, model))))
    code = exit_code(findings)
    if code:
        raise Exit(code=code)


def _speed(wanted: bool, model: str | None) -> Iterator[Finding]:
    """How fast the detector is, where that was asked for."""
    from wildetect.checkup.finding import fine, of_error, warning
    from wildetect.errors import WildDetectError

    if not wanted and model is None:
        return
    try:
        from wildetect.detection.faster.speeds import INSTALL, measured_speeds
        from wildetect.settings import Project, load_settings
        from wildetect.settings.detection import DetectionSettings
        from wildetect.workflows.model_choice import chosen_model
        from wildetect.workflows.watching import Watcher

        class Deaf(Watcher):
            def notice(self, text: str) -> None:
                """Forget it: whether runs are logged is not the question here."""

        project = Project.find()
        chosen, _ = chosen_model(project, load_settings(DetectionSettings, project), model, Deaf())
        found = measured_speeds(chosen)
    except WildDetectError as error:
        yield from of_error("speed", error)
        return
    says = f"{found.model}: {found.cpu:.1f} tiles/s with the processor's own build"
    if found.ratio is None:
        fix = f"With a network give this again, or try {INSTALL} in a copy of this folder"
        yield warning("speed", f"{says}; OpenVINO's could not be tried: {found.why_not}", fix=fix)
        return
    says += f", {found.openvino:.1f} with OpenVINO's ({found.ratio:.2f} times)"
    if found.ratio > WORTHWHILE and not found.installed:
        yield warning("speed", says, fix=INSTALL)
    elif found.ratio < 1 and found.installed:
        yield warning("speed", says, fix="Set model.device: cpu in configs/detection.yaml")
    else:
        yield fine("speed", says)


def _shown(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Print each finding, and how many were bad."""
    line = _line_for_terminal() if sys.stdout.isatty() else _plain_line
    count = {"ok": 0, "warning": 0, "problem": 0}
    for finding in findings:
        line(finding)
        count[finding.verdict] += 1
        yield finding
    problems, warnings = (_counted(count[word], word) for word in ("problem", "warning"))
    print(f"{problems}, {warnings}")


def _told(fix: str) -> str:
    from wildetect.settings.project import as_read

    return as_called(as_read(fix))


def _plain_line(finding: Finding) -> None:
    print(f"{finding.verdict:<{WIDTHS[0]}}  {finding.check:<{WIDTHS[1]}}  {finding.says}", flush=True)
    if finding.fix:
        print(f"{'':<{WIDTHS[0]}}  {'':<{WIDTHS[1]}}  -> {_told(finding.fix)}", flush=True)


def _line_for_terminal() -> Callable[[Finding], None]:
    """The same in colour, long lines folded below their column."""
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:  # it is one of the packages that are looked at
        return _plain_line
    console = Console()

    def line(finding: Finding) -> None:
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=WIDTHS[0], style=COLOURS[finding.verdict])
        grid.add_column(width=WIDTHS[1], style="bold")
        grid.add_column(overflow="fold")
        grid.add_row(*map(Text, (finding.verdict, finding.check, finding.says)))
        if finding.fix:
            grid.add_row("", "", Text(f"-> {_told(finding.fix)}", style="cyan"))
        console.print(grid)

    return line


def _counted(number: int, word: str) -> str:
    return number_of(number, word) if number else f"no {word}s"
