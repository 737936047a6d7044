"""What a caller and the settings ask of a detection run, made into what the run needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wildetect.detection.network.detector import Detector
from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.run.run import RunPlan
from wildetect.detection.tiles.overlap import AutoOverlap
from wildetect.detection.tiles.scale import ModelScale
from wildetect.errors import ConfigurationError
from wildetect.imagery.camera.optics import Flight, plausible_height
from wildetect.imagery.discovery import Discovery, ImageFile, look_for
from wildetect.imagery.positions.matching import refuse_strange, rows_for
from wildetect.imagery.positions.table import read_position_table
from wildetect.imagery.reading import Reading
from wildetect.registry.cache import FetchedModel
from wildetect.registry.connection import Connection
from wildetect.registry.manifest import Manifest, Thresholds
from wildetect.remote.place import Place
from wildetect.results.blurring import Places
from wildetect.results.exports.folder import Wanted
from wildetect.results.exports.format import LabelNames
from wildetect.results.exports.table import ALWAYS
from wildetect.results.journal.command import DETECT, Command
from wildetect.results.leftovers import OVERLAYS
from wildetect.settings import Option, Project, load_settings
from wildetect.settings.detection import DetectionSettings, LabelStudio
from wildetect.settings.project import given_path, place_from_caller
from wildetect.settings.words import Export
from wildetect.workflows.model_choice import chosen_model
from wildetect.workflows.watching import Watcher

__all__ = [
    "Request",
    "images_in",
    "limit_of",
    "placed",
    "plan_of",
    "prepared",
    "settings_for",
    "sources_of",
    "thresholds_of_run",
    "wanted_of",
]


@dataclass(frozen=True)
class Request:
    """What a caller asks for; None, or nothing, leaves it to the settings. Numbers may be text.

    `begun_by` is the command of the task that detects on its way to something else.
    """

    config: str | None = None
    sources: tuple[str, ...] = ()
    output: str | None = None
    model: str | None = None
    device: str | None = None
    confidence: str | float | None = None
    tile_size: str | int | None = None
    overlap: str | float | None = None
    limit: str | int | None = None
    restart: bool = False
    export: tuple[str, ...] = ()
    overlays: str | int | None = None
    cluster: str | None = None
    path_maps: tuple[str, ...] = ()
    blur: str | None = None
    begun_by: Command | None = None

    @property
    def command(self) -> Command:
        """The command that asks for the same, whatever folder it is given in."""
        if self.begun_by is not None:
            return self.begun_by
        options: list[tuple[str, object]] = [
            ("--config", given_path(self.config)),
            *(("--source", place_from_caller(source)) for source in self.sources),
            ("--output", given_path(self.output)),
            ("--model", self.model),
            ("--device", self.device),
            ("--confidence", self.confidence),
            ("--tile-size", self.tile_size),
            ("--overlap", self.overlap),
            ("--limit", self.limit),
            *(("--export", one) for one in self.export),
            ("--overlays", self.overlays),
            ("--cluster", self.cluster),
            *(("--path-map", one) for one in self.path_maps),
            ("--blur", self.blur),
        ]
        return Command.given(DETECT, options)


def settings_for(project: Project, request: Request) -> DetectionSettings:
    """The settings of a run: the command line before the environment, .env and the file."""
    output = given_path(request.output)
    return load_settings(
        DetectionSettings,
        project,
        file=given_path(request.config),
        options={
            ("output", "directory"): Option("--output", output),
            ("model", "device"): Option("--device", request.device),
            ("processing", "confidence"): Option("--confidence", request.confidence),
            ("processing", "tile_size"): Option("--tile-size", request.tile_size),
            ("processing", "overlap_ratio"): Option("--overlap", request.overlap),
            ("output", "exports"): Option("--export", list(request.export) or None),
            ("output", "overlays"): Option("--overlays", request.overlays),
        },
    )


def sources_of(project: Project, settings: DetectionSettings, request: Request) -> list[Place]:
    """The files, folders and addresses that are named, by the command line or else by the settings.

    Raises:
        ConfigurationError: There are none.
    """
    if request.sources:
        return [place_from_caller(source) for source in request.sources]
    sources = [project.place(path) for paths in settings.sources.values() for path in paths]
    if not sources:
        raise ConfigurationError(
            "no photographs are named",
            hint=f"Give a folder with --source, or set image_dir in {settings.file}.",
        )
    return sources


def images_in(sources: list[Place], request: Request, output: Path) -> Discovery:
    """The images of a run, without what it writes itself; those beyond --limit are among what is not read."""
    limit = limit_of(request.limit)
    # results may be written among the images
    found = look_for(sources, exclude=[output, output / OVERLAYS])
    kept, beyond = found.images[:limit], [] if limit is None else found.images[limit:]
    left = {f"only {limit} asked for, by --limit": [image.name for image in beyond]} if beyond else {}
    return replace(found, images=kept, not_read={**found.not_read, **left})


def placed(project: Project, settings: DetectionSettings, images: list[ImageFile]) -> list[ImageFile]:
    """The images with the positions and heights that a table gives, for those that do not tell theirs.

    Raises:
        InputError: The table cannot be read, or names none of the photographs.
    """
    table = settings.exif_gps_update
    if table is None or table.csv_path is None:
        return images
    path = project.path(table.csv_path)
    known = read_position_table(table.model_copy(update={"csv_path": path}))
    names = [image.name for image in images]
    refuse_strange(names, known)
    rows = rows_for(names, known)
    return [
        replace(image, position=row.position, above_ground=plausible_height(row.height))
        if (row := rows.get(image.name))
        else image
        for image in images
    ]


def limit_of(text: str | int | None) -> int | None:
    """The number that --limit gives.

    Raises:
        ConfigurationError: Where it is none.
    """
    if text is None:
        return None
    text = str(text)
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ConfigurationError(
            f"--limit: {text!r} is not a number of photographs", hint="Give a number, such as --limit 10."
        )
    return int(text)


def prepared(settings: DetectionSettings, model: FetchedModel) -> tuple[Detector, PipelineOptions]:
    """The detector of a run, loaded, and how the run goes about its images.

    Raises:
        ConfigurationError: Tiles are to be cut for the scale of the model's training, which is unknown.
    """
    thresholds, device = thresholds_of_run(settings, model.manifest), settings.model.device
    manifest = model.manifest.model_copy(update={"thresholds": thresholds})
    scale = _scale(settings, manifest)
    detector = Detector(
        model.weights,
        manifest,
        device,
        classifier=model.classifier,
        batch_size=settings.processing.batch_size,
    )
    return detector, replace(
        _options(settings), scale=scale, windows=detector.windows, shape=manifest.feeding.size
    )


def thresholds_of_run(settings: DetectionSettings, manifest: Manifest) -> Thresholds:
    """The model's own thresholds, but for those that the settings of the run give.

    One threshold says when two boxes are one animal, within a tile and across tiles: a count must not
    depend on where the tiles happen to lie.
    """
    processing = settings.processing
    wished = {
        "confidence": processing.confidence,
        "iou": processing.nms_threshold,
        "max_detections": processing.max_detections,
    }
    given = {name: value for name, value in wished.items() if value is not None}
    return manifest.thresholds.model_copy(update=given)


def _options(settings: DetectionSettings) -> PipelineOptions:
    processing = settings.processing
    threads = processing.num_data_workers
    return PipelineOptions(
        tile_size=processing.tile_size,
        **_overlap(settings),
        max_errors=processing.max_errors,
        reading=Reading(
            bands=tuple(processing.bands) if processing.bands else None,
            stretch=processing.stretch,
            use_damaged=processing.on_damage == "use",
        ),
        decode_ahead=processing.prefetch_factor,
        most_ahead=processing.queue_size,
        decode_threads=None if threads is None else max(threads, 1),
    )


def _scale(settings: DetectionSettings, manifest: Manifest) -> ModelScale | None:
    """The scale of the model's training, and whether tiles are cut for it; None where it is unknown."""
    trained, auto = manifest.trained_gsd_cm, settings.processing.scale == "auto"
    if trained is None:
        if not auto:
            return None
        raise ConfigurationError(
            "processing.scale is auto, but the model does not say at which scale it was trained",
            hint=f"Set processing.scale to native in {settings.file}, or register the model with "
            "trained_gsd_cm in configs/detector_registration.yaml.",
        )
    feeding = manifest.feeding
    return ModelScale(
        trained=trained,
        width=feeding.width,
        height=feeding.height,
        flight=Flight(**settings.flight_specs.model_dump()),
        cut=auto,
    )


