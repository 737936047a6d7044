"""A version that came as a file, registered: its files as they are, and all that is known of it."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from wildetect.registry.connection import Connection, errors_of_mlflow
from wildetect.registry.evaluations import EXPERIMENT, Evaluated, tag_of
from wildetect.registry.reference import ModelReference
from wildetect.registry.registration import EXPERIMENT as REGISTRATION
from wildetect.registry.registration import ensure_model, same_version
from wildetect.registry.runs import DatasetRecord, RunRecord, finish_run, start_run
from wildetect.registry.stored_files import DESCRIPTION
from wildetect.registry.travel.package import Package, PackedEvaluation
from wildetect.registry.versions import Version, move_alias

__all__ = ["arrived"]

OF_ANOTHER_REGISTRY = ("last_detection",)
"""Tags with links into the registry that a version came from."""
A_VERSION = re.compile(r"[^/\s]+/\d+")


def arrived(
    connection: Connection,
    package: Package,
    folder: Path,
    *,
    name: str,
    tags: dict[str, str],
    aliases: Sequence[str] = (),
) -> tuple[Version, bool]:
    """Register a version that came as a file, unless the registry holds the same one.

    Args:
        connection: The server.
        package: What the archive says.
        folder: The version's files.
        name: The registered model.
        tags: Who imports it, when and where.
        aliases: What is to point at it.

    Returns:
        The version, and whether it was made.

    Raises:
        ServerError: Where the server fails.
    """
    version = same_version(connection, name, package.manifest.fingerprint)
    made = version is None
    if version is None:
        version = _registered(connection, package, folder, name, tags)
    for evaluation in package.evaluations:
        if tag_of(evaluation.summary.dataset) not in version.tags:
            _log(connection, version, evaluation)
    for alias in aliases:
        move_alias(connection, ModelReference(name, version=version.version), alias)
    return version, made


def _registered(
    connection: Connection, package: Package, folder: Path, name: str, tags: dict[str, str]
) -> Version:
    """Files first, then the version: a kill on the way leaves files that nothing names."""
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    client = connection.client
    run_id = start_run(connection, REGISTRATION, f"import {name}")
    with errors_of_mlflow(f"model {name}"):
        experiment = client.get_run(run_id).info.experiment_id
        logged = client.create_logged_model(experiment, name="model", source_run_id=run_id)
        with tempfile.TemporaryDirectory(prefix="wildetect-import-", ignore_cleanup_errors=True) as temporary:
            copy = Path(temporary) / "model"
            shutil.copytree(folder, copy)
            _rename_in_description(copy / DESCRIPTION, logged, run_id)
            client.log_model_artifacts(logged.model_id, str(copy))
        client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
        client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
        client.set_terminated(run_id)
        ensure_model(connection, name)
        made = client.create_model_version(
            name,
            source=f"models:/{logged.model_id}",
            run_id=run_id,
            model_id=logged.model_id,
            tags={
                **_tags(package),
                **tags,
                "imported_from": f"{package} of {package.origin or 'an unknown registry'}",
                "sha256": package.manifest.sha256,
                "manifest_sha256": package.manifest.fingerprint,
                "family": package.manifest.family,
            },
            description=package.description,
        )
    return Version(name, str(made.version), (), dict(made.tags))


def _rename_in_description(file: Path, logged: Any, run_id: str) -> None:
    """Have MLmodel name the logged model that it is in now; all else stays as it is."""
    description = yaml.safe_load(file.read_text(encoding="utf-8"))
    description |= {
        "artifact_path": logged.artifact_location,
        "model_id": logged.model_id,
        "model_uuid": logged.model_id,
        "run_id": run_id,
    }
    file.write_text(yaml.safe_dump(description, allow_unicode=True), encoding="utf-8")


def _tags(package: Package) -> dict[str, str]:
    """The tags that mean the same here; a version of the other registry is named with it."""
    kept = {
        name: value
        for name, value in package.tags.items()
        if not name.startswith("eval.") and name not in OF_ANOTHER_REGISTRY
    }
    return {
        name: f"{value} of {package.origin}" if A_VERSION.fullmatch(value) else value
        for name, value in kept.items()
    }


def _log(connection: Connection, version: Version, evaluation: PackedEvaluation) -> None:
    """Log an evaluation as a run of this registry, with its numbers, and tag the version with it."""
    summary = evaluation.summary
    run_id = start_run(
        connection, EXPERIMENT, f"{version.name} version {version.version} on {summary.dataset}"
    )
    digest = str(summary.settings.get("annotations_sha256") or "0" * 64)
    finish_run(
        connection,
        run_id,
        RunRecord(
            parameters=evaluation.parameters,
            metrics={**summary.metrics, **evaluation.metrics},
            tags={
                "model": version.name,
                "version": version.version,
                "dataset": summary.dataset,
                "imported": f"measured {summary.at:%Y-%m-%d}, in another registry",
            },
            model=(version.name, version.version),
            dataset=DatasetRecord(name=summary.dataset, digest=digest, source={"annotations_sha256": digest}),
        ),
    )
    here = Evaluated.model_validate({**summary.model_dump(), "run_id": run_id})
    with errors_of_mlflow(f"model {version}"):
        connection.client.set_model_version_tag(
            version.name, version.version, tag_of(summary.dataset), here.model_dump_json()
        )
