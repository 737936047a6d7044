"""A YAML file as plain values, with the line of each key and `${VARIABLE}` replaced."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from wildetect.settings.problems import Key, Problem, dotted

__all__ = ["YamlFile", "read_yaml"]

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
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        file.problems.append(Problem(name, f"cannot be read: {error.strerror or error}"))
        return file
    except UnicodeDecodeError:
        file.problems.append(
            Problem(name, "is not UTF-8 text: in the editor choose 'Save as', encoding UTF-8")
        )
        return file
    try:
        loader = yaml.SafeLoader(text)
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
        file.problems.append(Problem(name, f"is no YAML: {' '.join(str(error).split())}"))
    return file


def _syntax_problem(name: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    where = f"{name}:{mark.line + 1}" if mark else name
    what = f"is no YAML: {error.problem or error.context}"
    if "escape" in what:
        what += " (write a Windows path without quotes or in 'single quotes')"
    elif "\\t" in what:
        what += " (indent with spaces, not with tabs)"
    return Problem(where, what)


@dataclass
class _Reader:
    """Turns YAML nodes into values, noting the line of each key."""

    file: YamlFile
    loader: yaml.SafeLoader
    variable: Callable[[str], str | None]

    def read(self, node: yaml.Node, key: Key) -> Any:
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
        return yaml.safe_load(replaced) if whole and _is_plain(replaced) else replaced

    def _problem(self, line: int, what: str) -> None:
        self.file.problems.append(Problem(f"{self.file.name}:{line}", what))


def _is_plain(text: str) -> bool:
    """Whether the text reads as a number, true, false or null; anything else stays text as it is."""
    return re.fullmatch(r"[-+]?[0-9.eE+-]+|true|false|null|~|", text) is not None
