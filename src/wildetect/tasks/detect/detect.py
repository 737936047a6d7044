"""The task that detects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.context import Context

from wildetect.tasks.support import emit, export_variables, keep_log, verb
from wildetect.wording import first_lines, in_bytes, listed, number_of

if TYPE_CHECKING:
    from pathlib import Path

    from wildetect.detection.run.dry_run import DryRun
    from wildetect.results.run import DetectionRun
    from wildetect.settings.detection import DetectionSettings
    from wildetect.workflows.detection_plan import Request

__all__ = ["begun", "detected", "run", "show_preflight", "show_summary"]

MOST_SHOWN = 5


def show_preflight(run: DryRun) -> None:
    """The preflight as lines on stdout."""
    from wildetect.results.run_parts import remarks_of
    from wildetect.workflows.detection import overlap_text, scale_text

    version = f" version {run.model.version}" if run.model.version else ""
    done = f", {run.done:,} of them done already" if run.done else ""
    unreadable = run.survey.unreadable
    print(f"images   {run.found:,} found{done}")
    print(f"         {len(unreadable):,} cannot be read, {run.survey.without_position:,} without position")
    for line in first_lines((f"{name}: {reason}" for name, reason in unreadable.items()), MOST_SHOWN):
        print(f"           {line}")
    broken = run.survey.tiles_failed
    if broken:
        print(f"         {number_of(sum(map(len, broken.values())), 'tile')} cannot be read")
    for line in first_lines((f"{name}: {tiles[0]}" for name, tiles in broken.items()), MOST_SHOWN):
        print(f"           {line}")
    for number, one in enumerate(remarks_of(run.survey.read_as)[:MOST_SHOWN]):
        print(f"{'' if number else 'read as':<8} {listed(one.files, most=MOST_SHOWN)}: {one.what}")
    print(f"model    {run.model.name}{version} on {run.device}")
    print(f"tiles    {run.tiles:,}{_time(run)}")
    if len({*run.by_overlap.values()}) > 1:
        each = (
            f"{ratio}: {tiles:,}{_about(run.seconds_for(tiles))}" for ratio, tiles in run.by_overlap.items()
        )
        print(f"         with overlap {'; with '.join(each)}")
    if run.survey.scale is not None:
        print(f"scale    {scale_text(run.survey.scale)}")
    if run.overlap is not None and run.overlap.images:
        print(f"overlap  {overlap_text(run.overlap)}")
    print(f"disk     about {in_bytes(run.space.needed)} needed, {in_bytes(run.space.free)} free")
    print(f"output   {run.output}")


def _time(run: DryRun) -> str:
    speed = "" if run.tiles_per_second is None else f" at {run.tiles_per_second:.1f} tiles/s"
    return _about(run.seconds) + speed


def _about(seconds: float | None) -> str:
    from wildetect.tasks.progress import clock

    return "" if seconds is None else f", about {clock(seconds)}"


def show_summary(run: DetectionRun, output: Path) -> None:
    """The counts of a run, and where its results are."""
    images = run.images
    failed = f" ({images.failed} more failed)" if images.failed else ""
    for name, count in run.counts.items():
        if count:
            print(f"{name:<20} {count:>7}")
    print(
        f"{number_of(run.detections, 'detection')} in {images.with_detections} of "
        f"{number_of(images.read, 'image')}{failed}, "
        f"{number_of(run.tiles, 'tile')} in {run.times.seconds:.1f} s"
    )
    print(f"results: {output}")
    print(f"report:  {output / 'report.html'}   (open it in a browser; it needs no network)")


@verb(
    help={
        "config": "settings file; without it configs/detection.yaml",
        "source": "a photograph, folder or address (s3://, https://), in place of those in the settings; may "
        "be given more than once",
        "output": "folder of the results",
        "model": "name@alias, name/version, name/latest or a weights file",
        "device": "auto, cpu, cuda, directml or openvino",
        "confidence": "boxes below it are not counted, 0 to 1",
        "tile-size": "longer side of a tile in px; 0 takes each photograph whole",
        "overlap": "overlap of neighbouring tiles as a part of a tile, such as 0.2; or auto",
        "limit": "only the first so many photographs",
        "dry-run": "look at all images, time some tiles, say what would be done, and do nothing",
        "restart": "remove the run that is in the output folder, instead of going on with it",
        "export": "write also this, such as gpkg or labelstudio (see docs/results.md); may be repeated",
        "overlays": "pictures with boxes to draw: all, none or a number",
        "blur": "write files for others, too, into blurred/, with places in cells of so many km; or none",
        "cluster": "who does the work: local:N for N processes here, or a scheduler's tcp://HOST:8786",
        "path-map": "FROM=TO: what a folder is called on the workers; may be given more than once",
        "json": "what run.json holds, on stdout",
    },
    shim="run_detection.bat",
    paths="source",
    iterable=["source", "export", "path_map"],
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
    blur: str | None = None,
    cluster: str | None = None,
    path_map: list[str] | None = None,
    json: bool = False,
) -> None:
    """Detect animals in photographs, and count them.

    The photographs are files or folders, searched with all their subfolders. A photograph that cannot
    be read is listed and the run goes on; the exit code is then 5. A run that was interrupted goes on
    where it stopped when the same command is given again.
    """
    del context
    from wildetect.settings import Project
    from wildetect.workflows.detection_plan import Request

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
        cluster=cluster,
        path_maps=tuple(path_map or ()),
        blur=blur,
    )
    settings = begun(request)
    if dry_run:
        _plan(settings, request, json=json)
        return
    from wildetect.detection.run.failures import raise_if_images_failed
    from wildetect.detection.run.run import what_is_kept

    done = detected(settings, request)
    if json:
        emit(done.document())
    else:
        show_summary(done, Project.find().path(settings.output.directory))
    if done.state == "interrupted":
        raise KeyboardInterrupt(what_is_kept(done))
    raise_if_images_failed(done)


def detected(settings: DetectionSettings, request: Request) -> DetectionRun:
    """Detect, with progress and notices on stderr; nothing on stdout."""
    from wildetect.settings import Project
    from wildetect.tasks.progress import Terminal
    from wildetect.workflows.detection import detect

    return detect(Project.find(), settings, request, Terminal())


def _plan(settings: DetectionSettings, request: Request, *, json: bool) -> None:
    """Say what a run would do, and end with the exit code that it would have."""
    from wildetect.detection.run.dry_run import raise_if_unreadable
    from wildetect.settings import Project
    from wildetect.tasks.progress import Terminal
    from wildetect.workflows.detection import plan_detection

    planned = plan_detection(Project.find(), settings, request, Terminal())
    if json:
        emit(planned.document())
    else:
        show_preflight(planned)
    raise_if_unreadable(planned)


def begun(request: Request) -> DetectionSettings:
    """The settings of a run, with the log that they ask for."""
    from wildetect.settings import Project
    from wildetect.workflows.detection_plan import settings_for

    project = Project.find()
    export_variables(project)
    settings = settings_for(project, request)
    keep_log(project, settings.logging)
    return settings
