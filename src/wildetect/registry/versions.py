"""Registered versions: made, found, listed, fetched into a cache."""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from wildetect.errors import ModelError
from wildetect.registry.connection import Connection, errors_of_mlflow, mlflow_module
from wildetect.registry.manifest import Manifest
from wildetect.registry.reference import LATEST, ModelReference

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = [
    "FetchedModel",
    "RegisteredModel",
    "Registration",
    "Version",
    "fetch",
    "list_models",
    "register",
    "resolve",
]

logger = logging.getLogger(__name__)
EXPERIMENT = "registration"
ARTIFACT = "model"
REQUIREMENTS = ("onnx", "onnxruntime", "numpy")


@dataclass(frozen=True)
class Version:
    """A version of a registered model."""

    name: str
    version: str
    aliases: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


@dataclass(frozen=True)
class RegisteredModel:
    """A registered model: its newest versions first, and where each alias points."""

    name: str
    versions: tuple[Version, ...]
    aliases: Mapping[str, str]


@dataclass(frozen=True)
class FetchedModel:
    """A detector that is ready to run: its file on this machine and how it is fed and read."""

    name: str
    version: str | None
    weights: Path
    manifest: Manifest


@dataclass(frozen=True)
class Registration:
    """What is to be registered, already checked."""

    name: str
    model: ModelProto
    manifest: Manifest
    aliases: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None


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
    with errors_of_mlflow(f"model {name}"):
        mlflow.set_experiment(EXPERIMENT)
        with mlflow.start_run(run_name=f"register {name}") as run:
            mlflow.log_params(_parameters(manifest))
            logged = mlflow.onnx.log_model(
                registration.model,
                name=ARTIFACT,
                signature=_signature(registration.model),
                pip_requirements=_requirements(),
                metadata={"wildetect": manifest.model_dump(mode="json")},
                save_as_external_data=False,
            )
        _ensure_model(connection, name)
        made = client.create_model_version(
            name,
            source=logged.model_uri,
            run_id=run.info.run_id,
            model_id=logged.model_id,
            tags={"sha256": manifest.sha256, "family": manifest.family, **registration.tags},
            description=registration.description,
        )
        for alias in registration.aliases:
            client.set_registered_model_alias(name, alias, made.version)
    return Version(name, str(made.version), tuple(registration.aliases), made.tags)


def _ensure_model(connection: Connection, name: str) -> None:
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
        "classes": ", ".join(manifest.class_names)[:6000],
        "confidence": str(thresholds.confidence),
        "iou": str(thresholds.iou),
        "weights": manifest.source.file,
        "sha256": manifest.sha256,
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


def resolve(connection: Connection, reference: ModelReference) -> Version:
    """Find the version that a reference means now.

    Raises:
        ModelError: Where the registry does not hold it; the message lists what it holds.
        ServerError: Where the server fails.
    """
    client = connection.client
    try:
        with errors_of_mlflow(f"model {reference}"):
            if reference.alias:
                found = client.get_model_version_by_alias(reference.name, reference.alias)
            elif reference.version == LATEST:
                newest = client.search_model_versions(
                    f"name = '{reference.name}'", max_results=1, order_by=["version_number DESC"]
                )
                if not newest:
                    raise _unknown(connection, reference)
                found = newest[0]
            else:
                found = client.get_model_version(reference.name, str(reference.version))
    except ModelError as error:
        raise _unknown(connection, reference) from error
    return Version(found.name, str(found.version), tuple(found.aliases), dict(found.tags))


def _unknown(connection: Connection, reference: ModelReference) -> ModelError:
    held = {model.name: model for model in list_models(connection)}
    model = held.get(reference.name)
    if not held:
        hint = "Nothing is registered yet: uv run invoke model.register"
    elif model is None:
        hint = f"It holds: {', '.join(sorted(held))}. See uv run invoke model.list"
    else:
        aliases = ", ".join(f"{alias} -> {version}" for alias, version in sorted(model.aliases.items()))
        versions = ", ".join(version.version for version in model.versions)
        hint = f"{model.name} has versions {versions or 'none'}; aliases {aliases or 'none'}."
    return ModelError(f"the registry at {connection.uri} holds no model {reference}", hint=hint)


