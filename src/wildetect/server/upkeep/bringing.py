"""Files that a database names by their place on a disk, of this machine or another, become the server's own.

`mlflow server --backend-store-uri sqlite:///mlflow.db` beside a folder of artifacts writes such databases.
What they name is found nowhere once folder or machine is another one.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wildetect.errors import InputError, ServerError
from wildetect.server.process.command import server_environment
from wildetect.server.process.plan import Plan
from wildetect.server.process.preflight import check_folder
from wildetect.server.store.database import check_database, copy_database, moved_away
from wildetect.server.store.exchange import emptied, exchange, with_side_files
from wildetect.server.store.old_artifacts import (
    Named,
    bring_in,
    copy_old_artifacts,
    named_on_disk,
    outside,
    to_copy,
)
from wildetect.server.store.schema import STORE_SCHEMA, check_schema, place_of_copy, revision_of
from wildetect.server.store.upgrading import upgrade_copy
from wildetect.server.upkeep.backup import local_store
from wildetect.server.upkeep.upkeep import store_at_rest

__all__ = ["Bringing", "Brought", "bring", "database_to_bring", "examined"]

SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True)
class Bringing:
    """What would be done.

    Attributes:
        plan: The store.
        source: The database as it is.
        fresh: A copy of it, at the schema of the installed MLflow.
        named: The files that it names by their place on a disk.
        artifacts: The old server's folder of files; None where it was not given.
        copied: Files to copy, each with where it goes, without those that the old server kept itself.
    """

    plan: Plan
    source: Path
    fresh: Path
    named: tuple[Named, ...]
    artifacts: Path | None
    copied: tuple[tuple[Path, Path], ...]

    @property
    def size(self) -> int:
        """Bytes of the files to copy."""
        return sum(path.stat().st_size for path, _ in self.copied)

    @property
    def found(self) -> int:
        """How many of the named folders there are."""
        return len(self.named) - len(self.missing)

    @property
    def missing(self) -> list[str]:
        """The addresses behind which no folder was found."""
        return [one.address for one in self.named if one.folder is None]


@dataclass(frozen=True)
class Brought:
    """What was done.

    Attributes:
        database: The server's database.
        kept: Where the database lies that it had before; None where it had none.
        copied: Number of files that were copied.
        left: Number of folders that are still named by their place on a disk.
    """

    database: Path
    kept: Path | None
    copied: int
    left: int


def database_to_bring(plan: Plan, source: Path | None) -> Path | None:
    """The database whose files are to become the server's own; None where a file store is meant.

    Args:
        plan: The store.
        source: What was asked for; None: the store's own, if it names files by their place.

    Raises:
        InputError: The source is a file, but no database.
        ServerError: The database cannot be read.
    """
    if source is not None:
        if not source.is_file():
            return None
        with source.open("rb") as file:
            if file.read(len(SQLITE)) != SQLITE:
                raise InputError(
                    f"{source} is neither a folder nor an SQLite database",
                    hint="Name the folder or the file that was given as --backend-store-uri: --source PATH",
                )
        return source
    own = plan.store.database
    if own is None or not own.exists() or not own.stat().st_size:
        return None
    try:
        return own if outside(own) else None
    except sqlite3.Error as error:
        check_database(own)
        raise ServerError(
            f"{plan.project.shown(own)} is not a database of MLflow ({error})",
            hint=f"To begin with an empty one {moved_away(own)}.",
        ) from error


@contextlib.contextmanager
def examined(plan: Plan, source: Path, artifacts: Path | None, *, dry_run: bool) -> Iterator[Bringing]:
    """Copy a database, bring the copy up to date, and look for the files that it names.

    Args:
        plan: The store that is to hold it.
        source: The database, which is only read.
        artifacts: Where its files lie now.
        dry_run: Whether nothing will be done: the server may run then.

    Raises:
        ConfigurationError: The store is not on this machine.
        ServerError: The server runs, there is another database already, or the source is not sound or of a
            newer MLflow.
    """
    database, folder = local_store(plan)
    check_folder(plan.folder)
    if source.resolve() != database.resolve() and database.exists() and database.stat().st_size:
        raise ServerError(
            f"there is a database already: {plan.project.shown(database)}",
            hint=f"To take {source.name} in its place end the server and {moved_away(database)}.",
        )
    with (
        contextlib.nullcontext() if dry_run else store_at_rest(plan, "a migration"),
        emptied(plan.folder / (f"examining-{os.getpid()}" if dry_run else "migrating")) as workplace,
    ):
        fresh = workplace / database.name
        copy_database(source, fresh)
        check_database(fresh)
        if check_schema(fresh, STORE_SCHEMA) is not None:
            upgrade_copy(fresh, server_environment(plan), STORE_SCHEMA)
        beside = [source.parent / name for name in ("mlruns", "mlartifacts", "artifacts")]
        roots = [*([artifacts] if artifacts else []), *beside, source.parent, folder]
        named = tuple(named_on_disk(fresh, roots))
        yield Bringing(plan, source, fresh, named, artifacts, tuple(to_copy(plan, named)))


def bring(bringing: Bringing) -> Brought:
    """Copy the files and put the new database into place; the one of before is kept.

    Raises:
        ServerError: The disk has no space, or the database could not be exchanged. It is as it was.
    """
    plan, fresh = bringing.plan, bringing.fresh
    database, _ = local_store(plan)
    copied = bring_in(plan, fresh, bringing.named, bringing.copied)
    if bringing.artifacts is not None:
        copied += copy_old_artifacts(plan, fresh, bringing.artifacts)
    check_database(fresh)
    before = revision_of(database, STORE_SCHEMA) if database.exists() else None
    kept = place_of_copy(database, before or "empty")
    fresh.chmod(bringing.source.stat().st_mode)
    exchange(plan.folder, [*with_side_files(database, kept), (fresh, database)])
    return Brought(database, kept if kept.exists() else None, copied, outside(database))
