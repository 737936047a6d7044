"""The task that detects."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from wildetect.tasks.support import emit, export_variables, say, verb

if TYPE_CHECKING:
    from pathlib import Path

    from wildetect.detection.detector import Detector
    from wildetect.detection.pipeline import PipelineOptions
    from wildetect.registry.cache import FetchedModel
    from wildetect.registry.connection import Connection
    from wildetect.registry.manifest import Manifest
    from wildetect.settings import Project
    from wildetect.settings.detection import DetectionSettings

__all__ = ["Request", "detect", "limit_of", "prepared", "run", "settings_for"]


@dataclass(frozen=True)
class Request:
    """What the command line asks for; None leaves it to the settings."""

    config: str | None = None
    source: str | None = None
    output: str | None = None
    model: str | None = None
    device: str | None = None
    confidence: str | None = None
    tile_size: str | None = None
    overlap: str | None = None
    limit: str | None = None
    dry_run: bool = False


@verb(
    help={
        "config": "settings file; without it configs/detection.yaml",
        "source": "a photograph or a folder, in place of those that the settings name",
        "output": "folder of the results",
        "model": "name@alias, name/version, name/latest or a weights file",
        "device": "auto, cpu or cuda",
        "confidence": "boxes below it are not counted, 0 to 1",
        "tile-size": "side of a tile in px; 0 takes each photograph whole",
        "overlap": "overlap of neighbouring tiles as a part of a tile, such as 0.2",
        "limit": "only the first so many photographs",
        "dry-run": "say what would be done, and do nothing",
        "json": "what run.json holds, on stdout",
    },
    shim="run_detection.bat",
)
def run(
    context: Context,
    config: str | None = None,
    source: str | None = None,
    output: str | None = None,
    model: str | None = None,
    device: str | None = None,
    confidence: str | None = None,
    tile_size: str | None = None,
    overlap: str | None = None,
    limit: str | None = None,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Detect animals in photographs: boxes, counts, pictures with boxes, logged to MLflow.

    The photographs are files or folders, searched with all their subfolders. A photograph that cannot
    be read is listed and the run goes on; the exit code is then 5.
    """
    del context
    request = Request(
        config, source, output, model, device, confidence, tile_size, overlap, limit, dry_run=dry_run
    )
    document = detect(request, quiet=json)
    if json:
        emit(document)
    from wildetect.detection.run import raise_if_images_failed

    raise_if_images_failed(document)


def detect(request: Request, *, quiet: bool = False) -> dict[str, Any]:
    """Check everything, detect, write the results, log the run.

    Args:
        request: What the command line asks for.
        quiet: Print no summary on stdout.

    Returns:
        What run.json holds; for a dry run, what would be done.
    """
    from wildetect.detection.run import RunPlan, detect_into_folder
    from wildetect.settings import Project
    from wildetect.tasks.model_choice import chosen_model
    from wildetect.tasks.progress import progress_on

    project = Project.find()
    export_variables(project)
    settings = settings_for(project, request)
    _start_log(project, settings)
    output = project.path(settings.output.directory)
    images = _images(project, settings, request, output)
    model, connection = chosen_model(project, settings, request.model)
    detector, options = prepared(settings, model)
    if request.dry_run:
        return _dry_run(model, detector, len(images), output, quiet=quiet)
    plan = RunPlan(images=images, model=model, detector=detector, options=options, output=output)
    say(f"detecting in {len(images)} images with {model} on {detector.device}")
    with progress_on(sys.stderr) as progress:
        document = detect_into_folder(plan, progress)
    if connection is not None:
        _log_run(connection, document, output)
    if not quiet:
        _summary(document, output)
    return document


def prepared(settings: DetectionSettings, model: FetchedModel) -> tuple[Detector, PipelineOptions]:
    """The detector of a run, loaded, and how the run goes about its images."""
    from wildetect.detection.detector import Detector

    detector = Detector(model.weights, _as_wished(model.manifest, settings), settings.model.device)
    return detector, _options(settings, detector.manifest)


