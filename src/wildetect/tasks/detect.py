"""The task that detects."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from invoke.context import Context

from wildetect.tasks.detect_outcome import log_run, show_summary, warn_of_dark_images
from wildetect.tasks.detect_request import (
    Request,
    images_in,
    placed,
    prepared,
    settings_for,
    sources_of,
)
from wildetect.tasks.support import emit, export_variables, say, verb

if TYPE_CHECKING:
    from wildetect.detection.run.run import RunPlan
    from wildetect.registry.connection import Connection
    from wildetect.results.run import DetectionRun
    from wildetect.settings import Project
    from wildetect.settings.detection import DetectionSettings

__all__ = ["detect", "detect_with", "plan_of", "run"]


@verb(
    help={
        "config": "settings file; without it configs/detection.yaml",
        "source": "a photograph or folder, in place of those in the settings; may be given more than once",
        "output": "folder of the results",
        "model": "name@alias, name/version, name/latest or a weights file",
        "device": "auto, cpu, cuda, directml or openvino",
        "confidence": "boxes below it are not counted, 0 to 1",
        "tile-size": "side of a tile in px; 0 takes each photograph whole",
        "overlap": "overlap of neighbouring tiles as a part of a tile, such as 0.2; or auto",
        "limit": "only the first so many photographs",
        "dry-run": "look at all images, time some tiles, say what would be done, and do nothing",
        "restart": "remove the run that is in the output folder, instead of going on with it",
        "export": "write also labelstudio or gpkg (a GeoPackage); may be given more than once",
        "overlays": "pictures with boxes to draw: all, none or a number",
        "json": "what run.json holds, on stdout",
    },
    shim="run_detection.bat",
    paths="source",
    iterable=["source", "export"],
)
def run(
    context: Context,
    config: str | None = None,
    source: list[str] | None = None,
    output: str | None = None,
    model: str | None = None,
    device: str | None = None,
    confidence: str | None = None,
    tile_size: str | None = None,
    overlap: str | None = None,
    limit: str | None = None,
    dry_run: bool = False,
    restart: bool = False,
    export: list[str] | None = None,
    overlays: str | None = None,
    json: bool = False,
) -> None:
    """Detect animals in photographs, and count them.

    The photographs are files or folders, searched with all their subfolders. A photograph that cannot
    be read is listed and the run goes on; the exit code is then 5. A run that was interrupted goes on
    where it stopped when the same command is given again.
    """
    del context
    request = Request(
        config,
        tuple(source or ()),
        output,
        model,
        device,
        confidence,
        tile_size,
        overlap,
        limit,
        restart=restart,
        export=tuple(export or ()),
        overlays=overlays,
    )
    if dry_run:
        _plan(request, json=json)
        return
    from wildetect.detection.run.failures import raise_if_images_failed

    done = detect(request, quiet=json)
    if json:
        emit(done.document())
    if done.state == "interrupted":
        say(f"{done.images} are done; the same command goes on from there")
        raise KeyboardInterrupt
    raise_if_images_failed(done)


def detect(request: Request, *, quiet: bool = False) -> DetectionRun:
    """Check everything, detect, write the results, log the run.

    Args:
        request: What the command line asks for.
        quiet: Print no summary on stdout.
    """
    project, settings = _begun(request)
    run = detect_with(project, settings, request)
    if not quiet:
        show_summary(run, project.path(settings.output.directory))
    return run


def detect_with(project: Project, settings: DetectionSettings, request: Request) -> DetectionRun:
    """`detect` with settings that are at hand, as those of a census; nothing on stdout."""
    from wildetect.detection.run.run import detect_into_folder
    from wildetect.tasks.detect_preflight import look_ahead
    from wildetect.tasks.progress import progress_on
    from wildetect.tasks.stopping import stop_wish

    plan, connection = plan_of(project, settings, request)
    look_ahead(plan)
    say(f"detecting in {len(plan.images)} images with {plan.model} on {plan.detector.device}")
    with stop_wish() as stop, progress_on(sys.stderr) as progress:
        run = detect_into_folder(replace(plan, stop=stop), progress)
    if run.resumed_images:
        say(f"{run.resumed_images} of {len(plan.images)} images had been done before")
    warn_of_dark_images(run)
    # what is logged once is not logged again, and what is interrupted is logged when it is done
    if connection is not None and run.mlflow is None and run.state != "interrupted":
        run = log_run(connection, run, plan.output)
    return run


def plan_of(
    project: Project, settings: DetectionSettings, request: Request
) -> tuple[RunPlan, Connection | None]:
    """Find everything that a run needs, the detector loaded, and the server that it is logged on."""
    from wildetect.detection.run.run import RunPlan
    from wildetect.results.exports.folder import ALWAYS
    from wildetect.tasks.detect_export import wanted_of
    from wildetect.tasks.model_choice import chosen_model

    output = project.path(settings.output.directory)
    sources = sources_of(project, settings, request)
    images = placed(project, settings, images_in(sources, request, output))
    model, connection = chosen_model(project, settings, request.model)
    detector, options = prepared(settings, model)
    plan = RunPlan(
        images=images,
        model=model,
        detector=detector,
        options=options,
        output=output,
        sources=sources,
        restart=request.restart,
        wanted=wanted_of(settings, *ALWAYS, *settings.output.exports),
    )
    return plan, connection


def _plan(request: Request, *, json: bool) -> None:
    """Say what a run would do, and end with the exit code that it would have."""
    from wildetect.detection.run.dry_run import dry_run, raise_if_unreadable
    from wildetect.tasks.detect_preflight import show_preflight, warn_of_small_tiles

    plan, _ = plan_of(*_begun(request), request)
    planned = dry_run(plan)
    if planned.overlap is not None:
        warn_of_small_tiles(planned.overlap, plan.options)
    if json:
        emit(planned.document())
    else:
        show_preflight(planned)
    raise_if_unreadable(planned)


def _begun(request: Request) -> tuple[Project, DetectionSettings]:
    """The project and the settings, with the log that they ask for."""
    from wildetect.settings import Project
    from wildetect.tasks.support import log_also_to, show_more

    project = Project.find()
    export_variables(project)
    settings = settings_for(project, request)
    if settings.logging.verbose:
        show_more()
    if settings.logging.log_file:
        log_also_to(project.path(settings.logging.log_file))
    return project, settings
