"""JSON schemas of the settings files, so that editors complete and check them.

They are made from the models of this package, but for what a schema cannot say: that of several keys only
one may be given. What a settings file may hold besides plain values is in them: null where it stands for the
default, `${VARIABLE}`, numbers and switches written as text.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, get_args

from pydantic.fields import FieldInfo

from wildetect.errors import ConfigurationError
from wildetect.settings.keys import Keys, NoEffect, SectionKeys
from wildetect.settings.sections import file_stem, sections

__all__ = ["SCHEMA_FOLDER", "check_schemas", "schema_of", "write_schemas"]

SCHEMA_FOLDER = "configs/schema"

DRAFT = "http://json-schema.org/draft-07/schema#"  # the newest that all editors know
VARIABLE = r"\$\{\w[^}]*\}"
NUMBER_TEXT = r"^\s*[-+.\d][-+.\d_eE]*\s*$"
# As pydantic reads text; a schema's regular expressions have no "ignore case".
SWITCHES = ("true", "false", "yes", "no", "on", "off", "y", "n", "t", "f")
SWITCH_TEXT = f"^({'|'.join(''.join(f'[{c.upper()}{c}]' for c in word) for word in SWITCHES)}|[01])$"
Schema = dict[str, Any]
WIDER: dict[str, Schema] = {
    "integer": {"type": ["integer", "string"], "pattern": f"{NUMBER_TEXT}|{VARIABLE}"},
    "number": {"type": ["number", "string"], "pattern": f"{NUMBER_TEXT}|{VARIABLE}"},
    "boolean": {
        "type": ["boolean", "integer", "string"],
        "minimum": 0,
        "maximum": 1,
        "pattern": f"{SWITCH_TEXT}|{VARIABLE}",
    },
    "string": {"type": ["string", "number"]},
}
"""What else is read as a value of a type."""


def schema_of(model: type[SectionKeys]) -> Schema:
    """The JSON schema (draft 7) of a settings file."""
    document = model.model_json_schema(ref_template="#/definitions/{model}")
    definitions = document.pop("$defs", {})
    seen: set[str] = set()
    _finish(model, document, definitions, seen)
    return {
        "$schema": DRAFT,
        **document,
        "title": model.file,
        "type": ["object", "null"],
        "definitions": {name: definitions[name] for name in sorted(seen)},
    }


def _finish(model: type[Keys], node: Schema, definitions: dict[str, Schema], seen: set[str]) -> None:
    """Complete the schema of a block and of all blocks in it."""
    node.pop("title", None)
    for name, info in model.model_fields.items():
        inner = _blocks(info)
        for reference, block in zip(_references(node["properties"][name]), inner, strict=True):
            if reference not in seen:
                seen.add(reference)
                _finish(block, definitions[reference], definitions, seen)
        finished = _loose(node["properties"][name], nullable=not info.is_required())
        if inner:
            finished.pop("default", None)  # each of its keys has its own
        node["properties"][name] = finished | _without_effect(info)


def _blocks(info: FieldInfo) -> list[type[Keys]]:
    known = [info.annotation, *get_args(info.annotation)]
    return [one for one in known if isinstance(one, type) and issubclass(one, Keys)]


def _references(node: Schema) -> list[str]:
    # a block may also be what each name of a mapping has
    each = node.get("additionalProperties")
    places = (node, *node.get("anyOf", ()), *([each] if isinstance(each, dict) else ()))
    return [one["$ref"].rpartition("/")[2] for one in places if "$ref" in one]


def _without_effect(info: FieldInfo) -> Schema:
    reason = next((marker.reason for marker in info.metadata if isinstance(marker, NoEffect)), None)
    if reason is None:
        return {}
    says = f"No effect here: {reason}."
    return {"description": says, "deprecated": True, "deprecationMessage": says}


def _loose(node: Schema, *, nullable: bool = True) -> Schema:
    """A value's schema, widened to all that may stand for the value in a file."""
    kept = {name: value for name, value in node.items() if name in ("default", "description")}
    bare = {name: value for name, value in node.items() if name not in (*kept, "title")}
    members = [one for one in bare.pop("anyOf", [bare]) if one != {"type": "null"}]
    wide = [_widened(one) for one in members]
    choices: list[Schema] = [one for part in wide for one in part.pop("anyOf", [part])]
    if len(choices) == 1 and "type" in choices[0]:
        only = choices[0]
        if nullable:
            kinds = only["type"] if isinstance(only["type"], list) else [only["type"]]
            only["type"] = [*kinds, "null"]
        return kept | only
    return kept | {"anyOf": [*choices, {"type": "null"}] if nullable else choices}


def _widened(node: Schema) -> Schema:
    """One kind of value, with all that is read as one."""
    is_path = node.get("format") == "path"
    node = {name: value for name, value in node.items() if name not in ("title", "format")}
    if "enum" in node or "const" in node:
        words = node.get("enum") or [node["const"]]
        return {"anyOf": [{"enum": words}, {"type": "string", "pattern": VARIABLE}]}
    if node.get("type") == "array":
        items = node.pop("prefixItems", [node.get("items", {})])
        return node | {"items": _loose(items[0], nullable=False)}
    if isinstance(node.get("additionalProperties"), dict):
        return node | {"additionalProperties": _loose(node["additionalProperties"], nullable=False)}
    return node if is_path else node | WIDER.get(str(node.get("type")), {})


def _text(model: type[SectionKeys]) -> str:
    return json.dumps(schema_of(model), indent=2) + "\n"


def _files(root: Path) -> dict[Path, str]:
    folder = root / SCHEMA_FOLDER
    return {folder / f"{file_stem(model)}.schema.json": _text(model) for model in sections()}


def write_schemas(root: Path) -> list[Path]:
    """Write the schema of each settings file below a project's root; gives the files."""
    files = _files(root)
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f"{file.name}.{os.getpid()}.tmp")
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(file)
    return list(files)


def check_schemas(root: Path) -> int:
    """Hold the schema files to the settings; gives their number.

    Raises:
        ConfigurationError: Where one is missing, out of date, or of no settings file.
    """
    files = _files(root)
    problems = []
    for file, text in files.items():
        if not file.is_file():
            problems.append(f"{SCHEMA_FOLDER}/{file.name} is missing")
        elif file.read_text(encoding="utf-8") != text:
            problems.append(f"{SCHEMA_FOLDER}/{file.name} is out of date or was edited")
    problems += [
        f"{SCHEMA_FOLDER}/{file.name} belongs to no settings file"
        for file in sorted((root / SCHEMA_FOLDER).glob("*.json"))
        if file not in files
    ]
    if problems:
        raise ConfigurationError(
            f"{len(problems)} of the schema files differ from the settings",
            hint="uv run invoke config.schema",
            details=problems,
        )
    return len(files)
