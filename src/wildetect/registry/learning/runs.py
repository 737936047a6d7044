"""Training runs in MLflow: a metric of each epoch, and the link between a run and the version it made."""

from __future__ import annotations

import time
from collections.abc import Mapping
from urllib.parse import quote

from wildetect.errors import ModelError
from wildetect.registry.connection import Connection, errors_of_mlflow
from wildetect.registry.runs import RunRecord, log_inputs, start_run
from wildetect.registry.versions import Version

__all__ = ["EXPERIMENT", "RUN_TAG", "begin", "end", "go_on", "link", "log_epoch", "require_run"]

EXPERIMENT = "training"
RUN_TAG = "training_run"
_EPOCH = "epoch"


def begin(connection: Connection, name: str, record: RunRecord) -> str:
    """Open a training run with all that is known before it begins; its id.

    Args:
        connection: The server.
        name: What the run is called.
        record: Parameters, tags and data set.

    Raises:
        ServerError: Where the server fails.
    """
    from mlflow.entities import Param, RunTag

    run_id = start_run(connection, EXPERIMENT, name)
    with errors_of_mlflow(f"run {run_id}"):
        log_inputs(connection, run_id, None, record.dataset)
        connection.client.log_batch(
            run_id,
            params=[Param(key, str(value)) for key, value in record.parameters.items()],
            tags=[RunTag(key, value) for key, value in record.tags.items()],
        )
    return run_id


def go_on(connection: Connection, run_id: str) -> set[int] | None:
    """Open a run again that was stopped.

    Returns:
        The epochs that are logged; None where the server does not hold the run, or it was deleted.

    Raises:
        ServerError: Where the server fails.
    """
    try:
        with errors_of_mlflow(f"run {run_id}"):
            if connection.client.get_run(run_id).info.lifecycle_stage != "active":
                return None
            connection.client.update_run(run_id, status="RUNNING")
            return {metric.step for metric in connection.client.get_metric_history(run_id, _EPOCH)}
    except ModelError:
        return None


def log_epoch(connection: Connection, run_id: str, number: int, metrics: Mapping[str, float]) -> None:
    """Log an epoch, all of it or nothing.

    Raises:
        ServerError: Where the server fails.
    """
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    told = {**metrics, _EPOCH: float(number)}
    with errors_of_mlflow(f"run {run_id}"):
        connection.client.log_batch(run_id, [Metric(key, value, now, number) for key, value in told.items()])


def end(connection: Connection, run_id: str, status: str) -> None:
    """Close a run as "FINISHED", "FAILED" or "KILLED".

    Raises:
        ServerError: Where the server fails.
    """
    with errors_of_mlflow(f"run {run_id}"):
        connection.client.set_terminated(run_id, status)


def require_run(connection: Connection, run_id: str) -> str:
    """Check that a run is there; what it is called.

    Raises:
        ModelError: It is not, or was deleted.
        ServerError: Where the server fails.
    """
    hint = f"See its runs at {connection.uri}; a run's id stands in its address, behind /runs/."
    try:
        with errors_of_mlflow(f"run {run_id}"):
            run = connection.client.get_run(run_id)
    except ModelError as error:
        raise ModelError(f"the server at {connection.uri} holds no run {run_id}", hint=hint) from error
    if run.info.lifecycle_stage != "active":
        raise ModelError(f"the run {run_id} was deleted", hint=hint)
    return str(run.info.run_name)


def link(connection: Connection, version: Version, run_id: str) -> None:
    """Have a version name the run that it was trained in, and the run the version.

    Raises:
        ServerError: Where the server fails.
    """
    client = connection.client
    with errors_of_mlflow(f"run {run_id}"):
        client.set_model_version_tag(version.name, version.version, RUN_TAG, run_id)
        client.set_tag(run_id, "version", str(version))
        page = f"#/models/{quote(version.name)}/versions/{version.version}"
        name = version.name.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
        client.set_tag(run_id, "mlflow.note.content", f"Made [{name} version {version.version}]({page}).")
