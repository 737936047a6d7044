"""Making a new version of a registered model."""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wildetect import __version__
from wildetect.registry.connection import INHERITED, Connection, errors_of_mlflow, mlflow_module
from wildetect.registry.history import user
from wildetect.registry.manifest import Manifest
from wildetect.registry.reference import ModelReference
from wildetect.registry.runs import start_run
from wildetect.registry.versions import Version, move_alias, versions_of
from wildetect.wording import commas

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = [
    "Registration",
    "ensure_model",
    "provenance",
    "register",
    "registered_already",
    "same_version",
]


GIT_TIMEOUT = 5.0  # s


def provenance(project_root: Path) -> dict[str, str]:
    """Tags that say who makes a version, when, with which program.

    Args:
        project_root: Its git commit is named, where it is in a git repository and git is there.
    """
    tags = {
        "registered_by": user(),
        "registered_on": platform.node(),
        "registered_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "wildetect": __version__,
    }
    commit = _git_commit(project_root)
    return {**tags, "git_commit": commit} if commit else tags


def _git_commit(folder: Path) -> str | None:
    try:
        asked = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - git is where the user's PATH has it
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            timeout=GIT_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return asked.stdout.strip() or None if asked.returncode == 0 else None


EXPERIMENT = "registration"


ARTIFACT = "model"


REQUIREMENTS = ("onnx", "onnxruntime", "numpy")


@dataclass(frozen=True)
class Registration:
    """What is to be registered, already checked.

    `files` are stored beside the model, by their place among the version's files.
    """

    name: str
    model: ModelProto
    manifest: Manifest
    files: Mapping[str, bytes] = field(default_factory=dict)
    aliases: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None


def registered_already(connection: Connection, registration: Registration) -> Version | None:
    """The newest version that holds the same file, fed and read in the same way.

    Raises:
        ServerError: Where the server fails.
    """
    return same_version(connection, registration.name, registration.manifest.fingerprint)


def same_version(connection: Connection, name: str, fingerprint: str) -> Version | None:
    """The newest version of a model with a manifest's fingerprint: the same file, fed and read alike.

    Raises:
        ServerError: Where the server fails.
    """
    for version in versions_of(connection, name):
        if version.tags.get("manifest_sha256") == fingerprint:
            return version
    return None


def register(connection: Connection, registration: Registration) -> Version:
    """Make a new version: its files first, then the version, then its aliases.

    A registration that is killed on the way leaves files that nothing names, never a version without
    its files.

    Raises:
        ServerError: Where the server fails.
    """
    mlflow = mlflow_module()
    client = connection.client
    name, manifest = registration.name, registration.manifest
    run_id = start_run(connection, EXPERIMENT, f"register {name}")
    with errors_of_mlflow(f"model {name}"):
        mlflow.set_experiment(EXPERIMENT)  # a run opened in another experiment than the active one is refused
        for variable in INHERITED:  # set by that: a later connection would take it for inherited
            os.environ.pop(variable, None)
        with mlflow.start_run(run_id=run_id):
            mlflow.log_params(_parameters(manifest))
            logged = mlflow.onnx.log_model(
                registration.model,
                name=ARTIFACT,
                signature=_signature(registration.model),
                pip_requirements=_requirements(),
                metadata={"wildetect": manifest.model_dump(mode="json")},
                save_as_external_data=False,
            )
            _store(client, logged.model_id, registration.files)
        ensure_model(connection, name)
        made = client.create_model_version(
            name,
            source=logged.model_uri,
            run_id=run_id,
            model_id=logged.model_id,
            tags={
                **registration.tags,
                "sha256": manifest.sha256,
                "manifest_sha256": registration.manifest.fingerprint,
                "family": manifest.family,
            },
            description=registration.description,
        )
    for alias in registration.aliases:
        move_alias(connection, ModelReference(name, version=str(made.version)), alias)
    return Version(name, str(made.version), tuple(registration.aliases), made.tags)


def _store(client: Any, model_id: str, files: Mapping[str, bytes]) -> None:
    """Put files beside a logged model, before any version names it."""
    if not files:
        return
    with tempfile.TemporaryDirectory(prefix="wildetect-files-", ignore_cleanup_errors=True) as temporary:
        for place, content in files.items():
            path = Path(temporary) / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        client.log_model_artifacts(model_id, temporary)


def ensure_model(connection: Connection, name: str) -> None:
    """Make a registered model, unless it is there.

    Raises:
        MlflowException: Where the server fails.
    """
    from mlflow.exceptions import MlflowException

    try:
        connection.client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _parameters(manifest: Manifest) -> dict[str, str]:
    """What the page shows of the manifest; the whole of it is in the model's metadata."""
    feeding, thresholds = manifest.feeding, manifest.thresholds
    return {
        "family": manifest.family,
        "input": f"{feeding.width} x {feeding.height} {feeding.dtype} {feeding.channel_order}",
        "classes": commas(manifest.class_names)[:6000],
        "confidence": str(thresholds.confidence),
        "iou": str(thresholds.iou),
        "weights": manifest.source.file,
        "sha256": manifest.sha256,
        **({"classifier": manifest.classifier.source.file} if manifest.classifier else {}),
    }


def _requirements() -> list[str]:
    """Named with their versions: MLflow would else ask pip, which needs a network."""
    from importlib.metadata import version

    return [f"{package}=={version(package)}" for package in REQUIREMENTS]


def _signature(model: ModelProto) -> Any:
    import numpy as np
    import onnx
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    def spec(value: Any) -> TensorSpec:
        tensor = value.type.tensor_type
        shape = tuple(axis.dim_value if axis.HasField("dim_value") else -1 for axis in tensor.shape.dim)
        return TensorSpec(np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)), shape, value.name)

    constants = {initializer.name for initializer in model.graph.initializer}
    inputs = [spec(value) for value in model.graph.input if value.name not in constants]
    return ModelSignature(Schema(inputs), Schema([spec(value) for value in model.graph.output]))