def list_models(connection: Connection) -> list[RegisteredModel]:
    """All registered models by name, each with its versions, newest first.

    Raises:
        ServerError: Where the server fails.
    """
    client = connection.client
    models = []
    with errors_of_mlflow("list of models"):
        for model in _all_pages(client.search_registered_models, order_by=["name"]):
            aliases = {alias: str(version) for alias, version in (model.aliases or {}).items()}
            versions = tuple(
                Version(
                    found.name,
                    str(found.version),
                    tuple(
                        sorted(alias for alias, version in aliases.items() if version == str(found.version))
                    ),
                    dict(found.tags),
                )
                for found in _all_pages(client.search_model_versions, f"name = '{model.name}'")
            )
            newest_first = tuple(sorted(versions, key=lambda version: int(version.version), reverse=True))
            models.append(RegisteredModel(model.name, newest_first, aliases))
    return models


def _all_pages(search: Any, *arguments: Any, **options: Any) -> list[Any]:
    found: list[Any] = []
    token = None
    while True:
        page = search(*arguments, page_token=token, **options)
        found += page
        token = page.token
        if not token:
            return found


def move_alias(connection: Connection, reference: ModelReference, alias: str) -> tuple[Version, str | None]:
    """Point an alias at a version.

    Returns:
        The version, and the number of the one that the alias pointed at before, if any.

    Raises:
        ModelError: Where the registry does not hold the version.
        ServerError: Where the server fails.
    """
    version = resolve(connection, reference)
    client = connection.client
    with errors_of_mlflow(f"model {reference}"):
        before = (client.get_registered_model(version.name).aliases or {}).get(alias)
        client.set_registered_model_alias(version.name, alias, version.version)
    return version, None if before is None else str(before)


def fetch(connection: Connection, version: Version, cache: Path) -> FetchedModel:
    """The files of a version, from the cache where they are whole and the same, else from the server.

    Args:
        connection: The server.
        version: What `resolve` found.
        cache: The folder of fetched versions; a version lies in `<name>/<version>`.

    Raises:
        ModelError: Where the version is no detector of ours or its file is not what was registered.
        ServerError: Where the server fails.
    """
    folder = cache / version.name / version.version
    expected = version.tags.get("sha256")
    if folder.is_dir():
        try:
            cached = _read(folder, version)
        except ModelError as error:
            logger.info("the cached copy of %s is fetched again: %s", version, error.message)
        else:
            if cached.manifest.sha256 == expected:
                return cached
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=cache) as temporary:
        with errors_of_mlflow(f"files of {version}"):
            uri = f"models:/{version.name}/{version.version}"
            download = mlflow_module().artifacts.download_artifacts
            fetched = Path(
                download(
                    artifact_uri=uri, dst_path=str(Path(temporary) / ARTIFACT), tracking_uri=connection.uri
                )
            )
        _read(fetched, version)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():
            shutil.rmtree(folder)
        fetched.replace(folder)
    return _read(folder, version)


def _read(folder: Path, version: Version) -> FetchedModel:
    """A version's files, checked against the manifest stored with them."""
    description = folder / "MLmodel"
    try:
        stored = yaml.safe_load(description.read_text(encoding="utf-8"))
        manifest = Manifest.model_validate(stored["metadata"]["wildetect"])
        weights = folder / stored["flavors"]["onnx"]["data"]
    except (OSError, KeyError, TypeError, yaml.YAMLError, ValidationError) as error:
        raise ModelError(
            f"{version} was not registered by this project: it says nothing of how it is fed and read",
            hint="Register its ONNX file with: uv run invoke model.register",
        ) from error
    if not weights.is_file() or sha256_of(weights) != manifest.sha256:
        raise ModelError(
            f"the file of {version} is not the one that was registered (its sha256 differs)",
            hint="Register the weights again with: uv run invoke model.register",
        )
    return FetchedModel(version.name, version.version, weights, manifest)


def sha256_of(path: Path) -> str:
    """The sha256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
