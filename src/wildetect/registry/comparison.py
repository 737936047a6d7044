"""Versions of a model side by side: what they are, and how they did on labelled pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from wildetect.errors import ModelError
from wildetect.registry.cache import stored_manifest
from wildetect.registry.connection import Connection
from wildetect.registry.evaluations import evaluations_of
from wildetect.registry.reference import LATEST, ModelReference
from wildetect.registry.versions import Version, resolve, versions_of

__all__ = ["MOST_VERSIONS", "compare", "datasets_of", "versions_to_compare"]

MOST_VERSIONS = 6
# Two evaluations are comparable if these are the same; the thresholds of the count change the count only.
SHAPING = ("annotations_sha256", "pictures", "classes", "tile_size", "overlap_ratio")


def versions_to_compare(connection: Connection, name: str, wanted: Sequence[str] = ()) -> list[Version]:
    """The versions that are asked for, in that order; else the newest `MOST_VERSIONS`, oldest first.

    Args:
        connection: The server.
        name: Of the registered model.
        wanted: Version numbers or aliases.

    Raises:
        ConfigurationError: One of them is neither.
        ModelError: The registry does not hold the model or one of the versions.
        ServerError: Where the server fails.
    """
    newest = versions_of(connection, name)[:MOST_VERSIONS]
    which = wanted or [version.version for version in reversed(newest)] or [LATEST]
    return [resolve(connection, ModelReference.of(name, one)) for one in which]


def compare(connection: Connection, versions: Sequence[Version]) -> dict[str, Any]:
    """What is known of each version, and what makes their numbers hard to compare.

    Args:
        connection: The server.
        versions: Of one model, at least one.

    Raises:
        ServerError: Where the server fails.
    """
    rows = [_row(connection, version) for version in versions]
    names = [row["class_names"] for row in rows if row["class_names"] is not None]
    return {
        "name": versions[0].name,
        "versions": rows,
        "class_names_differ": any(one != names[0] for one in names),
        "notes": _notes(rows),
    }


def _row(connection: Connection, version: Version) -> dict[str, Any]:
    try:
        manifest = stored_manifest(connection, version).model_dump(mode="json")
    except ModelError:  # another program registered it
        manifest = {"feeding": {}, "source": {}}
    created = datetime.fromtimestamp(version.created / 1000, UTC) if version.created else None
    feeding = manifest["feeding"]
    return {
        "version": version.version,
        "aliases": sorted(version.aliases),
        "registered_at": created.isoformat(timespec="seconds") if created else None,
        "family": manifest.get("family"),
        "input": {key: feeding.get(key) for key in ("width", "height", "dtype")},
        "class_names": manifest.get("class_names"),
        "thresholds": manifest.get("thresholds"),
        "sha256": manifest.get("sha256"),
        "weights": manifest["source"].get("file"),
        "evaluations": {
            one.dataset: one.model_dump(mode="json", exclude={"dataset"}) for one in evaluations_of(version)
        },
    }


def _notes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Differences for which the numbers of a data set say nothing about the versions."""
    notes = []
    for dataset in datasets_of(rows):
        settings = [row["evaluations"][dataset]["settings"] for row in rows if dataset in row["evaluations"]]
        differing = [
            key for key in SHAPING if any(one.get(key) != settings[0].get(key) for one in settings[1:])
        ]
        if differing:
            notes.append(
                f"numbers for {dataset} cannot be compared: measured with different {', '.join(differing)}"
            )
    return notes


def datasets_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the data sets that any of the versions was measured on."""
    return sorted({dataset for row in rows for dataset in row["evaluations"]})
