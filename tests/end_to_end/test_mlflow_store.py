"""The store on the move: out of an old file store, into a backup and back."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.hinted import follow, write_setting
from tests.servers import (
    Window,
    database_of,
    ended_after,
    folder_of,
    make_workspace,
    processes_of,
    uri_of,
    wait_for,
)
from tests.workspaces import Workspace

BUILD = """
import sys
from pathlib import Path
import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

root = Path(sys.argv[1])
store = root / "runs" / "mlflow"
mlflow.set_tracking_uri(store.as_uri())
client = MlflowClient()
for number in range(3):
    where = "mlflow-artifacts:/7" if number == 2 else None
    experiment = client.create_experiment(f"survey {number} \\u00e9t\\u00e9", artifact_location=where)
    for index in range(3):
        run = client.create_run(experiment, run_name=f"run {index}")
        history = [Metric("loss/train", 1 / (s + 1), 1700000000000 + s, s) for s in range(400)]
        client.log_batch(run.info.run_id, history[:200], [Param("lr", "0.1")], [RunTag("site", "\\u00e9")])
        client.log_batch(run.info.run_id, history[200:] + [Metric("nan", float("nan"), 1700000000000, 0)])
        if number < 2:
            client.log_text(run.info.run_id, f"{number} {index}", "notes/note.txt")
        client.set_terminated(run.info.run_id)
        if index == 2:
            client.delete_run(run.info.run_id)
client.delete_experiment(client.get_experiment_by_name("survey 1 \\u00e9t\\u00e9").experiment_id)
# What the old server itself kept lies in mlartifacts of the folder that it was started in.
kept = root / "mlartifacts" / "7" / "a-run" / "artifacts"
kept.mkdir(parents=True)
(kept / "kept.txt").write_text("kept by the server", encoding="utf-8")
runs = client.search_runs([client.get_experiment_by_name("survey 0 \\u00e9t\\u00e9").experiment_id])
for name in ("zebra", "giraffe"):
    client.create_registered_model(name, tags={"kind": name}, description=f"finds {name}")
    for run in runs:
        client.create_model_version(name, f"{run.info.artifact_uri}/notes", run.info.run_id, description="v")
    client.set_registered_model_alias(name, "production", "1")
    client.set_registered_model_alias(name, "candidate", "2")
"""
READ = """
import json, math, sys
import mlflow
from mlflow import MlflowClient
from mlflow.entities import ViewType

mlflow.set_tracking_uri(sys.argv[1])
client = MlflowClient()
document = {"experiments": [], "models": []}
for e in sorted(client.search_experiments(view_type=ViewType.ALL), key=lambda e: int(e.experiment_id)):
    runs = []
    found = client.search_runs([e.experiment_id], run_view_type=ViewType.ALL)
    for run in sorted(found, key=lambda r: r.info.run_id):
        histories = {
            key: [(m.timestamp, m.step, "nan" if math.isnan(m.value) else m.value)
                  for m in sorted(client.get_metric_history(run.info.run_id, key), key=lambda m: m.step)]
            for key in sorted(run.data.metrics)
        }
        runs.append([run.info.run_id, run.info.run_name, run.info.status, run.info.lifecycle_stage,
                     run.info.artifact_uri, run.data.params, run.data.tags, histories])
    document["experiments"].append([e.experiment_id, e.name, e.lifecycle_stage, e.artifact_location, runs])
for model in sorted(client.search_registered_models(), key=lambda m: m.name):
    versions = [[int(v.version), v.source, v.run_id, v.description, v.creation_timestamp]
                for v in client.search_model_versions(f"name = '{model.name}'")]
    versions.sort()
    aliases = {alias: str(version) for alias, version in model.aliases.items()}
    document["models"].append([model.name, model.description, model.tags, aliases, versions])
if len(sys.argv) > 2:
    texts = [mlflow.artifacts.load_text(uri) for uri in sys.argv[2:]]
    document["texts"] = texts
