"""The layers that settings come from, the YAML file among them, merged and checked."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from wildetect.errors import ConfigurationError
from wildetect.settings.keys import Keys, SectionKeys, key_names, keys_without_effect
from wildetect.settings.layer import Layer, Option, command_line_layer, dotenv_layer, variable_layer
from wildetect.settings.problems import Key, Problem, dotted, nearest, raise_problems, shown
from wildetect.settings.project import Project
from wildetect.settings.yaml_text import MOST_VALUES, PlainLoader, check_shape, text_of
from wildetect.wording import form, listed

__all__ = [
    "PRECEDENCE",
    "Layers",
    "Option",
    "YamlFile",
    "load_settings",
    "merged",
    "read_layers",
    "read_yaml",
]

# ${NAME}, ${NAME:-default}, ${oc.env:NAME}, ${oc.env:NAME,default}
INTERPOLATION = re.compile(
    r"\$\{(?:oc\.env:(?P<oc>\w+)(?:,(?P<oc_default>[^}]*))?|(?P<name>\w+)(?::-(?P<default>[^}]*))?)\}"
)


@dataclass
class YamlFile:
    """What a YAML file holds.

    Attributes:
        name: The file as messages name it.
        values: Plain dicts, lists and scalars.
        lines: The line, from 1, of each key and list item.
        problems: What is wrong with the file itself: syntax, a key given twice, an unknown variable.
    """

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[Key, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def where(self, key: Key) -> str:
        """The place of a key, or of the nearest one around it: "configs/detection.yaml:12"."""
        while key and key not in self.lines:
            key = key[:-1]
        return f"{self.name}:{self.lines[key]}" if key else self.name


def read_yaml(path: Path, *, name: str, variable: Callable[[str], str | None]) -> YamlFile:
    """Read a YAML file.

    Args:
        path: The file.
        name: The file as messages name it.
        variable: Gives the value of a variable named in `${...}`, or None.

    Returns:
        The file's values; whatever is wrong is in `problems`, nothing is raised.
    """
    file = YamlFile(name)
    try:
        text = text_of(path)
    except OSError as error:
        file.problems.append(Problem(name, f"cannot be read: {error.strerror or error}"))
        return file
    except UnicodeDecodeError:
        file.problems.append(
            Problem(name, "is not UTF-8 text: in the editor choose 'Save as', encoding UTF-8")
        )
        return file
    except yaml.YAMLError as error:
        file.problems.append(Problem(name, f"is not a settings file: {error}"))
        return file
    try:
        check_shape(text)
        loader = PlainLoader(text)
        node = loader.get_single_node()
        if node is not None:
            values = _Reader(file, loader, variable).read(node, ())
            if isinstance(values, dict):
                file.values = values
            else:
                file.problems.append(Problem(file.name, "holds no 'key: value' lines"))
    except yaml.MarkedYAMLError as error:
        file.problems.append(_syntax_problem(name, error))
    except yaml.YAMLError as error:
        file.problems.append(Problem(name, f"is not valid YAML: {' '.join(str(error).split())}"))
    return file


def _syntax_problem(name: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    where = f"{name}:{mark.line + 1}" if mark else name
    what = f"is not valid YAML: {error.problem or error.context}"
    if "escape" in what:
        what += " (write a Windows path without quotes or in 'single quotes')"
    elif "\\t" in what:
        what += " (indent with spaces, not with tabs)"
    return Problem(where, what)


@dataclass
class _Reader:
    """Turns YAML nodes into values, noting the line of each key."""

    file: YamlFile
    loader: PlainLoader
    variable: Callable[[str], str | None]
    count: int = 0

    def read(self, node: yaml.Node, key: Key) -> Any:
        self.count += 1
        if self.count > MOST_VALUES:  # aliases of aliases
            raise yaml.MarkedYAMLError(problem="it holds too many values", problem_mark=node.start_mark)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, key)
        if isinstance(node, yaml.SequenceNode):
            items = []
            for index, item in enumerate(node.value):
                self.file.lines[*key, index] = item.start_mark.line + 1
                items.append(self.read(item, (*key, index)))
            return items
        value = self.loader.construct_object(node)
        return self._interpolated(value, key, node) if isinstance(value, str) else value

    def _mapping(self, node: yaml.MappingNode, key: Key) -> dict[str, Any]:
        self.loader.flatten_mapping(node)
        values: dict[str, Any] = {}
        for name_node, value_node in node.value:
            name = str(self.loader.construct_object(name_node))
            line, inner = name_node.start_mark.line + 1, (*key, name)
            if name in values:
                first = self.file.lines[inner]
                self._problem(line, f"{dotted(inner)} is given twice (also in line {first})")
            self.file.lines[inner] = line
            values[name] = self.read(value_node, inner)
        return values

    def _interpolated(self, text: str, key: Key, node: yaml.Node) -> Any:
        line = node.start_mark.line + 1

        def value_of(match: re.Match[str]) -> str:
            name = match["oc"] or match["name"]
            default = match["oc_default"] if match["oc"] else match["default"]
            value = self.variable(name)
            if value is None and default is None:
                self._problem(line, f"{dotted(key)}: the variable {name} is set neither in .env nor outside")
            return value if value is not None else default or ""

        replaced = INTERPOLATION.sub(value_of, text)
        # A value that is nothing but a variable gets the type that its text has in YAML.
        whole = INTERPOLATION.fullmatch(text) is not None
        return PlainLoader(replaced).get_single_data() if whole and _is_plain(replaced) else replaced

    def _problem(self, line: int, what: str) -> None:
        self.file.problems.append(Problem(f"{self.file.name}:{line}", what))


def _is_plain(text: str) -> bool:
    """Whether the text reads as a number, true, false or null; anything else stays text as it is."""
    return re.fullmatch(r"[-+]?[0-9.eE+-]+|true|false|null|~|", text) is not None


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
        The checked settings. A key without effect is named in a warning.

    Raises:
        ConfigurationError: Naming every problem of every layer, each with its place.
    """
    layers = read_layers(model, project, file=file, options=options)
    settings = merged(model, project, layers)
    _warn_of_keys_without_effect(model, list(layers.named.values()))
    return settings


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
        "environment": variable_layer(model.section, os.environ, "environment variable {name}"),
        ".env": dotenv_layer(model.section, project),
        "YAML": Layer(yaml_file.values, yaml_file.where),
    }
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
    raise_problems(problems, hint=f"Fix it there; {project.shown(layers.path)} explains each key.")
    assert settings is not None  # noqa: S101 - raise_problems has raised otherwise
    return settings


