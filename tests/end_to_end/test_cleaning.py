"""Versions that go and a disk that shrinks, through the real program: what is cited stays, to the byte."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.bad_servers import BadServer
from tests.hinted import commands_told, follow
from tests.servers import ended_after, folder_of, make_workspace, port_of, uri_of
from tests.workspaces import REPOSITORY, Workspace

from wildetect.errors import ServerError
from wildetect.server.process.plan import plan_server
from wildetect.server.upkeep.cleaning import prepared
from wildetect.settings import Project
from wildetect.settings.mlflow import MlflowSettings

WEIGHTS = REPOSITORY / "demo" / "detector.onnx"
PICTURE = REPOSITORY / "demo" / "pictures" / "B2.jpg"
DAY = 86_400
ORPHAN = "0" * 32


@pytest.fixture
def project(served: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    workspace = make_workspace(tmp_path / "project", served)
    with ended_after(workspace):
        workspace.succeed("mlflow.serve", "--detach")
        yield workspace


def client_of(workspace: Workspace) -> Any:
    import mlflow

    return mlflow.MlflowClient(uri_of(workspace))


def register(workspace: Workspace, name: str, *more: str) -> str:
    words = ("model.register", "--weights", str(WEIGHTS), "--name", name, "--force", *more)
    return str(workspace.document(*words)["version"])


def model_folder(workspace: Workspace, name: str, version: str) -> Path:
    source = client_of(workspace).get_model_version(name, version).source
    (folder,) = (folder_of(workspace) / "artifacts").glob(f"*/models/{source.removeprefix('models:/')}")
    return folder


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def log_run(workspace: Workspace, experiment: str, **tags: str) -> str:
    client = client_of(workspace)
    found = client.get_experiment_by_name(experiment)
    number = found.experiment_id if found else client.create_experiment(experiment)
    run = client.create_run(number, tags=tags)
    client.log_text(run.info.run_id, "x" * 1000, "note.txt")
    client.set_terminated(run.info.run_id)
    return str(run.info.run_id)


def test_a_version_that_is_cited_is_not_deleted(project: Workspace) -> None:
    from mlflow.entities import LoggedModelInput

    client = client_of(project)
    register(project, "herd", "--alias", "production")
    error, hint = project.fail(4, "model.delete", "herd/1", "--yes")
    assert "cited by the alias herd@production" in error
    assert "model.promote" in hint
    client.delete_registered_model_alias("herd", "production")

    evaluation = log_run(project, "evaluation", model="herd", version="1")
    error, _ = project.fail(4, "model.delete", "herd/1", "--yes")
    assert "of the experiment evaluation" in error
    assert evaluation in error
    client.delete_run(evaluation)

    training = log_run(project, "somebody's training")
    model_id = client.get_model_version("herd", "1").source.removeprefix("models:/")
    client.log_inputs(training, models=[LoggedModelInput(model_id)])
    assert "somebody's training" in project.fail(4, "model.delete", "herd/1", "--yes")[0]
    client.delete_run(training)

    register(project, "herd")
    client.set_model_version_tag("herd", "2", "trained_from", "herd/1")
    assert "herd/2, which was made from it" in project.fail(4, "model.delete", "herd/1", "--yes")[0]
    client.delete_model_version_tag("herd", "2", "trained_from")

    sha256 = client.get_model_version("herd", "1").tags["sha256"]
    census = project.root / "results" / "camp" / "census.json"
    census.parent.mkdir(parents=True)
    cited = {"name": "herd", "version": "1", "sha256": sha256}
    census.write_text(json.dumps({"model": cited}), encoding="utf-8")
    assert "the census in results/camp/census.json" in project.fail(4, "model.delete", "herd/1", "--yes")[0]
    census.write_text(json.dumps({"model": {**cited, "sha256": "another registry's"}}), encoding="utf-8")

    error, hint = project.fail(2, "model.delete", "herd/1")
    assert "no terminal" in error
    _, which = project.fail(2, "model.delete", "herd@production", "--yes")
    where = "workflows/versions/deletion.py: Name it by its number"
    assert commands_told(which, where, NUMBER="1") == [["model.delete", "herd/1"]]
    project.fail(4, "model.delete", "herd/9", "--yes")

    folder = model_folder(project, "herd", "1")
    size = bytes_in(folder)
    assert size > WEIGHTS.stat().st_size / 2
    assert f"deleted herd/1: {size:,} bytes freed" in follow(project, hint, "tasks/asking.py: --yes").stdout
    assert bytes_in(folder) == 0
    assert [one["version"] for one in project.document("model.list", "--name", "herd")["models"]] == ["2"]
    assert register(project, "herd") == "3", "a number is never given twice"


@dataclass(frozen=True)
class Season:
    """What a season leaves: ids and folders of what nothing cites, and of what something does."""

    uncited: set[str]
    cited: set[str]
    census: str
    counted: str


def season(project: Workspace) -> Season:
    """Versions deleted as MLflow's page does it, one counted with; deleted runs, one of them cited."""
    from mlflow.entities import LoggedModelInput

    client = client_of(project)
    register(project, "plain", "--alias", "production")
    register(project, "plain")
    register(project, "plain")
    deleted, counted = (model_folder(project, "plain", version).name for version in "23")
    project.succeed("detect.run", PICTURE, "--model", "plain@production", "--output", "results/kept")
    census = log_run(project, "census")
    client.log_inputs(census, models=[LoggedModelInput(counted)])
    client.delete_model_version("plain", "2")
    client.delete_model_version("plain", "3")
    gone = log_run(project, "detection")
    client.delete_run(gone)
    measured = log_run(project, "evaluation", model="plain", version="1")
    tag = {"dataset": "camp", "at": "2026-01-01T00:00:00Z", "run_id": measured, "metrics": {"map50": 0.5}}
    client.set_model_version_tag("plain", "1", "eval.camp", json.dumps(tag))
    client.delete_run(measured)
    of_trial = log_run(project, "trial")
    client.delete_experiment(client.get_experiment_by_name("trial").experiment_id)
    return Season({deleted, gone, of_trial}, {counted, measured, census}, census, counted)


