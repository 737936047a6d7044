"""Runs in MLflow's experiments: what was done, with what, and what came out."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from wildetect.errors import ModelError
from wildetect.registry.connection import Connection, errors_of_mlflow

__all__ = [
    "DatasetRecord",
    "RunRecord",
    "finish_run",
    "log_inputs",
    "logged_model_id",
    "mark_version",
    "start_run",
]


# Without it MLflow's page guesses, and shows runs as evaluations of a language model.
SHOWN_AS_RUNS = {"mlflow.experimentKind": "custom_model_development"}


@dataclass(frozen=True, kw_only=True)
class DatasetRecord:
    """What a run worked on.

    Attributes:
        name: For a person.
        digest: The same for the same data, hexadecimal; MLflow keeps its first 16 signs.
        source: Where the data come from, as JSON values.
        size: Number of images; None where it is not known.
    """

    name: str
    digest: str
    source: Mapping[str, object] = field(default_factory=dict)
    size: int | None = None

    @property
    def short_digest(self) -> str:
        """The digest as MLflow keeps it, which takes at most 36 signs."""
        return self.digest[:16]


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """What a run leaves in MLflow.

    Attributes:
        parameters: To compare runs by.
        metrics: Numbers that came out, about the model and the dataset where those are given.
        tags: Words to find it by.
        folder: Whose content is kept.
        files: What of it, relative to the folder, with forward slashes; None: all.
        model: Name and version of the registered model that the run used; with no version it has no page.
        dataset: What the run worked on.
        failed: Whether it ended badly.
    """

    parameters: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    files: Sequence[str] | None = None
    model: tuple[str, str | None] | None = None
    dataset: DatasetRecord | None = None
    failed: bool = False


def start_run(connection: Connection, experiment: str, name: str) -> str:
    """Open a run and return its id; the experiment is made where it does not exist.

    Raises:
        ServerError: Where the server fails.
    """
    from mlflow.exceptions import MlflowException

    connection.wait_for_turn()
    client = connection.client
    with errors_of_mlflow(f"experiment {experiment}"):
        found = client.get_experiment_by_name(experiment)
        if found is None:
            try:
                experiment_id = client.create_experiment(experiment, tags=SHOWN_AS_RUNS)
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
    """Log everything, and close the run.

    MLflow lists a run on the page of a model by the metrics that name both.

    Raises:
        ServerError: Where the server fails.
    """
    from mlflow.entities import Metric, Param, RunTag

    client = connection.client
    model_id = _model_id(connection, record)
    link: dict[str, str | None] = {"model_id": model_id}
    if record.dataset is not None:
        link |= {"dataset_name": record.dataset.name, "dataset_digest": record.dataset.short_digest}
    now = int(time.time() * 1000)
    with errors_of_mlflow(f"run {run_id}"):
        log_inputs(connection, run_id, model_id, record.dataset)
        client.log_batch(
            run_id,
            metrics=[Metric(name, float(value), now, 0, **link) for name, value in record.metrics.items()],
            params=[Param(name, str(value)) for name, value in record.parameters.items()],
            tags=[RunTag(name, value) for name, value in record.tags.items()],
        )
        if record.folder is not None:
            _log_files(connection, run_id, record.folder, record.files)
        client.set_terminated(run_id, "FAILED" if record.failed else "FINISHED")


def log_inputs(
    connection: Connection, run_id: str, model_id: str | None, dataset: DatasetRecord | None
) -> None:
    """Name what a run works on.

    Args:
        connection: The server.
        run_id: The run.
        model_id: The logged model that it uses, if any.
        dataset: What it works on, if it is known.

    Raises:
        MlflowException: Where the server fails.
    """
    from mlflow.entities import Dataset, DatasetInput, LoggedModelInput

    models = [] if model_id is None else [LoggedModelInput(model_id)]
    datasets = []
    if dataset is not None:
        profile = None if dataset.size is None else json.dumps({"images": dataset.size})
        source = json.dumps(dataset.source)
        entity = Dataset(dataset.name, dataset.short_digest, "local", source, profile=profile)
        datasets = [DatasetInput(entity)]
    if models or datasets:
        connection.client.log_inputs(run_id, datasets=datasets, models=models)


def _log_files(connection: Connection, run_id: str, folder: Path, files: Sequence[str] | None) -> None:
    if files is None:
        connection.client.log_artifacts(run_id, str(folder))
        return
    for name in files:
        below = PurePosixPath(name).parent.as_posix()
        connection.client.log_artifact(run_id, str(folder / name), None if below == "." else below)


def mark_version(connection: Connection, model: tuple[str, str | None], tag: str, run_id: str) -> None:
    """Have the page of a registered version name its last run of a kind.

    The page of its logged model lists all runs; one more click is needed to see that one.

    Args:
        connection: The server.
        model: Name and version; nothing is done for one with no version, or one that is gone.
        tag: Its key.
        run_id: The run.

    Raises:
        ServerError: Where the server fails.
    """
    name, version = model
    if version is None:
        return
    with contextlib.suppress(ModelError), errors_of_mlflow(f"model {name}/{version}"):
        run = connection.client.get_run(run_id)
        value = f"{run.info.run_name}: {connection.uri}/#/experiments/{run.info.experiment_id}/runs/{run_id}"
        connection.client.set_model_version_tag(name, version, tag, value)


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


def _model_id(connection: Connection, record: RunRecord) -> str | None:
    """The logged model that the run used; a version that is gone has none."""
    if record.model is None:
        return None
    try:
        return logged_model_id(connection, *record.model)
    except ModelError:
        return None
