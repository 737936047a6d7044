"""Runs in MLflow's experiments: what was done, with what, and what came out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wildetect.registry.connection import Connection, errors_of_mlflow

__all__ = ["RunRecord", "finish_run", "start_run"]


@dataclass(frozen=True)
class RunRecord:
    """What a run leaves in MLflow."""

    parameters: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
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
    with errors_of_mlflow(f"run {run_id}"):
        client.log_batch(
            run_id,
            metrics=[Metric(name, float(value), now, 0) for name, value in record.metrics.items()],
            params=[Param(name, str(value)) for name, value in record.parameters.items()],
            tags=[RunTag(name, value) for name, value in record.tags.items()],
        )
        if record.folder is not None:
            client.log_artifacts(run_id, str(record.folder))
        client.set_terminated(run_id, "FAILED" if record.failed else "FINISHED")
