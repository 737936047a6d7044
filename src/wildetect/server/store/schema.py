"""The schema of an SQLite store: older, current or newer than the installed MLflow's.

MLflow upgrades an older one in place, without a copy and without asking.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import logging
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wildetect.errors import ServerError
from wildetect.server.store.database import moved_away, opened
from wildetect.server.store.exchange import free_name

__all__ = [
    "AUTH_SCHEMA",
    "STORE_SCHEMA",
    "Schema",
    "check_schema",
    "place_of_copy",
    "revision_of",
]

logger = logging.getLogger(__name__)
REVISION = re.compile(r"^(down_revision|revision)\b[^=]*=\s*(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Schema:
    """A family of schema revisions.

    Attributes:
        migrations: Where MLflow keeps its migrations.
        table: The table that names the revision of a database.
        upgrade: The words after `python -m` that upgrade one; its address follows.
    """

    migrations: str
    table: str
    upgrade: tuple[str, ...]


STORE_SCHEMA = Schema("store/db_migrations/versions", "alembic_version", ("mlflow", "db", "upgrade"))
AUTH_SCHEMA = Schema(
    "server/auth/db/migrations/versions",
    "alembic_version_auth",
    ("mlflow.server.auth", "db", "upgrade", "--url"),
)


def check_schema(database: Path, schema: Schema) -> str | None:
    """Compare a database's schema with those that the installed MLflow knows.

    Returns:
        The revision where MLflow would upgrade it, None where it is up to date or the file is empty.

    Raises:
        ServerError: Where the schema is newer than this MLflow, or the file is not a database of MLflow.
    """
    found, empty = _revision(database, schema)
    if empty:
        return None
    known, newest = _revisions(schema)
    version = importlib.metadata.version("mlflow")
    if found is None:
        raise ServerError(
            f"{database} holds tables that are not MLflow's",
            hint=f"Name another file as backend_store_uri in configs/mlflow.yaml, or {moved_away(database)}.",
        )
    if not known:
        logger.debug("MLflow %s keeps its migrations elsewhere: the schema was not compared", version)
        return None
    if found not in known:
        raise ServerError(
            f"{database} was written by a newer MLflow than the {version} installed here (schema {found})",
            hint="Bring the newer version in: uv sync --inexact --upgrade-package mlflow; or bring back a "
            "backup of this one: uv run invoke mlflow.restore --source FILE",
        )
    return None if found == newest else found


def revision_of(database: Path, schema: Schema) -> str | None:
    """The schema revision that a database is at; None where it holds none."""
    return _revision(database, schema)[0]


def place_of_copy(database: Path, revision: str) -> Path:
    """A free place for a database as it was at a revision, with the time of its upgrade."""
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    return free_name(database.parent / "backups" / f"{database.stem}-{revision}-{stamp}.db")


def _revision(database: Path, schema: Schema) -> tuple[str | None, bool]:
    """The revision that a database is at, and whether it holds no table at all."""
    with opened(database) as connection:
        tables = {
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        if schema.table not in tables:
            return None, not tables
        row = connection.execute(f"SELECT version_num FROM {schema.table}").fetchone()  # noqa: S608 - our names
        return (row[0] if row else None), not (tables - {schema.table})


def _revisions(schema: Schema) -> tuple[set[str], str | None]:
    """All schema revisions that the installed MLflow knows, and the newest.

    Its migration files are read as text: importing mlflow takes longer than all checks together.
    """
    package = importlib.util.find_spec("mlflow")
    folder = Path((package.submodule_search_locations or [""])[0] if package else "") / schema.migrations
    known: set[str] = set()
    replaced: set[str] = set()
    for file in folder.glob("*.py"):
        for name, value in REVISION.findall(file.read_text(encoding="utf-8")):
            (known if name == "revision" else replaced).update(re.findall(r"[\"'](\w+)[\"']", value))
    newest = known - replaced
    return known, newest.pop() if len(newest) == 1 else None