def litter(project: Workspace) -> Path:
    """A folder of no run, a folder of a person, a download that was killed and two old backups."""
    runs, artifacts = project.root / "runs", folder_of(project) / "artifacts"
    killed = runs / "models" / "plain" / ".fetching-abc"
    for path in (
        artifacts / "1" / ORPHAN / "artifacts" / "picture.jpg",
        artifacts / "1" / "notes" / "mine.txt",
        killed / "model" / "model.onnx",
        runs / "backups" / "mlflow-20250101-000000.zip",
        runs / "backups" / "mlflow-20250201-000000.zip",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 5000)
        os.utime(path, (time.time() - 90 * DAY,) * 2)
    os.utime(killed, (time.time() - 3600,) * 2)
    return killed


def test_cleaning_frees_what_it_says_and_nothing_that_is_cited(project: Workspace) -> None:
    left = season(project)
    killed = litter(project)
    runs, artifacts = project.root / "runs", folder_of(project) / "artifacts"
    assert "nothing was deleted" in project.succeed("mlflow.clean", "--dry-run")  # the server may run
    error, hint = project.fail(3, "mlflow.clean", "--yes")
    assert "the server runs" in error
    follow(project, hint, "server/upkeep/upkeep.py: End it first")
    assert project.fail(2, "mlflow.clean", "--older-than", "9")[1].endswith("clean --older-than 9 --yes")
    ready = bytes_in(runs)
    foretold = numbers(project.succeed("mlflow.clean", "--dry-run"))
    assert foretold[0] == ready == bytes_in(runs), "a dry run changes nothing"

    ended = project.invoke("mlflow.clean", "--yes")
    assert ended.returncode == 0, ended.stderr
    before, after, freed = numbers(ended.stdout)
    assert [before, after] == [ready, bytes_in(runs)] == foretold[:2]
    assert freed == before - after > WEIGHTS.stat().st_size / 2
    assert "1 deleted runs or models stay" in ended.stderr
    names = {path.name for path in artifacts.rglob("*") if path.is_dir()}
    assert not {*left.uncited, ORPHAN} & names
    assert {*left.cited, "notes"} <= names
    assert not killed.exists()
    assert [path.name for path in (runs / "backups").iterdir()] == ["mlflow-20250201-000000.zip"]
    assert numbers(project.succeed("mlflow.clean", "--yes"))[2] == 0, "nothing is left to do"

    check(project, left)
    project.succeed("mlflow.backup", "--output", "backup.zip")
    project.succeed("mlflow.stop")
    content = {path: path.read_bytes() for path in artifacts.rglob("*") if path.is_file()}
    project.succeed("mlflow.restore", "--source", "backup.zip")
    assert {path: path.read_bytes() for path in artifacts.rglob("*") if path.is_file()} == content
    check(project, left)

    # a run that was logged with exact places goes as it is told, to the last file
    run_id = json.loads((project.root / "results/kept/run.json").read_text(encoding="utf-8"))["mlflow"][
        "run_id"
    ]
    said = project.invoke("detect.export", "results/kept", "--export", "csv", "--blur", "10").stderr
    assert list(artifacts.glob(f"*/{run_id}/artifacts/detections.csv"))
    client_of(project).delete_run(run_id)
    stop, clean = commands_told(said, "workflows/detection.py: If it still has that run")
    project.succeed(*stop)
    project.succeed(*clean, "--yes")
    assert not list(artifacts.glob(f"*/{run_id}"))


