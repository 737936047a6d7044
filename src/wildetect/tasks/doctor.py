"""The task that finds out what is wrong."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from invoke.context import Context

from wildetect.tasks.support import emit, verb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wildetect.checkup.finding import Finding

__all__ = ["doctor"]

COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}
WIDTHS = (len("problem"), len("shadowing"))
GIGABYTE = 1_000_000_000


@verb(
    help={
        "space": "gigabytes that must be free, such as what detect.run --dry-run says",
        "json": "one JSON document on stdout",
    },
    shim="doctor.bat",
)
def doctor(context: Context, space: str | None = None, json: bool = False) -> None:
    """Look for what is wrong, and say what fixes it.

    Starts and changes nothing, and needs no network. The exit code is 0 where no problem is found, else that
    of the first problem: 2 settings or environment, 3 server, store or disk, 4 model, as errors have it.
    """
    del context
    from invoke.exceptions import Exit

    from wildetect.checkup.examination import as_document, examine, exit_code
    from wildetect.checkup.subject import Subject
    from wildetect.tasks.mlflow.start import positive
    from wildetect.tasks.shims import declared_shims

    wanted = int(positive("--space", space) * GIGABYTE) if space else None
    subject = Subject.find(shims=declared_shims(), space=wanted)
    if json:
        findings = list(examine(subject))
        emit(as_document(findings))
    else:
        findings = list(_shown(examine(subject)))
    code = exit_code(findings)
    if code:
        raise Exit(code=code)


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


def _plain_line(finding: Finding) -> None:
    print(f"{finding.verdict:<{WIDTHS[0]}}  {finding.check:<{WIDTHS[1]}}  {finding.says}", flush=True)
    if finding.fix:
        print(f"{'':<{WIDTHS[0]}}  {'':<{WIDTHS[1]}}  -> {finding.fix}", flush=True)


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
            grid.add_row("", "", Text(f"-> {finding.fix}", style="cyan"))
        console.print(grid)

    return line


def _counted(number: int, word: str) -> str:
    return f"{number or 'no'} {word}{'' if number == 1 else 's'}"
