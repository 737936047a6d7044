"""Where the server keeps things: the database, the folder of files, the space that is left."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from wildetect.checkup.finding import Finding, fine, of_error, problem, warning, warnings_kept
from wildetect.checkup.subject import Subject
from wildetect.errors import InputError, ServerError
from wildetect.wording import in_bytes, number_of

__all__ = ["check_disk", "check_store"]

PATIENCE = 1.0  # s to wait for a program that is writing the database
BUDGET = 2.0  # s to look through it
CONNECT_TIMEOUT = 2.0  # s

RIGHTS = "Give yourself the right to write it, or move the project to a folder of your own"


def check_store(subject: Subject) -> list[Finding]:
    """Whether database and files can be used, and of which MLflow the database is."""
    plan, root = subject.plan, subject.project.root
    findings = []
    if plan.store.address is not None:
        findings += _database_server(plan.store.shown, *plan.store.address)
    elif plan.store.database is not None:
        findings += _database(subject, plan.store.database)
    for folder in filter(None, (plan.folder, plan.artifacts.folder)):
        place = _existing(folder)
        if place is None or not place.is_dir() or not os.access(place, os.W_OK):
            if folder.is_relative_to(root) and not os.access(root, os.W_OK):
                continue  # the check "folder" names the whole project
            says = f"{place or folder} cannot be written"
            findings.append(problem("store", says, fix=RIGHTS, error=ServerError))
    return findings


def _database_server(shown: str, host: str, port: int) -> list[Finding]:
    try:
        with socket.create_connection((host, port), timeout=CONNECT_TIMEOUT):
            return [fine("store", f"{shown} answers")]
    except OSError as error:
        says = f"the database server of {shown} does not answer ({error.strerror or error})"
        fix = "Start it, or correct backend_store_uri in configs/mlflow.yaml"
        return [problem("store", says, fix=fix, error=ServerError)]


def _database(subject: Subject, database: Path) -> list[Finding]:
    from wildetect.server.store.database import check_database
    from wildetect.server.store.old_artifacts import outside
    from wildetect.server.store.schema import STORE_SCHEMA, check_schema, revision_of
    from wildetect.server.store.stores import holds_file_store

    shown = subject.project.shown(database)
    if not database.exists():
        if holds_file_store(subject.plan.folder):
            says = f"{subject.project.shown(subject.plan.folder)} holds a file store, which MLflow gave up"
            return [problem("store", says, fix="uv run invoke mlflow.migrate", error=ServerError)]
        return [fine("store", f"there is no {shown} yet: mlflow.serve makes it")]
    with warnings_kept() as said:
        try:
            check_database(database, patience=PATIENCE, budget=BUDGET)
            older = check_schema(database, STORE_SCHEMA)
        except ServerError as error:
            return of_error("store", error)
    revision = revision_of(database, STORE_SCHEMA) or "none yet"
    says = f"{shown}, {in_bytes(database.stat().st_size)}, schema {revision}"
    if older:
        fix = "Nothing to do: mlflow.serve makes a copy of it before MLflow changes it"
        return [warning("store", f"{says}, of an older MLflow", fix=fix)]
    named = outside(database) if subject.plan.artifacts.folder is not None else 0
    if named:
        says += (
            f", names {number_of(named, 'folder')} by the place on a disk, which holds on one machine only"
        )
        return [warning("store", says, fix="uv run invoke mlflow.migrate --dry-run")]
    return [fine("store", f"{says}, {'looked at in part' if said else 'sound'}")]


def check_disk(subject: Subject) -> list[Finding]:
    """The space left wherever something is written; --space demands more of it."""
    from wildetect.server.process.preflight import LEAST_SPACE, LITTLE_SPACE

    findings = []
    for place, free in _disks(subject):
        says = f"{in_bytes(free)} are free on the disk of {place}"
        if subject.space is not None and free < subject.space:
            says += f", {in_bytes(subject.space)} are wanted"
            fix = "Free some space, or give another disk: --output, artifacts_destination"
            findings.append(problem("disk", says, fix=fix, error=InputError))
        elif free < LEAST_SPACE:
            fix = f"Free some space: the server needs {in_bytes(LEAST_SPACE)}"
            findings.append(problem("disk", says, fix=fix, error=ServerError))
        elif free < LITTLE_SPACE:
            findings.append(warning("disk", says, fix="Free some space before a long run"))
        else:
            findings.append(fine("disk", says))
    return findings


def _disks(subject: Subject) -> Iterator[tuple[Path, int]]:
    """A folder on each disk that is written to, and the bytes free there."""
    from wildetect.errors import ConfigurationError

    project, folders = subject.project, [subject.project.runs]
    try:
        folders += filter(None, (subject.plan.store.database, subject.plan.artifacts.folder))
        folders.append(project.path(subject.detection.output.directory))
    except (ConfigurationError, ImportError):
        pass  # a check of its own says so
    seen = set()
    for place in filter(None, map(_existing, folders)):
        device = place.stat().st_dev
        if device not in seen:
            seen.add(device)
            yield place, shutil.disk_usage(place).free


def _existing(path: Path) -> Path | None:
    """The path itself, or the nearest folder above it that exists; None on a drive that is not there."""
    return next((one for one in (path, *path.parents) if one.exists()), None)
