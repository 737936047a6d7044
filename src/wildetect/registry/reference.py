"""How a user names a model: `name@alias`, `name/version`, `name/latest`, or a weights file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wildetect.errors import ConfigurationError, ModelError
from wildetect.registry.weights.weights_file import check_is_there
from wildetect.settings.names import LONGEST_NAME, unfit_name
from wildetect.settings.project import from_caller
from wildetect.wording import quoted

if TYPE_CHECKING:
    from wildetect.settings import Project
    from wildetect.settings.detection import DetectionSettings

__all__ = [
    "LATEST",
    "WEIGHTS_SUFFIXES",
    "ModelReference",
    "check_alias",
    "check_detector",
    "check_name",
    "model_named",
    "named_by_settings",
    "names_a_file",
]

LATEST = "latest"
WEIGHTS_SUFFIXES = (".onnx", ".pt", ".pth", ".torchscript", ".ckpt", ".engine")
_NAME_HINT = "Choose a short name such as elephant-detector, with --name or as processing.name."
_PARTED = re.compile("[/@:]")
_FORM = re.compile(
    r"(?P<name>[^/:@]+?)"
    r"(?:(?:[/@:]| version )(?:v?(?P<version>\d+)|(?P<latest>latest))|@(?P<alias>[^/:@]+))",
    re.IGNORECASE,
)
FORMS = "Write name@alias, name/version, name/latest or the path of a weights file."


@dataclass(frozen=True)
class ModelReference:
    """A registered model and which of its versions; exactly one of alias and version is given.

    Attributes:
        name: Registered name.
        alias: An alias of one of its versions.
        version: A version number, or "latest".
    """

    name: str
    alias: str | None = None
    version: str | None = None

    def __str__(self) -> str:
        return f"{self.name}@{self.alias}" if self.alias else f"{self.name}/{self.version}"

    @property
    def is_fixed(self) -> bool:
        """Whether it means the same version for ever."""
        return self.version is not None and self.version != LATEST

    @classmethod
    def parse(cls, text: str) -> ModelReference:
        """Read `name@alias`, `name/version` or `name/latest`, with or without `models:/` before it.

        What can mean nothing else is understood, too: `name/v3`, `name@3`, `name version 3` (as runs say it),
        blanks around it and a slash behind it.

        Raises:
            ConfigurationError: Where the text is none of them.
        """
        plain = _plain(text)
        match = _FORM.fullmatch(plain)
        if match is None:
            raise ConfigurationError(f"{text!r} names no version of a model", hint=_meant(plain))
        name = match["name"].strip()
        if match["alias"]:
            return cls(name, alias=match["alias"])
        return cls(name, version=LATEST if match["latest"] else str(int(match["version"])))

    @classmethod
    def of(cls, name: str, which: str) -> ModelReference:
        """The version of a model that is told by its number, an alias, "latest", or as a whole reference.

        Raises:
            ConfigurationError: It is none of them, or a version of another model.
        """
        if _PARTED.search(which):
            whole = cls.parse(which)
            if whole.name != name:
                raise ConfigurationError(
                    f"{which} is no version of {name}: both must be versions of one model",
                    hint=f"{name} has those of: uv run invoke model.list {quoted(name)}",
                )
            return whole
        return cls.parse(f"{name}@{which}")


def _plain(text: str) -> str:
    """A name or reference without MLflow's scheme, blanks around it and a slash behind it."""
    return re.sub("models:/+", "", text.strip(), count=1, flags=re.IGNORECASE).rstrip("/")


def _meant(text: str) -> str:
    """The hint on a text that names no version of a model, with what it most likely means."""
    name, slash, which = text.partition("/")
    if slash and name and re.fullmatch(r"[\w-]+", which):
        return f"For an alias write {quoted(f'{name}@{which}')}. {FORMS}"
    if re.fullmatch(r"[\w-]+", text):
        return f"{FORMS} uv run invoke model.list {quoted(text)} shows its versions."
    return f"{FORMS} uv run invoke model.list shows what there is."


def model_named(text: str) -> str:
    """The name of the model, where a version of it may be named as well.

    Raises:
        ConfigurationError: It is neither a name nor a reference.
    """
    plain = _plain(text)
    return ModelReference.parse(plain).name if _PARTED.search(plain) else plain


def names_a_file(text: str) -> bool:
    """Whether the text is the path of a weights file rather than a registered model."""
    return text.lower().endswith(WEIGHTS_SUFFIXES) or Path(text).is_file()


def check_detector(text: str | None) -> None:
    """Refuse what names neither a weights file nor a version of a model, before a hint repeats it.

    Raises:
        ConfigurationError: It names neither; the hint says what would.
        ModelError: It names a weights file that is not there.
    """
    if not text:
        return
    if not names_a_file(text):
        ModelReference.parse(text)
    else:
        check_is_there(from_caller(text), "Check the path, in quotes if it holds spaces.")


def named_by_settings(project: Project, settings: DetectionSettings) -> str:
    """The model that the settings of a detection run name: a reference, or the path of a weights file.

    Raises:
        ConfigurationError: Where they name none, nor does MLFLOW_REGISTRY_NAME or MLFLOW_ALIAS.
    """
    name = settings.model.mlflow_model_name or project.variable("MLFLOW_REGISTRY_NAME")
    which = settings.model.mlflow_model_alias or project.variable("MLFLOW_ALIAS")
    if name and names_a_file(name):
        return name
    if not name or not which:
        raise ConfigurationError(
            f"no model is named: its {'alias' if name else 'name'} is given nowhere",
            hint=f"Give --model name@alias, or set model.mlflow_model_name and _alias in {settings.file}.",
        )
    return str(ModelReference.of(name, which))


def check_name(name: str) -> None:
    """Refuse a registered name that MLflow would refuse.

    Raises:
        ModelError: Where it is empty or holds a quote, or a sign that parts a name from its version.
    """
    if not name.strip() or any(sign in name for sign in "/:@'\""):
        raise ModelError(
            f"{name!r} cannot be the name of a model: it is empty or holds a quote, '/', ':' or '@'",
            hint=_NAME_HINT,
        )
    why = unfit_name(name)
    if why is not None:
        shown = name[:LONGEST_NAME] + "..." * (len(name) > LONGEST_NAME)
        raise ModelError(f"{shown!r} cannot be the name of a model: {why}", hint=_NAME_HINT)


def check_alias(alias: str) -> None:
    """Refuse an alias that MLflow would refuse.

    Raises:
        ModelError: Where it is reserved ("latest", "v3", a number) or holds other signs than
            letters, digits, "_" and "-".
    """
    reserved = alias.lower() == LATEST or re.fullmatch(r"[vV]?\d+", alias)
    if reserved or not re.fullmatch(r"[\w-]+", alias, flags=re.ASCII):
        why = (
            "is reserved for versions" if reserved else "holds other signs than letters, digits, '_' and '-'"
        )
        raise ModelError(
            f"the alias {alias!r} {why}", hint="Choose an alias such as production or 2026-survey."
        )
