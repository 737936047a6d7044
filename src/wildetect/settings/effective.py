"""What each key of a settings file is in the end, and who said so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from wildetect.settings.keys import FromVariable, Keys, NoEffect, SectionKeys
from wildetect.settings.layer import NOT_GIVEN
from wildetect.settings.layers import Layers, merged, read_layers, warn_of_doubts
from wildetect.settings.problems import Key, dotted, hidden, secret_texts
from wildetect.settings.project import Project

__all__ = ["EffectiveKey", "effective_keys"]


@dataclass(frozen=True)
class EffectiveKey:
    """A setting as tasks get it.

    Attributes:
        key: Key as users write it: `processing.tile_size`.
        value: Made of what JSON has; secrets are hidden.
        origin: The layer that gave it, one of `PRECEDENCE`.
        place: The line of the file or the variable that says it; None for a default.
        no_effect: Why the key does nothing; None where it does something.
    """

    key: str
    value: Any
    origin: str
    place: str | None
    no_effect: str | None


def effective_keys(
    model: type[SectionKeys], project: Project, *, file: Path | None = None
) -> list[EffectiveKey]:
    """Every key of a section, read and merged as `load_settings` does.

    Args:
        model: The section.
        project: Gives the root folder and .env.
        file: Another YAML file than the section's own.

    Raises:
        ConfigurationError: As `load_settings` raises it.
    """
    layers = read_layers(model, project, file=file)
    warn_of_doubts(layers)
    secrets = secret_texts(project.dotenv.values)
    return [
        _effective(key, info, value, layers, project, secrets)
        for key, info, value in _leaves(merged(model, project, layers))
    ]


def _leaves(block: Keys, above: Key = ()) -> Iterator[tuple[Key, FieldInfo, Any]]:
    """All values below a block; one that is itself a block and null counts as a value."""
    for name, info in type(block).model_fields.items():
        value = getattr(block, name)
        if isinstance(value, Keys):
            yield from _leaves(value, (*above, name))
        else:
            yield (*above, name), info, value


def _effective(
    key: Key, info: FieldInfo, value: Any, layers: Layers, project: Project, secrets: list[str]
) -> EffectiveKey:
    origin, place = _origin(key, value, layers)
    reason = next((marker.reason for marker in info.metadata if isinstance(marker, NoEffect)), None)
    for marker in info.metadata:
        if isinstance(marker, FromVariable) and (marker.beats_settings or value is None):
            instead = project.variable(marker.name)
            if instead is not None:
                value, (origin, place) = instead, project.origin_of(marker.name)
    return EffectiveKey(dotted(key), hidden(key, to_jsonable_python(value), secrets), origin, place, reason)


def _origin(key: Key, value: Any, layers: Layers) -> tuple[str, str | None]:
    """The highest layer that says something of a key, and where in it."""
    for name, layer in layers.named.items():
        if layer.decides(key):
            given = layer.at(key)
            # null stands for the default where it is not a value itself
            stands_for_default = given is NOT_GIVEN or (given is None and value is not None)
            return ("default", None) if stands_for_default else (name, layer.where(key))
    return "default", None