print(json.dumps(document))
"""


def python(workspace: Workspace, code: str, *arguments: str, **variables: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        cwd=workspace.root,
        env=workspace.environment | {"MLFLOW_DISABLE_TELEMETRY": "true", **variables},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def contents(workspace: Workspace, uri: str, *texts: str) -> Any:
    said = python(workspace, READ, uri, *texts, MLFLOW_ALLOW_FILE_STORE="true")
    return json.loads(said.splitlines()[-1])


def as_lines(part: Any) -> list[str]:
    return json.dumps(part, indent=1, sort_keys=True).splitlines()


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def old_files(workspace: Workspace) -> dict[str, str]:
    """The file store alone, without what lies beside it."""
    tops = ("models", ".trash")
    return {
        name: digest
        for name, digest in fingerprint(folder_of(workspace)).items()
        if name.partition("/")[0].isdigit() or name.startswith(tops)
    }


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Workspace]:
    workspace = make_workspace(tmp_path / "old project é")
    python(workspace, BUILD, str(workspace.root), MLFLOW_ALLOW_FILE_STORE="true")
    with ended_after(workspace):
        yield workspace


def test_a_file_store_is_migrated_whole(old: Workspace) -> None:
    before = contents(old, folder_of(old).as_uri())
    files = old_files(old)
    assert (len(before["experiments"]), len(before["models"])) == (4, 2)

    # Cut off in the middle, by force: it can be run again.
    window = Window(old, "mlflow.migrate")
    workplace = folder_of(old) / "migrating" / "mlflow.db"
    wait_for(workplace.exists)
    window.process.kill()
    window.ended()
    assert not database_of(old).exists()
    # And a metric point twice, which files may hold and a database may not.
    history = next(folder_of(old).glob("[1-9]*/*/metrics/nan"))
    point = history.read_text(encoding="utf-8")
    history.write_text(point + point, encoding="utf-8")
    files = old_files(old)
    window = Window(old, "mlflow.migrate")
    wait_for(lambda: "migrating" in window.stderr)
    assert window.interrupt()[0] == 130
    assert not workplace.exists()

    ended = old.invoke("mlflow.migrate")
    assert ended.returncode == 0, ended.stderr
    assert "\n1 metric point that stood in the files twice is there once now\n" in ended.stderr
    said = ended.stdout
    assert said.startswith(
        "migrated into runs/mlflow/mlflow.db: 4 experiments, 9 runs, 9 params, 3,609 metrics, "
    )
    assert said.endswith("2 models, 4 versions and 4 aliases\n")
    assert old_files(old) == files
    assert not workplace.parent.exists()
    error, _ = old.fail(3, "mlflow.migrate")
    assert error == "error: there is a database already: runs/mlflow/mlflow.db"

    old.succeed("mlflow.serve", "--detach")
    error, _ = old.fail(3, "mlflow.migrate")
    assert "uses the store" in error
    # what lay among the old files is the server's own now
    before = json.loads(json.dumps(before).replace(f"{folder_of(old).as_uri()}/", "mlflow-artifacts:/"))
    model_source = before["models"][0][4][0][1]
    texts = (f"{model_source}/note.txt", "mlflow-artifacts:/7/a-run/artifacts/kept.txt")
    after = contents(old, uri_of(old), *texts)
    assert after["texts"][0].startswith("0 ")
    assert after["texts"][1] == "kept by the server"
    for part in ("experiments", "models"):
        pairs = zip(as_lines(before[part]), as_lines(after[part]), strict=True)
        assert [pair for pair in pairs if pair[0] != pair[1]] == []
    old.succeed("mlflow.stop")
    assert old_files(old) == files

    # Moved to another folder, and the old files gone, all of it loads.
    moved = Workspace(old.root.with_name("moved"), old.variables)
    old.root.rename(moved.root)
    for name in {name.partition("/")[0] for name in files}:
        shutil.rmtree(folder_of(moved) / name)
    with ended_after(moved):
        moved.succeed("mlflow.serve", "--detach")
        assert contents(moved, uri_of(moved), *texts) == after
        backup = moved.invoke("mlflow.backup", "--output", "whole.zip")
        assert "not in the backup" not in backup.stderr
        moved.succeed("mlflow.stop")


def test_a_file_store_that_was_moved_before_is_migrated_whole(old: Workspace) -> None:
    moved = Workspace(old.root.with_name("carried"), old.variables)
    old.root.rename(moved.root)
    ended = moved.invoke("mlflow.migrate")
    assert ended.returncode == 0, ended.stderr
    assert "are not there" not in ended.stderr
    assert "the new store does not need them" in ended.stderr
    with contextlib.closing(sqlite3.connect(database_of(moved))) as connection:
        sources = [source for (source,) in connection.execute("SELECT source FROM model_versions")]
    assert len(sources) == 4
    for source in sources:
        note = folder_of(moved) / "artifacts" / source.removeprefix("mlflow-artifacts:/") / "note.txt"
        assert note.read_text(encoding="utf-8").startswith("0 ")


def test_what_cannot_be_migrated_changes_nothing(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "project")
    (tmp_path / "empty").mkdir()
    error, hint = workspace.fail(5, "mlflow.migrate", "--source", str(tmp_path / "empty"))
    assert error.endswith("holds no file store of MLflow")
    assert "--source DIR" in hint
    for number in ("1", "2"):  # two experiments of one name, which a database refuses
        meta = folder_of(workspace) / number / "meta.yaml"
        meta.parent.mkdir(parents=True)
        meta.write_text(f"experiment_id: '{number}'\nname: twin\nlifecycle_stage: active\n", encoding="utf-8")
    files = old_files(workspace)
    config = workspace.root / "configs/mlflow.yaml"
    config.write_text("backend_store_uri: postgresql://127.0.0.1/store\n", encoding="utf-8")
    error, hint = workspace.fail(2, "mlflow.migrate")
    assert "goes into an SQLite file only" in error
    write_setting(config, hint, "server/upkeep/migration.py: Set backend_store_uri to null")
    ended = workspace.invoke("mlflow.migrate")
    assert ended.returncode == 3
    assert "error: MLflow could not migrate the file store" in ended.stderr
    assert "UNIQUE constraint failed: experiments." in ended.stderr
    assert old_files(workspace) == files
    left = {name for name in fingerprint(folder_of(workspace)) if name not in files}
    assert left <= {"server.lock", "migration.log"}


@pytest.fixture
def backed_up(served: Workspace, tmp_path: Path) -> Path:
    """A backup of the running server, with an artifact of its own."""
    artifact = folder_of(served) / "artifacts" / "1" / "backup-test" / "weights.onnx"
    artifact.parent.mkdir(parents=True, exist_ok=True)
    artifact.write_bytes(bytes(range(256)) * 4000)
    archive = tmp_path / "store.zip"
    said = served.succeed("mlflow.backup", "--output", str(archive))
    assert said.startswith(f"{archive} (")
    return archive


def test_backup_while_the_server_runs_and_back(served: Workspace, backed_up: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(backed_up) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        for name, entry in manifest["files"].items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == entry["sha256"]
    assert "artifacts/1/backup-test/weights.onnx" in manifest["files"]
    error, _ = served.fail(2, "mlflow.backup", "--output", str(backed_up))
    assert "exists already" in error

    with ended_after(make_workspace(tmp_path / "elsewhere")) as other:
        said = other.succeed("mlflow.restore", "--source", str(backed_up))
        assert said.startswith(f"restored {len(manifest['files'])} files of ")
        assert database_counts(other) == database_counts(served)
        restored = folder_of(other) / "artifacts" / "1" / "backup-test" / "weights.onnx"
        assert restored.read_bytes() == bytes(range(256)) * 4000
        restored.write_bytes(b"newer")

        ended = other.invoke("mlflow.restore", "--source", str(backed_up))
        assert ended.returncode == 0, ended.stderr
        (aside,) = folder_of(other).glob("before-restore-*")
        assert f"the store of before is in runs/mlflow/{aside.name}" in ended.stderr
        assert (aside / "artifacts" / "1" / "backup-test" / "weights.onnx").read_bytes() == b"newer"
        assert (aside / "mlflow.db").exists()
        other.succeed("mlflow.serve", "--detach")
        error, hint = other.fail(3, "mlflow.restore", "--source", str(backed_up))
        assert "uses the store" in error
        assert hint.endswith("uv run invoke mlflow.stop")
        names = [model["name"] for model in other.document("mlflow.status")["models"]]
        assert names == [model["name"] for model in served.document("mlflow.status")["models"]]
        other.succeed("mlflow.stop")
        assert not processes_of(other)


def database_counts(workspace: Workspace) -> list[int]:
    with contextlib.closing(sqlite3.connect(database_of(workspace))) as connection:
        return [
            connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]  # noqa: S608
            for table in ("experiments", "runs", "metrics", "registered_models", "model_versions")
        ]


@pytest.mark.parametrize("damage", ["cut", "flipped", "text", "missing", "stranger"])
def test_a_damaged_backup_replaces_nothing(
    served: Workspace, backed_up: Path, tmp_path: Path, damage: str
) -> None:
    workspace = make_workspace(tmp_path / "project", served)
    content = bytearray(backed_up.read_bytes())
    match damage:
        case "cut":
            backed_up.write_bytes(content[: len(content) // 2])
        case "flipped":
            content[len(content) // 2] ^= 0xFF
            backed_up.write_bytes(content)
        case "text":
            backed_up.write_text("no archive", encoding="utf-8")
        case "missing":
            backed_up.unlink()
        case "stranger":
            with zipfile.ZipFile(backed_up, "w") as archive:
                files = {
                    "mlflow.db": {"size": 1, "sha256": ""},
                    "artifacts/../../evil": {"size": 1, "sha256": ""},
                }
                archive.writestr("manifest.json", json.dumps({"format": 1, "created": "", "files": files}))
                archive.writestr("artifacts/../../evil", "x")
                archive.writestr("mlflow.db", "x")
    before = fingerprint(folder_of(workspace))
    error, _ = workspace.fail(5, "mlflow.restore", "--source", str(backed_up))
    assert "no backup" in error
    after = fingerprint(folder_of(workspace))
    after.pop("server.lock", None)
    assert after == before
    assert not list(tmp_path.rglob("evil"))


def test_restore_wants_a_name(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "project")
    error, hint = workspace.fail(2, "mlflow.restore")
    assert error == "error: no backup is named"
    assert "--source" in hint
    error, hint = workspace.fail(3, "mlflow.backup")
    assert error == "error: there is no database to back up: runs/mlflow/mlflow.db"
    with ended_after(workspace):
        follow(
            workspace,
            hint,
            "server/upkeep/backup.py: The first mlflow.serve makes it",
            "--detach",
            "--no-browser",
        )
        workspace.succeed("mlflow.backup")
        workspace.succeed("mlflow.stop")
    _, hint = workspace.fail(2, "mlflow.restore")
    follow(workspace, hint, "tasks/mlflow/store.py: The newest one")
