"""Database, files and space."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import time
from pathlib import Path

import pytest
from tests.checkup.findings import bad, only, subject
from tests.servers import small_disk
from tests.workspaces import free_port

from wildetect.checkup.store import check_disk, check_store


def database(root: Path) -> Path:
    path = root / "runs/mlflow/mlflow.db"
    path.parent.mkdir(parents=True)
    return path


def test_none_yet(root: Path) -> None:
    assert "there is no runs/mlflow/mlflow.db yet" in only(check_store(subject())).says


def test_a_file_store_of_old(root: Path) -> None:
    (root / "runs/mlflow/0").mkdir(parents=True)
    (root / "runs/mlflow/0/meta.yaml").touch()
    assert bad(check_store(subject())).fix == "uv run invoke mlflow.migrate"


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("CREATE TABLE sightings (species TEXT)", "holds tables that are not MLflow's"),
        ("CREATE TABLE alembic_version (version_num TEXT)", "schema none yet"),
    ],
)
def test_what_a_database_holds(root: Path, table: str, says: str) -> None:
    with contextlib.closing(sqlite3.connect(database(root))) as connection:
        connection.execute(table)
    assert says in only(check_store(subject())).says


def test_a_database_that_another_program_has_locked(root: Path) -> None:
    with contextlib.closing(sqlite3.connect(database(root))) as other:
        other.execute("CREATE TABLE alembic_version (version_num TEXT)")
        other.execute("BEGIN EXCLUSIVE")
        begun = time.monotonic()
        assert "is locked by another program" in bad(check_store(subject())).says
        assert time.monotonic() - begun < 3


def test_a_database_server_that_is_off(root: Path) -> None:
    text = f"backend_store_uri: postgresql://me:geheim@127.0.0.1:{free_port()}/x\n"
    (root / "configs/mlflow.yaml").write_text(text, encoding="utf-8")
    found = bad(check_store(subject()))
    assert "does not answer" in found.says
    assert "geheim" not in found.says


def test_space_that_is_wanted(root: Path) -> None:
    assert {finding.verdict for finding in check_disk(subject(space=1))} == {"ok"}
    found = bad(check_disk(subject(space=10**18)))
    assert "1,000,000,000.0 GB are wanted" in found.says
    assert found.exit_code == 5


def test_little_space(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.disk_usage(root)
    for free, verdict in ((50_000_000, "problem"), (500_000_000, "warning"), (5_000_000_000, "ok")):
        monkeypatch.setattr("shutil.disk_usage", lambda _, free=free: real._replace(free=free))
        assert only(check_disk(subject())).verdict == verdict


def test_a_disk_that_is_full(root: Path) -> None:
    with small_disk(root / "runs", "20m"):
        found = bad(check_disk(subject()))
        assert found.says == f"21.0 MB are free on the disk of {root / 'runs'}"
        assert found.exit_code == 3
