"""The store and what lies beside it made smaller: what is deleted goes, what is cited stays."""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wildetect.errors import ServerError
from wildetect.server.process.plan import Plan
from wildetect.server.process.turns import WHO
from wildetect.server.store.contents import Removable, folder_of, orphans, removable
from wildetect.server.store.database import as_single_file, check_database, copy_database, opened
from wildetect.server.store.exchange import exchange, with_side_files
from wildetect.server.store.schema import STORE_SCHEMA, check_schema
from wildetect.server.upkeep.backup import local_store
from wildetect.server.upkeep.leftovers import Item, leftovers, size_of
from wildetect.server.upkeep.upkeep import store_at_rest
from wildetect.wording import in_bytes

__all__ = ["Cleaned", "Cleaning", "clean", "prepared"]

DAYS_KEPT = 30.0
"""For how long backups, logs and fetched versions stay where nothing else is said."""
DAY = 86_400.0  # s


@dataclass(frozen=True)
class Cleaning:
    """What a cleaning would do.

    Attributes:
        plan: The store.
        items: What is deleted.
        database: Bytes by which the database gets smaller.
        before: Bytes of all that is looked after: the folder runs, the database, the artifacts.
        kept: Number of deleted runs and models that stay because something cites them.
        elsewhere: Number of deleted runs and models with files outside the server's folder, which stay.
        fresh: The database as it will be; None where it stays as it is.
    """

    plan: Plan
    items: tuple[Item, ...]
    database: int
    before: int
    kept: int
    elsewhere: int
    fresh: Path | None

    @property
    def freed(self) -> int:
        """Bytes that are freed."""
        return self.database + sum(item.size for item in self.items)

    def by_kind(self) -> dict[str, tuple[int, int]]:
        """Number and bytes of what is deleted, by kind."""
        kinds = dict.fromkeys(item.kind for item in self.items)
        return {
            kind: (len(sizes), sum(sizes))
            for kind in kinds
            if (sizes := [item.size for item in self.items if item.kind == kind])
        }


@dataclass(frozen=True)
class Cleaned:
    """What a cleaning did: bytes before and after, and what could not be deleted."""

    before: int
    after: int
    failed: tuple[str, ...] = ()


@contextlib.contextmanager
def prepared(plan: Plan, days: float | None, *, dry_run: bool) -> Iterator[Cleaning]:
    """Find out what can go, and make the smaller database on a copy.

    Args:
        plan: The store.
        days: Only what was deleted, or last written, longer ago; None: whatever was deleted, and
            backups, logs and fetched versions older than `DAYS_KEPT`.
        dry_run: Whether nothing will be done: the server may run then.

    Raises:
        ConfigurationError: The store is not on this machine.
        ServerError: The server runs, or the database is not sound or of another MLflow.
    """
    database, artifacts = local_store(plan)
    plan.folder.mkdir(parents=True, exist_ok=True)
    with contextlib.nullcontext() if dry_run else store_at_rest(plan, "a cleaning"):
        before = _total(plan)
        now = time.time()
        old = leftovers(
            plan, now - DAY * (DAYS_KEPT if days is None else days), at_rest=not dry_run or not _served(plan)
        )
        with tempfile.TemporaryDirectory(dir=plan.folder, prefix=".cleaning-") as workplace:
            fresh = Path(workplace) / database.name
            gone = _smaller(plan, fresh, int((now - DAY * (days or 0)) * 1000))
            items = [*_folders(artifacts, gone), *_orphans(artifacts, fresh, gone, now - DAY * (days or 0))]
            saved = database.stat().st_size - fresh.stat().st_size if fresh.exists() else 0
            worth = not gone.empty or saved > 0
            yield Cleaning(
                plan,
                tuple(_each_once([*items, *old])),
                saved if worth else 0,
                before,
                gone.kept,
                len(gone.elsewhere),
                fresh if worth and fresh.exists() else None,
            )


def clean(cleaning: Cleaning) -> Cleaned:
    """Delete what was found: the entries first, so that a kill leaves files that the next cleaning finds.

    Raises:
        ServerError: The database could not be exchanged; nothing was deleted then.
    """
    plan = cleaning.plan
    if cleaning.fresh is not None:
        database, _ = local_store(plan)
        aside = plan.folder / f"removing-{time.time_ns()}"
        exchange(plan.folder, [*with_side_files(database, aside / database.name), (cleaning.fresh, database)])
        shutil.rmtree(aside, ignore_errors=True)
    failed = []
    for item in cleaning.items:
        try:
            shutil.rmtree(item.path) if item.path.is_dir() else item.path.unlink(missing_ok=True)
        except OSError as error:  # Windows: open in another program
            failed.append(f"{plan.project.shown(item.path)}: {error.strerror or error}")
        else:
            _drop_empty(item.path.parent, plan)
    return Cleaned(cleaning.before, _total(plan), tuple(failed))