def settings_for(project: Project, request: Request) -> DetectionSettings:
    """The settings of a run: the command line before the environment, .env and the file."""
    from wildetect.settings import Option, load_settings
    from wildetect.settings.detection import DetectionSettings
    from wildetect.settings.project import from_caller

    output = from_caller(request.output) if request.output else None
    return load_settings(
        DetectionSettings,
        project,
        file=from_caller(request.config) if request.config else None,
        options={
            ("output", "directory"): Option("--output", output),
            ("model", "device"): Option("--device", request.device),
            ("processing", "confidence"): Option("--confidence", request.confidence),
            ("processing", "tile_size"): Option("--tile-size", request.tile_size),
            ("processing", "overlap_ratio"): Option("--overlap", request.overlap),
        },
    )


def _start_log(project: Project, settings: DetectionSettings) -> None:
    from wildetect.tasks.support import log_also_to, show_more

    if settings.logging.verbose:
        show_more()
    if settings.logging.log_file:
        log_also_to(project.path(settings.logging.log_file))


def _images(project: Project, settings: DetectionSettings, request: Request, output: Path) -> list[Any]:
    from wildetect.errors import ConfigurationError
    from wildetect.imagery.discovery import discover
    from wildetect.settings.project import from_caller

    limit = limit_of(request.limit)
    if request.source is not None:
        sources = [from_caller(request.source)]
    else:
        sources = [project.path(path) for paths in settings.sources.values() for path in paths]
    if not sources:
        raise ConfigurationError(
            "no photographs are named",
            hint=f"Give a folder with --source, or set image_dir in {settings.file}.",
        )
    return discover(sources, exclude=[output])[:limit]


def limit_of(text: str | None) -> int | None:
    """The number that --limit gives.

    Raises:
        ConfigurationError: Where it is none.
    """
    from wildetect.errors import ConfigurationError

    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ConfigurationError(
            f"--limit: {text!r} is no number of photographs", hint="Give a number, such as --limit 10."
        )
    return int(text)


def _as_wished(manifest: Manifest, settings: DetectionSettings) -> Manifest:
    """The manifest with the thresholds of this run, where its settings give some.

    One threshold says when two boxes are one animal, within a tile and across tiles: a count must not
    depend on where the tiles happen to lie.
    """
    wished = {"confidence": settings.processing.confidence, "iou": settings.processing.nms_threshold}
    given = {name: value for name, value in wished.items() if value is not None}
    return manifest.model_copy(update={"thresholds": manifest.thresholds.model_copy(update=given)})


def _options(settings: DetectionSettings, manifest: Manifest) -> PipelineOptions:
    from wildetect.detection.pipeline import PipelineOptions

    processing = settings.processing
    return PipelineOptions(
        tile_size=processing.tile_size,
        overlap_ratio=processing.overlap_ratio,
        nms_threshold=manifest.thresholds.iou,
        batch_size=processing.batch_size,
        max_errors=processing.max_errors,
        decode_ahead=2,
        decode_threads=max(1, processing.num_data_workers),
    )


def _dry_run(model: FetchedModel, detector: Any, images: int, output: Path, *, quiet: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "state": "dry run",
        "model": {"name": model.name, "version": model.version, "sha256": model.manifest.sha256},
        "device": detector.device,
        "images": {"found": images, "left": images},
        "failures": [],
        "output": str(output),
    }
    if not quiet:
        print(f"would detect in {images} images with {model} on {detector.device}, into {output}")
    return document


def _log_run(connection: Connection, document: dict[str, Any], output: Path) -> None:
    """Log a finished run; it must not fail because the server went away meanwhile."""
    from wildetect.errors import ServerError
    from wildetect.registry.runs import finish_run, start_run
    from wildetect.results.run_file import run_record, write_run_file

    model = document["model"]
    try:
        run_id = start_run(connection, "detection", f"{model['name']} on {document['images']['done']} images")
        document["mlflow"] = {"uri": connection.uri, "run_id": run_id}
        write_run_file(output, document)
        finish_run(connection, run_id, run_record(document, output))
    except ServerError as error:
        say(f"warning: the results are written, but the run is not logged: {error.message}")


def _summary(document: dict[str, Any], output: Path) -> None:
    images, times = document["images"], document["times"]
    for name, count in document["counts"].items():
        if count:
            print(f"{name:<20} {count:>7}")
    print(
        f"{document['detections']} detections in {images['with_detections']} of {images['done']} images, "
        f"{document['tiles']} tiles in {times['seconds']:.1f} s"
    )
    print(f"results: {output}")
