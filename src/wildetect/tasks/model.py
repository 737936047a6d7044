"""The task that registers a detector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from invoke.context import Context

from wildetect.tasks.family_check import AUTO_CHECK, show_families
from wildetect.tasks.support import emit, export_variables, say, verb

if TYPE_CHECKING:
    from wildetect.registry.connection import Connection
    from wildetect.registry.registration import Registration
    from wildetect.registry.versions import Version
    from wildetect.settings import Project
    from wildetect.settings.registration import RegistrationSettings

__all__ = ["checked", "register"]


@verb(
    help={
        "config": "settings file; without it configs/detector_registration.yaml",
        "weights": "the weights file (.onnx, .pt, .torchscript), in place of the one that the settings name",
        "name": "registered name, in place of the one that the settings name",
        "alias": "a name for the new version, such as production; may be given more than once",
        "family": "in place of that of the settings; auto-check shows on --picture what each would find",
        "picture": "with --family auto-check: a photograph with animals",
        "output": "with --family auto-check: where the picture with all boxes goes",
        "force": "make a new version even of a file that is registered already",
        "dry-run": "check everything, register nothing",
        "json": "the outcome as a JSON document on stdout",
    },
    shim="register_model.bat",
    iterable=["alias"],
)
def register(
    context: Context,
    config: str | None = None,
    weights: str | None = None,
    name: str | None = None,
    alias: list[str] | None = None,
    family: str | None = None,
    picture: str | None = None,
    output: str | None = None,
    force: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Check a detector by running it once, then register it.

    The weights are an ONNX file; a .pt or .torchscript file is exported to one. How they are fed and read
    comes from the settings, else from the file's own metadata; it is stored with the version, so that a
    detection run needs to know no more than the name. So is the classifier that the settings name.
    """
    del context
    from wildetect.errors import ConfigurationError
    from wildetect.settings import Project
    from wildetect.tasks.server_access import connect_for

    project = Project.find()
    export_variables(project)
    if family == AUTO_CHECK:
        settings = _settings(project, config, weights, name)
        show_families(project, settings, picture, output, json=json)
        return
    if picture or output:
        raise ConfigurationError(
            "--picture and --output are for --family auto-check alone", hint="Leave them out, or add it."
        )
    settings = _settings(project, config, weights, name, family)
    registration, seconds = checked(project, settings, alias or settings.aliases)
    file = registration.manifest.source.file
    say(f"checked {file}: {_summary(registration)}, runs in {seconds * 1000:.0f} ms")
    version, made = None, False
    if not dry_run:
        connection = connect_for(project, settings.processing.mlflow_tracking_uri)
        version, made = registered(connection, registration, force=force)
    _report(registration, version, made=made, json=json)


def registered(
    connection: Connection, registration: Registration, *, force: bool = False
) -> tuple[Version, bool]:
    """Register, unless a version holds the same file, fed and read alike; that one gets the aliases.

    Returns:
        The version, and whether it was made.
    """
    from wildetect.registry.reference import ModelReference
    from wildetect.registry.registration import register as register_version
    from wildetect.registry.registration import registered_already
    from wildetect.registry.versions import aliases_of, move_alias

    pointed = aliases_of(connection, registration.name)
    version = None if force else registered_already(connection, registration)
    made = version is None
    if version is None:
        version = register_version(connection, registration)
    else:
        for alias in registration.aliases:
            move_alias(connection, ModelReference(version.name, version=version.version), alias)
    for alias in registration.aliases:
        if pointed.get(alias, version.version) != version.version:
            say(f"{version.name}@{alias} was version {pointed[alias]} until now")
    return version, made


def _settings(
    project: Project,
    config: str | None,
    weights: str | None,
    name: str | None,
    family: str | None = None,
) -> RegistrationSettings:
    from wildetect.settings import Option, load_settings
    from wildetect.settings.project import from_caller
    from wildetect.settings.registration import RegistrationSettings

    path = from_caller(weights) if weights else None
    return load_settings(
        RegistrationSettings,
        project,
        file=from_caller(config) if config else None,
        options={
            ("localizer", "yolo", "weights"): Option("--weights", path),
            ("processing", "name"): Option("--name", name),
            ("family",): Option("--family", family),
        },
    )


def checked(
    project: Project, settings: RegistrationSettings, aliases: list[str]
) -> tuple[Registration, float]:
    """Everything that can be wrong is found here, before any server is asked."""
    from wildetect.detection.checks.examination import examined
    from wildetect.errors import ConfigurationError, ModelError
    from wildetect.registry.reference import check_alias, check_name
    from wildetect.registry.registration import Registration, provenance
    from wildetect.registry.weights.intake import ExportOptions, prepared, prepared_classifier

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
        model, seconds = examined(settings, weights, classifier)
    registration = Registration(
        name=settings.name,
        model=model.proto,
        manifest=model.manifest,
        files=model.files,
        aliases=tuple(dict.fromkeys(aliases)),
        tags={**settings.tags, **provenance(project.root)},
        description=settings.description,
    )
    return registration, seconds


def _summary(registration: Registration) -> str:
    manifest = registration.manifest
    names = manifest.class_names
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")  # noqa: PLR2004
    return f"{manifest.family}, {manifest.feeding.width} x {manifest.feeding.height} px, {shown}"


def _report(registration: Registration, version: Version | None, *, made: bool, json: bool) -> None:
    document: dict[str, Any] = {
        "name": registration.name,
        "version": version.version if version else None,
        "made": made,
        "aliases": list(registration.aliases),
        "sha256": registration.manifest.sha256,
        "manifest": registration.manifest.model_dump(mode="json"),
    }
    if json:
        emit(document)
    elif version is None:
        print(f"{registration.name}: nothing is wrong; not registered (--dry-run)")
    else:
        aliases = f" as {', '.join(registration.aliases)}" if registration.aliases else ""
        if made:
            print(f"registered {registration.name} version {version.version}{aliases}")
            if not registration.aliases:
                words = f"--name {registration.name} --version {version.version} --alias production"
                say(f"hint: To use it as production: uv run invoke model.promote {words}")
        else:
            print(f"{registration.name} version {version.version} holds this very file already{aliases}")
            say("hint: No new version was made; --force makes one.")
