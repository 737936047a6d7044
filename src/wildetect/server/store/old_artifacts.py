"""The files of runs and models that an old store names."""

from __future__ import annotations

import contextlib
import logging
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from wildetect.errors import ServerError
from wildetect.server.process.plan import Plan

__all__ = ["bring_in", "copy_old_artifacts", "missing_artifacts", "outside"]

logger = logging.getLogger(__name__)
PROXIED = "mlflow-artifacts:"
"""How an artifact is named that the old server itself kept, in `mlartifacts` of its current folder."""


def copy_old_artifacts(plan: Plan, fresh: Path, old: Path) -> int:
    """Copy what the old server kept itself; its clients know those files by the server's name only."""
    if not any(uri.startswith(PROXIED) for uri in _artifact_uris(fresh)) or not old.is_dir():
        return 0
    if plan.artifacts.folder is None:
        logger.warning("copy the contents of %s to %s yourself", old, plan.artifacts.shown)
        return 0
    return _copy(old, plan.artifacts.folder)


def bring_in(plan: Plan, fresh: Path, store: Path) -> int:
    """Copy the files that a store names by their place on the disk, and name them by the server.

    A place on the disk is wrong once the project lies elsewhere, and a backup does not hold it. Files are
    looked for where the store says, then in the store as it lies now: it may have been moved before.

    Args:
        plan: Names the artifact folder.
        fresh: The new database, which is changed.
        store: The file store, which is only read.

    Returns:
        How many files were copied.

    Raises:
        ServerError: The disk has no space for them.
    """
    target = plan.artifacts.folder
    if target is None:
        return 0
    with contextlib.closing(sqlite3.connect(fresh)) as connection:
        found = list(_local_folders(connection, store))
        _check_space(target, (folder for _, folder, _ in found))
        copied = sum(_copy(folder, target / place) for _, folder, place in found)
        for address, _, place in found:
            _name_by_server(connection, address, place)
        connection.executemany(
            "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?",
            [
                (f"{PROXIED}/{number}", number)
                for number, address in connection.execute(
                    "SELECT experiment_id, artifact_location FROM experiments"
                ).fetchall()
                if _place(address) is not None
            ],
        )
        connection.commit()
    return copied


def outside(database: Path) -> int:
    """How many folders a store names by their place on the disk, which a backup does not hold."""
    return sum(_place(address) is not None for address in _artifact_uris(database))


def _local_folders(connection: sqlite3.Connection, store: Path) -> Iterator[tuple[str, Path, str]]:
    """The address, the folder, and the place below the server's artifacts, of runs and logged models."""
    runs = "SELECT artifact_uri, experiment_id, run_uuid FROM runs"
    models = "SELECT artifact_location, experiment_id, 'models/' || model_id FROM logged_models"
    for address, experiment, inner in [*connection.execute(runs), *connection.execute(models)]:
        named, place = _place(address), f"{experiment}/{inner}/artifacts"
        if named is None or named.parts[-2:] != tuple(place.split("/")[-2:]):
            continue
        places = (named, store / place, store / ".trash" / place)
        folder = next((path for path in places if path.is_dir()), None)
        if folder is not None:
            yield address, folder, place


def _place(address: str | None) -> Path | None:
    """The place on the disk that an address names; None for any other."""
    if not address:
        return None
    parts = urlsplit(address)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    # a letter alone is a drive of Windows
    return Path(address) if not parts.scheme or len(parts.scheme) == 1 else None


def _name_by_server(connection: sqlite3.Connection, address: str, place: str) -> None:
    """Replace an address, also where it begins another: a version lies inside its run."""
    for table, column in (
        ("runs", "artifact_uri"),
        ("logged_models", "artifact_location"),
        ("model_versions", "source"),
        ("model_versions", "storage_location"),
    ):
        connection.execute(
            f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608 - our names
            f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
            (f"{PROXIED}/{place}", len(address) + 1, address, len(address) + 1, f"{address}/"),
        )


def _check_space(target: Path, folders: Iterable[Path]) -> None:
    needed = sum(file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file())
    target.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(target).free
    if free < needed:
        raise ServerError(
            f"the files of the old store take {needed // 1_000_000} MB, and {free // 1_000_000} MB are free",
            hint="Free some space, or name a folder on another disk as artifacts_destination.",
        )


def _copy(old: Path, folder: Path) -> int:
    copied = 0
    for path in sorted(old.rglob("*")):
        target = folder / path.relative_to(old)
        if not path.is_file() or (target.exists() and target.stat().st_size == path.stat().st_size):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        shutil.copy2(path, part)
        part.replace(target)
        copied += 1
    return copied


def _artifact_uris(database: Path) -> list[str]:
    query = "SELECT artifact_uri FROM runs UNION SELECT source FROM model_versions"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return [uri for (uri,) in connection.execute(query) if uri]


def missing_artifacts(database: Path) -> int:
    """How many folders the store names that are not there, such as after the project was moved."""
    local = (urlsplit(uri) for uri in _artifact_uris(database) if uri.startswith("file:"))
    return sum(not Path(url2pathname(parts.path)).exists() for parts in local)
