"""From an old file store to the database, with MLflow's own migration, checked before it counts."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wildetect.errors import ConfigurationError, InputError, ServerError
from wildetect.server.process.command import server_environment
from wildetect.server.process.interrupts import Cancelled
from wildetect.server.process.logs import last_lines
from wildetect.server.process.plan import Plan
from wildetect.server.process.preflight import check_folder
from wildetect.server.process.processes import end, spawn
from wildetect.server.process.state import processes_of
from wildetect.server.store.database import as_single_file, moved_away
from wildetect.server.store.exchange import emptied, exchange, free_name, with_side_files
from wildetect.server.store.file_store import (
    Counts,
    copy_without_repeats,
    count_database,
    count_files,
    file_store_root,
    repeats,
)
from wildetect.server.store.old_artifacts import bring_in, copy_old_artifacts, named_on_disk, outside, to_copy
from wildetect.server.store.stores import holds_file_store
from wildetect.server.upkeep.upkeep import store_at_rest

__all__ = ["Migrated", "migrate"]

logger = logging.getLogger(__name__)
POLL = 0.1  # s


@dataclass(frozen=True)
class Migrated:
    """What a migration brought over.

    Attributes:
        database: The new database.
        counts: What it holds.
        artifacts_copied: Files copied into the server's artifact folder.
        artifacts_missing: Artifact folders that are named in the store, but are not there.
        repeats: Metric points that the files held twice and the database holds once.
        outside: Artifact folders that are still named by their place on the disk.
    """

    database: Path
    counts: Counts
    artifacts_copied: int
    artifacts_missing: int
    repeats: int
    outside: int


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
        InputError: Where the source is not a file store.
        ServerError: Where a database is there already, the server runs, or the migration fails.
        Cancelled: Where it was called off.
    """
    database = _target(plan, source)
    check_folder(database.parent)
    with store_at_rest(plan, "a migration"):
        _refuse_to_overwrite(plan, database)
        with emptied(database.parent / "migrating") as workplace:
            fresh = workplace / database.name
            store, repeated = _readable_store(source, workplace)
            _run_migration(plan, store, fresh, cancelled)
            counts = _verified(store, fresh)
            copied = copy_old_artifacts(plan, fresh, artifacts or plan.project.root / "mlartifacts")
            named = named_on_disk(fresh, [file_store_root(source), *([artifacts] if artifacts else [])])
            copied += bring_in(plan, fresh, named, to_copy(plan, named))
            left, missing = outside(fresh), sum(one.folder is None for one in named)
            aside = free_name(database.parent / "before-migration") / database.name
            # an empty one at the most, see _refuse_to_overwrite, but with a journal perhaps
            exchange(plan.folder, [*with_side_files(database, aside), (fresh, database)])
    return Migrated(database, counts, copied, missing, repeated, left)


def _target(plan: Plan, source: Path) -> Path:
    if not source.is_dir() or not holds_file_store(file_store_root(source)):
        raise InputError(
            f"{source} holds no file store of MLflow",
            hint="Name the folder that was given as --backend-store-uri: --source DIR",
        )
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
            hint="It is in use by mlflow.serve. To begin again with the old files, end the server and "
            f"{moved_away(database)}.",
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
    as_single_file(fresh)  # the migration leaves a write-ahead log
    return found
