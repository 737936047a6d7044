"""Measure a model on labelled pictures, or on a survey of which people reviewed a part, logged."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from wildetect.errors import ConfigurationError, ModelError, ServerError
from wildetect.evaluation.annotations import Annotations, read_annotations
from wildetect.evaluation.detector_quality import DetectorQuality, Share, quality_of
from wildetect.evaluation.labelled_files import labelled_files
from wildetect.evaluation.measuring import EvaluationPlan, evaluate_into_folder
from wildetect.evaluation.record import EvaluationRecord, LoggedEvaluation
from wildetect.evaluation.reviewed_sample import ReviewedSample
from wildetect.evaluation.scoring import Scores
from wildetect.evaluation.unseen import near_learned, refuse_seen
from wildetect.imagery.discovery import ImageFile
from wildetect.registry.cache import FetchedModel
from wildetect.registry.connection import Connection
from wildetect.registry.evaluations import (
    BEST_CONFIDENCE,
    EXPERIMENT,
    Evaluation,
    MeasuredQuality,
    Quality,
    evaluations_of,
    limits_of,
    log_evaluation,
    survey_dataset,
)
from wildetect.registry.learning.card import refresh_card
from wildetect.registry.learning.lineage import Lineage, lineage_in
from wildetect.registry.names import metric_name
from wildetect.registry.reference import ModelReference
from wildetect.registry.versions import resolve, versions_of
from wildetect.results.run import DetectionRun
from wildetect.settings import Project
from wildetect.settings.project import from_caller
from wildetect.training.built_set import frozen_name
from wildetect.training.splitting import places_of
from wildetect.wording import commas, form, number_of
from wildetect.workflows.detection import warn_of_doubts
from wildetect.workflows.detection_plan import Request, limit_of, prepared, settings_for
from wildetect.workflows.model_choice import chosen_model
from wildetect.workflows.watching import SILENT, Watcher

__all__ = ["evaluate", "log_scores", "log_survey", "quality_on_survey", "version_of"]

_MEASURES = ("precision", "recall", "ap50", "ap50_95")


def evaluate(
    project: Project,
    request: Request,
    labelled: tuple[Path, Path | None],
    dataset: str | None = None,
    watcher: Watcher = SILENT,
) -> tuple[EvaluationRecord, Path]:
    """Check everything, measure a model on labelled pictures, write the results, log them.

    Args:
        project: Its .env names the server.
        request: The model, and what is not in the settings.
        labelled: The COCO file, and the folder of its pictures; None: beside it.
        dataset: What the labelled pictures are called; null: as their file, or as the part of the training
            set that they are.
        watcher: Observer that is told what happens.

    Returns:
        What evaluation.json holds, and where it is logged; and the folder.

    Raises:
        InputError: Labels or pictures cannot be used, or are not those that a training set was built with.
        ModelError: The model has learned from some of the pictures, or cannot be used.
    """
    annotations, folder = labelled
    frozen = frozen_name(annotations)
    dataset = dataset or frozen or annotations.stem
    limit = limit_of(request.limit)
    settings = settings_for(project, request)
    model, connection = chosen_model(project, settings, request.model, watcher)
    truth = read_annotations(annotations, model.manifest.class_names, limit=limit, pictures=folder)
    files = labelled_files(truth, annotations, folder)
    _tell_labels(truth, annotations, files, watcher)
    detector, options = prepared(settings, model)
    lineage = lineage_in(model.weights.parent) if model.version else None
    learned_from = refuse_seen(str(model), lineage, truth, files, options.reading)
    if learned_from == "unknown":
        watcher.notice(_unknown(model, lineage))
    if near := near_learned(lineage, files):
        watcher.notice(_near(model, near))
    if connection is not None:
        _tell_other_pictures(connection, model, dataset, truth.sha256, watcher)
    plan = EvaluationPlan(
        model=model,
        detector=detector,
        options=options.of_cut_tiles() if truth.tiles_of_set else options,
        truth=truth,
        files=files,
        dataset=dataset,
        learned_from=learned_from,
        near_learned=len(near),
        places=places_of(truth, files),
        output=from_caller(request.output) if request.output else _folder(project, str(model), dataset),
    )
    watcher.notice(
        f"evaluating {model} on {number_of(len(files), 'picture')} of {dataset}, on {detector.device}"
    )
    with watcher.measuring() as progress:
        record = evaluate_into_folder(plan, progress)
    warn_of_doubts(record.doubts, len(files), watcher, kept="evaluation.json")
    if connection is not None:
        record = _logged(connection, record, plan.output, watcher)
    return record, plan.output


def _same_files(files: Sequence[ImageFile]) -> Iterator[tuple[str, str]]:
    """Names of pictures whose files are the same, byte by byte."""
    of_size: dict[int, list[ImageFile]] = defaultdict(list)
    for file in files:
        of_size[file.path.stat().st_size].append(file)
    for alike in of_size.values():
        first: dict[str, str] = {}
        for file in alike if len(alike) > 1 else ():
            with file.path.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            if digest in first:
                yield first[digest], file.name
            first.setdefault(digest, file.name)


def _tell_labels(truth: Annotations, annotations: Path, files: Sequence[ImageFile], watcher: Watcher) -> None:
    """Name labels that do not count, and pictures that count twice."""
    if truth.sizeless:
        boxes = number_of(truth.sizeless, "box", "boxes")
        says = form(truth.sizeless, "has no width or no height and does", "have no width or no height and do")
        watcher.notice(f"warning: {annotations.name}: {boxes} {says} not count")
    if truth.unusable:
        boxes = number_of(truth.unusable, "box", "boxes")
        says = form(truth.unusable, "is none", "are none")
        does = form(truth.unusable, "does", "do")
        watcher.notice(
            f"warning: {annotations.name}: {boxes} {says} (missing, of a negative size, or no numbers) and "
            f"{does} not count"
        )
    if truth.doubled:
        boxes = number_of(truth.doubled, "box", "boxes")
        says = form(truth.doubled, "is there again and counts", "are there again and count")
        watcher.notice(f"warning: {annotations.name}: {boxes} {says} once")
    if truth.outside:
        boxes = number_of(truth.outside, "box", "boxes")
        watcher.notice(
            f"warning: {annotations.name}: {boxes} {form(truth.outside, 'lies', 'lie')} outside of "
            f"{form(truth.outside, 'its picture and does', 'their pictures and do')} not count"
        )
    for one, other in _same_files(files):
        watcher.notice(
            f"warning: {one} and {other} are the same picture: its animals count twice, and limits of "
            "differences are too narrow"
        )
    for name, count in truth.unknown.items():
        watcher.notice(
            f"warning: {number_of(count, 'box', 'boxes')} of {name} {form(count, 'is', 'are')} left "
            "out: the model has no such class"
        )


def _unknown(model: FetchedModel, lineage: Lineage | None) -> str:
    """Say that nobody can tell whether the pictures are new to a detector."""
    if lineage is None:
        return (
            f"note: what {model} was trained on is not known here: if it has learned from these pictures, "
            "the numbers are too good"
        )
    began = lineage.began_with or "weights that are not named"
    return (
        f"note: no picture is in the training set {lineage.sets[0].name}, but {model} was begun with "
        f"{began}, of which nothing is known here"
    )


def _near(model: FetchedModel, near: Sequence[str]) -> str:
    """Say that pictures may show ground that a detector has learned from on another day."""
    were = form(len(near), "was", "were")
    return (
        f"warning: {number_of(len(near), 'picture')}, such as {near[0]}, {were} taken within about 20 km of "
        f"photographs that {model} has learned from: if they show the same ground on another day, the "
        "numbers are too good"
    )


def _tell_other_pictures(
    connection: Connection, model: FetchedModel, dataset: str, digest: str, watcher: Watcher
) -> None:
    """Warn where the name of the labelled pictures meant others when a version was measured."""
    if model.version is None:
        return
    for version in versions_of(connection, model.name):
        for one in evaluations_of(version):
            was = one.settings.get("annotations_sha256")
            if one.dataset == dataset and was not in (None, digest):
                watcher.notice(
                    f"warning: {dataset} had other labels when version {version.version} was measured "
                    f"(digest {str(was)[:8]}, now {digest[:8]}), and cannot be compared with it; --dataset "
                    "gives another name"
                )
                return


def _folder(project: Project, model: str, dataset: str) -> Path:
    return project.root / "results" / "evaluation" / re.sub(r"[^\w.-]+", "-", f"{model} on {dataset}")


def _logged(
    connection: Connection, record: EvaluationRecord, output: Path, watcher: Watcher
) -> EvaluationRecord:
    """Log an evaluation; its results must not be lost because the server went away meanwhile."""
    of_classes = {
        metric_name(measure, one.name): getattr(one, measure)
        for one in record.classes
        for measure in _MEASURES
    }
    evaluation = Evaluation(
        dataset=record.dataset.name,
        digest=record.dataset.sha256,
        metrics={name: value for name, value in asdict(record.metrics).items() if value is not None},
        of_classes={name: value for name, value in of_classes.items() if value is not None},
        settings={
            **record.settings,
            "pictures": record.dataset.pictures,
            "classes": commas(one.name for one in record.classes),
            "device": record.device,
        },
        folder=output,
    )
    try:
        run_id, model_id = log_evaluation(connection, (record.model.name, record.model.version), evaluation)
    except (ServerError, ModelError) as error:
        watcher.notice(f"warning: the results are written, but not logged: {error.message}. {error.hint}")
        return record
    if record.model.version is not None:
        refresh_card(connection, record.model.name, record.model.version)
    return replace(record, mlflow=LoggedEvaluation(connection.uri, EXPERIMENT, run_id, model_id))


_OF_SURVEY = ("tile_size", "overlap_ratio", "confidence")  # settings of a run that shape the numbers


def quality_on_survey(run: DetectionRun, sample: ReviewedSample, survey: str) -> MeasuredQuality:
    """How well the detector of a run did on its survey, as the reviewed part of it tells.

    Args:
        run: The detections.
        sample: What people saw in it.
        survey: Its name.
    """
    whole = quality_of(sample)
    classes = {name: _quality(quality_of(sample, name)) for name in run.class_names}
    known = {name: run.settings.get(name) for name in ("tile_size", "confidence")}
    tile_size, confidence = (value if isinstance(value, int | float) else None for value in known.values())
    return MeasuredQuality(
        dataset=survey_dataset(survey),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        pictures=int(sample.design.reviewed.sum()),
        tile_size=None if tile_size is None else round(tile_size),
        confidence=confidence,
        overall=_quality(whole),
        classes={name: one for name, one in classes.items() if one != Quality()},
        best_confidence=whole.best_confidence,
    )


def _quality(found: DetectorQuality) -> Quality:
    return Quality(
        None if found.precision is None else found.precision.value,
        None if found.recall is None else found.recall.value,
        _limits(found.precision),
        _limits(found.recall),
    )


def _limits(share: Share | None) -> tuple[float, float] | None:
    return None if share is None else (share.lower, share.upper)


def version_of(run: DetectionRun) -> ModelReference:
    """The registered version that a run used.

    Raises:
        ConfigurationError: It used a weights file.
    """
    registered = run.model.registered
    if registered is None:
        raise ConfigurationError(
            f"{run.model} is a weights file: only a registered version keeps what was measured",
            hint="Register it and detect with the version: uv run invoke model.register --weights FILE",
        )
    return ModelReference.of(*registered)


def log_scores(
    server: Connection, run: DetectionRun, truth: Annotations, scores: Scores, dataset: str
) -> None:
    """Write how a finished run did on labelled pictures onto its version, unless it stands there.

    Args:
        server: The server.
        run: The detections.
        truth: The labels.
        scores: What came of comparing both.
        dataset: What the labelled pictures are called.

    Raises:
        ConfigurationError: The detector is a weights file.
        ModelError: The version is gone.
        ServerError: Where the server fails.
    """
    version = resolve(server, version_of(run))
    if any(one.settings.get("annotations_sha256") == truth.sha256 for one in evaluations_of(version)):
        return
    counts = scores.counts
    # no mAP: the run keeps no boxes below its confidence, of which the curves are made
    measured = {"precision": counts.precision, "recall": counts.recall}
    of_classes = {
        metric_name(measure, one.name): getattr(one.counts, measure)
        for one in scores.classes
        for measure in ("precision", "recall")
    }
    evaluation = Evaluation(
        dataset=dataset,
        digest=truth.sha256,
        metrics={name: value for name, value in measured.items() if value is not None},
        of_classes={name: value for name, value in of_classes.items() if value is not None},
        settings={
            **{name: run.settings[name] for name in _OF_SURVEY if name in run.settings},
            "pictures": run.images.read,
            "classes": commas(run.class_names),
        },
    )
    log_evaluation(server, (version.name, version.version), evaluation)
    refresh_card(server, version.name, version.version)


def log_survey(server: Connection, run: DetectionRun, sample: ReviewedSample, survey: str) -> None:
    """Write what a review tells of a detector onto its version, unless it stands there.

    Args:
        server: The server.
        run: The detections.
        sample: What people saw in it.
        survey: Its name.

    Raises:
        ConfigurationError: The detector is a weights file.
        ModelError: The version is gone.
        ServerError: Where the server fails.
    """
    dataset, digest = survey_dataset(survey), sample.digest
    version = resolve(server, version_of(run))
    there = [one for one in evaluations_of(version) if one.dataset == dataset]
    if any(one.settings.get("annotations_sha256") == digest for one in there):
        return
    evaluation = Evaluation(
        dataset=dataset,
        digest=digest,
        metrics=dict(_metrics(quality_of(sample))),
        of_classes={
            metric_name(measure, name): value
            for name in run.class_names
            for measure, value in _metrics(quality_of(sample, name))
            if measure in {"precision", "recall"}
        },
        settings={
            **{name: run.settings[name] for name in _OF_SURVEY if name in run.settings},
            "pictures": int(sample.design.reviewed.sum()),
            "pictures_of_survey": len(sample.images),
            "classes": commas(run.class_names),
        },
        of_survey=True,
    )
    log_evaluation(server, (version.name, version.version), evaluation)
    refresh_card(server, version.name, version.version)


def _metrics(quality: DetectorQuality) -> Iterator[tuple[str, float]]:
    for name, share in (("precision", quality.precision), ("recall", quality.recall)):
        if share is not None:
            yield name, share.value
            yield from zip(limits_of(name), (share.lower, share.upper), strict=True)
    if quality.best_confidence is not None:
        yield BEST_CONFIDENCE, quality.best_confidence
