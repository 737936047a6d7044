"""Take a census: from settings to a folder of results, logged."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from wildetect.census.counting.roll_up import rolled_sample, rolled_up
from wildetect.census.counting.said import Said
from wildetect.census.design.survey_files import SurveyFiles
from wildetect.census.output.document import NEVER_MEASURED, CensusFacts
from wildetect.census.output.outputs import CensusWanted, census_record, write_census
from wildetect.census.output.parts import Campaign, DetectorRecord
from wildetect.census.output.record import CensusRecord, read_census_file, write_census_file
from wildetect.census.survey import SurveyPlan, survey
from wildetect.detection.run.failures import raise_if_images_failed
from wildetect.detection.run.run import what_is_kept
from wildetect.errors import ConfigurationError, InputError, ModelError, ServerError
from wildetect.registry.connection import Connection
from wildetect.registry.evaluations import qualities_of
from wildetect.registry.reference import ModelReference
from wildetect.registry.runs import finish_run, start_run
from wildetect.registry.versions import resolve
from wildetect.results.blurring import Places
from wildetect.results.files import make_folder
from wildetect.results.finished_run import FinishedRun, read_finished_run
from wildetect.results.pictures.moved import with_photographs_in
from wildetect.results.run import DetectionRun
from wildetect.results.run_parts import Logged
from wildetect.review.pairs import PairsSaid, pairs_said
from wildetect.review.plan import read_plan
from wildetect.review.sample import NO_REVIEW, review_from
from wildetect.review.verdict_file import read_verdicts
from wildetect.settings import Project
from wildetect.settings.census import CensusSettings, SurveyKeys
from wildetect.settings.project import place_from_caller
from wildetect.wording import form, number_of, the_others
from wildetect.workflows.census_plan import CensusRequest, keys_of, table_of, with_lost_photographs
from wildetect.workflows.connecting import connect_for
from wildetect.workflows.detection import detect, tell_exact
from wildetect.workflows.detection_plan import Request
from wildetect.workflows.evaluation import log_survey, quality_on_survey, version_of
from wildetect.workflows.watching import SILENT, Watcher

__all__ = ["CensusDone", "census", "raise_if_incomplete"]

MOST_CAUTIONS_SHOWN = 5
DETECTIONS = "detections"  # folder of a run that is made for a census, in its own


class CensusDone(NamedTuple):
    """What a census left.

    Attributes:
        record: What census.json holds.
        folder: Where it lies.
        detection: The detection run that was made for it; null where one was named.
    """

    record: CensusRecord
    folder: Path
    detection: DetectionRun | None


def census(
    project: Project,
    settings: CensusSettings,
    request: CensusRequest | None = None,
    watcher: Watcher = SILENT,
) -> CensusDone:
    """Detect where that is asked for, count each animal once, estimate, write the results, log them.

    Args:
        project: Its .env names the server; paths of the settings are relative to its root.
        settings: What to count, and how.
        request: What is not in the settings: where the photographs lie now, coarsened places.
        watcher: Observer that is told what happens; asked whether to stop.

    Raises:
        WildDetectError: There is nothing to count in, or a file of the survey cannot be used.
        KeyboardInterrupt: Detection was interrupted; what is done is kept.
    """
    begun, started = time.monotonic(), datetime.now(UTC)
    folder = project.path(settings.output)
    request = request or CensusRequest()
    places = Places.of(settings.sensitive, request.blur)
    keys = keys_of(project, settings)
    files = SurveyFiles.read(keys, table_of(project, settings))
    sources = [place_from_caller(path) for path in request.source]
    detection = _detected(project, settings, request, keys, watcher)
    run = read_finished_run(keys.detections or folder / DETECTIONS)
    run = with_photographs_in(run, sources) if sources else with_lost_photographs(run, project, settings)
    groups = settings.campaign.roll_up
    run = rolled_up(run, groups)
    make_folder(
        folder,
        hint="Give another one with --output, or as export.output_directory in configs/census.yaml.",
    )
    plan = _plan(settings, keys, files, run)
    found = survey(plan)
    server = _server(project, watcher)
    detector = _detector(server, run.record, groups)
    if plan.reviewed is not None:
        detector = _with_survey(detector, server, plan, settings.campaign.id, watcher)
    facts = replace(_facts(settings, run, started, time.monotonic() - begun), detector=detector)
    _tell_replaced(folder, run, watcher)
    places = places.with_species(run.record.sensitive).counted_as(groups)
    wanted = CensusWanted(with_map=settings.export.create_map, places=places)
    record = write_census(folder, found, facts, wanted)
    _notice_cautions(record, watcher)
    tell_exact("census", record.blurred, record.mlflow, folder, watcher)
    _tell_unknown(settings, places, [*run.class_names, *record.summary], watcher)
    return CensusDone(_logged(server, record, folder, watcher), folder, detection)


def _plan(settings: CensusSettings, keys: SurveyKeys, files: SurveyFiles, run: FinishedRun) -> SurveyPlan:
    """What is counted, and how, with what people said of the run."""
    groups = settings.campaign.roll_up
    read = read_verdicts(run.folder)
    review = review_from(read, read_plan(run.folder), run.results, run.class_names)
    reason = NO_REVIEW if review is None else review.reason
    return SurveyPlan(
        run=run,
        keys=keys,
        species=settings.campaign.target_species,
        specs=settings.detection.flight_specs,
        files=files,
        reviewed=None if review is None or reason is not None else rolled_sample(review.sample, groups),
        review_reason=reason,
        largest_animal=settings.detection.processing.largest_animal,
        said=_said(pairs_said(run.results, read.verdicts)),
    )


def _tell_unknown(settings: CensusSettings, places: Places, species: Sequence[str], watcher: Watcher) -> None:
    """Name words of the settings that are no species, and so change nothing."""
    for name in places.unknown(chain(species, *settings.campaign.roll_up.values())):
        watcher.notice(
            f"warning: sensitive.species names {name}, which no class is: it protects nothing here"
        )
    for name in sorted(set(settings.survey.availability) - set(species)):
        watcher.notice(f"warning: survey.availability names {name}, which no class is: it changes nothing")


def _said(pairs: PairsSaid) -> Said:
    return Said(
        same=tuple(one.ids for one in pairs.said if one.same),
        apart=tuple(one.ids for one in pairs.said if not one.same),
        lost=pairs.lost,
    )


def _tell_replaced(folder: Path, run: FinishedRun, watcher: Watcher) -> None:
    """Say so where the folder holds the census of another run, which goes."""
    try:
        before = read_census_file(folder).detections.folder
    except InputError:
        return
    if before and Path(before) != run.folder:
        watcher.notice(
            f"warning: {folder} held the census of {before}, which is replaced; --output keeps them apart"
        )


def _detected(
    project: Project, settings: CensusSettings, request: CensusRequest, keys: SurveyKeys, watcher: Watcher
) -> DetectionRun | None:
    """Detect in the photographs that the settings name; not where they name detections, which give None.

    Raises:
        ConfigurationError: They name neither, or detections that are to be made again.
        InputError: Too many images failed.
        KeyboardInterrupt: It was interrupted; what is done is kept.
    """
    if keys.detections is not None:
        if not request.restart:
            return None
        raise ConfigurationError(
            f"--restart detects again, and the detections are those in {keys.detections}",
            hint="Leave out --restart, or name no detections (survey.detections).",
        )
    if not settings.detection.sources:
        raise ConfigurationError(
            "no detections and no photographs are named",
            hint="Give a finished run with --detections results, or set detection.image_dir in "
            "configs/census.yaml.",
        )
    wanted = settings.detection_into(project.path(settings.output) / DETECTIONS)
    wish = Request(restart=request.restart, blur=request.blur, begun_by=request.command)
    run = detect(project, wanted, wish, watcher=watcher)
    if run.state == "interrupted":
        raise KeyboardInterrupt(what_is_kept(run))
    if run.state == "stopped":
        raise_if_images_failed(run)
    return run


def _facts(settings: CensusSettings, run: FinishedRun, started: datetime, seconds: float) -> CensusFacts:
    survey, table = settings.survey, settings.detection.exif_gps_update
    positions = table.csv_path if table is not None else None
    named = {
        "strata": survey.strata,
        "transects": survey.transects,
        "terrain": survey.terrain,
        "positions": positions,
    }
    campaign, species = settings.campaign, settings.campaign.target_species
    return CensusFacts(
        campaign=Campaign(campaign.id, campaign.pilot_name, None if species is None else tuple(species)),
        settings={
            "tolerance": survey.tolerance,
            "confidence": survey.confidence,
            **({"roll_up": settings.campaign.roll_up} if settings.campaign.roll_up else {}),
            **{f"corrections.{name}": value for name, value in survey.corrections},
            **{name: None if path is None else str(path) for name, path in named.items()},
            **{f"flight_specs.{name}": value for name, value in settings.detection.flight_specs},
        },
        run=run.record,
        run_folder=run.folder,
        started=started,
        seconds=seconds,
        availability=survey.availability,
    )


def _server(project: Project, watcher: Watcher) -> Connection | ServerError:
    """The server, or why there is none: a census is taken without one, too."""
    try:
        return connect_for(project, watcher)
    except ServerError as error:
        return error


def _detector(
    server: Connection | ServerError, run: DetectionRun, groups: Mapping[str, Sequence[str]]
) -> DetectorRecord:
    """What the registry knows of the detector and the classes of its species, or why nothing is known."""
    registered = run.model.registered
    if registered is None:
        return DetectorRecord(unknown=f"{NEVER_MEASURED} ({run.model} is a weights file, not a version)")
    if isinstance(server, ServerError):
        return DetectorRecord(unknown=f"not known, as the registry could not be asked: {server.message}")
    try:
        version = resolve(server, ModelReference.of(*registered))
        measured = qualities_of(
            server, version, list(dict.fromkeys(chain(run.class_names, *groups.values())))
        )
    except (ServerError, ModelError) as error:
        return DetectorRecord(unknown=f"not known: {error.message}")
    return DetectorRecord(measured=tuple(measured), unknown=None if measured else NEVER_MEASURED)


def _with_survey(
    detector: DetectorRecord,
    server: Connection | ServerError,
    plan: SurveyPlan,
    survey_name: str,
    watcher: Watcher,
) -> DetectorRecord:
    """Put what the review of this very survey tells of the detector first, and onto its version."""
    assert plan.reviewed is not None  # noqa: S101 - the caller has looked
    own = quality_on_survey(plan.run.record, plan.reviewed, survey_name)
    try:
        version_of(plan.run.record)
        if isinstance(server, ServerError):
            raise server
        log_survey(server, plan.run.record, plan.reviewed, survey_name)
    except (ConfigurationError, ServerError, ModelError) as error:
        watcher.notice(f"precision and recall on this survey are not kept with a version: {error.message}")
    others = [one for one in detector.measured if one.dataset != own.dataset]
    return DetectorRecord(measured=(own, *others))


def raise_if_incomplete(done: CensusDone) -> None:
    """A census that lacks photographs ends with the exit code that a scheduled task sees.

    Raises:
        InputError: Naming what is missing.
    """
    missing = [caution for caution in done.record.cautions if caution.kind == "vanished"]
    if missing:
        files = missing[0].files
        counted = the_others(done.record.counts.photographs, "is", "are").lower() or "nothing is"
        gone = f"{number_of(len(files), 'photograph')} of the run {form(len(files), 'is', 'are')}"
        shown = files[:MOST_CAUTIONS_SHOWN]
        raise InputError(f"{gone} no longer there; {counted} counted", hint=missing[0].fix, details=shown)
    if done.detection is not None:
        raise_if_images_failed(done.detection)


def _notice_cautions(record: CensusRecord, watcher: Watcher) -> None:
    cautions = record.cautions
    for caution in cautions[:MOST_CAUTIONS_SHOWN]:
        watcher.notice(f"warning: {caution.what} {caution.fix}".rstrip())
    if len(cautions) > MOST_CAUTIONS_SHOWN:
        watcher.notice(f"and {number_of(len(cautions) - MOST_CAUTIONS_SHOWN, 'more warning')} in the report")


def _logged(
    server: Connection | ServerError, record: CensusRecord, folder: Path, watcher: Watcher
) -> CensusRecord:
    """Log the census; it must not fail because there is no server, or it went away meanwhile.

    Returns:
        The record, with where it is logged.
    """
    if record.mlflow is not None:
        return record
    try:
        if isinstance(server, ServerError):
            raise server
        connection = server
        name = f"{record.campaign.id}: {number_of(record.counts.animals, 'animal')} detected"
        run_id = start_run(connection, "census", name)
        km = record.blurred.km if record.blurred else None
        record = replace(record, mlflow=Logged(connection.uri, run_id, km))
        write_census_file(folder, record)
        finish_run(connection, run_id, census_record(record, folder))
    except ServerError as error:
        watcher.notice(
            f"warning: the results are written, but the census is not logged: {error.message}. {error.hint}"
        )
    return record
