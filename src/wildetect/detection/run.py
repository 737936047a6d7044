"""A detection run from images to a folder of results."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wildetect.detection.detector import Detector
from wildetect.detection.pipeline import PipelineOptions, detect_images
from wildetect.errors import InputError
from wildetect.imagery.discovery import ImageFile
from wildetect.registry.cache import FetchedModel
from wildetect.results.exports import write_csv, write_megadetector
from wildetect.results.overlay import write_overlays
from wildetect.results.records import ImageResult, RunSummary
from wildetect.results.run_file import RunFacts, State, run_document, write_run_file

__all__ = ["RunPlan", "detect_into_folder", "raise_if_images_failed"]

MOST_FAILURES_SHOWN = 5
Progress = Callable[[RunSummary], None]


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """A run that is known to be possible.

    Attributes:
        images: What to detect in.
        model: The detector's files.
        detector: The detector, loaded.
        options: Tiles, thresholds, threads.
        output: Folder of the results.
        overlays: Most pictures with boxes to draw.
    """

    images: Sequence[ImageFile]
    model: FetchedModel
    detector: Detector
    options: PipelineOptions
    output: Path
    overlays: int = 100


def detect_into_folder(plan: RunPlan, progress: Progress) -> dict[str, Any]:
    """Detect in all images and write the results.

    Ctrl+C ends the run early: what is done is written, then the interrupt goes on.

    Args:
        plan: What to do.
        progress: Told after each image.

    Returns:
        The content of run.json.

    Raises:
        InputError: The output folder cannot be written.
        KeyboardInterrupt: As it came.
    """
    _make_folder(plan.output)
    started, begun = datetime.now(UTC), time.monotonic()
    results: list[ImageResult] = []
    summary = RunSummary(expected=len(plan.images))
    interrupt: KeyboardInterrupt | None = None
    progress(summary)
    try:
        for result in detect_images(plan.images, plan.detector, plan.options):
            results.append(result)
            summary.add(result)
            progress(summary)
    except KeyboardInterrupt as caught:
        interrupt = caught
    state: State = "interrupted" if interrupt else "stopped" if summary.left else "finished"
    facts = RunFacts(
        model=plan.model,
        settings=_settings(plan),
        device=plan.detector.device,
        state=state,
        started=started,
        seconds=time.monotonic() - begun,
    )
    document = run_document(facts, summary)
    _write(plan, results, document)
    if interrupt:
        raise interrupt
    return document


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the output folder {folder} cannot be made: {error.strerror or error}",
            hint="Give another one with --output, or as output.directory in configs/detection.yaml.",
        ) from error


def _settings(plan: RunPlan) -> dict[str, object]:
    """What shapes the result; the number of threads and the size of batches do not."""
    options, thresholds = plan.options, plan.detector.manifest.thresholds
    return {
        "tile_size": options.tile_size,
        "overlap_ratio": options.overlap_ratio,
        "confidence": thresholds.confidence,
        "nms_threshold": thresholds.iou,
        "overlap_metric": thresholds.overlap_metric,
        "max_detections_per_tile": thresholds.max_detections,
        "max_errors": options.max_errors,
    }


def _write(plan: RunPlan, results: Sequence[ImageResult], document: Mapping[str, Any]) -> None:
    names = plan.model.manifest.class_names
    write_megadetector(plan.output / "detections.json", results, names, detector=str(plan.model))
    write_csv(plan.output / "detections.csv", results, names)
    write_overlays(plan.output / "overlays", results, names, limit=plan.overlays)
    write_run_file(plan.output, document)


def raise_if_images_failed(document: Mapping[str, Any]) -> None:
    """Turn failed images into the exit code that a scheduled task sees.

    Args:
        document: The content of run.json.

    Raises:
        InputError: Naming the first failures, and whether the run was stopped by them.
    """
    failures, images = document["failures"], document["images"]
    if not failures:
        return
    details = [f"{failure['file']}: {failure['reason']}" for failure in failures[:MOST_FAILURES_SHOWN]]
    if len(failures) > len(details):
        details.append(f"and {len(failures) - len(details)} more, named in run.json")
    stopped = f"; the run stopped there, {images['left']} images are left" if images["left"] else ""
    hint = (
        "Allow more with processing.max_errors, or mend the files, and run again."
        if images["left"]
        else "The others are done and written; mend or remove these files and run again."
    )
    raise InputError(
        f"{len(failures)} of {images['found']} images failed{stopped}", hint=hint, details=details
    )
