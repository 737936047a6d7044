"""Register a detector: check it by running it once, then make a version of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from wildetect.detection.checks.examination import Examined, examined
from wildetect.errors import ConfigurationError, ModelError
from wildetect.registry.connection import Connection
from wildetect.registry.learning.card import refresh_card
from wildetect.registry.reference import ModelReference, check_alias, check_name
from wildetect.registry.registration import Registration, provenance, registered_already
from wildetect.registry.registration import register as register_version
from wildetect.registry.versions import Version, aliases_of, move_alias
from wildetect.registry.weights.intake import ExportOptions, prepared, prepared_classifier
from wildetect.settings import Project
from wildetect.settings.registration import RegistrationSettings
from wildetect.workflows.versions.aliases import tell_moved
from wildetect.workflows.watching import SILENT, Watcher

__all__ = ["checked", "one_at_a_time", "register"]


def checked(
    project: Project, settings: RegistrationSettings, aliases: list[str], picture: Path | None = None
) -> tuple[Registration, Examined]:
    """Find everything that can be wrong with a detector, before any server is asked.

    Args:
        project: Paths of the settings are relative to its root.
        settings: Name the weights, and say how they are fed and read.
        aliases: Names for the new version.
        picture: A photograph with animals, to check the outputs on.

    Returns:
        What is to be registered, and what its first pass showed.

    Raises:
        ConfigurationError: No weights are named, or a name or alias is not valid.
        ModelError: The weights cannot be used.
    """
    if settings.model_type == "classifier" or settings.weights:
        raise ModelError(
            "the settings name a classifier alone; a detector is needed",
            hint="Name the detector's file as localizer.yolo.weights, and this one as classifier.weights.",
        )
    if settings.weights_path is None:
        raise ConfigurationError(
            "no weights are given",
            hint=f"Give --weights FILE, or localizer.yolo.weights in {settings.file}.",
        )
    check_name(settings.name)
    for alias in aliases:
        check_alias(alias)
    options = ExportOptions(settings.localizer.yolo.imgsz, settings.localizer.processing.fixed_batch)
    second = settings.classifier.weights if settings.classifier else None
    classifier = prepared_classifier(project.path(second)) if second else None
    with prepared(project.path(settings.weights_path), options) as weights:
        model = examined(settings, weights, classifier, picture)
    registration = Registration(
        name=settings.name,
        model=model.proto,
        manifest=model.manifest,
        files=model.files,
        aliases=tuple(dict.fromkeys(aliases)),
        tags={**settings.tags, **provenance(project.root)},
        description=settings.description,
    )
    return registration, model


@contextmanager
def one_at_a_time(project: Project) -> Iterator[None]:
    """Let one task of a project register at a time: of two that look first and then make, both would make."""
    project.runs.mkdir(parents=True, exist_ok=True)
    with FileLock(project.runs / "registering.lock"):
        yield


def register(
    project: Project,
    connection: Connection,
    registration: Registration,
    watcher: Watcher = SILENT,
    *,
    force: bool = False,
) -> tuple[Version, bool]:
    """Register, unless a version holds the same file, fed and read alike; that one gets the aliases.

    Args:
        project: Whose tasks register one after the other.
        connection: The server.
        registration: What `checked` found.
        watcher: Observer that is told where an alias moves.
        force: Make a new version even of a file that is registered already.

    Returns:
        The version, and whether it was made.
    """
    with one_at_a_time(project):
        pointed = aliases_of(connection, registration.name)
        version = None if force else registered_already(connection, registration)
        made = version is None
        if version is None:
            version = register_version(connection, registration)
        else:
            for alias in registration.aliases:
                move_alias(connection, ModelReference(version.name, version=version.version), alias)
    refresh_card(connection, version.name, version.version)
    tell_moved(connection, version, registration.aliases, pointed, watcher)
    return version, made
