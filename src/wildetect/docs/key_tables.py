"""What the pages say of settings files: each key with type, default and meaning, and a list of all files."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from wildetect.docs.markdown import cell, code, table
from wildetect.settings.keys import Keys, NoEffect, SectionKeys
from wildetect.settings.sections import file_stem, sections

__all__ = ["keys_block", "settings_block", "settings_page"]

WORDS = {
    object: "anything",
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
}
ALL = "*"
IDLE = "Files written for the original WildDetect load as they are. These of their keys do nothing here:"
BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def settings_page(model: type[SectionKeys]) -> str:
    """The page of a settings file, below docs/."""
    return f"settings/{file_stem(model)}.md"


def settings_block() -> str:
    """All settings files, each with a link to its page."""
    rows = [[f"[{model.file}]({settings_page(model)})", cell(_purpose(model))] for model in sections()]
    return table(["file", "what it sets"], rows)


def _purpose(model: type[SectionKeys]) -> str:
    """What its module says of it, after the name of the file."""
    says = (inspect.getdoc(inspect.getmodule(model)) or "").splitlines()[0]
    return says.partition(": ")[2].removesuffix(".")


def keys_block(model: type[SectionKeys]) -> str:
    """All keys of a settings file, but for those that another file's page explains."""
    rows, idle = [], dict[str, list[str]]()
    for key, info in _keys(model, model):
        reason = next((one.reason for one in info.metadata if isinstance(one, NoEffect)), None)
        if reason is not None:
            idle.setdefault(reason, []).append(code(key))
        elif key.endswith(ALL):
            rows.append([code(key), "", "", info.description or ""])
        else:
            rows.append([code(key), _kind(info), _default(info), cell(info.description or "")])
    blocks = [table(["key", "value", "default", "meaning"], rows)]
    if idle:
        blocks += [
            IDLE,
            table(["key", "no effect here"], [[", ".join(keys), cell(why)] for why, keys in idle.items()]),
        ]
    return "\n\n".join(blocks)


def _keys(section: type[SectionKeys], block: type[Keys], above: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """The keys of a block with their dotted names; those of a whole other file as one."""
    known: dict[str, FieldInfo] = {}
    shared = _shared_with(section, block) if above else None
    if shared is not None:
        keys, other = shared
        known = keys.model_fields
        names = ", ".join(code(name) for name in known)
        says = f"{names}: as in [{other.file}]({file_stem(other)}.md)"
        yield above + ALL, FieldInfo(description=says)
    for name, info in block.model_fields.items():
        inner = _blocks(info)
        if name in known and inner == _blocks(known[name]):
            continue
        for one in inner:
            yield from _keys(section, one, f"{above}{name}.")
        if not inner:
            yield above + name, info


def _shared_with(
    section: type[SectionKeys], block: type[Keys]
) -> tuple[type[Keys], type[SectionKeys]] | None:
    """The keys that a block has in common with a whole other file, and that file."""
    for other in sections():
        if other is not section:
            for keys in block.__mro__:
                if keys is not Keys and issubclass(keys, Keys) and issubclass(other, keys):
                    return keys, other
    return None


def _blocks(info: FieldInfo) -> list[type[Keys]]:
    known = [info.annotation, *get_args(info.annotation)]
    return [one for one in known if isinstance(one, type) and issubclass(one, Keys)]


def _kind(info: FieldInfo) -> str:
    bounds = [
        f"{word} {getattr(marker, name):g}"
        for marker in info.metadata
        for name, word in BOUNDS.items()
        if getattr(marker, name, None) is not None
    ]
    return ", ".join([_spoken(info.annotation), *bounds])


def _spoken(kind: Any) -> str:
    """What a value may be, for people."""
    if kind in WORDS:
        return WORDS[kind]
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return ", ".join(code(str(word)) for word in parts)
    if origin is tuple:
        return f"list of {len(parts)} numbers"
    inner = [_spoken(part) for part in parts if part is not type(None)]
    if origin in {Union, types.UnionType}:
        return " or ".join(inner)
    return {list: "list of {0}", dict: "lines of name: {1}", Annotated: "{0}"}[origin].format(*inner)


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "needed"
    value = info.get_default(call_default_factory=True)
    if value is None:
        return code("null")
    return code(str(value).lower() if isinstance(value, bool) else str(value))
