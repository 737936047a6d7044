"""Versions of a model side by side: what they are, and how they did on labelled pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from wildetect.errors import ModelError
from wildetect.registry.cache import stored_manifest
from wildetect.registry.connection import Connection
from wildetect.registry.evaluations import Evaluated, evaluations_of
from wildetect.registry.manifest import Manifest
from wildetect.registry.reference import LATEST, ModelReference, model_named
from wildetect.registry.versions import Version, resolve, versions_of
from wildetect.wording import listed

__all__ = ["MOST_VERSIONS", "ComparedVersion", "Comparison", "compare", "versions_to_compare"]

MOST_VERSIONS = 6
# Two evaluations are comparable if these are the same; the thresholds of the count change the count only.
SHAPING = ("annotations_sha256", "pictures", "classes", "scale", "tile_size", "overlap_ratio")


def versions_to_compare(connection: Connection, name: str, wanted: Sequence[str] = ()) -> list[Version]:
    """The versions that are asked for, in that order; else the newest `MOST_VERSIONS`, oldest first.

    Args:
        connection: The server.
        name: Name of the registered model, or the first of its versions as a whole reference.
        wanted: Version numbers, aliases or whole references.

    Raises:
        ConfigurationError: One of them is none of these, or a version of another model.
        ModelError: The registry does not hold the model or one of the versions.
        ServerError: Where the server fails.
    """
    called = model_named(name)
    newest = versions_of(connection, called)[:MOST_VERSIONS]
    which = [*([name] if name != called else []), *wanted]
    which = which or [version.version for version in reversed(newest)] or [LATEST]
    return [resolve(connection, ModelReference.of(called, one)) for one in which]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedVersion:
    """A version, and how it did on labelled pictures.

    Attributes:
        version: Its number.
        aliases: Those that point at it, in order.
        registered_at: ISO 8601, UTC; None where the server does not say.
        manifest: What is stored with it; None where another program registered it.
        evaluations: The newest on each data set, by its name.
    """

    version: str
    aliases: tuple[str, ...]
    registered_at: str | None
    manifest: Manifest | None
    evaluations: Mapping[str, Evaluated]

    def document(self) -> dict[str, Any]:
        """The version as JSON has it."""
        manifest = self.manifest
        fed = {"width": None, "height": None, "dtype": None}
        if manifest is not None:
            fed = manifest.feeding.model_dump(mode="json", include=set(fed))
        return {
            "version": self.version,
            "aliases": list(self.aliases),
            "registered_at": self.registered_at,
            "family": manifest and manifest.family,
            "input": fed,
            "class_names": manifest and list(manifest.class_names),
            "thresholds": manifest and manifest.thresholds.model_dump(mode="json"),
            "sha256": manifest and manifest.sha256,
            "weights": manifest and manifest.source.file,
            "evaluations": {
                name: one.model_dump(mode="json", exclude={"dataset"})
                for name, one in self.evaluations.items()
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Versions of one model side by side.

    Attributes:
        name: Name of the registered model.
        versions: Versions in the order asked for.
        notes: What makes their numbers hard to compare.
    """

    name: str
    versions: tuple[ComparedVersion, ...]
    notes: tuple[str, ...] = ()

    @property
    def class_names_differ(self) -> bool:
        """Whether not all versions that tell their classes know the same ones."""
        names = [one.manifest.class_names for one in self.versions if one.manifest is not None]
        return any(one != names[0] for one in names)

    @property
    def datasets(self) -> list[str]:
        """Names of the data sets that any of the versions was measured on."""
        return sorted({name for one in self.versions for name in one.evaluations})

    def document(self) -> dict[str, Any]:
        """The comparison as JSON has it."""
        return {
            "name": self.name,
            "versions": [one.document() for one in self.versions],
            "class_names_differ": self.class_names_differ,
            "notes": list(self.notes),
        }


def compare(connection: Connection, versions: Sequence[Version]) -> Comparison:
    """What is known of each version, and what makes their numbers hard to compare.

    Args:
        connection: The server.
        versions: Versions of one model, at least one.

    Raises:
        ServerError: Where the server fails.
    """
    found = Comparison(
        name=versions[0].name, versions=tuple(_compared(connection, version) for version in versions)
    )
    return replace(found, notes=tuple(_notes(found)))


def _compared(connection: Connection, version: Version) -> ComparedVersion:
    manifest: Manifest | None
    try:
        manifest = stored_manifest(connection, version)
    except ModelError:  # another program registered it
        manifest = None
    created = datetime.fromtimestamp(version.created / 1000, UTC) if version.created else None
    return ComparedVersion(
        version=version.version,
        aliases=tuple(sorted(version.aliases)),
        registered_at=created.isoformat(timespec="seconds") if created else None,
        manifest=manifest,
        evaluations={one.dataset: one for one in evaluations_of(version)},
    )


def _notes(found: Comparison) -> Iterator[str]:
    """Differences for which the numbers of a data set say nothing about the versions."""
    for dataset in found.datasets:
        settings = [one.evaluations[dataset].settings for one in found.versions if dataset in one.evaluations]
        differing = [
            key for key in SHAPING if any(one.get(key) != settings[0].get(key) for one in settings[1:])
        ]
        if differing:
            yield f"numbers for {dataset} cannot be compared: measured with different {listed(differing)}"