def _total(plan: Plan) -> int:
    database, artifacts = local_store(plan)
    beside = [database.with_name(database.name + suffix) for suffix in ("-journal", "-wal", "-shm")]
    # who is at work is written down only as long as this lasts
    return size_of([plan.project.runs, database, *beside, artifacts]) - size_of([plan.folder / WHO])


def _served(plan: Plan) -> bool:
    return (plan.folder / "server.json").exists()


def _smaller(plan: Plan, fresh: Path, before: int) -> Removable:
    """Write the database without what can go; nothing where there is no database yet."""
    database, artifacts = local_store(plan)
    if not database.exists() or not database.stat().st_size:
        return Removable()
    check_database(database)
    if check_schema(database, STORE_SCHEMA) is not None:
        raise ServerError(
            "the database is of an older MLflow, and is brought up to date by the next start of the server",
            hint="Start and end it once: uv run invoke mlflow.serve --detach, then: "
            "uv run invoke mlflow.stop",
        )
    _require_space(plan, database)
    copy_database(database, fresh)
    as_single_file(fresh)
    gone = removable(fresh, artifacts, before)
    if not gone.empty:
        _delete_entries(fresh, gone)
    with opened(fresh) as connection:
        connection.execute("VACUUM")
    check_database(fresh)
    return gone


def _require_space(plan: Plan, database: Path) -> None:
    """Make sure that the copy fits, which gets smaller in a second one."""
    needed, free = 2 * database.stat().st_size, shutil.disk_usage(plan.folder).free
    if free < needed:
        raise ServerError(
            f"a cleaning works on a copy of the database, which needs {in_bytes(needed)} for a while: the "
            f"disk has {in_bytes(free)}",
            hint=f"Move something else to another disk first, such as what lies in "
            f"{plan.project.shown(plan.project.runs / 'backups')}; then give the same command again.",
        )


def _delete_entries(database: Path, gone: Removable) -> None:
    """Delete entries for ever, with what MLflow's own `mlflow gc` calls for each.

    Not `mlflow gc` itself: it would delete files on the way, and whatever else is marked as deleted.
    """
    with opened(database) as connection:
        connection.executemany(
            "UPDATE logged_models SET lifecycle_stage = 'deleted' WHERE model_id = ?",
            [(model,) for model in gone.models],
        )
        for table, ids in (("source_id", gone.runs), ("destination_id", gone.models)):
            connection.executemany(f"DELETE FROM inputs WHERE {table} = ?", [(one,) for one in ids])  # noqa: S608
    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore(f"sqlite:///{database.as_posix()}", "mlflow-artifacts:/")
    try:
        for model in gone.models:
            store._hard_delete_logged_model(model)  # noqa: SLF001 - what `mlflow gc` itself calls
        for run in gone.runs:
            store._hard_delete_run(run)  # noqa: SLF001
        for experiment in gone.experiments:
            store._hard_delete_experiment(experiment)  # noqa: SLF001
    finally:
        store.engine.dispose()
    as_single_file(database)


def _folders(artifacts: Path, gone: Removable) -> Iterator[Item]:
    kinds = {
        "deleted versions": gone.models,
        "deleted runs": gone.runs,
        "deleted experiments": gone.experiments,
    }
    for kind, places in kinds.items():
        for address in places.values():
            folder = folder_of(artifacts, address)
            if folder is not None and folder.is_dir():
                yield Item(kind, folder, size_of([folder]))


def _orphans(artifacts: Path, database: Path, gone: Removable, before: float) -> Iterator[Item]:
    if database.exists():
        for folder in orphans(artifacts, database, gone.named):
            if folder.stat().st_mtime <= before:
                yield Item("orphan folders", folder, size_of([folder]))


def _each_once(items: Sequence[Item]) -> Iterator[Item]:
    """Leave out what lies within something else that goes: no byte is counted twice."""
    paths = {item.path for item in items}
    seen: set[Path] = set()
    for item in items:
        if item.path not in seen and not paths & set(item.path.parents):
            seen.add(item.path)
            yield item


def _drop_empty(folder: Path, plan: Plan) -> None:
    """Remove folders that a deletion left empty, up to the artifacts' own."""
    _, artifacts = local_store(plan)
    while artifacts in folder.parents and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
