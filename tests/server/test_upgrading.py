"""Accounts of an older MLflow are upgraded on a copy, as a store is."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from wildetect.errors import ServerError
from wildetect.server.process.command import server_environment
from wildetect.server.process.plan import plan_server
from wildetect.server.store.schema import AUTH_SCHEMA, check_schema, revision_of
from wildetect.server.store.upgrading import upgrade_if_older
from wildetect.settings import Project
from wildetect.settings.mlflow import MlflowSettings

FIRST = "8606fa83a998"
"""MLflow's first schema of accounts, of version 2.5."""


@pytest.fixture
def accounts(tmp_path: Path) -> Path:
    """Accounts at that schema, with one person."""
    database = tmp_path / "runs" / "mlflow" / "auth.db"
    database.parent.mkdir(parents=True)
    address = f"sqlite:///{database.as_posix()}"
    words = ("mlflow.server.auth", "db", "upgrade", "--url", address, "--revision", FIRST)
    subprocess.run([sys.executable, "-W", "ignore", "-m", *words], check=True, capture_output=True)
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("INSERT INTO users (username, password_hash, is_admin) VALUES ('ann', 'x', 1)")
    database.chmod(0o600)
    return database


def test_accounts_are_upgraded_on_a_copy(accounts: Path, tmp_path: Path) -> None:
    plan = plan_server(Project(tmp_path), MlflowSettings())
    before = accounts.read_bytes()
    kept = upgrade_if_older(accounts, plan.folder, server_environment(plan), AUTH_SCHEMA)
    assert kept is not None
    assert kept.read_bytes() == before
    assert revision_of(kept, AUTH_SCHEMA) == FIRST
    assert check_schema(accounts, AUTH_SCHEMA) is None
    with contextlib.closing(sqlite3.connect(accounts)) as connection:
        assert connection.execute("SELECT username, is_admin FROM users").fetchall() == [("ann", 1)]
    if os.name == "posix":
        assert {stat.S_IMODE(path.stat().st_mode) for path in (accounts, kept)} == {0o600}


def test_accounts_that_cannot_be_upgraded_stay_as_they_are(accounts: Path, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(accounts)) as connection, connection:
        connection.execute("CREATE TABLE roles (a TEXT)")  # in the way of a migration
    before = accounts.read_bytes()
    plan = plan_server(Project(tmp_path), MlflowSettings())
    with pytest.raises(ServerError, match=r"could not upgrade the database auth\.db .*; it is as it was"):
        upgrade_if_older(accounts, plan.folder, server_environment(plan), AUTH_SCHEMA)
    assert accounts.read_bytes() == before
    assert {path.name for path in plan.folder.iterdir()} == {"auth.db"}
