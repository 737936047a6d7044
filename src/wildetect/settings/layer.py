"""One layer of settings: what the command line, the environment or .env gives, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from wildetect.settings.problems import Key, dotted
from wildetect.settings.project import Project

__all__ = ["NOT_GIVEN", "Layer", "Option", "command_line_layer", "dotenv_layer", "variable_layer"]

NOT_GIVEN = object()


class Option(NamedTuple):
    """A setting given on the command line.

    Attributes:
        flag: The option as users type it, such as "--tile-size".
        value: Its value; None where the option was not given.
    """

    flag: str
    value: object


@dataclass
class Layer:
    """One source of settings: nested values, and the place each was given at."""

    values: dict[str, Any] = field(default_factory=dict)
    where: Callable[[Key], str] = dotted

    def at(self, key: Key) -> Any:
        """The value that this layer gives at the key, or `NOT_GIVEN`."""
        inner: Any = self.values
        for part in key:
            is_there = isinstance(inner, dict) and part in inner
            is_item = isinstance(inner, list) and isinstance(part, int) and part < len(inner)
            if not (is_there or is_item):
                return NOT_GIVEN
            inner = inner[part]
        return inner

    def decides(self, key: Key) -> bool:
        """Whether no lower layer counts for the key: a value stands at it, or in place of a block."""
        inner: Any = self.values
        for part in key:
            if not isinstance(inner, dict):
                return True
            if part not in inner:
                return False
            inner = inner[part]
        return True

    def holds(self, key: Key) -> bool:
        """Whether this layer gives a value at the key, or below it."""
        return self.at(key) is not NOT_GIVEN

    def put(self, key: Key, value: object) -> None:
        """Set a value; a value on the way that is not a block is replaced by one."""
        inner = self.values
        for part in key[:-1]:
            if not isinstance(inner.get(str(part)), dict):
                inner[str(part)] = {}
            inner = inner[str(part)]
        inner[str(key[-1])] = value


def command_line_layer(options: Mapping[Key, Option]) -> Layer:
    """What the options that were given say, each placed at its flag."""
    given = {key: option for key, option in options.items() if option.value is not None}

    def where(key: Key) -> str:
        # an item of a list came with the option that gives the list
        above = (key[:length] for length in range(len(key), 0, -1))
        return next((given[one].flag for one in above if one in given), dotted(key))

    layer = Layer(where=where)
    for key, option in given.items():
        layer.put(key, option.value)
    return layer


def dotenv_layer(section: str, project: Project) -> Layer:
    """What .env says of a section, each key placed at its line."""
    lines = {name.upper(): line for name, line in project.dotenv.lines.items()}
    layer = variable_layer(section, project.dotenv.values, "{name}")
    by_name = layer.where
    layer.where = lambda key: f".env:{lines.get(by_name(key), '?')}"
    return layer


def variable_layer(section: str, variables: Mapping[str, str], place: str) -> Layer:
    """What variables say of a section; in `place` stands {name} for a variable's name."""
    prefix = f"WILDETECT_{section}__".upper()
    layer = Layer(where=lambda key: place.format(name=prefix + "__".join(str(part).upper() for part in key)))
    for name, text in variables.items():
        if name.upper().startswith(prefix) and text:
            layer.put(tuple(name[len(prefix) :].lower().split("__")), _value_of_variable(text))
    return layer


def _value_of_variable(text: str) -> Any:
    """The text itself, but null and a list in brackets as YAML reads them."""
    if text.strip() in ("null", "~"):
        return None
    if text.lstrip().startswith("["):
        try:
            return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it makes texts alone: 007 stays 007
        except yaml.YAMLError:
            return text
    return text
