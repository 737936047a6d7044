"""An SQLite store or the accounts of an older MLflow brought to the schema of the installed one, on a copy.

MLflow upgrades in place when it starts: a kill in the middle leaves a database that no MLflow opens again.
Here a copy is upgraded and checked, then takes the place of the original, which goes to `backups`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from wildetect.errors import ServerError
from wildetect.server.store.database import as_single_file, check_database, copy_database
from wildetect.server.store.exchange import emptied, exchange, with_side_files
from wildetect.server.store.schema import STORE_SCHEMA, Schema, check_schema, place_of_copy

__all__ = ["upgrade_copy", "upgrade_if_older"]

TIMEOUT = 600.0  # s; a store of years with thousands of runs takes minutes


def upgrade_if_older(
    database: Path, folder: Path, environment: Mapping[str, str], schema: Schema = STORE_SCHEMA
) -> Path | None:
    """Bring a database to the schema of the installed MLflow, if it is of an older one.

    Args:
        database: The SQLite file; nobody else uses it.
        folder: The server's folder, for the copy that is worked on and the plan of the exchange.
        environment: The environment of the server's processes.
        schema: Schema of the store, or of the accounts.

    Returns:
        Where the database as it was lies now; None where nothing was to be done.

    Raises:
        ServerError: The database is of a newer MLflow, is not MLflow's, or cannot be upgraded. It is as it
            was then.
    """
    older = check_schema(database, schema)
    if older is None:
        return None
    kept = place_of_copy(database, older)
    with emptied(folder / "upgrading") as workplace:
        fresh = workplace / database.name
        copy_database(database, fresh)
        upgrade_copy(fresh, environment, schema)
        fresh.chmod(database.stat().st_mode)
        check_database(fresh)
        exchange(folder, [*with_side_files(database, kept), (fresh, database)])
    return kept


def upgrade_copy(fresh: Path, environment: Mapping[str, str], schema: Schema) -> None:
    """Bring a database that nobody needs to the schema of the installed MLflow, in place.

    Args:
        fresh: The SQLite file, a copy.
        environment: The environment of the server's processes.
        schema: Schema of the store, or of the accounts.

    Raises:
        ServerError: It cannot be upgraded.
    """
    command = [sys.executable, "-m", *schema.upgrade, f"sqlite:///{fresh.as_posix()}"]
    try:
        ended = subprocess.run(  # noqa: S603 - a list of our own making, no shell
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=TIMEOUT,
        )
        code, said = ended.returncode, ended.stderr.decode(errors="replace")
    except subprocess.TimeoutExpired:
        code, said = -1, f"it took longer than {TIMEOUT:.0f} s"
    if code != 0 or check_schema(fresh, schema) is not None:
        raise ServerError(
            f"MLflow could not upgrade the database {fresh.name} (exit code {code}); it is as it was",
            hint="Bring back a backup: uv run invoke mlflow.restore --source FILE; without one the MLflow "
            "that wrote it may still open it: uvx mlflow@VERSION server --backend-store-uri sqlite:///FILE",
            details=said.splitlines()[-3:],
        )
    as_single_file(fresh)
