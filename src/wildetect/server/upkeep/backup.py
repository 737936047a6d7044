"""A copy of the whole store in one archive, while the server runs.

The archive is a zip file: mlflow.db, auth.db where there are accounts, artifacts/..., and
manifest.json with the size and SHA-256 of each.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import logging
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wildetect.archives import add_file
from wildetect.errors import ConfigurationError, ServerError
from wildetect.server.access.signin import AUTH_DATABASE, keep_private
from wildetect.server.process.interrupts import Cancelled
from wildetect.server.process.plan import Plan
from wildetect.server.store.database import copy_database
from wildetect.server.store.exchange import PLAN
from wildetect.server.store.old_artifacts import outside
from wildetect.wording import in_bytes

__all__ = ["ACCOUNTS", "ARTIFACTS", "DATABASE", "MANIFEST", "Archive", "back_up", "local_store"]

logger = logging.getLogger(__name__)

DATABASE = "mlflow.db"
ACCOUNTS = "auth.db"
ARTIFACTS = "artifacts/"
MANIFEST = "manifest.json"
FORMAT = 1


@dataclass(frozen=True)
class Archive:
    """A backup: its file, how many files are in it, and their size in bytes."""

    path: Path
    files: int
    size: int


def local_store(plan: Plan) -> tuple[Path, Path]:
    """The SQLite file and the artifact folder of a plan.

    Raises:
        ConfigurationError: Where one of them is a server of its own.
    """
    if plan.store.database is None or plan.artifacts.folder is None:
        raise ConfigurationError(
            "only an SQLite file and an artifact folder can be backed up and restored",
            hint="Use the tools of the database server and the object store (pg_dump, aws s3 sync).",
        )
    return plan.store.database, plan.artifacts.folder


def back_up(
    plan: Plan, output: Path | None = None, *, cancelled: Callable[[], bool] = lambda: False
) -> Archive:
    """Write a backup; the server may run and be written to meanwhile.

    The database is copied first: what it names is complete by then, so that the artifacts, copied
    after it, hold at least what it needs.

    Args:
        plan: The store.
        output: The archive; a name with date and time in runs/backups where it is not given.
        cancelled: Asked between two files; once true, the backup is called off.

    Raises:
        ConfigurationError: Where the store is not on this machine, or the output exists.
        ServerError: Where there is no store, or it cannot be copied. No half archive is left.
    """
    database, artifacts = local_store(plan)
    if (plan.folder / PLAN).exists():
        raise ServerError(
            "an exchange of the store was cut off: it is not whole at the moment",
            hint="Start the server, which finishes it: uv run invoke mlflow.serve --detach",
        )
    target = _target(plan, database, output)
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _check_space(target.parent, database, artifacts)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as workplace:
            keep_private(part)  # it holds the accounts
            files = _write(part, _contents(plan, Path(workplace), database, artifacts), cancelled)
        part.replace(target)
    except OSError as error:
        raise ServerError(
            f"the backup could not be written to {target} ({error.strerror or error})",
            hint="Name another place with --output FILE.",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return Archive(target, len(files), target.stat().st_size)


def _target(plan: Plan, database: Path, output: Path | None) -> Path:
    if not database.exists():
        raise ServerError(
            f"there is no database to back up: {plan.project.shown(database)}",
            hint="The first mlflow.serve makes it: uv run invoke mlflow.serve",
        )
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    target = output or plan.project.runs / "backups" / f"mlflow-{stamp}.zip"
    if target.exists():
        raise ConfigurationError(f"{target} exists already", hint="Give another name with --output FILE.")
    return target


def _contents(plan: Plan, workplace: Path, database: Path, artifacts: Path) -> Iterator[tuple[str, Path]]:
    """The name in the archive and the file of everything that belongs to it."""
    copy_database(database, workplace / DATABASE)
    if left := outside(workplace / DATABASE):
        logger.warning(
            "%d folders that the store names by their place on the disk are not in the backup: they lie "
            "outside %s; bring them in with: uv run invoke mlflow.migrate",
            left,
            plan.project.shown(artifacts),
        )
    yield DATABASE, workplace / DATABASE
    accounts = plan.folder / AUTH_DATABASE
    if accounts.exists():
        copy_database(accounts, workplace / ACCOUNTS)
        yield ACCOUNTS, workplace / ACCOUNTS
    for path in sorted(artifacts.rglob("*")):
        if path.is_file():
            yield ARTIFACTS + path.relative_to(artifacts).as_posix(), path


def _write(
    part: Path, contents: Iterator[tuple[str, Path]], cancelled: Callable[[], bool]
) -> dict[str, dict[str, object]]:
    files: dict[str, dict[str, object]] = {}
    with zipfile.ZipFile(part, "w") as archive:
        for name, path in contents:
            if cancelled():
                raise Cancelled
            try:
                files[name] = add_file(archive, name, path)
            except FileNotFoundError:  # deleted while we came to it
                logger.warning("%s was deleted during the backup", name)
        manifest = {
            "format": FORMAT,
            "created": datetime.now().astimezone().isoformat(timespec="seconds"),
            "mlflow_version": importlib.metadata.version("mlflow"),
            "files": files,
        }
        archive.writestr(MANIFEST, json.dumps(manifest, indent=2))
    return files


def _check_space(folder: Path, database: Path, artifacts: Path) -> None:
    needed = 2 * database.stat().st_size
    needed += sum(path.stat().st_size for path in artifacts.rglob("*") if path.is_file())
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ServerError(
            f"the backup may need {in_bytes(needed)}, and {in_bytes(free)} are free in {folder}",
            hint="Name a place on another disk with --output FILE.",
        )
