"""The files of runs and models that an old store names."""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from wildetect.errors import ServerError
from wildetect.server.process.plan import Plan
from wildetect.wording import in_bytes

__all__ = ["Named", "bring_in", "copy_old_artifacts", "named_on_disk", "outside", "to_copy"]

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
    missing = _missing(old, plan.artifacts.folder)
    for path, target in missing:
        _copy_file(path, target)
    return len(missing)


@dataclass(frozen=True)
class Named:
    """Files of a run or a logged model that a store names by their place on a disk.

    Attributes:
        address: Address as the store has it; the place may be one of another machine.
        place: Where they are to lie, below the server's artifacts.
        folder: Where they lie now; None where they were not found.
    """

    address: str
    place: str
    folder: Path | None


def named_on_disk(database: Path, roots: Sequence[Path]) -> list[Named]:
    """Find the files that a store names by their place on a disk.

    They are looked for where the store says, then below the roots, under the last steps of that place: the
    store may have been moved since, or have come from another machine.

    Args:
        database: Database at the schema of the installed MLflow.
        roots: Folders of artifacts, as they lie now.
    """
    runs = "SELECT artifact_uri, experiment_id, run_uuid FROM runs"
    models = "SELECT artifact_location, experiment_id, 'models/' || model_id FROM logged_models"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        rows = [*connection.execute(runs), *connection.execute(models)]
    found = []
    for address, experiment, inner in rows:
        if _steps(address) is not None:
            place = f"{experiment}/{inner}/artifacts"
            folder = next((one for one in _candidates(address, place, roots) if one.is_dir()), None)
            found.append(Named(address, place, folder))
    return found


def bring_in(plan: Plan, fresh: Path, found: Sequence[Named], missing: Sequence[tuple[Path, Path]]) -> int:
    """Copy the files that a store names by their place on the disk, and name them by the server.

    A place on the disk is wrong once the project lies elsewhere, and a backup does not hold it. What was not
    found stays named as it is; new runs go to the server in any case.

    Args:
        plan: Names the artifact folder.
        fresh: The new database, which is changed.
        found: What it names.
        missing: What of it is to be copied, as `to_copy` says.

    Returns:
        How many files were copied.

    Raises:
        ServerError: The disk has no space for them.
    """
    target = plan.artifacts.folder
    if target is None:
        return 0
    _check_space(target, sum(source.stat().st_size for source, _ in missing))
    for source, goal in missing:
        _copy_file(source, goal)
    with contextlib.closing(sqlite3.connect(fresh)) as connection:
        for one in found:
            if one.folder is not None:
                _name_by_server(connection, one.address, one.place)
        connection.executemany(
            "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?",
            [
                (f"{PROXIED}/{number}", number)
                for number, address in connection.execute(
                    "SELECT experiment_id, artifact_location FROM experiments"
                ).fetchall()
                if _steps(address) is not None
            ],
        )
        connection.commit()
    return len(missing)


def to_copy(plan: Plan, found: Sequence[Named]) -> list[tuple[Path, Path]]:
    """The files that are not among the server's artifacts yet, each with where it goes."""
    target = plan.artifacts.folder
    if target is None:
        return []
    return [
        pair for one in found if one.folder is not None for pair in _missing(one.folder, target / one.place)
    ]


def outside(database: Path) -> int:
    """How many folders a store names by their place on the disk, which a backup does not hold."""
    return sum(_steps(address) is not None for address in _artifact_uris(database))


def _steps(address: str | None) -> list[str] | None:
    """The steps of the place on a disk that an address names, of whichever system; None for any other."""
    if not address:
        return None
    parts = urlsplit(address)
    if parts.scheme == "file":
        text = unquote(parts.path)
    elif len(parts.scheme) > 1:  # a letter alone is a drive of Windows
        return None
    else:
        text = address
    steps = [step for step in re.split(r"[/\\]", text) if step not in ("", ".")]
    return steps[1:] if steps and re.fullmatch("[A-Za-z]:", steps[0]) else steps


def _candidates(address: str, place: str, roots: Sequence[Path]) -> Iterator[Path]:
    """Where files may lie that a store names by a place on a disk, the likeliest first."""
    parts = urlsplit(address)
    yield Path(url2pathname(parts.path)) if parts.scheme == "file" else Path(address)
    steps = _steps(address) or []
    # the last two name the run or the model, which no other has
    same = steps[-2:] == place.split("/")[-2:] and ".." not in steps
    for root in roots:
        yield from (root / place, root / ".trash" / place)
        if same:
            yield from (root.joinpath(*steps[-count:]) for count in range(len(steps), 1, -1))


def _name_by_server(connection: sqlite3.Connection, address: str, place: str) -> None:
    """Replace an address, also where it begins another: a version lies inside its run."""
    for table, column in (
        ("runs", "artifact_uri"),
        ("logged_models", "artifact_location"),
        ("model_versions", "source"),
        ("model_versions", "storage_location"),
    ):
        length = len(address) + 1
        connection.execute(
            f"UPDATE {table} SET {column} = ? || replace(substr({column}, ?), '\\', '/') "  # noqa: S608 - our names
            f"WHERE {column} = ? OR substr({column}, 1, ?) IN (?, ?)",
            (f"{PROXIED}/{place}", length, address, length, f"{address}/", f"{address}\\"),
        )


def _check_space(target: Path, needed: int) -> None:
    target.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(target).free
    if free < needed:
        raise ServerError(
            f"the files of the old store take {in_bytes(needed)}, and {in_bytes(free)} are free",
            hint="Free some space, or name a folder on another disk as artifacts_destination.",
        )


def _missing(old: Path, folder: Path) -> list[tuple[Path, Path]]:
    """The files below one folder that are not below another, each with where it would be there."""
    pairs = ((path, folder / path.relative_to(old)) for path in sorted(old.rglob("*")) if path.is_file())
    return [
        (path, target)
        for path, target in pairs
        if not target.exists() or target.stat().st_size != path.stat().st_size
    ]


def _copy_file(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    shutil.copy2(path, part)
    part.replace(target)


def _artifact_uris(database: Path) -> set[str]:
    found: set[str] = set()
    with contextlib.closing(sqlite3.connect(database)) as connection:
        for query in (
            # of a deleted version MLflow writes REDACTED-SOURCE-URL
            "SELECT artifact_uri FROM runs",
            "SELECT source FROM model_versions WHERE current_stage IS NOT 'Deleted_Internal'",
            "SELECT artifact_location FROM logged_models",
        ):
            with contextlib.suppress(sqlite3.OperationalError):  # a table of later days
                found.update(uri for (uri,) in connection.execute(query) if uri)
    return found