def _overlap(settings: DetectionSettings) -> dict[str, Any]:
    ratio = settings.processing.overlap_ratio
    return {"auto_overlap": _auto(settings)} if isinstance(ratio, str) else {"overlap_ratio": ratio}


def _auto(settings: DetectionSettings) -> AutoOverlap:
    flight = Flight(**settings.flight_specs.model_dump())
    return AutoOverlap(largest_animal=settings.processing.largest_animal, flight=flight)


def wanted_of(settings: DetectionSettings, *exports: Export, blur: str | None = None) -> Wanted:
    """What the settings say of exports, for these formats.

    Args:
        settings: Settings of a run.
        exports: The formats.
        blur: What --blur gives: kilometres, or "none" for exact places.

    Raises:
        ConfigurationError: It gives something else.
    """
    tags = settings.labelstudio or LabelStudio()
    return Wanted(
        exports=exports,
        overlays=settings.output.most_overlays,
        labels=LabelNames(tags.from_name, tags.to_name),
        places=Places.of(settings.sensitive, blur),
    )


def plan_of(
    project: Project, settings: DetectionSettings, request: Request, watcher: Watcher
) -> tuple[RunPlan, Connection | None]:
    """Find everything that a run needs, the detector loaded, and the server that it is logged on."""
    output = project.path(settings.output.directory)
    wanted = wanted_of(settings, *ALWAYS, *settings.output.exports, blur=request.blur)
    sources = sources_of(project, settings, request)
    found = images_in(sources, request, output)
    images = placed(project, settings, found.images)
    model, connection = chosen_model(project, settings, request.model, watcher)
    detector, options = prepared(settings, model)
    plan = RunPlan(
        images=images,
        model=model,
        detector=detector,
        options=options,
        output=output,
        sources=sources,
        not_read=found.not_read,
        restart=request.restart,
        wanted=wanted,
        auto_overlap=_auto(settings),
        command=request.command,
    )
    return plan, connection
