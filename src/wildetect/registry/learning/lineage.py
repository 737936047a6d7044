"""lineage.json: the pictures that a version has learned from, and those of all that it was begun with.

It lies among the version's files, so that it goes wherever the version goes, and is read without a server.
Pictures are named by what they show, not by their names.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from wildetect.errors import ModelError
from wildetect.registry.connection import Connection, errors_of_mlflow
from wildetect.registry.runs import logged_model_id
from wildetect.registry.versions import Version

__all__ = ["CHECKPOINT_TAG", "LINEAGE", "LearnedSet", "Lineage", "Scenery", "lineage_in", "lineage_of"]

LINEAGE = "lineage.json"
CHECKPOINT_TAG = "checkpoint_sha256"
"""Tag of a version with the digest of the trainer's file that it was exported from."""


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True)


class Scenery(_Stored):
    """What kind of pictures they are, for a person.

    Attributes:
        places: Middle of each cell of 0.1 degrees (latitude, longitude), with the photographs in it.
        months: Photographs by the month in which they were taken, such as "2024-08".
        gsd_cm: Least, median and greatest ground resolution in cm/px; null: unknown.
        unplaced: Photographs without a position.
    """

    places: tuple[tuple[float, float, int], ...] = ()
    months: dict[str, int] = {}
    gsd_cm: tuple[float, float, float] | None = None
    unplaced: int = 0


class LearnedSet(_Stored):
    """A training set, without the part that no training sees.

    Attributes:
        name: What it is called.
        digest: Digest of names, pixels and labels of all its tiles.
        version: What was trained on it, such as "herd/3"; null: the version that this file lies with.
        photographs: Digests of the pixels of those learned from, or watched by.
        looks: Their looks, in the same order; empty where they were not noted.
        tiles: Digests of the pixels of their tiles.
        animals: Labelled animals in them by class.
        scenery: What kind of pictures they are.
    """

    name: str
    digest: str
    version: str | None = None
    photographs: tuple[str, ...]
    looks: tuple[str, ...] = ()
    tiles: tuple[str, ...] = ()
    animals: dict[str, int] = {}
    scenery: Scenery = Scenery()


class Lineage(_Stored):
    """All that a version has learned from.

    Attributes:
        format: Format of the file.
        sets: Its own training set, then those of what it was begun with.
        began_with: What the first of these trainings began with, for a person; null: not known.
        complete: Whether these are all; if not, it was begun with weights of which nothing is known.
    """

    format: Literal[1] = 1
    sets: tuple[LearnedSet, ...]
    began_with: str | None = None
    complete: bool = False

    def to_bytes(self) -> bytes:
        """Give the file's content."""
        return (self.model_dump_json(indent=1) + "\n").encode()


def lineage_in(folder: Path) -> Lineage | None:
    """Read what lies with a version's files; null where nothing was noted.

    Raises:
        ModelError: The file is damaged.
    """
    path = folder / LINEAGE
    try:
        return Lineage.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise ModelError(
            f"what the version has learned from cannot be read from {path}",
            hint="Delete that folder: the version is then fetched again.",
        ) from error


def lineage_of(connection: Connection, version: Version) -> Lineage | None:
    """Fetch what a version has learned from, without its weights; null where nothing was noted.

    Raises:
        ServerError: Where the server fails.
    """
    client = connection.client
    try:
        with (
            errors_of_mlflow(f"files of {version}"),
            tempfile.TemporaryDirectory(prefix="wildetect-lineage-") as temporary,
        ):
            model_id = logged_model_id(connection, version.name, version.version)
            if not model_id or LINEAGE not in {
                one.path for one in client.list_logged_model_artifacts(model_id)
            }:
                return None
            from mlflow.artifacts import download_artifacts

            uri = f"models:/{version.name}/{version.version}/{LINEAGE}"
            path = download_artifacts(artifact_uri=uri, dst_path=temporary, tracking_uri=connection.uri)
            return lineage_in(Path(path).parent)
    except ModelError:
        return None
