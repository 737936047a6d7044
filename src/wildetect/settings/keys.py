"""What the models of the settings files have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.fields import FieldInfo

from wildetect.settings.problems import Key

__all__ = [
    "FromVariable",
    "Keys",
    "NoEffect",
    "SectionKeys",
    "fields_of",
    "key_names",
    "keys_without_effect",
    "types_of",
]


@dataclass(frozen=True)
class NoEffect:
    """Marks a key of existing files that is accepted and does nothing.

    Attributes:
        reason: Why, completing a sentence.
        harmless: Values that ask for what is done anyway: no warning is worth writing.
    """

    reason: str
    harmless: tuple[object, ...] = ()


@dataclass(frozen=True)
class FromVariable:
    """Marks a key that a variable of the environment or of .env replaces.

    Attributes:
        name: The variable.
        beats_settings: Whether the variable comes first; otherwise it counts only where the key is null.
    """

    name: str
    beats_settings: bool = False


class Keys(BaseModel):
    """A block of keys. An unknown key is an error; null means the default where it is not a value itself."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        coerce_numbers_to_str=True,
        validate_default=True,
        allow_inf_nan=False,
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_the_default(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        needed = {
            name for name, info in cls.model_fields.items() if type(None) not in get_args(info.annotation)
        }
        given = {
            key: None if _stands_for_null(value, cls.model_fields.get(key)) else value
            for key, value in values.items()
        }
        return {key: value for key, value in given.items() if value is not None or key not in needed}


def _stands_for_null(value: Any, info: FieldInfo | None) -> bool:
    """Whether a text is what other languages write for null, or empty where a path or a null belongs.

    An empty path would be the project's folder.
    """
    if info is None or not isinstance(value, str):
        return False
    types = set(types_of(info.annotation))
    word = value.strip().lower()
    return (not word and bool(types & {Path, type(None)})) or (
        word in ("none", "nil") and type(None) in types and word not in types
    )


def types_of(annotation: Any) -> Iterator[Any]:
    """All that a value may be, and what a list or block of it may hold: types, and words of a Literal."""
    parts = get_args(annotation)
    if not parts:
        yield annotation
    for part in parts:
        yield from types_of(part)


class SectionKeys(Keys):
    """A whole settings file.

    Attributes:
        section: Its name in environment variables: `WILDETECT_DETECTION__PROCESSING__TILE_SIZE`.
        file: The YAML file, relative to the project root.
    """

    section: ClassVar[str]
    file: ClassVar[str]

    @classmethod
    def without_file(cls, given: Mapping[Key, object]) -> dict[str, Any]:
        """The values of needed keys where there is no such file, as outside of a project.

        Args:
            given: Values of the command line.
        """
        del given
        return {}

    @classmethod
    def page(cls) -> str:
        """The page of the documentation that explains each key."""
        return f"docs/settings/{PurePosixPath(cls.file).stem}.md"


def fields_of(model: type[Keys], above: Key = ()) -> Iterator[tuple[Key, FieldInfo]]:
    """All keys of a settings file, those of its blocks after each block's own."""
    for name, info in model.model_fields.items():
        yield (*above, name), info
        inner = [info.annotation, *get_args(info.annotation)]
        for block in inner:
            if isinstance(block, type) and issubclass(block, Keys):
                yield from fields_of(block, (*above, name))


def key_names(model: type[Keys]) -> list[str]:
    """All keys of a settings file as users write them: `processing.tile_size`."""
    return [".".join(str(part) for part in key) for key, _ in fields_of(model)]


def keys_without_effect(model: type[Keys]) -> Iterator[tuple[Key, NoEffect]]:
    """The keys that are accepted and do nothing, each with its marker."""
    for key, info in fields_of(model):
        for marker in info.metadata:
            if isinstance(marker, NoEffect):
                yield key, marker
