"""The task that detects."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from wildetect.tasks.detect_outcome import log_run, read_of, show_summary, warn_of_dark_images
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
    from wildetect.settings import Project
    from wildetect.settings.detection import DetectionSettings

__all__ = ["detect", "detect_with", "run"]


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
        dry_run=dry_run,
        restart=restart,
        export=tuple(export or ()),
        overlays=overlays,
    )
    document = detect(request, quiet=json)
    if json:
        emit(document)
    if document["state"] == "dry run":
        from wildetect.tasks.detect_preflight import raise_if_unreadable, show_preflight

        if not json:
            show_preflight(document)
        raise_if_unreadable(document)
        return
    if document["state"] == "interrupted":
        say(f"{read_of(document)} are done; the same command goes on from there")
        raise KeyboardInterrupt
    from wildetect.detection.run.failures import raise_if_images_failed

    raise_if_images_failed(document)


def detect(request: Request, *, quiet: bool = False) -> dict[str, Any]:
    """Check everything, detect, write the results, log the run.

    Args:
        request: What the command line asks for.
        quiet: Print no summary on stdout.

    Returns:
        What run.json holds; for a dry run, what would be done.
    """
    from wildetect.settings import Project

    project = Project.find()
    export_variables(project)
    settings = settings_for(project, request)
    _start_log(project, settings)
    document = detect_with(project, settings, request)
    if not quiet and document["state"] != "dry run":
        show_summary(document, project.path(settings.output.directory))
    return document


def detect_with(project: Project, settings: DetectionSettings, request: Request) -> dict[str, Any]:
    """`detect` with settings that are at hand, as those of a census; nothing on stdout."""
    from wildetect.detection.run.run import RunPlan, detect_into_folder
    from wildetect.results.exports.folder import ALWAYS
    from wildetect.tasks.detect_export import wanted_of
    from wildetect.tasks.detect_preflight import look_ahead, preflight
    from wildetect.tasks.model_choice import chosen_model
    from wildetect.tasks.progress import progress_on
    from wildetect.tasks.stopping import stop_wish

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
    if request.dry_run:
        return preflight(plan)
    look_ahead(plan)
    say(f"detecting in {len(images)} images with {model} on {detector.device}")
    with stop_wish() as stop, progress_on(sys.stderr) as progress:
        document = detect_into_folder(replace(plan, stop=stop), progress)
    if document["resumed_images"]:
        say(f"{document['resumed_images']} of {len(images)} images had been done before")
    warn_of_dark_images(document)
    # what is logged once is not logged again, and what is interrupted is logged when it is done
    if connection is not None and not document["mlflow"] and document["state"] != "interrupted":
        log_run(connection, document, output)
    return document


def _start_log(project: Project, settings: DetectionSettings) -> None:
    from wildetect.tasks.support import log_also_to, show_more

    if settings.logging.verbose:
        show_more()
    if settings.logging.log_file:
        log_also_to(project.path(settings.logging.log_file))
