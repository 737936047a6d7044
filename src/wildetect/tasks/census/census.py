"""The tasks that count each animal once and estimate how many there are."""

from __future__ import annotations

from typing import Any

from invoke.context import Context

from wildetect.tasks.support import emit, export_variables, keep_log, verb

__all__ = ["plan", "run", "selftest"]


@verb(
    help={
        "config": "settings file; without it configs/census.yaml",
        "detections": "output folder of a finished detect.run; without it detection runs first",
        "output": "folder of the results",
        "tolerance": "boxes of two photographs that lie nearer on the ground than this, in m, are one animal",
        "confidence": "boxes below it do not count, 0 to 1",
        "json": "what census.json holds but for its longest lists, on stdout",
    },
    shim="run_census.bat",
    paths="detections",
    iterable=["detections"],
)
def run(
    context: Context,
    config: str | None = None,
    detections: list[str] | None = None,
    output: str | None = None,
    tolerance: str | None = None,
    confidence: str | None = None,
    json: bool = False,
) -> None:
    """Count each animal once, and estimate how many there are.

    It takes the detections of a finished detect.run, or detects first in the photographs that the
    settings name. The numbers, their 95% limits and all that they rest on are in census_report.html.
    """
    del context
    from wildetect.settings import Project
    from wildetect.tasks.census.summary import show_summary
    from wildetect.tasks.progress import Terminal
    from wildetect.workflows.census import CensusRequest, census, raise_if_incomplete, settings_for

    request = CensusRequest(config, tuple(detections or ()), output, tolerance, confidence)
    project = Project.find()
    export_variables(project)
    settings = settings_for(project, request)
    keep_log(project, settings.logging)
    done = census(project, settings, Terminal())
    if json:
        from wildetect.census.output.document import summary_of

        emit(summary_of(done.document))
    else:
        show_summary(done.document, done.folder)
    raise_if_incomplete(done)


@verb(
    help={
        "census": "folder of a finished census; without it the one that configs/census.yaml names",
        "cv": "wanted coefficient of variation (standard error / estimate), such as 0.2",
        "config": "settings file; without it configs/census.yaml",
        "json": "the whole plan, on stdout",
    },
    paths="census",
    iterable=["census"],
)
def plan(
    context: Context,
    census: list[str] | None = None,
    cv: str | None = None,
    config: str | None = None,
    json: bool = False,
) -> None:
    """Say how many transects a wanted precision takes.

    From a pilot census: how many transects each stratum needs for the wanted coefficient of variation,
    and what more of them would buy.
    """
    del context

    from wildetect.tasks.census import plan as planning

    folder, wanted, plans = planning.plan(config, census or (), cv)
    if json:
        emit(planning.plan_document(folder, wanted, plans))
    else:
        planning.show_plan(folder, wanted, plans)


@verb(help={"json": "every figure, on stdout"})
def selftest(context: Context, json: bool = False) -> None:
    """Check the formulas of the census against published surveys.

    Each figure of the published surveys and hand cases is computed on this machine and compared with
    what was printed; the task ends with 1 when one is off.
    """
    del context
    from dataclasses import asdict

    from invoke.exceptions import Exit

    from wildetect.census.selftest.vectors import check_vectors
    from wildetect.tasks.census.summary import show_checks

    checks = check_vectors()
    off = [check for check in checks if not check.ok]
    if json:
        documents: list[dict[str, Any]] = [asdict(check) for check in checks]
        emit({"ok": not off, "checks": documents})
    else:
        show_checks(checks)
    if off:
        raise Exit(code=1)
