"""Which detector a run takes: a registered version, or a weights file."""

from __future__ import annotations

from pathlib import Path

from wildetect.detection.checks.classifier_inspection import describe_classifier
from wildetect.detection.checks.examination import Reader, read_once
from wildetect.detection.checks.inspection import inspect
from wildetect.errors import ModelError, ServerError
from wildetect.registry.cache import FetchedModel, fetch, fetched_before
from wildetect.registry.connection import Connection
from wildetect.registry.manifest import Source, each_once
from wildetect.registry.reference import ModelReference, named_by_settings, names_a_file
from wildetect.registry.weights.intake import check_is_onnx, prepared_classifier
from wildetect.registry.weights.weights_file import sha256_of
from wildetect.settings import Project, load_settings
from wildetect.settings.detection import DetectionSettings
from wildetect.settings.project import from_caller
from wildetect.settings.registration import RegistrationSettings
from wildetect.workflows.connecting import connect_for
from wildetect.workflows.watching import Watcher

__all__ = ["chosen_model", "registered_model"]


def chosen_model(
    project: Project, settings: DetectionSettings, wanted: str | None, watcher: Watcher
) -> tuple[FetchedModel, Connection | None]:
    """Find the detector and make its file ready.

    Args:
        project: Its .env names the server.
        settings: Name the model where the command line does not.
        wanted: What the command line names.
        watcher: Observer that is told where there is no server.

    Returns:
        The model, and the server that its runs are logged on; None where a weights file is used and
        no server answers.

    Raises:
        ConfigurationError: No model is named, or what is named is none.
        ModelError: The registry does not hold it, or its file is not usable.
        ServerError: A registered model is named and the server does not answer.
    """
    text = wanted or named_by_settings(project, settings)
    path = from_caller(text) if wanted else project.path(Path(text))
    if not (names_a_file(text) or path.is_file()):
        model, connection = registered_model(
            project, ModelReference.parse(text), watcher, "; the run is not logged"
        )
        each_once(
            model.manifest.class_names,
            f"Register {text} again with class_names: in {RegistrationSettings.file}.",
        )
        return model, connection
    fix = f"Give the file with --model, or as model.mlflow_model_name in {settings.file}."
    model = _from_file(project, path, fix, watcher)
    try:
        return model, connect_for(project, watcher)
    except ServerError as error:
        watcher.notice(f"warning: the run is not logged: {error.message}")
        return model, None


def registered_model(
    project: Project, reference: ModelReference, watcher: Watcher, besides: str = ""
) -> tuple[FetchedModel, Connection | None]:
    """Fetch a registered version; where the server is of no use, take the one that was fetched when it was.

    Args:
        project: Its server, and its cache of fetched versions.
        reference: The version.
        watcher: Observer that is told where there is no server.
        besides: What else the warning says then.

    Raises:
        ModelError: The registry does not hold it.
        ServerError: No server answers, or not as it should, and the version was never fetched.
    """
    cache = project.runs / "models"
    try:
        connection = connect_for(project, watcher)
        return fetch(connection, reference, cache), connection
    except ServerError as error:
        model = fetched_before(reference, cache)
        if model is None:
            raise
        unchecked = f", which {reference} was {model.as_of}" if model.as_of else ""
        watcher.notice(f"warning: {error.message}: taking {model} from this machine{unchecked}{besides}")
        return model, None


def _from_file(project: Project, path: Path, fix: str, watcher: Watcher) -> FetchedModel:
    """A weights file as it lies there; read as the registration settings say, where they name it.

    It is held to what registration holds it to: nobody else has looked at what comes out of it.

    Args:
        project: Its registration settings may name the file.
        path: The file.
        fix: Where it is to be named, as a hint.
        watcher: Observer that is told as what it is read, and why.
    """
    check_is_onnx(path, fix=fix)
    registration = load_settings(RegistrationSettings, project)
    named = registration.weights_path
    if named is None or project.path(named).resolve() != path.resolve():
        reader = _unnamed(path)
        registration = RegistrationSettings()
    else:
        reader = _read(path, registration)
    manifest = reader.manifest
    doubtful = manifest.unchecked is not None
    watcher.notice(f"{'warning: ' if doubtful else ''}{path.name} is read as {reader.read_as}")
    if registration.classifier is None or registration.classifier.weights is None:
        return FetchedModel(path.stem, None, path, manifest)
    second = prepared_classifier(project.path(registration.classifier.weights))
    stage, doubt = describe_classifier(
        second.onnx, registration.classifier, second.source.sha256, second.source
    )
    return FetchedModel(path.stem, None, path, manifest.with_second_stage(stage).doubted(doubt), second.onnx)


def _read(path: Path, registration: RegistrationSettings) -> Reader:
    sha256 = sha256_of(path)
    source = Source(file=path.name, size=path.stat().st_size, sha256=sha256)
    return read_once(inspect(path), registration, sha256, source)


def _unnamed(path: Path) -> Reader:
    """A file that the registration settings do not name; what they say is of another one."""
    try:
        return _read(path, RegistrationSettings())
    except ModelError as error:
        if RegistrationSettings.file not in error.hint:
            raise
        where = f"Name the file there, too, as localizer.yolo.weights: {path}"
        raise ModelError(error.message, hint=f"{error.hint.rstrip('.')}. {where}") from error
