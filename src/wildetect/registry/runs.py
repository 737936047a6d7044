"""Runs in MLflow's experiments: what was done, with what, and what came out."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wildetect.errors import ModelError
from wildetect.registry.connection import Connection, errors_of_mlflow

__all__ = ["RunRecord", "finish_run", "logged_model_id", "start_run"]


@dataclass(frozen=True)
class RunRecord:
    """What a run leaves in MLflow.

    Attributes:
        parameters: To compare runs by.
        metrics: Numbers that came out.
        tags: Words to find it by.
        folder: Whose whole content is kept.
        files: Single files that are kept.
        model: Name and version of the registered model that the run used.
        failed: Whether it ended badly.
    """

    parameters: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    files: Sequence[Path] = ()
    model: tuple[str, str | None] | None = None
    failed: bool = False


def start_run(connection: Connection, experiment: str, name: str) -> str:
    """Open a run and return its id; the experiment is made where it does not exist.

    Raises:
        ServerError: Where the server fails.
    """
    from mlflow.exceptions import MlflowException

    client = connection.client
    with errors_of_mlflow(f"experiment {experiment}"):
        found = client.get_experiment_by_name(experiment)
        if found is None:
            try:
                experiment_id = client.create_experiment(experiment)
            except MlflowException as error:
                # Another program made it between the question and the order.
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                experiment_id = client.get_experiment_by_name(experiment).experiment_id
        else:
            experiment_id = found.experiment_id
        run = client.create_run(experiment_id, run_name=name)
    return str(run.info.run_id)


def finish_run(connection: Connection, run_id: str, record: RunRecord) -> None:
    """Log everything in one batch and one upload, and close the run.

    Raises:
        ServerError: Where the server fails.
    """
    from mlflow.entities import Metric, Param, RunTag

    client = connection.client
    now = int(time.time() * 1000)
    if record.model is not None:
        _link_model(connection, run_id, *record.model)
    with errors_of_mlflow(f"run {run_id}"):
        client.log_batch(
            run_id,
            metrics=[Metric(name, float(value), now, 0) for name, value in record.metrics.items()],
            params=[Param(name, str(value)) for name, value in record.parameters.items()],
            tags=[RunTag(name, value) for name, value in record.tags.items()],
        )
        if record.folder is not None:
            client.log_artifacts(run_id, str(record.folder))
        for file in record.files:
            client.log_artifact(run_id, str(file))
        client.set_terminated(run_id, "FAILED" if record.failed else "FINISHED")


def logged_model_id(connection: Connection, name: str, version: str | None) -> str | None:
    """The logged model behind a version; None for one that came from an old store or another program.

    Raises:
        ServerError: Where the server fails.
        ModelError: Where the version is gone.
    """
    if version is None:
        return None
    with errors_of_mlflow(f"model {name}/{version}"):
        found = connection.client.get_model_version(name, version)
    if found.model_id:
        return str(found.model_id)
    # MLflow's own server keeps it in the source alone
    named = re.fullmatch(r"models:/(m-[0-9a-f]+)", found.source or "")
    return named[1] if named else None


def _link_model(connection: Connection, run_id: str, name: str, version: str | None) -> None:
    """Have MLflow show the run on the version's page; a version that is gone has none."""
    from mlflow.entities import LoggedModelInput

    try:
        model_id = logged_model_id(connection, name, version)
    except ModelError:
        return
    if model_id is not None:
        with errors_of_mlflow(f"run {run_id}"):
            connection.client.log_inputs(run_id, models=[LoggedModelInput(model_id)])
