"""Detect: from settings to a folder of results, logged."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from wildetect.detection.run.dry_run import DryRun, dry_run
from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.run.preflight import check_space, sample, survey
from wildetect.detection.run.run import RunPlan, detect_into_folder
from wildetect.detection.tiles.overlap import OverlapSummary
from wildetect.detection.tiles.scale import ScaleSummary
from wildetect.errors import InputError, ServerError
from wildetect.execution.address import Cluster, cluster_of
from wildetect.registry.connection import Connection
from wildetect.registry.runs import finish_run, mark_version, start_run
from wildetect.results.blurring import BLURRED, Places
from wildetect.results.finished_run import FinishedRun
from wildetect.results.logged_run import left_out, run_record
from wildetect.results.reviewed import ReviewedRun
from wildetect.results.run import DetectionRun
from wildetect.results.run_file import write_run_file
from wildetect.results.run_parts import BlurredFiles, Logged, Remark, remarks_of
from wildetect.review.summary import reviewed_run
from wildetect.settings import Project
from wildetect.settings.detection import DetectionSettings, KeptFiles
from wildetect.wording import form, in_bytes, listed, number_of
from wildetect.workflows.detection_plan import Request, plan_of
from wildetect.workflows.watching import SILENT, Watcher

__all__ = [
    "detect",
    "overlap_text",
    "plan_detection",
    "scale_text",
    "tell_exact",
    "tell_places",
    "warn_of_doubts",
]

MOST_NAMED = 3
_KEPT_HERE: dict[KeptFiles, str] = {
    "all": "journal",
    "results": "journal and pictures with boxes",
    "record": "all files but run.json",
}
"""What of a run MLflow does not get, by `logging.keep_in_mlflow`."""
_BY_JSON = "what --json prints"
_ROUND = 100  # px: a side of tiles that people would choose


def detect(
    project: Project,
    settings: DetectionSettings,
    request: Request | None = None,
    watcher: Watcher = SILENT,
) -> DetectionRun:
    """Check everything, detect, write the results, log the run.

    Args:
        project: Its .env names the server; paths of the settings are relative to its root.
        settings: What to detect in, with which model, and how.
        request: What is not in the settings: sources, a model, a limit, whether to begin again.
        watcher: Observer that is told what happens; asked whether to stop.

    Returns:
        The run; its state says whether it was stopped or interrupted.

    Raises:
        WildDetectError: Nothing can be detected; images that fail raise nothing, `failures` names them.
    """
    request = request or Request()
    cluster = cluster_of(request.cluster, request.path_maps)
    plan, connection = plan_of(project, settings, request, watcher)
    look_ahead(plan, watcher)
    review_of = partial(_review_of, watcher=watcher)
    with _on(cluster, plan, settings, watcher) as plan:
        watcher.notice(
            f"detecting in {number_of(len(plan.images), 'image')} with {plan.model} on {plan.detector.device}"
        )
        with watcher.detecting() as (stop, progress):
            run = detect_into_folder(replace(plan, stop=stop, review_of=review_of), progress)
    if run.resumed_images:
        watcher.notice(
            f"{run.resumed_images:,} of {number_of(len(plan.images), 'image')} had been done before"
        )
    _tell_empty_tiles(run, watcher)
    _warn_of_unchecked(run.model.unchecked, watcher)
    warn_of_dark_images(run.dark_images, run.images.found, watcher)
    warn_of_doubts(run.doubts, run.images.found, watcher)
    _warn_of_others({one.what: one.files for one in run.not_read}, watcher)
    if run.left_out.images:  # said at the start, too, when there is time to stop
        watcher.notice(f"warning: not in these results: {run.left_out}, done before and not found now")
    warn_of_full_tiles(run, watcher)
    warn_of_cut_boxes(run, watcher)
    tell_places(run, plan.output, plan.wanted.places, watcher)
    # what is logged once is not logged again, and what is interrupted is logged when it is done
    if connection is not None and run.mlflow is None and run.state != "interrupted":
        run = _logged(connection, run, plan.output, watcher, settings.logging.keep_in_mlflow)
    return run


@contextmanager
def _on(
    cluster: Cluster | None, plan: RunPlan, settings: DetectionSettings, watcher: Watcher
) -> Iterator[RunPlan]:
    """The plan with the engine that does it."""
    if cluster is None:
        yield plan
        return
    from wildetect.execution.connecting import joined  # Dask is an extra
    from wildetect.execution.dask_engine import DaskEngine

    batch_size = settings.processing.batch_size
    with joined(cluster, plan, watcher.notice, batch_size) as (client, job):
        yield replace(plan, engine=DaskEngine(client, job, watcher.notice))


def _review_of(run: FinishedRun, watcher: Watcher) -> ReviewedRun | None:
    """What people said of a run; None where nobody did, or where it cannot be read, which is said."""
    try:
        return reviewed_run(run)
    except InputError as error:
        watcher.notice(f"warning: the review of this run is not in its files: {error.message}. {error.hint}")
        return None


def plan_detection(
    project: Project, settings: DetectionSettings, request: Request, watcher: Watcher = SILENT
) -> DryRun:
    """Find out what `detect` would do, and write nothing; arguments and errors as there."""
    cluster = cluster_of(request.cluster, request.path_maps)
    plan, _ = plan_of(project, settings, request, watcher)
    if cluster is not None:
        watcher.notice("the time is that of this machine alone; the workers of --cluster share it")
    planned = dry_run(plan)
    _warn_of_unchecked(plan.model.manifest.unchecked, watcher)
    found, looked = planned.survey, number_of(planned.survey.glanced_at, "image")
    if found.glanced_at < len(found.tiles):
        watcher.notice(f"the pixels of {looked} were looked at, of the others headers alone")
    warn_of_dark_images(found.dark, planned.found, watcher, kept=_BY_JSON)
    warn_of_doubts(remarks_of(found.doubts), planned.found, watcher, kept=_BY_JSON)
    _warn_of_others(planned.not_read, watcher, kept=_BY_JSON)
    if planned.overlap is not None:
        _warn_of_small_tiles(planned.overlap, plan.options, watcher)
    return planned


def look_ahead(plan: RunPlan, watcher: Watcher) -> None:
    """Look at a sample of the images before a run: is there room, and what does automatic overlap come to?

    Raises:
        InputError: The results would find no room.
    """
    some = sample(plan.images)
    found = survey(some, plan.options)
    check_space(plan.output, len(plan.images), found, plan.wanted.overlays)
    if found.scale is not None:
        watcher.notice(f"scale: {scale_text(found.scale, looked_at=len(some) < len(plan.images))}")
    if found.overlap is not None and found.overlap.images:
        text = overlap_text(found.overlap, looked_at=len(some) < len(plan.images))
        watcher.notice(f"tiles overlap by {text}")
        _warn_of_small_tiles(found.overlap, plan.options, watcher)


def overlap_text(overlap: OverlapSummary, *, looked_at: bool = False) -> str:
    """Say what `overlap_ratio: auto` comes to, in one line.

    Args:
        overlap: A summary of one image at least.
        looked_at: Whether it is about some of the images only.
    """
    least, most = f"{overlap.least:.2f}", f"{overlap.most:.2f}"
    images = f"{number_of(overlap.images, 'image')}" + " looked at" * looked_at
    parts = [f"{least if least == most else f'{least} to {most}'} of a tile (auto)"]
    if overlap.assumed:
        parts.append(f"height or lens assumed from flight_specs for {overlap.assumed:,} of {images}")
    if overlap.unknown:
        parts.append(f"ground resolution unknown for {overlap.unknown:,} of {images}")
    return "; ".join([*parts, images] if looked_at and len(parts) == 1 else parts)


def scale_text(scale: ScaleSummary, *, looked_at: bool = False) -> str:
    """Say what `scale: auto` comes to, in one line.

    Args:
        scale: A summary.
        looked_at: Whether it is about some of the images only.
    """
    images = f"{number_of(scale.images + scale.unknown, 'image')}" + " looked at" * looked_at
    sides = f"{scale.least}" if scale.least == scale.most else f"{scale.least} to {scale.most}"
    parts = [f"tiles of {sides} px for the {scale.trained:g} cm/px of the model's training (auto)"]
    if scale.unknown:
        parts.append(f"ground resolution unknown for {scale.unknown:,} of {images}, cut as native")
    if not scale.images:
        del parts[0]
    return "; ".join([*parts, images] if looked_at and not scale.unknown else parts)


def _warn_of_small_tiles(overlap: OverlapSummary, options: PipelineOptions, watcher: Watcher) -> None:
    """Say so where tiles cannot overlap by as much as the largest animal takes up, and what to do."""
    auto = options.auto_overlap
    if auto is None or not overlap.capped:
        return
    enough = math.ceil(overlap.tile_size / _ROUND) * _ROUND
    if options.scale is not None and options.scale.cut:
        size, way = "cut for the scale", f"Set processing.scale to native, processing.tile_size to {enough}"
    else:
        size, way = f"of {options.tile_size:,} px", f"Set processing.tile_size to {enough}"
    gsd = ", or fix flight_specs.gsd, which is in cm/px" if auto.flight.gsd is not None else ""
    watcher.notice(
        f"warning: for an animal of {auto.largest_animal:g} m tiles should overlap by up to "
        f"{overlap.needed:,} px, but those {size} overlap by half at most: it may be "
        f"cut at their edges in {overlap.capped:,} of {number_of(overlap.images, 'image')}. {way} or more, "
        f"or processing.largest_animal to less{gsd}."
    )


def _warn_of_unchecked(unchecked: str | None, watcher: Watcher) -> None:
    """Say so where no picture has shown that a model is read rightly: its numbers may mean something else."""
    if unchecked is not None:
        watcher.notice(
            f"warning: whether the model is read rightly is not sure: {unchecked}. Look at some boxes before "
            "you use the numbers."
        )


def warn_of_dark_images(dark: Sequence[str], found: int, watcher: Watcher, kept: str = "run.json") -> None:
    """Say so where animals can hardly be seen: a count of 0 would look like any other."""
    if not dark:
        return
    named = _named(dark, kept)
    verb, them = form(len(dark), "is", "are"), form(len(dark), "it", "them")
    watcher.notice(
        f"warning: {len(dark):,} of {number_of(found, 'image')} {verb} almost black, animals in "
        f"{them} can hardly be seen: {named}."
    )


def _tell_empty_tiles(run: DetectionRun, watcher: Watcher) -> None:
    """Say how much of the rasters was not looked at, and why."""
    if run.tiles_empty:
        watcher.notice(
            f"{number_of(run.tiles_empty, 'tile')} of {run.tiles + run.tiles_empty:,} left out: they hold no "
            "data, or one colour alone"
        )


def warn_of_doubts(doubts: Iterable[Remark], found: int, watcher: Watcher, kept: str = "run.json") -> None:
    """Say why detections in some images may be wrong, each reason once; `kept` is the file that names all."""
    for doubt in doubts:
        named = _named(doubt.files, kept)
        watcher.notice(
            f"warning: {len(doubt.files):,} of {number_of(found, 'image')} ({named}): {doubt.what}."
        )


def _warn_of_others(not_read: Mapping[str, Sequence[str]], watcher: Watcher, kept: str = "run.json") -> None:
    """Say which files look like pictures and are not among the images: animals in them are not counted."""
    for what, files in not_read.items():
        noun = "folder" if all(file.endswith("/") for file in files) else "picture"
        number = f"{number_of(len(files), noun)} {form(len(files), 'is', 'are')}"
        watcher.notice(f"warning: {number} not among the images ({_named(files, kept)}): {what}.")


def _named(files: Sequence[str], kept: str = "run.json") -> str:
    return listed(files, most=MOST_NAMED, more=f", named in {kept}")


def warn_of_full_tiles(run: DetectionRun, watcher: Watcher) -> None:
    """Say so where a limit may have left animals out: a count would be too low without a word."""
    if not run.full_images:
        return
    tiles = sum(image.tiles for image in run.full_images)
    most = run.settings.get("max_detections_per_tile")
    limit = (
        f"the limit of {number_of(most, 'box', 'boxes')} a tile"
        if most
        else "as many boxes as the model can give"
    )
    named = _named([image.file for image in run.full_images])
    larger = "Set processing.max_detections higher, or take" if most else "Take"
    native = "processing.scale: native, and " if run.scaled_tiles.images else ""
    watcher.notice(
        f"warning: {tiles:,} of {number_of(run.tiles, 'tile')} reached {limit}: animals may be missing in "
        f"{named}. "
        f"{larger} smaller tiles ({native}processing.tile_size), and compare the numbers."
    )


def warn_of_cut_boxes(run: DetectionRun, watcher: Watcher) -> None:
    """Say so where animals may be longer than tiles overlap, so that parts of them count by themselves."""
    if not run.many_cut:
        return
    cut, scaled = run.cut_boxes, run.scaled_tiles.least
    tile = scaled or int(run.settings.get("tile_size") or 0)
    ratio, larger = cut.overlap(tile)
    sides = f"processing.tile_size to {larger} or more and " if larger > tile else ""
    if sides and scaled:
        sides = f"processing.scale to native, {sides}"
    watcher.notice(
        f"warning: {cut.number:,} of {number_of(run.detections, 'box', 'boxes')} in {_named(cut.files)} "
        "end at the border of a "
        "tile, and no other tile shows them whole: animals longer than the overlap may count more than once. "
        f"Set {sides}processing.overlap_ratio to {ratio:.2f} or more (boxes of {cut.longest} px), and "
        "compare the numbers."
    )


def _logged(
    connection: Connection, run: DetectionRun, output: Path, watcher: Watcher, keep: KeptFiles
) -> DetectionRun:
    """Log a finished run; it must not fail because the server went away meanwhile.

    Returns:
        The run, with where it is logged.
    """
    model = run.model
    try:
        run_id = start_run(connection, "detection", f"{model.name} on {run.images}")
        run = replace(run, mlflow=Logged(connection.uri, run_id, run.blurred.km if run.blurred else None))
        write_run_file(output, run)
        finish_run(connection, run_id, run_record(run, output, keep))
        if model.registered:
            mark_version(connection, model.registered, "last_detection", run_id)
        _tell_left_out(run, output, keep, watcher)
    except ServerError as error:
        watcher.notice(
            f"warning: the results are written, but the run is not logged: {error.message}. {error.hint}"
        )
    return run


def tell_places(run: DetectionRun, output: Path, places: Places, watcher: Watcher) -> None:
    """Say which files are for others, where some hold coarsened places, and what is exact all the same.

    Args:
        run: The content of run.json.
        output: Its folder.
        places: When places are coarsened.
        watcher: Observer of the run.
    """
    for name in places.unknown([*run.class_names, *run.counts]):
        watcher.notice(
            f"warning: sensitive.species names {name}, which is no class of this model: it protects nothing "
            f"here. The classes are {listed(run.class_names)}."
        )
    tell_exact("run", run.blurred, run.mlflow, output, watcher)


def tell_exact(
    what: str, blurred: BlurredFiles | None, logged: Logged | None, output: Path, watcher: Watcher
) -> None:
    """Say where the files with coarsened places are, where there are any, and what is exact all the same.

    Args:
        what: What holds the places, as a person calls it, such as "run".
        blurred: The files for others; None where there are none.
        logged: Where MLflow has it.
        output: Its folder.
        watcher: Observer of the run.
    """
    if blurred is None:
        return
    folder = output / BLURRED
    watcher.notice(f"for others: {folder} (cells of {blurred.km:g} km or more); the other files are exact")
    if logged is not None and logged.places_km is None:
        watcher.notice(
            f"warning: MLflow was given this {what} with exact places, as it was logged before "
            f"(run {logged.run_id}). If it still has that run, delete it there, then: "
            "uv run invoke mlflow.stop, then: uv run invoke mlflow.clean"
        )


def _tell_left_out(run: DetectionRun, output: Path, keep: KeptFiles, watcher: Watcher) -> None:
    """Say what the registry does not have: who deletes the output folder loses it."""
    files = [file for name in left_out(run, keep) if (file := output / name).is_file()]
    if files:
        size = in_bytes(sum(file.stat().st_size for file in files))
        watcher.notice(f"kept here and not in MLflow: {_KEPT_HERE[keep]}, {size} (logging.keep_in_mlflow)")
