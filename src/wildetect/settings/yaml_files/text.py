"""YAML as a person reads it: text stays text, and a hostile file costs neither time nor memory."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import yaml

from wildetect.tables.encoding import encoding_of, other_kind

__all__ = ["MOST_VALUES", "PlainLoader", "check_shape", "lines_of", "text_of"]

LARGEST = 1_000_000  # bytes; a settings file has some thousand
DEEPEST = 50
MOST_ALIASES = 100
MOST_VALUES = 20_000
LINE_END = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")  # those of YAML, not all of Python
# A tab between words is as good as a space: YAML allows it, PyYAML does not.
TAB_BETWEEN = re.compile(r"(?<=:)\t+|\t+(?=[ \t]*(?:#.*)?$)", re.MULTILINE)


class PlainLoader(yaml.SafeLoader):
    """Reads YAML 1.2's core schema, and yes, no, on and off.

    YAML 1.1, which PyYAML reads, makes 640 of `10:40` and a date of `2024-05-01`.
    Source: https://yaml.org/spec/1.2.2/#103-core-schema
    """

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}  # type: ignore[misc]

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge `<<`, up to a size: merges of merges double at each step."""
        super().flatten_mapping(node)
        if len(node.value) > MOST_VALUES:
            raise yaml.MarkedYAMLError(problem="it holds too many values", problem_mark=node.start_mark)


def _whole(loader: PlainLoader, node: yaml.ScalarNode) -> int:
    """Read a whole number as YAML 1.2 does: 010 is ten."""
    text = str(loader.construct_scalar(node))
    return int(text, 16) if text.lower().startswith("0x") else int(text)


PlainLoader.add_constructor("tag:yaml.org,2002:int", _whole)
for _tag, _pattern, _first in (
    ("bool", r"[Tt]rue|TRUE|[Ff]alse|FALSE|[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF", "tTfFyYnNoO"),
    ("int", r"[-+]?[0-9]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    PlainLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first)
    )


def text_of(path: Path) -> str:
    """The text of a settings file, in UTF-8 or, as Notepad and PowerShell's `>` write it, in UTF-16.

    Raises:
        OSError: It cannot be read.
        UnicodeDecodeError: It is neither.
        yaml.YAMLError: It is too large to be a settings file, or of another kind.
    """
    content = path.read_bytes()
    if len(content) > LARGEST:
        raise yaml.YAMLError(f"it is larger than {LARGEST:,} bytes")
    if other := other_kind(content):
        raise yaml.YAMLError(f"it is {other}; save it as plain text, in UTF-8")
    if not content.strip(b"\0") and content:
        raise yaml.YAMLError("it holds zero bytes alone, as a crash leaves it: write it again")
    text = content.decode(encoding_of(content))
    return TAB_BETWEEN.sub(lambda tabs: " " * len(tabs[0]), text)


def lines_of(text: str) -> list[str]:
    """The lines of a text as YAML numbers them."""
    return LINE_END.split(text)


def check_shape(text: str) -> None:
    """Refuse what would take all memory or the whole stack, before anything is made of it.

    Raises:
        yaml.MarkedYAMLError: It is nested too deeply, or holds too many aliases.
    """
    depth = aliases = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        aliases += isinstance(event, yaml.AliasEvent)
        if depth > DEEPEST or aliases > MOST_ALIASES:
            what = "it is nested too deeply" if depth > DEEPEST else "it holds too many aliases"
            raise yaml.MarkedYAMLError(problem=what, problem_mark=event.start_mark)  # type: ignore[arg-type]
