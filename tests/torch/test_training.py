"""A detector learns through the real program: killed on the way, gone on with, registered, linked."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.torch import torchvision_stand_in
from tests.training_sets import small_set
from tests.workspaces import Workspace

# "yolo" first: where PyTorch is absent, no server is started for tests that are skipped
pytestmark = [pytest.mark.timeout(900), pytest.mark.usefixtures("yolo")]
EPOCHS = 3


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The trainer's own process must find torchvision, too, where it cannot be loaded."""
    folder = tmp_path_factory.mktemp("stand-in")
    if "stand_in" in str(getattr(sys.modules["torchvision"].ops.nms, "__module__", "")):
        package = folder / "torchvision"
        package.mkdir()
        (package / "__init__.py").write_text("from . import ops\n__version__ = '0.0.0'\n", encoding="utf-8")
        shutil.copy(str(torchvision_stand_in.__file__), package / "ops.py")
    return str(folder)


@pytest.fixture
def place(served: Workspace, stand_in: str, yolo: Any, tmp_path: Path) -> Workspace:
    """The served project, with a set and starting weights of this test alone."""
    small_set(tmp_path / "set")
    yolo("yolov8n.yaml").save(str(tmp_path / "start.pt"))  # as it is before it has learned anything
    return Workspace(served.root, {**served.variables, "PYTHONPATH": stand_in})


def words(folder: Path, name: str) -> tuple[str | Path, ...]:
    options = ("--epochs", str(EPOCHS), "--batch", "4", "--name", name)
    return ("model.train", folder / "set", "--weights", folder / "start.pt", *options)


def history(place: Workspace, run_id: str, metric: str) -> list[tuple[int, float]]:
    import mlflow

    uri = place.variables["MLFLOW_TRACKING_URI"]
    found = mlflow.MlflowClient(uri, uri).get_metric_history(run_id, metric)
    return [(each.step, each.value) for each in found]


def run_of(place: Workspace, run_id: str) -> Any:
    import mlflow

    uri = place.variables["MLFLOW_TRACKING_URI"]
    return mlflow.MlflowClient(uri, uri).get_run(run_id)


def test_a_training_ends_as_a_candidate_that_names_run_and_set(place: Workspace, tmp_path: Path) -> None:
    before = sorted(path for path in (tmp_path / "set").rglob("*"))
    made = place.document(*words(tmp_path, "learner"), timeout=600)
    assert sorted((tmp_path / "set").rglob("*")) == before
    run = run_of(place, made["run_id"])
    digest = json.loads((tmp_path / "set" / "dataset.json").read_text(encoding="utf-8"))["digest"]
    assert run.info.status == "FINISHED"
    assert run.data.params["dataset_digest"] == digest
    assert run.data.params["epochs"] == str(EPOCHS)
    assert "processors" in run.data.tags["machine"]
    assert "ultralytics" in run.data.tags["trained_by"]
    assert run.data.tags["version"] == "learner/1"
    for metric in ("val/map50", "train/box_loss", "lr/pg0"):
        assert [step for step, _ in history(place, made["run_id"], metric)] == [1, 2, 3]
    shown = place.document("model.show", "learner@candidate")
    assert shown["version"] == made["version"] == "1"
    assert shown["tags"]["training_run"] == made["run_id"]
    assert shown["tags"]["training_set_digest"] == digest
    assert 0 <= made["metrics"]["val/recall"] <= 1
    again = place.document(*words(tmp_path, "learner"))
    assert (again["trained"], again["version"], again["run_id"]) == (False, "1", made["run_id"])
    # the checkpoint of a version is what a further training begins with
    further = ("--weights", "learner@candidate", "--epochs", "1", "--name", "learner")
    second = place.document("model.train", tmp_path / "set", *further, timeout=600)
    assert second["version"] == "2"
    assert second["run_id"] != made["run_id"]
    # what it was begun with has learned from pictures, too
    card = dict(place.document("model.show", "learner/2")["card"])
    assert card["trained on"].startswith(f"set (digest {digest[:8]})")
    assert card["and before on"].endswith("as learner/1")
    assert card["begun with"] == f"{tmp_path / 'start.pt'}, of which nothing is known here"
    assert card["training run"] == second["run_id"]


def test_a_training_that_is_killed_goes_on_as_one_run(place: Workspace, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "invoke", *map(str, words(tmp_path, "killed"))]
    with subprocess.Popen(
        command, cwd=place.root, env=place.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as first:
        told = wait_for_epoch(tmp_path / "set-training", first)
        os.kill(first.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    assert 0 < len(told.read_text(encoding="utf-8").splitlines()) < EPOCHS
    state = json.loads((told.parent / "training.json").read_text(encoding="utf-8"))
    made = place.document(*words(tmp_path, "killed"), timeout=600)
    assert made["run_id"] == state["run_id"]
    assert made["version"] == "1"
    assert run_of(place, made["run_id"]).info.status == "FINISHED"
    for metric in ("val/map50", "val/recall"):
        assert [step for step, _ in history(place, made["run_id"], metric)] == [1, 2, 3]
    epochs = [json.loads(line)["epoch"] for line in told.read_text(encoding="utf-8").splitlines()]
    assert epochs == [1, 2, 3]  # none was gone through twice


def wait_for_epoch(folder: Path, process: subprocess.Popen[bytes]) -> Path:
    """The file of epochs, once one is in it."""
    end = time.monotonic() + 300
    while time.monotonic() < end and process.poll() is None:
        for path in folder.glob("*/epochs.jsonl"):
            if path.read_text(encoding="utf-8"):
                return path
        time.sleep(0.05)
    raise AssertionError(f"no epoch was told of; the program ended with {process.poll()}")