def _path(model: type[SectionKeys], project: Project, file: Path | None) -> Path:
    return file or project.root / model.file


def _read_file(model: type[SectionKeys], project: Project, file: Path | None) -> YamlFile:
    path = _path(model, project, file)
    if file is None and not path.exists():
        return YamlFile(project.shown(path))
    if not path.is_file():
        raise ConfigurationError(
            f"there is no settings file {project.shown(path)}",
            hint=f"Give an existing YAML file with --config; the one in use without it is {model.file}.",
        )
    return read_yaml(path, name=project.shown(path), variable=project.variable)


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
        layer = next((layer for layer in layers if key and layer.holds(key)), None)
        where = layer.where(key) if layer else yaml_file.where(key)
        name = dotted(key)
        if detail["type"] == "extra_forbidden":
            close = nearest(name, key_names(model))
            meant = f"; did you mean {close}?" if close else ""
            what = f"{name} = {shown(key, detail['input'])}: unknown key{meant}"
        elif detail["type"] == "missing":
            what = f"{name} is missing"
        elif detail["type"] in ("model_type", "dict_type", "model_attributes_type"):
            what = f"{name} = {shown(key, detail['input'])}: must be a block of indented 'key: value' lines"
        else:
            said = detail["msg"].removeprefix("Value error, ").split(", unable to parse")[0]
            said = said.replace("Input should be", "must be")
            what = f"{name} = {shown(key, detail['input'])}: {said}" if key else said
        yield Problem(where, what)


def _warn_of_keys_without_effect(model: type[SectionKeys], layers: list[Layer]) -> None:
    by_reason: dict[str, list[str]] = {}
    for key, marker in keys_without_effect(model):
        layer = next((layer for layer in layers if layer.holds(key)), None)
        if layer is not None and layer.at(key) not in (None, False, *marker.harmless):
            by_reason.setdefault(marker.reason, []).append(f"{dotted(key)} ({layer.where(key)})")
    for reason, keys in by_reason.items():
        logger.warning("%s %s no effect here: %s", listed(keys), form(len(keys), "has", "have"), reason)
