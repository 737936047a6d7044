"""Stores that servers of earlier MLflow versions wrote: each opens, is kept as it was, and loses nothing.

tools/old_stores.py made them, with those versions.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.hinted import follow
from tests.servers import database_of, ended_after, folder_of, make_workspace
from tests.workspaces import REPOSITORY, Workspace

from wildetect.server.process.command import server_environment
from wildetect.server.process.plan import plan_server
from wildetect.server.store.schema import STORE_SCHEMA, check_schema, revision_of
from wildetect.server.store.upgrading import upgrade_if_older
from wildetect.server.upkeep.cleaning import clean, prepared
from wildetect.settings import Project
from wildetect.settings.mlflow import MlflowSettings


def ordered(version: str) -> list[int]:
    return [int(part) for part in version.partition("-")[0].split(".")]


STORES = Path(__file__).parents[1] / "old_stores"
DATABASES = [path.name.removesuffix(".tar.xz") for path in STORES.glob("*[0-9].tar.xz")]
FILE_STORES = [path.name.removesuffix(".tar.xz") for path in STORES.glob("*-files.tar.xz")]
PICTURE = REPOSITORY / "demo" / "pictures" / "B2.jpg"
SERVED = ("2.3.2", "3.0.1")
"""Those that a real server is started on, which takes longer; the others are upgraded and looked through."""
SERVED_FILES = "2.9.2-files"
WITHOUT_REGISTRY = ("2.0.1-files",)
"""File stores of this MLflow could not hold models."""
WITHOUT_ALIASES = ("2.1.1-files", "2.2.2-files")
"""These had stages in their place."""
WITHOUT_DELETED = ("2.1.1-files",)
"""This one kept nothing of a version that was deleted; later ones mark it."""
UPGRADED = sorted((version for version in DATABASES if version not in SERVED), key=ordered)
CLEANED = ("2.9.2", "3.2.0")
"""One that kept versions among the files of runs, and one that kept them among those of logged models."""
KEPT = (
    "SELECT experiment_id, name, lifecycle_stage FROM experiments",
    "SELECT run_uuid, name, status, lifecycle_stage, artifact_uri FROM runs",
    "SELECT run_uuid, key, value FROM params",
    "SELECT run_uuid, key, value, timestamp, step, is_nan FROM metrics",
    "SELECT run_uuid, key, value FROM tags",
    "SELECT name, description FROM registered_models",
    "SELECT name, version, current_stage, description, source, run_id FROM model_versions",
    "SELECT name, version, key, value FROM model_version_tags",
    "SELECT name, key, value FROM registered_model_tags",
    "SELECT name, alias, version FROM registered_model_aliases",
    "SELECT model_id, artifact_location, status, lifecycle_stage FROM logged_models",
)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with ended_after(make_workspace(tmp_path / "project é")) as made:
        yield made


def put(store: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(STORES / f"{store}.tar.xz") as archive:
        archive.extractall(folder, filter="data")


def rows_of(database: Path) -> dict[str, Any]:
    """What must not be lost, as far as the schema of the time knew it."""
    found = {}
    with contextlib.closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        for query in KEPT:
            with contextlib.suppress(sqlite3.OperationalError):  # a table of later days
                found[query] = sorted(connection.execute(query).fetchall(), key=str)
    return found


def test_there_is_a_store_of_every_minor_version() -> None:
    threes = {tuple(ordered(version)[:2]) for version in DATABASES if version.startswith("3.")}
    assert threes == {(3, minor) for minor in range(len(threes))}
    assert len(threes) >= 18
    for stores in (DATABASES, FILE_STORES):
        assert {"2.0", "2.1", "2.2", "2.3", "2.9", "2.22"} <= {store.rpartition(".")[0] for store in stores}


@pytest.mark.parametrize("version", UPGRADED)
def test_a_database_of_every_version_is_upgraded_on_a_copy(version: str, workspace: Workspace) -> None:
    put(version, folder_of(workspace))
    database = database_of(workspace)
    before, rows = database.read_bytes(), rows_of(database)
    assert rows[KEPT[6]]
    plan = plan_server(Project(workspace.root), MlflowSettings())
    older = check_schema(database, STORE_SCHEMA)
    copy = upgrade_if_older(database, plan.folder, server_environment(plan))
    if older is None:  # MLflow did not change its schema since
        assert copy is None
        assert database.read_bytes() == before
        return
    assert copy is not None
    assert copy.read_bytes() == before
    assert revision_of(copy, STORE_SCHEMA) == older
    assert check_schema(database, STORE_SCHEMA) is None
    after = rows_of(database)
    assert {query: after[query] for query in rows} == rows


@pytest.mark.parametrize("version", SERVED)
def test_an_old_database_is_served_and_its_versions_detect(version: str, workspace: Workspace) -> None:
    put(version, folder_of(workspace))
    before = database_of(workspace).read_bytes()
    ended = workspace.invoke("mlflow.serve", "--detach")
    assert ended.returncode == 0, ended.stderr
    (copy,) = (folder_of(workspace) / "backups").iterdir()
    assert f"as it was it lies in runs/mlflow/backups/{copy.name}" in ended.stderr
    assert copy.read_bytes() == before
    works(workspace)


@pytest.mark.parametrize("store", FILE_STORES)
def test_an_old_file_store_is_migrated_and_its_versions_detect(store: str, workspace: Workspace) -> None:
    old = workspace.root / "old"
    put(store, old)
    settings = workspace.root / "configs/mlflow.yaml"
    as_shipped = settings.read_text(encoding="utf-8")
    settings.write_text("backend_store_uri: ./old/mlruns\n", encoding="utf-8")
    _, hint = workspace.fail(2, "mlflow.serve", "--detach")
    settings.write_text(as_shipped, encoding="utf-8")  # the hint's first part
    place = "server/store/stores.py: takes over an old file store"
    said = follow(workspace, hint, place, "--artifacts", str(old / "artifacts"), FOLDER=old / "mlruns").stdout
    models = "0 models, 0 versions and 0 aliases"
    if store not in WITHOUT_REGISTRY:
        aliases = 0 if store in WITHOUT_ALIASES else 2
        versions = 2 if store in WITHOUT_DELETED else 3
        models = f"1 model, {versions} versions and {aliases} aliases"
    assert " 6 runs, " in said
    assert f" tags, {models}\n" in said
    if store == SERVED_FILES:
        workspace.succeed("mlflow.serve", "--detach")
        works(workspace)


def put_with_places(version: str, folder: Path, root: str, separator: str = "/") -> Path:
    """A database as a server without a proxy for files wrote it on another machine, its files beside it."""
    put(version, folder)
    (folder / "artifacts").rename(folder / "carried")
    with contextlib.closing(sqlite3.connect(folder / "mlflow.db")) as connection, connection:
        for table, column in (
            ("experiments", "artifact_location"),
            ("runs", "artifact_uri"),
            ("model_versions", "source"),
            ("model_versions", "storage_location"),
            ("logged_models", "artifact_location"),
        ):
            if not list(connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,))):
                continue
            connection.execute(
                f"UPDATE {table} SET {column} = ? || replace(substr({column}, 18), '/', ?) "  # noqa: S608
                f"WHERE {column} LIKE 'mlflow-artifacts:%'",
                (root, separator),
            )
        ((named,),) = connection.execute("SELECT COUNT(*) FROM runs WHERE artifact_uri LIKE ?", (f"{root}%",))
        assert named == 6
    return folder / "mlflow.db"


@pytest.mark.parametrize(
    ("root", "separator"), [("file:///C:/Users/Ann%20B/mlruns", "/"), ("D:\\survey\\mlruns", "\\")]
)
def test_places_of_another_machine_in_a_database_become_the_servers_own(
    root: str, separator: str, workspace: Workspace
) -> None:
    database = put_with_places("2.9.2", workspace.root / "old", root, separator)
    before = database.read_bytes()
    words = ("mlflow.migrate", "--source", database, "--artifacts", workspace.root / "old/carried")

    would = workspace.succeed(*words, "--dry-run")
    assert "names 6 folders by the place on a disk: 6 found, 0 not" in would
    assert "nothing was changed" in would
    assert not database_of(workspace).exists()
    said = workspace.succeed(*words)

    assert database.read_bytes() == before
    assert "6 folders are named by the server now" in said
    with contextlib.closing(sqlite3.connect(database_of(workspace))) as connection:
        text = "\n".join(connection.iterdump())
    assert root not in text
    shutil.rmtree(workspace.root / "old")
    if separator == "/":
        workspace.succeed("mlflow.serve", "--detach")
        works(workspace)


def test_the_projects_own_database_is_kept_and_what_is_not_found_is_named(workspace: Workspace) -> None:
    database = put_with_places("3.17.0", folder_of(workspace), "file:///home/ann/mlruns")
    before = database.read_bytes()
    carried = folder_of(workspace) / "carried"
    gone = next(carried.rglob("note.txt")).parents[2]
    shutil.rmtree(gone)
    found_there = ("--artifacts", str(carried))
    checked = workspace.invoke("doctor").stdout
    assert "by the place on a disk" in checked
    follow(workspace, checked, "checkup/store.py: uv run invoke mlflow.migrate --dry-run", *found_there)
    backed_up = workspace.invoke("mlflow.backup", "--output", workspace.root / "kept.tar.gz").stderr

    ended = follow(workspace, backed_up, "server/upkeep/backup.py: bring them in with", *found_there)

    assert f"not found, and stays named as it is: file:///home/ann/mlruns/{gone.parent.name}/{gone.name}" in (
        ended.stderr
    )
    assert "--artifacts DIR" in ended.stderr
    (kept,) = (folder_of(workspace) / "backups").iterdir()
    assert f"The database as it was lies in runs/mlflow/backups/{kept.name}" in ended.stderr
    assert kept.read_bytes() == before
    with contextlib.closing(sqlite3.connect(database)) as connection:
        left = connection.execute(
            "SELECT artifact_uri FROM runs WHERE artifact_uri NOT LIKE 'mlflow-artifacts:/%'"
        )
        assert len(left.fetchall()) == 4  # the three that registered models hold no files themselves
    started = workspace.invoke("mlflow.serve", "--detach")
    assert "names 4 folders by the place on a disk" in started.stderr
    place = "server/process/preflight.py: see what can be brought in with"
    assert "nothing was changed" in follow(workspace, started.stderr, place).stdout  # the server runs
    works(workspace)


def works(workspace: Workspace) -> None:
    """The registry holds what it held, and a version of it detects."""
    listed = {one["version"]: one for one in workspace.document("model.list")["models"]}
    assert {number: one["aliases"] for number, one in listed.items()} == {
        "2": ["production"],
        "3": ["candidate"],
    }
    words = ("--model", "elephants@production", "--output", "results/old")
    ended = workspace.invoke("detect.run", PICTURE, *words)
    assert ended.returncode == 0, ended.stderr
    run = json.loads((workspace.root / "results/old/run.json").read_text(encoding="utf-8"))
    assert (run["model"]["name"], run["model"]["version"]) == ("elephants", "2")
    workspace.succeed("model.promote", "elephants/3", "production")
    assert workspace.document("model.show", "elephants@production")["version"] == "3"
    workspace.succeed("mlflow.stop")


@pytest.mark.parametrize("version", CLEANED)
def test_a_cleaning_of_an_old_store_keeps_every_version_whatever_became_of_its_run(
    version: str, workspace: Workspace
) -> None:
    put(version, folder_of(workspace))
    database, artifacts = database_of(workspace), folder_of(workspace) / "artifacts"
    plan = plan_server(Project(workspace.root), MlflowSettings())
    upgrade_if_older(database, plan.folder, server_environment(plan))
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        # every run is deleted in MLflow's page, and one version no longer names its own
        connection.execute("UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = 1")
        connection.execute("UPDATE model_versions SET run_id = NULL WHERE version = 2")
    weights = {path: path.read_bytes() for path in artifacts.rglob("*.onnx")}
    notes = set(artifacts.rglob("note.txt"))
    versions = {query: rows_of(database)[query] for query in KEPT[6:8]}
    assert len(weights) >= 3
    assert notes
    with prepared(plan, None, dry_run=False) as found:
        said, done = found.freed, clean(found)
    assert done.before - done.after == said > 0
    assert not done.failed
    assert {query: rows_of(database)[query] for query in KEPT[6:8]} == versions
    living = [row for row in versions[KEPT[6]] if row[2] != "Deleted_Internal"]
    kept = {path: path.read_bytes() for path in artifacts.rglob("*.onnx")}
    assert kept.items() <= weights.items()
    folders = {path.relative_to(artifacts).as_posix() for path in kept}
    with contextlib.closing(sqlite3.connect(database)) as connection:
        for _, number, *_ in living:
            (place,) = connection.execute(
                "SELECT COALESCE(storage_location, source) FROM model_versions WHERE version = ?", (number,)
            ).fetchone()
            below = place.removeprefix("mlflow-artifacts:/")
            assert any(path.startswith(below) for path in folders), f"the files of version {number} are gone"
    assert living
    assert not any(path.exists() for path in notes)