def check(project: Workspace, left: Season) -> None:
    """All that something cites loads."""
    project.succeed("mlflow.serve", "--detach")
    assert project.document("model.show", "plain@production")["metrics"]["map50"] == 0.5
    words = ("detect.run", PICTURE, "--output", "results/again", "--restart")
    project.succeed(*words, "--model", "plain@production")
    client = client_of(project)
    assert client.get_logged_model(left.counted).status == "READY"
    assert client.get_run(left.census).info.lifecycle_stage == "active"


def test_only_what_was_deleted_long_ago_goes_where_days_are_given(project: Workspace) -> None:
    client = client_of(project)
    gone = log_run(project, "detection")
    client.delete_run(gone)
    weights, hint = deleted_but_for_its_files(project)
    stop, clean = commands_told(hint, "registry/retention.py: The server's admin frees them with")
    project.succeed(*stop)
    folder = folder_of(project) / "artifacts"
    project.succeed("mlflow.clean", "--yes", "--older-than", "2")
    assert list(folder.glob(f"*/{gone}"))
    assert bytes_in(weights) > WEIGHTS.stat().st_size / 2
    project.succeed(*clean, "--yes", "--older-than", "0")
    assert not list(folder.glob(f"*/{gone}"))
    assert not weights.exists()
    project.fail(2, "mlflow.clean", "--yes", "--older-than", "soon")


def deleted_but_for_its_files(project: Workspace) -> tuple[Path, str]:
    """A version whose deletion a server cut short; its folder, and the hint."""
    weights = model_folder(project, "herd", register(project, "herd"))
    with BadServer(port_of(project), "errors", spared=0, bad="/mlflow-artifacts/").running() as server:
        asking = Workspace(project.root, {**project.variables, "MLFLOW_TRACKING_URI": server.uri})
        error, hint = asking.fail(3, "model.delete", "herd/1", "--yes")
    assert "herd/1 is deleted, but not all of its files" in error
    return weights, hint


def numbers(said: str) -> list[int]:
    """Bytes before and after, and those that are freed, of the last line."""
    (line,) = [line for line in said.splitlines() if line.startswith("before ")]
    line = re.sub(r" \([\d.]+ MB\)", "", line)
    found = re.search(r"before ([\d,]+) bytes, after ([\d,]+): (?:would free|freed) ([\d,]+) bytes", line)
    assert found, line
    return [int(number.replace(",", "")) for number in found.groups()]


def test_a_cleaning_on_a_full_disk_says_how_much_it_needs(
    served: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_workspace(tmp_path / "project", served)
    full = shutil.disk_usage(tmp_path)._replace(free=100_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    plan = plan_server(Project(workspace.root), MlflowSettings())
    with (
        pytest.raises(ServerError, match=r"the disk has 0\.1 MB") as raised,
        prepared(plan, None, dry_run=True),
    ):
        pass
    assert "runs/backups" in raised.value.hint
