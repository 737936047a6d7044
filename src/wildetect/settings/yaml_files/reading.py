"""The values of a YAML file, each with its line, and all that is wrong with the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from wildetect.settings.problems import Key, Problem, dotted, foreign_variable
from wildetect.settings.yaml_files.faults import (
    Fault,
    cut_name,
    faults_of_lines,
    is_prose,
    misread_escape,
    syntax_fault,
    without,
)
from wildetect.settings.yaml_files.text import MOST_VALUES, PlainLoader, check_shape, text_of

__all__ = ["YamlFile", "read_yaml"]

CLOSE_IT = "close the program that has it open, or give yourself the right to read it"
_LONG_LINE = 80
MOST_FAULTS = 20  # lines; a file with more is not a settings file
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
        doubts: What may have been meant in another way than it is read.
        incomplete: Whether lines at fault, and what stands below them, are not among the values.
        written: The numbers as they stand in the file: 007, 1.10, 1e3.
    """

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[Key, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    doubts: list[Problem] = field(default_factory=list)
    incomplete: bool = False
    written: dict[Key, str] = field(default_factory=dict)

    def where(self, key: Key) -> str:
        """The place of a key, or of the nearest one around it: "configs/detection.yaml:12"."""
        while key and key not in self.lines:
            key = key[:-1]
        return f"{self.name}:{self.lines[key]}" if key else self.name


def read_yaml(
    path: Path, *, name: str, variable: Callable[[str], str | None], names: Collection[str] = ()
) -> YamlFile:
    """Read a YAML file.

    Args:
        path: The file.
        name: The file as messages name it.
        variable: Gives the value of a variable named in `${...}`, or None.
        names: Keys that the file may hold, without those above them.

    Returns:
        The file's values; whatever is wrong is in `problems`, nothing is raised. Lines that cannot be
        read as they are meant are left out, so that all that is wrong is named at once.
    """
    file = YamlFile(name)
    try:
        text = text_of(path)
    except OSError as error:
        file.problems.append(Problem(name, f"cannot be read ({error.strerror or error}): {CLOSE_IT}"))
        return file
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        what = "is not UTF-8 text: in the editor choose 'Save as', encoding UTF-8"
        file.problems.append(Problem(f"{name}:{line}", what))
        return file
    except yaml.YAMLError as error:
        file.problems.append(Problem(name, f"is not a settings file: {error}"))
        return file
    faults = faults_of_lines(text, names)
    for line, _ in faults:
        text = without(text, line)
    while len(faults) < MOST_FAULTS:
        fault = _read_into(file, text, variable)
        if fault is None:
            break
        faults.append(fault)
        text = without(text, fault[0])
    file.incomplete = bool(faults)
    file.problems += [Problem(f"{name}:{line}", what) for line, what in faults]
    return file


def _read_into(file: YamlFile, text: str, variable: Callable[[str], str | None]) -> Fault | None:
    """Read the values of a text.

    Returns:
        The line that the parser stumbled over, if what is wrong with it is known: it can be read without.
    """
    file.values, file.lines, file.problems, file.doubts, file.written = {}, {}, [], [], {}
    try:
        check_shape(text)
        loader = PlainLoader(text)
        node = loader.get_single_node()
        if node is not None:
            values = _Reader(file, text, loader, variable).read(node, ())
            if isinstance(values, dict):
                file.values = values
            else:
                file.problems.append(Problem(f"{file.name}:{node.start_mark.line + 1}", _no_block(values)))
    except yaml.MarkedYAMLError as error:
        fault = syntax_fault(text, error)
        if fault is not None:
            return fault
        mark = error.problem_mark or error.context_mark
        where = f"{file.name}:{mark.line + 1}" if mark else file.name
        file.problems.append(Problem(where, f"is not valid YAML: {error.problem or error.context}"))
    except yaml.reader.ReaderError as error:
        what = f"it holds a character that is no text (code {error.character}): write the line again"
        return text.count("\n", 0, error.position) + 1, what
    except yaml.YAMLError as error:
        file.problems.append(Problem(file.name, f"is not valid YAML: {' '.join(str(error).split())}"))
    return None


def _no_block(values: object) -> str:
    """What is wrong with a file that is no block of keys."""
    first = values[0] if isinstance(values, list) and values else None
    if isinstance(first, dict) and first:
        return f"the keys of the file have no dash before them: write {next(iter(first))}: without it"
    return "holds no 'key: value' lines: write image_dir: D:/survey, for example, and # before a comment"


@dataclass
class _Reader:
    """Turns YAML nodes into values, noting the line of each key."""

    file: YamlFile
    text: str
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
        if not isinstance(value, str):
            if isinstance(value, int | float) and not isinstance(value, bool):
                self.file.written[key] = str(node.value)
            return value
        self._look_at_lines(node, key)
        self._look_at_escapes(node, value, key)
        self._look_behind(node, value, key)
        return self._interpolated(value, key, node)

    def _look_at_escapes(self, node: yaml.Node, value: str, key: Key) -> None:
        raw = self.text[node.start_mark.index : node.end_mark.index]
        if what := misread_escape(raw, value, key):
            self._problem(node.start_mark.line + 1, f"{dotted(key)}: {what}")

    def _look_at_lines(self, node: yaml.Node, key: Key) -> None:
        """A text without quotes goes on in the next line, where something else was meant most likely.

        Programs that write YAML break long lines so.
        """
        first, last = node.start_mark.line, node.end_mark.line
        is_plain = isinstance(node, yaml.ScalarNode) and node.style is None
        if not is_plain or last == first or is_prose(key):
            return
        if len(self.text.splitlines()[first]) < _LONG_LINE:
            what = "YAML takes it for more of the value above it"
            self._problem(first + 2, f"{what}: an item of a list begins with - and a comment with #")

    def _look_behind(self, node: yaml.Node, value: str, key: Key) -> None:
        """Note a path of which a comment took the end; a value in quotes has its own."""
        rest = self.text[node.end_mark.index :].partition("\n")[0]
        is_plain = isinstance(node, yaml.ScalarNode) and node.style is None
        if is_plain and (what := cut_name(value, rest)):
            where = f"{self.file.name}:{node.end_mark.line + 1}"
            self.file.doubts.append(Problem(where, f"{dotted(key)}: {what}"))

    def _mapping(self, node: yaml.MappingNode, key: Key) -> dict[str, Any]:
        self.loader.flatten_mapping(node)
        values: dict[str, Any] = {}
        for name_node, value_node in node.value:
            # as it is written: 007 and no are names of species as good as others
            plain = isinstance(name_node, yaml.ScalarNode)
            name = str(name_node.value if plain else self.loader.construct_object(name_node))
            line, inner = name_node.start_mark.line + 1, (*key, name)
            if name in values:
                first = self.file.lines[inner]
                self._problem(line, f"{dotted(inner)} is given twice (also in line {first})")
            self.file.lines[inner] = line
            if what := _flow_slip(name_node, value_node, list(values.items())):
                self._problem(line, f"{dotted(key)}: {what}")
            values[name] = self.read(value_node, inner)
        return values

    def _interpolated(self, text: str, key: Key, node: yaml.Node) -> Any:
        line = node.start_mark.line + 1
        if what := foreign_variable(text):
            self._problem(line, f"{dotted(key)}: {what}")

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


def _flow_slip(name: yaml.Node, value: yaml.Node, before: list[tuple[str, Any]]) -> str | None:
    """A key in braces that got no value: `{elephant:0.4}` and `{elephant: 0,4}` are valid YAML."""
    if value.start_mark.index != value.end_mark.index or not isinstance(name, yaml.ScalarNode):
        return None
    whole, sign, number = re.split(r"\s*([:=])\s*", f"{name.value}:", maxsplit=1)
    number = number.rstrip(":")
    if sign and number:
        return f"a space is missing after the colon: write {whole}: {number}"
    if before and whole.isdigit() and isinstance(before[-1][1], int):
        return f"a comma stands between two keys: write {before[-1][0]}: {before[-1][1]}.{whole}"
    return None


def _is_plain(text: str) -> bool:
    """Whether the text reads as a number, true, false or null; anything else stays text as it is."""
    return re.fullmatch(r"[-+]?[0-9.eE+-]+|true|false|null|~|", text) is not None
