"""Take one version out of the registry as a file, and bring such a file in."""

from __future__ import annotations

import math
import platform
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from wildetect.detection.checks.inspection import inspect
from wildetect.errors import ModelError
from wildetect.registry.cache import FetchedModel, known_details
from wildetect.registry.connection import Connection, errors_of_mlflow
from wildetect.registry.evaluations import evaluations_of
from wildetect.registry.learning.card import refresh_card
from wildetect.registry.probe import is_loopback
from wildetect.registry.reference import ModelReference, check_alias, check_name
from wildetect.registry.registration import provenance
from wildetect.registry.travel.arrival import arrived
from wildetect.registry.travel.package import Package, PackedEvaluation, pack, unpacked
from wildetect.registry.versions import Version, aliases_of, resolve
from wildetect.settings import Project
from wildetect.workflows.connecting import connect_for
from wildetect.workflows.model_choice import registered_model
from wildetect.workflows.registration import one_at_a_time
from wildetect.workflows.versions.aliases import tell_moved
from wildetect.workflows.watching import SILENT, Watcher

__all__ = ["checked_package", "export_version", "import_version"]


def export_version(
    project: Project, reference: ModelReference, target: Path, watcher: Watcher = SILENT
) -> Package:
    """Write a version as one file; without a server from what was fetched before.

    Args:
        project: Its server, and its cache of fetched versions.
        reference: The version.
        target: The file, which must not exist yet.
        watcher: Observer that is told where there is no server.

    Raises:
        ConfigurationError: The target exists.
        ModelError: The registry does not hold the version.
        ServerError: No server answers, and the version was never fetched.
        InputError: The file cannot be written.
    """
    model, connection = registered_model(project, reference, watcher)
    version: Version | None
    if connection is not None:
        version = resolve(connection, ModelReference(model.name, version=model.version))
    else:
        version = known_details(project.runs / "models", model.name, str(model.version))
        if version is None:
            watcher.notice("warning: its evaluations, tags and description are not on this machine: left out")
            version = Version(model.name, str(model.version))
    return pack(_package(connection, model, version), model.weights.parent, target)


def _origin(uri: str | None) -> str | None:
    """The address of a registry, with the machine's name where the address means any machine."""
    parts = urlsplit(uri or "")
    if not parts.hostname:
        return None
    port = f":{parts.port}" if parts.port else ""
    machine = f" on {platform.node()}" if is_loopback(parts.hostname) else ""
    return f"{parts.scheme}://{parts.hostname}{port}{machine}"


def _package(connection: Connection | None, model: FetchedModel, version: Version) -> Package:
    return Package(
        name=version.name,
        version=version.version,
        origin=_origin(connection.uri if connection else version.tags.get("registry")),
        aliases=version.aliases,
        description=version.description,
        created=version.created,
        tags={name: value for name, value in version.tags.items() if name != "registry"},
        evaluations=tuple(_evaluations(connection, version)),
        manifest=model.manifest,
        exported=datetime.now(UTC),
    )


def _evaluations(connection: Connection | None, version: Version) -> Iterator[PackedEvaluation]:
    for summary in evaluations_of(version):
        packed = PackedEvaluation(summary=summary)
        if connection is not None:
            try:
                with errors_of_mlflow(f"run {summary.run_id}"):
                    data = connection.client.get_run(summary.run_id).data
            except ModelError:  # deleted since; the summary has the main numbers
                pass
            else:
                metrics = {name: value for name, value in data.metrics.items() if math.isfinite(value)}
                packed = PackedEvaluation(summary=summary, metrics=metrics, parameters=dict(data.params))
        yield packed


@contextmanager
def checked_package(source: Path) -> Iterator[tuple[Package, Path]]:
    """Unpack a version's file and check all of it, its network included; no server is asked.

    Raises:
        InputError: The file is missing, damaged, or not one of a version.
        ModelError: Its files do not belong together, or its network cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="wildetect-import-", ignore_cleanup_errors=True) as temporary:
        package, folder = unpacked(source, Path(temporary))
        for weights in sorted(folder.rglob("*.onnx")):
            if weights.name != "classifier.onnx":
                inspect(weights)
        yield package, folder


def import_version(
    project: Project,
    content: tuple[Package, Path],
    *,
    name: str | None = None,
    aliases: Sequence[str] = (),
    watcher: Watcher = SILENT,
) -> tuple[Version, bool]:
    """Register a checked version, unless the registry holds it already.

    Args:
        project: Its server.
        content: What `checked_package` gave.
        name: Name of the registered model; None: as it was called.
        aliases: What is to point at it.
        watcher: Observer that is told where another project's server is used, and where an alias moves.

    Returns:
        The version, and whether it was made.
    """
    package, folder = content
    called = name or package.name
    check_name(called)
    for alias in aliases:
        check_alias(alias)
    tags = {
        key.replace("registered_", "imported_"): value
        for key, value in provenance(project.root).items()
        if key.startswith("registered_")
    }
    connection = connect_for(project, watcher)
    with one_at_a_time(project):
        pointed = aliases_of(connection, called)
        version, made = arrived(connection, package, folder, name=called, tags=tags, aliases=aliases)
    refresh_card(connection, version.name, version.version)
    tell_moved(connection, version, aliases, pointed, watcher)
    return version, made
