"""From an old file store to the database, with MLflow's own migration, checked before it counts."""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wildetect.errors import ConfigurationError, InputError, ServerError
from wildetect.tracking.command import server_environment
from wildetect.tracking.file_store import (
    Counts,
    copy_without_repeats,
    count_database,
    count_files,
    file_store_root,
    repeats,
)
from wildetect.tracking.interrupts import Cancelled
from wildetect.tracking.logs import last_lines
from wildetect.tracking.plan import Plan
from wildetect.tracking.preflight import check_folder
from wildetect.tracking.processes import end, spawn
from wildetect.tracking.state import processes_of
from wildetect.tracking.stores import holds_file_store
from wildetect.tracking.upkeep import store_at_rest

__all__ = ["Migrated", "migrate"]

logger = logging.getLogger(__name__)
POLL = 0.1  # s
PROXIED = "mlflow-artifacts:"
"""How an artifact is named that the old server itself kept, in `mlartifacts` of its current folder."""


@dataclass(frozen=True)
class Migrated:
    """What a migration brought over.

    Attributes:
        database: The new database.
        counts: What it holds.
        artifacts_copied: Files copied from the old server's artifact folder.
        artifacts_missing: Artifact folders that are named in the store, but are not there.
        repeats: Metric points that the files held twice and the database holds once.
    """

    database: Path
    counts: Counts
    artifacts_copied: int
    artifacts_missing: int
    repeats: int


def migrate(
    plan: Plan,
    source: Path,
    *,
    artifacts: Path | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Migrated:
    """Bring a file store into the database of the plan, which must not exist yet.

    The source is only read. Everything is made beside the database and renamed at the end, so that a
    migration cut off at any point can be run again.

    Args:
        plan: Names the database and the artifact folder.
        source: The file store.
        artifacts: The old server's artifact folder; `mlartifacts` of the project where it is not given.
        cancelled: Asked now and then; once true the migration is called off.

    Raises:
        ConfigurationError: Where the store is to be no SQLite file.
        InputError: Where the source is no file store.
        ServerError: Where a database is there already, the server runs, or the migration fails.
        Cancelled: Where it was called off.
    """
    database = _target(plan)
    if not source.is_dir() or not holds_file_store(file_store_root(source)):
        raise InputError(
            f"{source} holds no file store of MLflow",
            hint="Name the folder that was given as --backend-store-uri: --source DIR",
        )
    check_folder(database.parent)
    with store_at_rest(plan):
        _refuse_to_overwrite(plan, database)
        workplace = database.parent / "migrating"
        shutil.rmtree(workplace, ignore_errors=True)
        workplace.mkdir()
        try:
            fresh = workplace / database.name
            store, repeated = _readable_store(source, workplace)
            _run_migration(plan, store, fresh, cancelled)
            counts = _verified(store, fresh)
            copied = _copy_artifacts(plan, fresh, artifacts or plan.project.root / "mlartifacts")
            missing = _missing_artifacts(fresh)
            database.unlink(missing_ok=True)  # an empty one at the most, see _refuse_to_overwrite
            fresh.replace(database)
        finally:
            shutil.rmtree(workplace, ignore_errors=True)
    return Migrated(database, counts, copied, missing, repeated)


def _target(plan: Plan) -> Path:
    if plan.store.database is None:
        raise ConfigurationError(
            "the migration goes into an SQLite file only",
            hint="Set backend_store_uri to null in configs/mlflow.yaml for the migration.",
        )
    return plan.store.database


def _refuse_to_overwrite(plan: Plan, database: Path) -> None:
    if database.exists() and database.stat().st_size:
        raise ServerError(
            f"there is a database already: {plan.project.shown(database)}",
            hint="It is in use by mlflow.serve. To begin again with the old files, move it away first.",
        )


def _readable_store(source: Path, workplace: Path) -> tuple[Path, int]:
    """The store as MLflow's migration can take it: it fails on a metric point that is there twice."""
    store = file_store_root(source)
    repeated = repeats(store)
    if repeated:
        copy_without_repeats(store, workplace / "source")
        return workplace / "source", repeated
    return store, 0


def _run_migration(plan: Plan, store: Path, fresh: Path, cancelled: Callable[[], bool]) -> None:
    """Run `mlflow migrate-filestore` in a process of its own, which `mlflow.stop` knows too."""
    command = [sys.executable, "-m", "mlflow", "migrate-filestore", f"--source={store.resolve()}"]
    command += [f"--target=sqlite:///{fresh.as_posix()}", "--no-progress"]
    log = plan.folder / "migration.log"
    log.write_bytes(b"")
    environment = server_environment(plan) | {"MLFLOW_ALLOW_FILE_STORE": "true"}
    child = spawn(command, environment=environment, log=log, folder=plan.folder)
    try:
        while child.poll() is None:
            if cancelled():
                raise Cancelled
            time.sleep(POLL)
    finally:
        end(processes_of(plan.folder, None), timeout=2.0)
        child.wait()
    if child.returncode != 0 or not fresh.exists():
        raise ServerError(
            f"MLflow could not migrate the file store (exit code {child.returncode}); nothing was changed",
            hint=f"The whole message is in {plan.project.shown(log)}.",
            details=_reason(log),
        )


def _reason(log: Path) -> list[str]:
    """The line of a traceback that says why; SQLAlchemy writes whole statements after it."""
    lines = last_lines(log, 200)
    named = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    return named[-1:] or lines[-5:]


def _verified(store: Path, fresh: Path) -> Counts:
    """Compare what was read with what is there, and leave the database as a single file."""
    wanted, found = count_files(store), count_database(fresh)
    differences = wanted.differences(found)
    if differences:
        raise ServerError(
            "the migration did not bring everything over; nothing was changed",
            hint="See runs/mlflow/migration.log; please report it with that file.",
            details=differences,
        )
    with contextlib.closing(sqlite3.connect(fresh)) as connection:
        # The migration leaves a write-ahead log, which a rename of the database alone would lose.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")
    return found


def _copy_artifacts(plan: Plan, fresh: Path, old: Path) -> int:
    """Copy what the old server kept itself; its clients know those files by the server's name only."""
    if not any(uri.startswith(PROXIED) for uri in _artifact_uris(fresh)) or not old.is_dir():
        return 0
    if plan.artifacts.folder is None:
        logger.warning("copy the contents of %s to %s yourself", old, plan.artifacts.shown)
        return 0
    copied = 0
    for path in sorted(old.rglob("*")):
        target = plan.artifacts.folder / path.relative_to(old)
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


def _missing_artifacts(database: Path) -> int:
    """How many folders the store names that are not there, such as after the project was moved."""
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    local = (urlsplit(uri) for uri in _artifact_uris(database) if uri.startswith("file:"))
    return sum(not Path(url2pathname(parts.path)).exists() for parts in local)
