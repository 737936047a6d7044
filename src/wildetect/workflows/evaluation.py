"""Measure a model on labelled pictures, logged."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from pathlib import Path

from wildetect.errors import ModelError, ServerError
from wildetect.evaluation.annotations import read_annotations
from wildetect.evaluation.labelled_files import labelled_files
from wildetect.evaluation.measuring import EvaluationPlan, evaluate_into_folder
from wildetect.evaluation.record import EvaluationRecord, LoggedEvaluation
from wildetect.registry.connection import Connection
from wildetect.registry.evaluations import EXPERIMENT, Evaluation, log_evaluation
from wildetect.registry.names import metric_name
from wildetect.settings import Project
from wildetect.settings.project import from_caller
from wildetect.workflows.detection_plan import Request, limit_of, prepared, settings_for
from wildetect.workflows.model_choice import chosen_model
from wildetect.workflows.watching import SILENT, Watcher

__all__ = ["evaluate"]

_MEASURES = ("precision", "recall", "ap50", "ap50_95")


def evaluate(
    project: Project,
    request: Request,
    labelled: tuple[Path, Path | None],
    dataset: str,
    watcher: Watcher = SILENT,
) -> tuple[EvaluationRecord, Path]:
    """Check everything, measure a model on labelled pictures, write the results, log them.

    Args:
        project: Its .env names the server.
        request: The model, and what is not in the settings.
        labelled: The COCO file, and the folder of its pictures; None: beside it.
        dataset: What the labelled pictures are called.
        watcher: Told what happens.

    Returns:
        What evaluation.json holds, and where it is logged; and the folder.
    """
    annotations, folder = labelled
    limit = limit_of(request.limit)
    settings = settings_for(project, request)
    model, connection = chosen_model(project, settings, request.model, watcher)
    truth = read_annotations(annotations, model.manifest.class_names, limit=limit)
    files = labelled_files(truth, annotations, folder)
    if truth.sizeless:
        boxes = "1 box has" if truth.sizeless == 1 else f"{truth.sizeless} boxes have"
        watcher.notice(f"warning: {annotations.name}: {boxes} no width or no height and do not count")
    for name, count in truth.unknown.items():
        watcher.notice(f"warning: {count} boxes of {name} are left out: the model has no such class")
    detector, options = prepared(settings, model)
    plan = EvaluationPlan(
        model=model,
        detector=detector,
        options=options,
        truth=truth,
        files=files,
        dataset=dataset,
        output=from_caller(request.output) if request.output else _folder(project, str(model), dataset),
    )
    watcher.notice(f"evaluating {model} on {len(files)} pictures of {dataset}, on {detector.device}")
    with watcher.measuring() as progress:
        record = evaluate_into_folder(plan, progress)
    if connection is not None:
        record = _logged(connection, record, plan.output, watcher)
    return record, plan.output


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
            "classes": ", ".join(one.name for one in record.classes),
            "device": record.device,
        },
        folder=output,
    )
    try:
        run_id, model_id = log_evaluation(connection, (record.model.name, record.model.version), evaluation)
    except (ServerError, ModelError) as error:
        watcher.notice(f"warning: the results are written, but not logged: {error.message}. {error.hint}")
        return record
    return replace(record, mlflow=LoggedEvaluation(connection.uri, EXPERIMENT, run_id, model_id))
