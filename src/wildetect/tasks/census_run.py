"""`census.run`: from settings to a folder of results, logged."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from wildetect.tasks.census_log import log_census
from wildetect.tasks.census_request import (
    CensusRequest,
    keys_of,
    photograph_folders,
    settings_for,
    table_of,
)
from wildetect.tasks.support import export_variables, log_also_to, say, show_more

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wildetect.results.finished_run import FinishedRun
    from wildetect.results.run import DetectionRun
    from wildetect.settings import Project
    from wildetect.settings.census import CensusSettings

__all__ = ["Done", "census", "census_with", "raise_if_incomplete"]

SECONDS_BETWEEN_LINES = 10.0
MOST_CAUTIONS_SHOWN = 5


class Done(NamedTuple):
    """What a census left.

    Attributes:
        document: What census.json holds.
        folder: Where it lies.
        detection: The detection run that was made for it; null where one was named.
    """

    document: dict[str, Any]
    folder: Path
    detection: DetectionRun | None


def census(request: CensusRequest) -> Done:
    """Check everything, detect where that is asked for, count, write the results, log them.

    Args:
        request: What the command line asks for.
    """
    from wildetect.settings import Project

    project = Project.find()
    export_variables(project)
    settings = settings_for(project, request)
    if settings.logging.verbose:
        show_more()
    if settings.logging.log_file:
        log_also_to(project.path(settings.logging.log_file))
    return census_with(project, settings)


def census_with(project: Project, settings: CensusSettings) -> Done:
    """`census` with settings that are at hand, as those of the demo."""
    from wildetect.census.design.survey_files import SurveyFiles
    from wildetect.census.output.outputs import write_census
    from wildetect.census.survey import SurveyPlan, survey
    from wildetect.results.files import make_folder
    from wildetect.results.finished_run import read_finished_run
    from wildetect.review.sample import NO_REVIEW, read_review

    begun, started = time.monotonic(), datetime.now(UTC)
    folder = project.path(settings.output)
    keys = keys_of(project, settings)
    files = SurveyFiles.read(keys, table_of(project, settings))
    detection = _detect(project, settings, folder) if keys.detections is None else None
    run = read_finished_run(keys.detections or _detections_in(folder))
    make_folder(
        folder,
        hint="Give another one with --output, or as export.output_directory in configs/census.yaml.",
    )
    review = read_review(run.folder, run.results, run.class_names)
    reason = NO_REVIEW if review is None else review.reason
    plan = SurveyPlan(
        run=run,
        keys=keys,
        species=settings.campaign.target_species,
        specs=settings.detection.flight_specs,
        files=files,
        folders=photograph_folders(project, settings),
        progress=_progress(),
        reviewed=None if review is None or reason is not None else review.sample,
        review_reason=reason,
    )
    found = survey(plan)
    facts = _facts(settings, run, started, time.monotonic() - begun)
    document = write_census(folder, found, facts, with_map=settings.export.create_map)
    _say_cautions(document)
    log_census(project, document, folder)
    return Done(document, folder, detection)


def _detections_in(folder: Path) -> Path:
    return folder / "detections"


def _detect(project: Project, settings: CensusSettings, folder: Path) -> DetectionRun:
    """Detect in the photographs that the settings name.

    Raises:
        ConfigurationError: They name none.
        InputError: Too many images failed.
        KeyboardInterrupt: It was interrupted; what is done is kept.
    """
    from wildetect.detection.run.failures import raise_if_images_failed
    from wildetect.errors import ConfigurationError
    from wildetect.tasks.detect import detect_with
    from wildetect.tasks.detect_request import Request

    if not settings.detection.sources:
        raise ConfigurationError(
            "no detections and no photographs are named",
            hint="Give a finished run with --detections results, or set detection.image_dir in "
            "configs/census.yaml.",
        )
    run = detect_with(project, settings.detection_into(_detections_in(folder)), Request())
    if run.state == "interrupted":
        say(f"{run.images} are done; the same command goes on from there")
        raise KeyboardInterrupt
    if run.state == "stopped":
        raise_if_images_failed(run)
    return run


def _progress() -> Callable[[int, int], None]:
    """Says now and then how many photographs' tags have been read: a network drive takes its time."""
    last = time.monotonic()

    def show(done: int, total: int) -> None:
        nonlocal last
        if done < total and time.monotonic() - last > SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            say(f"tags of {done:,} of {total:,} photographs read")

    return show


def _facts(settings: CensusSettings, run: FinishedRun, started: datetime, seconds: float) -> Any:
    from wildetect.census.output.document import CensusFacts

    survey, table = settings.survey, settings.detection.exif_gps_update
    positions = table.csv_path if table is not None else None
    named = {
        "strata": survey.strata,
        "transects": survey.transects,
        "terrain": survey.terrain,
        "positions": positions,
    }
    return CensusFacts(
        campaign=settings.campaign.model_dump(),
        settings={
            "tolerance": survey.tolerance,
            "confidence": survey.confidence,
            **{name: None if path is None else str(path) for name, path in named.items()},
            **{f"flight_specs.{name}": value for name, value in settings.detection.flight_specs},
        },
        run=run.record,
        run_folder=run.folder,
        started=started,
        seconds=seconds,
        availability=survey.availability,
    )


def _say_cautions(document: dict[str, Any]) -> None:
    cautions = document["cautions"]
    for caution in cautions[:MOST_CAUTIONS_SHOWN]:
        say(f"warning: {caution['message']} {caution['mend']}".rstrip())
    if len(cautions) > MOST_CAUTIONS_SHOWN:
        say(f"and {len(cautions) - MOST_CAUTIONS_SHOWN} more warnings in the report")


def raise_if_incomplete(done: Done) -> None:
    """A census that lacks photographs ends with the exit code that a scheduled task sees.

    Raises:
        InputError: Naming what is missing.
    """
    from wildetect.detection.run.failures import raise_if_images_failed
    from wildetect.errors import InputError

    missing = [caution for caution in done.document["cautions"] if caution["kind"] == "vanished"]
    if missing:
        files = missing[0]["files"]
        raise InputError(
            f"{len(files):,} photographs of the run are no longer there; the others are counted",
            hint=missing[0]["mend"],
            details=files[:MOST_CAUTIONS_SHOWN],
        )
    if done.detection is not None:
        raise_if_images_failed(done.detection)
