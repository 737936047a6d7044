"""The layers that settings come from, the YAML file among them, merged and checked."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from wildetect.errors import ConfigurationError
from wildetect.settings.keys import Keys, SectionKeys, fields_of, key_names, keys_without_effect, types_of
from wildetect.settings.layer import Layer, Option, command_line_layer, dotenv_layer, variable_layer
from wildetect.settings.problems import (
    Key,
    Problem,
    dotted,
    is_option,
    nearest,
    raise_problems,
    shown,
    what_is_wrong,
)
from wildetect.settings.project import VARIABLE_PLACE, Project, read_instead
from wildetect.settings.sections import sections
from wildetect.settings.yaml_files.reading import YamlFile, read_yaml
from wildetect.wording import form, listed, quoted

__all__ = ["PRECEDENCE", "Layers", "load_settings", "merged", "read_layers", "warn_of_doubts"]

PRECEDENCE = ("command line", "environment", ".env", "YAML", "default")
"""Precedence, the strongest first; the default is what the models in this package say."""

logger = logging.getLogger(__name__)
Section = TypeVar("Section", bound=SectionKeys)


@dataclass(frozen=True)
class Layers:
    """What each layer says, before anything is checked.

    Attributes:
        named: The layers, highest first, under their names in `PRECEDENCE`.
        yaml_file: The YAML file, with what is wrong with it as a file.
        path: Where it is, whether it exists or not.
    """

    named: Mapping[str, Layer]
    yaml_file: YamlFile
    path: Path


def load_settings(
    model: type[Section],
    project: Project,
    *,
    file: Path | None = None,
    options: Mapping[Key, Option] | None = None,
) -> Section:
    """Read the settings of a section from all layers, highest first as in `PRECEDENCE`.

    Args:
        model: The settings model; its `section` names the environment prefix, its `file` the YAML file.
        project: Gives the root folder and .env.
        file: Another YAML file than the section's own.
        options: Settings from the command line.

    Returns:
        The checked settings. A key without effect and a path cut at " #" are named in a warning.

    Raises:
        ConfigurationError: Naming every problem of every layer, each with its place.
    """
    layers = read_layers(model, project, file=file, options=options)
    warn_of_doubts(layers)
    settings = merged(model, project, layers)
    _warn_of_keys_without_effect(model, list(layers.named.values()))
    return settings


def warn_of_doubts(layers: Layers) -> None:
    """Say what in the settings file may have been meant in another way than it is read."""
    for doubt in layers.yaml_file.doubts:
        logger.warning("%s", doubt)


def read_layers(
    model: type[SectionKeys],
    project: Project,
    *,
    file: Path | None = None,
    options: Mapping[Key, Option] | None = None,
) -> Layers:
    """Read what each layer says of a section; the arguments are those of `load_settings`.

    Raises:
        ConfigurationError: Where the file that is asked for does not exist.
    """
    yaml_file = _read_file(model, project, file)
    layers = {
        "command line": command_line_layer(options or {}),
        "environment": variable_layer(model.section, os.environ, f"{VARIABLE_PLACE} {{name}}"),
        ".env": dotenv_layer(model.section, project),
        "YAML": Layer(yaml_file.values, yaml_file.where),
    }
    given = {key: option.value for key, option in (options or {}).items()}
    if file is None and not _path(model, project, file).exists():
        layers["default"] = Layer(model.without_file(given), lambda _: "default")
    named = {name: layers[name] for name in PRECEDENCE if name in layers}
    return Layers(named, yaml_file, _path(model, project, file))


def merged(model: type[Section], project: Project, layers: Layers) -> Section:
    """Merge the layers and check the result.

    Raises:
        ConfigurationError: Naming every problem of every layer, each with its place.
    """
    ordered, yaml_file = list(layers.named.values()), layers.yaml_file
    problems = list(yaml_file.problems)
    settings: Section | None = None
    try:
        settings = _merged(model, ordered)
    except ValidationError as error:
        # What is wrong with a file that could not be read is said once.
        readable = not problems or yaml_file.values
        problems += _problems_of(error, model, ordered, yaml_file) if readable else []
    problems.sort(key=_place)
    raise_problems(problems, hint=_fix(problems, model, project.shown(layers.path)))
    assert settings is not None  # noqa: S101 - raise_problems has raised otherwise
    return settings


def _fix(problems: list[Problem], model: type[SectionKeys], shown_file: str) -> str:
    """What fixes problems, told for the places that the values came from.

    Args:
        problems: Problems, at least one, sorted.
        model: The section.
        shown_file: The YAML file in use.
    """
    on_command_line = [problem for problem in problems if is_option(problem.where)]
    typed = [f"{problem.where} {quoted(problem.values[0])}" for problem in on_command_line if problem.values]
    explains = f"{model.file if shown_file == model.file else model.page()} explains each key."
    if len(problems) == 1 and len(problems[0].values) > 1 and on_command_line:
        return f"Give {problems[0].where} {listed(problems[0].values, last='or')}."
    if len(on_command_line) == len(problems):
        return f"For example {' '.join(typed)}" if typed else f"Give another value there; {explains}"
    places = dict.fromkeys(_to_correct(problem.where, shown_file) for problem in problems)
    return f"{listed(places)}; {explains}" if len(places) == 1 else f"Fix each where it is named; {explains}"


def _to_correct(where: str, shown_file: str) -> str:
    """What to do at the place that a value came from: a variable of the environment has no line."""
    if where.startswith(VARIABLE_PLACE):
        return f"Set that variable to another value, or remove it so that {shown_file} counts"
    return "Fix it there"


def _path(model: type[SectionKeys], project: Project, file: Path | None) -> Path:
    return file or project.root / model.file


def _read_file(model: type[SectionKeys], project: Project, file: Path | None) -> YamlFile:
    path = _path(model, project, file)
    misnamed = _misnamed(path) if file is None else None
    if file is None and not path.exists():
        if misnamed is not None:
            raise ConfigurationError(
                f"there is no {project.shown(path)}, but {project.shown(misnamed)}, which is not read",
                hint=f"Rename it to {path.name}; the Explorer shows endings with View > Show > File name "
                "extensions.",
            )
        return YamlFile(project.shown(path))
    if path.is_dir():
        raise ConfigurationError(
            f"{project.shown(path)} is a folder, not a settings file",
            hint="Rename it, or give a YAML file with --config; without the file the defaults count.",
        )
    if not path.is_file():
        raise ConfigurationError(
            f"there is no settings file {project.shown(path)}",
            hint=f"Give an existing YAML file with --config; the one in use without it is {model.file}.",
        )
    if file is not None:
        read_instead(model.file, project.shown(path))
    names = {part for name in key_names(model) for part in name.split(".")}
    found = read_yaml(path, name=project.shown(path), variable=project.variable, names=names)
    _keep_texts(model, found)
    if misnamed is not None:
        found.doubts.append(
            Problem(
                project.shown(misnamed), f"it is not read: the settings are those of {path.name} beside it"
            )
        )
    return found


def _keep_texts(model: type[SectionKeys], file: YamlFile) -> None:
    """Give the keys whose value is a text, a path or a name what is written, as 007 and 1.10."""
    kinds = {key: set(types_of(info.annotation)) for key, info in fields_of(model)}
    texts = {key for key, types in kinds.items() if types & {str, Path} and not types & {int, float, object}}
    for key, text in file.written.items():
        if any(key[:length] in texts for length in range(1, len(key) + 1)):
            block = file.values
            for part in key[:-1]:
                block = block[part]  # type: ignore[index]
            block[key[-1]] = text  # type: ignore[index]


def _misnamed(path: Path) -> Path | None:
    """A file beside a settings file that an editor most likely wrote in its place; Windows hides endings."""
    others = (path.with_name(f"{path.name}.txt"), path.with_suffix(".yml"), path.with_suffix(".txt"))
    return next((other for other in others if other.is_file()), None)


def _merged(model: type[Section], layers: list[Layer]) -> Section:
    class Source(PydanticBaseSettingsSource):
        def __init__(self, settings_cls: type[BaseSettings], layer: Layer) -> None:
            super().__init__(settings_cls)
            self.layer = layer

        def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
            del field
            return self.layer.values.get(field_name), field_name, False

        def __call__(self) -> dict[str, Any]:
            return self.layer.values

    class Merged(model, BaseSettings):  # type: ignore[valid-type, misc]
        model_config = SettingsConfigDict(extra="forbid")

        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: object, **__: object
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return tuple(Source(settings_cls, layer) for layer in layers)

    settings: Section = Merged()
    return settings


def _place(problem: Problem) -> tuple[str, int]:
    """Sorts problems as they stand in their file."""
    name, _, line = problem.where.rpartition(":")
    return (name, int(line)) if line.isdigit() else (problem.where, 0)


def _problems_of(
    error: ValidationError, model: type[Keys], layers: list[Layer], yaml_file: YamlFile
) -> Iterator[Problem]:
    for detail in error.errors():
        key: Key = detail["loc"]
        if yaml_file.incomplete and _may_be_in_a_line_left_out(detail):
            continue
        layer = next((layer for layer in layers if key and layer.holds(key)), None)
        where = layer.where(key) if layer else yaml_file.where(key)
        name = dotted(key)
        values: tuple[str, ...] = ()
        if detail["type"] == "extra_forbidden":
            what = f"{name} = {shown(key, detail['input'])}: unknown key{_meant(key, detail['input'], model)}"
        elif detail["type"] == "missing":
            what = f"{name} is missing"
        elif detail["type"] in ("model_type", "dict_type", "model_attributes_type"):
            what = f"{name} = {shown(key, detail['input'])}: must be a block of indented 'key: value' lines"
            if isinstance(detail["input"], list) and any(isinstance(one, dict) for one in detail["input"]):
                what = f"{name}: its keys have no dash before them: take each - away, and indent them alike"
        else:
            info = _setting(model, key)
            said, values = what_is_wrong(detail, (info and info.description) or "")
            values = values or _example(model, key)
            what = f"{name} = {shown(key, detail['input'])}: {said}" if key else said
        yield Problem(where, what, values)


def _meant(key: Key, value: object, model: type[Keys]) -> str:
    """What an unknown key may stand for: a key of this file, of another one, or a variable."""
    name, last = dotted(key), str(key[-1])
    if re.match(r"(MLFLOW|WILDETECT|AWS)_", last):
        return "; it is a variable: write it into .env, with = in place of the colon"
    known = key_names(model)
    exact = any(one.rpartition(".")[2] == last.lower() for one in known)
    others = [one.file for one in sections() if one is not model and last in one.model_fields]
    if others and not exact:
        return f"; it stands in {listed(others, last='or')}"
    close = nearest(name, known)
    if close and close == last and "." in close:  # "processing.tile_size: 800" is one key, of the top level
        block, _, inner = close.rpartition(".")
        return f"; write {block}: and below it, indented, {inner}: {shown(key, value)}"
    if close and close == last:
        return f"; write {close}: without a space before it, as {close} is a block of the file itself"
    return f"; did you mean {close}?" if close else ""


def _setting(model: type[Keys], key: Key) -> FieldInfo | None:
    return next((info for name, info in fields_of(model) if name == key), None)


def _example(model: type[Keys], key: Key) -> tuple[str, ...]:
    """A value that a setting may have, for a hint; empty where no number or word is sure to be one."""
    info = _setting(model, key)
    if info is None:
        return ()
    if isinstance(info.default, str | int | float) and not isinstance(info.default, bool):
        return (str(info.default),)
    return (str(info.examples[0]),) if info.examples else ()


def _may_be_in_a_line_left_out(detail: ErrorDetails) -> bool:
    """Whether what is wrong may come from lines that could not be read: something missing, or a block."""
    is_of_block = isinstance(detail["input"], dict) and detail["type"] != "extra_forbidden"
    return detail["type"] == "missing" or detail["input"] is None or is_of_block


def _warn_of_keys_without_effect(model: type[SectionKeys], layers: list[Layer]) -> None:
    by_reason: dict[str, list[str]] = {}
    for key, marker in keys_without_effect(model):
        layer = next((layer for layer in layers if layer.holds(key)), None)
        if layer is not None and layer.at(key) not in (None, False, *marker.harmless):
            by_reason.setdefault(marker.reason, []).append(f"{dotted(key)} ({layer.where(key)})")
    for reason, keys in by_reason.items():
        logger.warning("%s %s no effect here: %s", listed(keys), form(len(keys), "has", "have"), reason)
