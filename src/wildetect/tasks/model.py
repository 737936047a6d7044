"""The tasks of the model registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from invoke.context import Context

from wildetect.tasks.support import emit, export_variables, say, verb

if TYPE_CHECKING:
    from wildetect.registry.versions import Registration, Version
    from wildetect.settings import Project
    from wildetect.settings.registration import RegistrationSettings

__all__ = ["checked", "list_models", "promote", "register"]


@verb(
    help={
        "config": "settings file; without it configs/detector_registration.yaml",
        "weights": "the ONNX file, in place of the one that the settings name",
        "name": "registered name, in place of the one that the settings name",
        "alias": "a name for the new version, such as production; may be given more than once",
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
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Register a detector: check the weights by running them once, then make a new version.

    The weights are an ONNX file. How they are fed and read comes from the settings, else from the
    file's own metadata; it is stored with the version, so that a detection run needs to know no more
    than the name.
    """
    del context
    from wildetect.registry.versions import register as register_version
    from wildetect.settings import Project
    from wildetect.tasks.server_access import connect_for

    project = Project.find()
    export_variables(project)
    settings = _settings(project, config, weights, name)
    registration, seconds = checked(project, settings, alias or settings.aliases)
    file = registration.manifest.source.file
    say(f"checked {file}: {_summary(registration)}, runs in {seconds * 1000:.0f} ms")
    version = None
    if not dry_run:
        connection = connect_for(project, settings.processing.mlflow_tracking_uri)
        version = register_version(connection, registration)
    _report(registration, version, json=json)


def _settings(
    project: Project, config: str | None, weights: str | None, name: str | None
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
        },
    )


def checked(
    project: Project, settings: RegistrationSettings, aliases: list[str]
) -> tuple[Registration, float]:
    """Everything that can be wrong is found here, before any server is asked."""
    from wildetect.detection.inspection import check, inspect
    from wildetect.detection.recognition import describe
    from wildetect.errors import ConfigurationError, ModelError
    from wildetect.registry.reference import check_alias, check_name
    from wildetect.registry.versions import Registration
    from wildetect.registry.weights import check_is_onnx, load_for_storage

    if settings.model_type == "classifier" or settings.weights:
        raise ModelError(
            "the settings name a classifier alone; a detector is needed",
            hint="Name the detector's ONNX file as localizer.yolo.weights.",
        )
    if settings.weights_path is None:
        raise ConfigurationError(
            "no weights are given",
            hint=f"Give --weights FILE.onnx, or localizer.yolo.weights in {settings.file}.",
        )
    check_name(settings.name)
    for alias in aliases:
        check_alias(alias)
    path = project.path(settings.weights_path)
    check_is_onnx(path)
    weights = inspect(path)
    stored = load_for_storage(path)
    manifest = describe(weights, settings, stored.sha256, stored.source)
    checked = check(path, manifest)
    feeding = manifest.feeding.model_copy(update={"batch": checked.batch})
    registration = Registration(
        name=settings.name,
        model=stored.proto,
        manifest=manifest.model_copy(update={"feeding": feeding}),
        aliases=tuple(dict.fromkeys(aliases)),
        tags=settings.tags,
        description=settings.description,
    )
    return registration, checked.seconds


def _summary(registration: Registration) -> str:
    manifest = registration.manifest
    names = manifest.class_names
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")  # noqa: PLR2004
    return f"{manifest.family}, {manifest.feeding.width} x {manifest.feeding.height} px, {shown}"


def _report(registration: Registration, version: Version | None, *, json: bool) -> None:
    document: dict[str, Any] = {
        "name": registration.name,
        "version": version.version if version else None,
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
        print(f"registered {registration.name} version {version.version}{aliases}")


@verb(
    name="list",
    help={
        "name": "only this registered model",
        "json": "the list as a JSON document on stdout",
    },
)
def list_models(context: Context, name: str | None = None, json: bool = False) -> None:
    """List the registered models with their versions and aliases."""
    del context
    from wildetect.errors import ModelError
    from wildetect.registry.versions import list_models as registered_models
    from wildetect.settings import Project
    from wildetect.tasks.server_access import connect_for

    project = Project.find()
    export_variables(project)
    models = registered_models(connect_for(project))
    if name is not None:
        chosen = [model for model in models if model.name == name]
        if not chosen:
            held = ", ".join(model.name for model in models) or "no model"
            raise ModelError(f"there is no registered model {name}", hint=f"The registry holds: {held}.")
        models = chosen
    rows = [
        {
            "name": model.name,
            "version": version.version,
            "aliases": list(version.aliases),
            "family": version.tags.get("family"),
            "sha256": version.tags.get("sha256"),
        }
        for model in models
        for version in model.versions
    ]
    if json:
        emit({"models": rows})
        return
    if not rows:
        say("nothing is registered yet: uv run invoke model.register")
    width = max((len(str(row["name"])) for row in rows), default=0)
    for row in rows:
        aliases = ", ".join(str(alias) for alias in row["aliases"] or ())
        sha = str(row["sha256"] or "-")[:12]
        print(
            f"{row['name']:<{width}}  {row['version']:>4}  {row['family'] or '-':<12}  {sha:<12}  {aliases}"
        )


@verb(
    help={
        "name": "registered name",
        "version": "version number",
        "alias": "the alias to move there, such as production",
    },
)
def promote(
    context: Context, name: str | None = None, version: str | None = None, alias: str | None = None
) -> None:
    """Point an alias at a version, and say which version it pointed at before."""
    del context
    from wildetect.errors import ConfigurationError
    from wildetect.registry.reference import ModelReference, check_alias
    from wildetect.registry.versions import move_alias
    from wildetect.settings import Project
    from wildetect.tasks.server_access import connect_for

    if not (name and version and alias):
        raise ConfigurationError(
            "name, version and alias are needed",
            hint="uv run invoke model.promote --name detector --version 3 --alias production",
        )
    check_alias(alias)
    reference = ModelReference.parse(f"{name}/{version}")
    project = Project.find()
    export_variables(project)
    moved, before = move_alias(connect_for(project), reference, alias)
    was = f" (was version {before})" if before and before != moved.version else ""
    print(f"{name}@{alias} is version {moved.version}{was}")
