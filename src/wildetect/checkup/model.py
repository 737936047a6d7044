"""The model that a detection run would take, its weights, and the device that it would run on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from wildetect.checkup.finding import Finding, fine, of_error, problem, warning
from wildetect.checkup.subject import Subject
from wildetect.errors import ConfigurationError, ModelError, ServerError
from wildetect.wording import listed, quoted

if TYPE_CHECKING:
    from wildetect.registry.reference import ModelReference
    from wildetect.server.process.status import Model

__all__ = ["check_device", "check_model"]


def check_model(subject: Subject) -> list[Finding]:
    """Whether the model of configs/detection.yaml (and .env) can be had."""
    from wildetect.registry.reference import ModelReference, named_by_settings, names_a_file

    try:
        settings = subject.detection
    except ConfigurationError:
        return [warning("model", "not looked at: its settings are wrong", fix="Fix what stands above first")]
    try:
        text = named_by_settings(subject.project, settings)
    except ConfigurationError as error:
        return [warning("model", error.message, fix=error.hint)]
    try:
        if names_a_file(text):
            fix = f"Fix model.mlflow_model_name in {settings.file}."
            return _weights_file(subject.project.path(Path(text)), fix)
        reference = ModelReference.parse(text)
        return _asked(subject, reference) if subject.answers else _from_cache(subject, reference)
    except (ConfigurationError, ModelError, ServerError) as error:
        return of_error("model", error)


def _weights_file(path: Path, fix: str) -> list[Finding]:
    from wildetect.registry.weights.intake import check_is_onnx
    from wildetect.registry.weights.weights_file import check_file

    check_is_onnx(path, fix=fix)
    check_file(path)
    return [fine("model", f"the weights file {path} is there")]


def _from_cache(subject: Subject, reference: ModelReference) -> list[Finding]:
    """No server to be asked: what is on this machine would be taken."""
    from wildetect.registry.cache import fetched_before

    copy = fetched_before(reference, subject.project.runs / "models")
    if copy is not None:
        says = f"{reference} is {copy}, as far as this machine knows; its copy is whole"
        return [fine("model", says)]
    says = f"{reference} is not on this machine, and no server answers that could be asked"
    return [warning("model", says, fix="uv run invoke mlflow.serve, or fix the server's address")]


def _asked(subject: Subject, reference: ModelReference) -> list[Finding]:
    """What the registry says of it."""
    from wildetect.server.process.status import held_models

    held = {model.name: model for model in held_models(subject.probe)}
    if not held:
        return [
            warning("model", f"nothing is registered yet, {reference} is wanted", fix=_to_register(reference))
        ]
    version = _version_of(reference, held.get(reference.name))
    if version is None:
        says, fix = _unknown(reference, held)
        return [problem("model", says, fix=fix, error=ModelError)]
    says = f"{reference} is version {version}" if not reference.is_fixed else f"{reference} is registered"
    return [fine("model", says), _weights(subject, reference, version)]


def _version_of(reference: ModelReference, model: Model | None) -> int | None:
    if model is None:
        return None
    if reference.alias:
        return model.aliases.get(reference.alias)
    if not reference.is_fixed:
        return max(model.versions, default=None)
    number = int(str(reference.version))
    return number if number in model.versions else None


def _unknown(reference: ModelReference, held: dict[str, Model]) -> tuple[str, str]:
    """What is wrong with a reference, and what would be right."""
    model = held.get(reference.name)
    if model is None:
        says = f"the registry holds no model {reference.name}"
        return says, f"Name one in configs/detection.yaml that it holds: {listed(sorted(held))}"
    newest = max(model.versions, default=0)
    if reference.alias is None:
        return f"{reference.name} has no version {reference.version}", f"Its newest is {newest}"
    whose = f"--name {quoted(model.name)} --version {newest} --alias {reference.alias}"
    return f"{model.name} has no alias {reference.alias}", f"uv run invoke model.promote {whose}"


def _to_register(reference: ModelReference) -> str:
    alias = f" --alias {reference.alias}" if reference.alias else ""
    return f"uv run invoke model.register --weights FILE --name {quoted(reference.name)}" + alias


def _weights(subject: Subject, reference: ModelReference, version: int) -> Finding:
    """Whether the files of a version can be had, from the registry or from this machine."""
    from wildetect.registry.cache import fetched_before
    from wildetect.registry.reference import ModelReference
    from wildetect.registry.stored_files import missing_files

    fixed = ModelReference(reference.name, version=str(version))
    copy = fetched_before(fixed, subject.project.runs / "models")
    missing = missing_files(subject.probe, reference.name, version)
    if missing is None:
        if copy is None:
            return fine("weights", f"those of {fixed} lie where the server does not look; not fetched yet")
        return fine("weights", f"those of {fixed} are on this machine")
    if not missing:
        return fine(
            "weights", f"those of {fixed} are in the registry{' and on this machine' if copy else ''}"
        )
    says = f"the registry has lost {listed(missing)} of {fixed}"
    fix = f"{_to_register(reference)} --force"
    if copy is not None:
        return warning("weights", f"{says}; this machine has a copy, others cannot fetch it", fix=fix)
    return problem("weights", says, fix=fix, error=ModelError)


def check_device(subject: Subject) -> list[Finding]:
    """What a detection run would run on."""
    from wildetect.detection.network.devices import CPU, to_try
    from wildetect.detection.network.session import available_providers

    try:
        wanted = subject.detection.model.device
    except ConfigurationError:
        wanted = "auto"
    providers = available_providers()
    try:
        first = to_try(wanted, providers)[0]
    except ConfigurationError as error:
        return of_error("device", error)
    says = f"{wanted}: {first.says}"
    if first is CPU and wanted == "auto" and shutil.which("nvidia-smi"):
        fix = "Install onnxruntime-gpu as docs/settings/detection.md says"
        return [warning("device", f"{says}; the NVIDIA GPU of this machine is not used", fix=fix)]
    return [fine("device", says)]
