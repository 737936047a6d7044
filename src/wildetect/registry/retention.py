"""What keeps a version, and how one that nothing keeps is deleted with its files.

MLflow's own page deletes the entry of a version alone: its logged model stays, and with it every byte.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wildetect.errors import ModelError, ServerError
from wildetect.registry.connection import Connection, artifact_repository, errors_of_mlflow
from wildetect.registry.registration import EXPERIMENT as REGISTRATION
from wildetect.registry.runs import logged_model_id
from wildetect.registry.versions import Version, all_pages

__all__ = ["Citations", "citations_of", "delete_version"]

DETECTION = "detection"
"""Its runs keep no version: they have their results, and the question before a deletion counts them."""


@dataclass(frozen=True)
class Citations:
    """Who cites a version.

    Attributes:
        keeping: Aliases, censuses, evaluations, training runs and versions made from it, each in words;
            with any of them the version stays.
        detections: Number of detection runs that used it.
    """

    keeping: tuple[str, ...] = ()
    detections: int = 0


def citations_of(connection: Connection, version: Version) -> Citations:
    """Find all in the registry that cites a version.

    Args:
        connection: The server.
        version: Version with its aliases.

    Raises:
        ServerError: Where the server fails.
    """
    keeping = [f"the alias {version.name}@{alias}" for alias in version.aliases]
    model_id = logged_model_id(connection, version.name, version.version)
    detections = 0
    for experiment, run in _runs(connection):
        if not _uses(connection, experiment, run, version, model_id):
            continue
        if experiment == DETECTION:
            detections += 1
        else:
            keeping.append(
                f"the run {run.info.run_name!r} of the experiment {experiment} ({run.info.run_id})"
            )
    keeping += [f"{other}, which was made from it" for other in _children(connection, version)]
    return Citations(tuple(keeping), detections)


def delete_version(connection: Connection, version: Version) -> int:
    """Delete a version, its files, its logged model and the run that registered it.

    The version goes first: a deletion that is killed on the way leaves files that nothing names, which
    `mlflow.clean` finds, never a version without its files.

    Args:
        connection: The server.
        version: What nothing cites any more.

    Returns:
        Bytes of the files that were deleted; 0 where another version uses the same ones.

    Raises:
        ModelError: Where the version is gone.
        ServerError: Where the server fails.
    """
    connection.wait_for_turn()
    client = connection.client
    model_id = logged_model_id(connection, version.name, version.version)
    with errors_of_mlflow(f"model {version}"):
        run_id = client.get_model_version(version.name, version.version).run_id
        client.delete_model_version(version.name, version.version)
        if model_id is None or _used_elsewhere(connection, model_id):
            return 0
    try:
        with errors_of_mlflow(f"files of {version}"):
            place = client.get_logged_model(model_id).artifact_location
            freed = _delete_files(connection, place)
            client.delete_logged_model(model_id)
            _delete_registration(connection, run_id)
    except ServerError as error:
        raise ServerError(
            f"{version} is deleted, but not all of its files: {error.message}",
            hint="The server's admin frees them with: uv run invoke mlflow.stop, then: "
            "uv run invoke mlflow.clean",
        ) from error
    return freed


def _runs(connection: Connection) -> Iterator[tuple[str, Any]]:
    """Every run that is not deleted, with the name of its experiment; those of registrations left out."""
    client = connection.client
    with errors_of_mlflow("runs"):
        for experiment in all_pages(client.search_experiments):
            if experiment.name == REGISTRATION:
                continue
            for run in all_pages(client.search_runs, [experiment.experiment_id], max_results=1000):
                yield experiment.name, run


def _uses(connection: Connection, experiment: str, run: Any, version: Version, model_id: str | None) -> bool:
    params, tags = run.data.params, run.data.tags
    named = (
        (params.get("model_name"), params.get("model_version")),
        (tags.get("model"), tags.get("version")),
    )
    if (version.name, version.version) in named or str(version) in {*params.values(), *tags.values()}:
        return True
    if model_id is None or "model_name" in params or experiment == DETECTION:
        return False
    # the inputs are not among what a search gives
    with errors_of_mlflow(f"run {run.info.run_id}"):
        inputs = connection.client.get_run(run.info.run_id).inputs
    return any(one.model_id == model_id for one in (inputs.model_inputs if inputs else None) or ())


def _children(connection: Connection, version: Version) -> list[str]:
    """The versions whose tags name this one as what they were made from."""
    with errors_of_mlflow("list of versions"):
        found = all_pages(connection.client.search_model_versions)
    return [
        f"{one.name}/{one.version}"
        for one in found
        if (one.name, str(one.version)) != (version.name, version.version)
        and str(version) in {value for tag, value in one.tags.items() if tag != "imported_from"}
    ]


def _used_elsewhere(connection: Connection, model_id: str) -> bool:
    found = all_pages(connection.client.search_model_versions)
    return any(one.source == f"models:/{model_id}" or one.model_id == model_id for one in found)


def _delete_files(connection: Connection, place: str) -> int:
    repository = artifact_repository(connection, place)
    size = _size(repository, None)
    repository.delete_artifacts()
    return size


def _size(repository: Any, folder: str | None) -> int:
    return sum(
        _size(repository, one.path) if one.is_dir else int(one.file_size or 0)
        for one in repository.list_artifacts(folder)
    )


def _delete_registration(connection: Connection, run_id: str | None) -> None:
    """Delete the run that only registered the version; one that trained it stays."""
    if not run_id:
        return
    with contextlib.suppress(ModelError), errors_of_mlflow(f"run {run_id}"):
        run = connection.client.get_run(run_id)
        experiment = connection.client.get_experiment(run.info.experiment_id)
        if experiment.name == REGISTRATION:
            connection.client.delete_run(run_id)
