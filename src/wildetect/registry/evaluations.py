"""Evaluations in MLflow: what was measured on which labelled pictures, linked to the version.

An evaluation is a run in the experiment "evaluation". Its metrics are linked to the version's logged
model, so that MLflow shows them on the version's page; a tag of the version has the main ones (module
quality).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from wildetect.registry.connection import Connection, errors_of_mlflow
from wildetect.registry.quality import Evaluated, tag_of
from wildetect.registry.runs import RunRecord, finish_run, logged_model_id, start_run

__all__ = ["EXPERIMENT", "Evaluation", "log_evaluation", "metric_name"]

EXPERIMENT = "evaluation"
_DIGEST_LENGTH = 16  # MLflow takes at most 36 signs


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What one evaluation leaves.

    Attributes:
        dataset: Name of the labelled pictures.
        digest: sha256 of their annotation file.
        metrics: `map50`, `map50_95`, `precision`, `recall`, `tiles_per_second`; those that are undefined
            (precision without detections) are left out.
        of_classes: The like for single classes, named by `metric_name`.
        settings: What else the numbers depend on.
        folder: Files to keep with the run.
    """

    dataset: str
    digest: str
    metrics: Mapping[str, float]
    of_classes: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    folder: Path | None = None


def metric_name(measure: str, class_name: str) -> str:
    """The name of a measure of one class, such as "recall/zebra", with the signs that MLflow takes."""
    return f"{measure}/{re.sub(r'[^A-Za-z0-9_.-]', '_', class_name)}"


def log_evaluation(
    connection: Connection, model: tuple[str, str | None], evaluation: Evaluation
) -> tuple[str, str | None]:
    """Log an evaluation, and write its numbers onto the version.

    Args:
        connection: The server.
        model: Name and version; with no version (a weights file) there is only the run.
        evaluation: What to log.

    Returns:
        The ids of the run and, where there is one, of the logged model that its metrics are linked to.

    Raises:
        ServerError: Where the server fails.
        ModelError: Where the version is gone.
    """
    name, version = model
    called = f"{name} version {version}" if version else name
    model_id = logged_model_id(connection, name, version)
    run_id = start_run(connection, EXPERIMENT, f"{called} on {evaluation.dataset}")
    tags = {"model": name, "dataset": evaluation.dataset, **({"version": version} if version else {})}
    with errors_of_mlflow(f"run {run_id}"):
        _log_dataset(connection, run_id, model_id, evaluation)
        _log_metrics(connection, run_id, model_id, evaluation)
    finish_run(
        connection, run_id, RunRecord(parameters=evaluation.settings, tags=tags, folder=evaluation.folder)
    )
    if version is not None:
        evaluated = Evaluated(
            dataset=evaluation.dataset,
            at=datetime.now(UTC),
            run_id=run_id,
            metrics=dict(evaluation.metrics),
            settings={"annotations_sha256": evaluation.digest, **evaluation.settings},
        )
        with errors_of_mlflow(f"model {name}/{version}"):
            connection.client.set_model_version_tag(
                name, version, tag_of(evaluation.dataset), evaluated.model_dump_json()
            )
    return run_id, model_id


def _log_dataset(connection: Connection, run_id: str, model_id: str | None, evaluation: Evaluation) -> None:
    from mlflow.entities import Dataset, DatasetInput, LoggedModelInput

    source = json.dumps({"annotations_sha256": evaluation.digest})
    dataset = Dataset(evaluation.dataset, evaluation.digest[:_DIGEST_LENGTH], "local", source)
    models = [LoggedModelInput(model_id)] if model_id else []
    connection.client.log_inputs(run_id, datasets=[DatasetInput(dataset)], models=models)


def _log_metrics(connection: Connection, run_id: str, model_id: str | None, evaluation: Evaluation) -> None:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    link = {
        "model_id": model_id,
        "dataset_name": evaluation.dataset,
        "dataset_digest": evaluation.digest[:_DIGEST_LENGTH],
    }
    values = {**evaluation.metrics, **evaluation.of_classes}
    metrics = [Metric(name, float(value), now, 0, **link) for name, value in values.items()]
    # one request, of at most 1000 metrics; a model of 80 classes has 400
    connection.client.log_batch(run_id, metrics=metrics)
