"""What is checked before a server is started.

MLflow itself finds most of this out late or never: it tries for 105 s on a folder that it cannot
write, and ends with exit code 0 where the port is taken.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import socket
import sys
from pathlib import Path

from wildetect.errors import ServerError
from wildetect.registry.probe import Probe
from wildetect.server.access.signin import AUTH_DATABASE
from wildetect.server.process.plan import DEFAULT_PORT, Plan
from wildetect.server.process.ports import holder_of, local_url, next_free
from wildetect.server.store.database import check_database
from wildetect.server.store.old_artifacts import outside
from wildetect.server.store.schema import AUTH_SCHEMA, STORE_SCHEMA, Schema
from wildetect.server.store.stores import holds_file_store
from wildetect.server.store.upgrading import upgrade_if_older
from wildetect.settings.address import TRACKING_URI
from wildetect.wording import in_bytes, number_of

__all__ = ["check_folder", "check_port", "check_stores"]

logger = logging.getLogger(__name__)

LEAST_SPACE = 100_000_000  # bytes; below, an upload or the database itself soon fails
LITTLE_SPACE = 1_000_000_000  # bytes
DATABASE_TIMEOUT = 5.0  # s


def check_folder(folder: Path, setting: str | None = None) -> None:
    """Make sure that a folder is there, can be written, and has space left; makes it where missing.

    Args:
        folder: The folder.
        setting: Setting of configs/mlflow.yaml that names it; None: it lies in the project.

    Raises:
        ServerError: Saying which of it fails.
    """
    attempt = folder / f".write-{os.getpid()}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        attempt.write_bytes(b"x" * 4096)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _disk_full(folder, 0, setting) from error
        raise ServerError(
            f"the folder {folder} cannot be written ({error.strerror or error})",
            hint="Give yourself the right to write it, or move the project to a folder of your own.",
        ) from error
    finally:
        _remove(attempt)
    if free < LEAST_SPACE:
        raise _disk_full(folder, free, setting)
    if free < LITTLE_SPACE:
        logger.warning("only %s are left on the disk of %s", in_bytes(free), folder)


def _remove(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        logger.debug("%s stays: %s", file, error)


def _disk_full(folder: Path, free: int, setting: str | None) -> ServerError:
    another = (
        f"name another place as {setting} in configs/mlflow.yaml" if setting else "move the project there"
    )
    return ServerError(
        f"the disk of {folder} is full ({in_bytes(free)} left, {in_bytes(LEAST_SPACE)} needed)",
        hint=f"Free some space, or take another disk: {another}.",
    )


def check_port(plan: Plan) -> None:
    """Make sure that the port is free.

    Raises:
        ServerError: Naming who holds it, with the next free one.
    """
    try:
        holder = holder_of(plan.host, plan.port)
    except (OSError, OverflowError) as error:
        raise _cannot_listen(plan, error) from error
    if holder is None:
        return
    url = local_url(plan.host, plan.port)
    what, probe = str(holder), Probe(url, timeout=1.0)
    if probe.healthy():
        what += ", an MLflow server of another project" if probe.is_mlflow() else ", a web server"
    free_port = next_free(plan.host, plan.port)
    if sys.platform == "darwin" and plan.port == DEFAULT_PORT and holder.pid is None:
        what += ", on a Mac mostly AirPlay Receiver (System Settings, General, AirDrop & Handoff)"
    keep = f"; to keep it, port: {free_port} in configs/mlflow.yaml"
    raise ServerError(
        f"port {plan.port} is held by {what}",
        hint=f"End it, or take another port with: uv run invoke mlflow.serve --port {free_port}"
        + ("" if plan.project.variable(TRACKING_URI) else keep),
    )


def _cannot_listen(plan: Plan, error: Exception) -> ServerError:
    if isinstance(error, PermissionError):
        return ServerError(
            f"port {plan.port} is reserved by the system",
            hint="Take one above 1023: uv run invoke mlflow.serve --port "
            f"{next_free(plan.host, max(plan.port, DEFAULT_PORT))}",
        )
    return ServerError(
        f"{plan.host} is not an address of this machine ({getattr(error, 'strerror', None) or error})",
        hint="Use --host 127.0.0.1 for this machine only, or --host 0.0.0.0 to share the server.",
    )


def check_stores(plan: Plan) -> None:
    """Make sure that database and artifact folder can be used; an older schema is upgraded on a copy.

    Raises:
        ServerError: Saying which of it fails.
    """
    if plan.artifacts.folder is not None:
        check_folder(plan.artifacts.folder, "artifacts_destination")
    if plan.store.address is not None:
        _check_reachable(plan, *plan.store.address)
    database = plan.store.database
    if database is None:
        return
    if database.parent != plan.folder:
        check_folder(database.parent, "backend_store_uri")
    if database.exists() and database.stat().st_size:
        check_database(database)
        _upgraded_if_older(database, plan, STORE_SCHEMA)
        _warn_of_places(database, plan)
    elif holds_file_store(plan.folder):
        raise ServerError(
            f"{plan.project.shown(plan.folder)} holds a file store, which MLflow no longer reads",
            hint="Take it over into a database, the old files stay: uv run invoke mlflow.migrate",
        )
    accounts = plan.folder / AUTH_DATABASE
    if plan.sign_in and accounts.exists() and accounts.stat().st_size:
        check_database(accounts)
        _upgraded_if_older(accounts, plan, AUTH_SCHEMA)


def _upgraded_if_older(database: Path, plan: Plan, schema: Schema) -> None:
    from wildetect.server.process.command import server_environment

    kept = upgrade_if_older(database, plan.folder, server_environment(plan), schema)
    if kept is not None:
        logger.warning(
            "%s was of an older MLflow and has been upgraded; as it was it lies in %s",
            plan.project.shown(database),
            plan.project.shown(kept),
        )


def _warn_of_places(database: Path, plan: Plan) -> None:
    """Say where files of runs and models are not the server's own: elsewhere they are not found."""
    named = outside(database) if plan.artifacts.folder is not None else 0
    if named:
        logger.warning(
            "the store names %s by the place on a disk, which holds on one machine only, and no backup has "
            "them: see what can be brought in with: uv run invoke mlflow.migrate --dry-run",
            number_of(named, "folder"),
        )


def _check_reachable(plan: Plan, host: str, port: int) -> None:
    try:
        with socket.create_connection((host, port), timeout=DATABASE_TIMEOUT):
            return
    except OSError as error:
        raise ServerError(
            f"the database server of {plan.store.shown} does not answer ({error.strerror or error})",
            hint="Start it, or correct backend_store_uri in configs/mlflow.yaml.",
        ) from error
