"""An SQLite file looked at before MLflow opens it: sound and writable.

MLflow serves a database that it cannot write, until somebody stores something.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from wildetect.errors import ServerError

__all__ = ["as_single_file", "check_database", "copy_database", "moved_away", "opened"]

logger = logging.getLogger(__name__)
LOCK_TIMEOUT = 3.0  # s
CHECK_BUDGET = 20.0  # s; a database of many gigabytes is not worth a longer wait at each start


def check_database(database: Path, *, patience: float = LOCK_TIMEOUT, budget: float = CHECK_BUDGET) -> None:
    """Make sure that an SQLite file is sound and can be written.

    Args:
        database: The file.
        patience: Seconds to wait for a program that is writing it.
        budget: Seconds to look through it; a longer check is cut off, with a warning.

    Raises:
        ServerError: Saying which of it fails. Nothing is changed.
    """
    try:
        with opened(database, patience) as connection:
            # A real write, taken back: a read-only file lets a transaction begin.
            connection.execute("BEGIN IMMEDIATE")
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            connection.execute(f"PRAGMA user_version = {version}")
            connection.execute("ROLLBACK")
            verdict = _quick_check(connection, budget)
    except sqlite3.OperationalError as error:
        raise _unusable(database, str(error)) from error
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    if verdict not in ("ok", None):
        raise ServerError(
            f"the database {database} is damaged: {verdict.splitlines()[0]}",
            hint="Bring back a backup: uv run invoke mlflow.restore --source FILE. To begin with an empty "
            f"one {moved_away(database)}.",
        )
    if verdict is None:
        logger.warning("%s is large; its check was cut off after %.0f s", database.name, budget)


def moved_away(database: Path) -> str:
    """Say how a person takes a database out of the way, in words that follow "to begin again".

    What SQLite keeps beside it would else be applied to the next one, and ruin that.

    Args:
        database: The file.
    """
    return f"move {database.name} away, and with it {database.name}-journal and {database.name}-wal"


def _unusable(database: Path, reason: str) -> ServerError:
    if "locked" in reason:
        return ServerError(
            f"the database {database} is locked by another program",
            hint="Close what has it open (a database viewer, a backup, another MLflow), then give the same "
            "command again.",
        )
    if "readonly" in reason or "unable to open" in reason:
        return ServerError(
            f"the database {database} cannot be written ({reason})",
            hint="Give yourself the right to write it and its folder, or lift the disk's write protection.",
        )
    return ServerError(
        f"the database {database} cannot be used ({reason})",
        hint="Check that its disk is there and has space left.",
    )


def _quick_check(connection: sqlite3.Connection, budget: float) -> str | None:
    """SQLite's own verdict, "ok" or what is wrong; None where it took too long."""
    until = time.monotonic() + budget
    connection.set_progress_handler(lambda: time.monotonic() > until, 100_000)
    try:
        return str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            return None
        raise
    finally:
        connection.set_progress_handler(None, 0)


def copy_database(database: Path, target: Path) -> None:
    """Copy a database, consistent even while a server writes it.

    Raises:
        ServerError: Where it cannot be read or copied, or another program holds it; then nothing is left at
            the target.
    """
    turn = time.monotonic()

    def in_turn(status: int, _left: int, _pages: int) -> None:
        """SQLite's backup itself would wait for ever for whoever holds the database."""
        nonlocal turn
        if status not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            turn = time.monotonic()
        elif time.monotonic() - turn > LOCK_TIMEOUT:
            raise sqlite3.OperationalError("database is locked")

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with opened(database, patience=0.1) as source, contextlib.closing(sqlite3.connect(target)) as copy:
            source.backup(copy, pages=2000, sleep=0.01, progress=in_turn)
    except (OSError, sqlite3.Error) as error:
        with contextlib.suppress(OSError):
            target.unlink(missing_ok=True)
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            raise _unusable(database, str(error)) from error
        raise ServerError(
            f"{database.name} could not be copied to {target} ({error})",
            hint="Check that there is space on the disk and that the folder can be written.",
        ) from error


def as_single_file(database: Path) -> None:
    """Bring what a write-ahead log holds into the file itself: a rename of it alone would lose that."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")


@contextlib.contextmanager
def opened(database: Path, patience: float = LOCK_TIMEOUT) -> Iterator[sqlite3.Connection]:
    """An existing database, without Python's own ideas on transactions."""
    address = f"{database.resolve().as_uri()}?mode=rw"
    connection = sqlite3.connect(address, uri=True, timeout=patience, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()
