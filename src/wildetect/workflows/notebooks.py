"""What `import wildetect` offers: detect, open a run, take a census, from a notebook or a script.

Paths are relative to the current folder; what is not given comes from the settings of the project in
which it lies (the nearest folder upward with a tasks.py), as for the tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, Unpack

from wildetect.detection.run.failures import raise_if_images_failed
from wildetect.results.finished_run import FinishedRun, read_finished_run
from wildetect.settings import Project
from wildetect.workflows import census as census_workflow
from wildetect.workflows import detection
from wildetect.workflows.census import CensusDone
from wildetect.workflows.census_plan import CensusRequest
from wildetect.workflows.census_plan import settings_for as census_settings_for
from wildetect.workflows.detection_plan import Request, settings_for
from wildetect.workflows.watching import SILENT, Watcher

__all__ = ["CensusOptions", "DetectOptions", "detect", "open_run", "take_census"]


class DetectOptions(TypedDict, total=False):
    """Options of `detect`; those left out come from the settings."""

    output: Path | str
    model: Path | str
    confidence: float
    tile_size: int
    overlap: float | str
    device: str
    limit: int
    restart: bool
    config: Path | str


class CensusOptions(TypedDict, total=False):
    """Options of `take_census`; those left out come from the settings."""

    output: Path | str
    tolerance: float
    confidence: float
    config: Path | str


def detect(*sources: Path | str, watcher: Watcher = SILENT, **options: Unpack[DetectOptions]) -> FinishedRun:
    """Detect animals in photographs; a run that was interrupted goes on where it stopped.

    Args:
        sources: Photographs and folders of them; without any those of the settings.
        watcher: Observer that is told what happens; by default the log is.
        options: Options of `detect.run`: output, model, confidence, tile_size, overlap,
            device, limit, restart, config.

    Returns:
        The run: `run.record` is what run.json holds, `run.results` has one result for each image.

    Raises:
        WildDetectError: Nothing can be detected, or too many images failed; its `hint` says what to do.
    """
    request = Request(sources=tuple(map(str, sources)), **_words(options))
    project = Project.find()
    settings = settings_for(project, request)
    run = detection.detect(project, settings, request, watcher)
    if run.state == "stopped":
        raise_if_images_failed(run)
    return open_run(project.path(settings.output.directory))


def open_run(folder: Path | str) -> FinishedRun:
    """Read what `detect.run` or `detect` left in a folder.

    Raises:
        InputError: There is no run in it, or it is not finished.
    """
    return read_finished_run(Path(folder).expanduser())


def take_census(
    run: FinishedRun | Path | str | None = None,
    *,
    watcher: Watcher = SILENT,
    **options: Unpack[CensusOptions],
) -> CensusDone:
    """Count each animal once, and estimate how many there are.

    Args:
        run: A finished run or its folder; None detects first in the photographs that the settings name.
        watcher: Observer that is told what happens; by default the log is.
        options: Options of `census.run`: output, tolerance, confidence, config.

    Raises:
        WildDetectError: There is nothing to count in, or a file of the survey cannot be used.
    """
    folder = run.folder if isinstance(run, FinishedRun) else run
    request = CensusRequest(detections=() if folder is None else (str(folder),), **_words(options))
    project = Project.find()
    return census_workflow.census(project, census_settings_for(project, request), request, watcher)


def _words(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as the settings take them: paths as text."""
    return {name: str(value) if isinstance(value, Path) else value for name, value in options.items()}
