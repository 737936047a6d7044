"""What a training refuses before it begins, through the real program; no trainer is needed for it."""

from __future__ import annotations

import importlib.util
import json
import shutil

import pytest
from tests.training_sets import small_set
from tests.workspaces import REPOSITORY, Workspace, unused_uri


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace.make(tmp_path_factory.mktemp("training") / "project", MLFLOW_TRACKING_URI=unused_uri())
    small_set(made.root / "set")
    (made.root / "start.pt").write_bytes(b"a checkpoint, as far as a name goes" * 9)
    return made


def words(dataset: str = "set", weights: str = "start.pt") -> tuple[str, ...]:
    return ("model.train", "--dataset", dataset, "--weights", weights, "--name", "herd")


@pytest.mark.skipif(importlib.util.find_spec("ultralytics") is not None, reason="the extra is installed")
def test_without_the_extra_the_command_that_installs_it_is_named(workspace: Workspace) -> None:
    error, hint = workspace.fail(2, *words())
    assert "the extra 'ultralytics', which is not installed" in error
    assert "uv run --extra ultralytics invoke model.train --dataset" in hint
    assert not (workspace.root / "set-training").exists()


def test_weights_that_would_have_to_be_downloaded_are_refused(workspace: Workspace) -> None:
    error, hint = workspace.fail(4, *words(weights="yolov8n.pt"))
    assert "yolov8n.pt do not exist, and nothing is downloaded" in error
    assert "--weights" in hint
    (workspace.root / "pointer.pt").write_text("version https://git-lfs.github.com/spec/v1\n" * 3)
    error, _ = workspace.fail(4, *words(weights="pointer.pt"))
    assert "Git LFS pointer" in error


def test_a_version_that_was_made_of_no_checkpoint_cannot_be_trained_further(
    served: Workspace, workspace: Workspace
) -> None:
    onnx_file = REPOSITORY / "demo/detector.onnx"
    served.succeed("model.register", "--weights", onnx_file, "--name", "made-of-onnx", "--alias", "here")
    dataset = str(workspace.root / "set")
    error, _ = served.fail(4, *words(dataset, "made-of-onnx@here"))
    assert "made-of-onnx/1 was made of" in error
    assert "cannot be trained further" in error
    error, _ = served.fail(4, *words(dataset, str(onnx_file)))
    assert "a training begins with a .pt checkpoint, not with .onnx" in error


def test_a_set_that_was_changed_is_refused(workspace: Workspace) -> None:
    shutil.copytree(workspace.root / "set", workspace.root / "changed")
    label = next((workspace.root / "changed/labels/train").glob("*.txt"))
    text = label.read_text(encoding="utf-8")
    label.write_text("", encoding="utf-8")
    error, hint = workspace.fail(5, *words("changed"))
    assert "does not hold what it held when it was built" in error
    assert "dataset.build" in hint
    label.write_text(text, encoding="utf-8")
    shutil.copy(label, label.with_name("more.txt"))
    pictures = workspace.root / "changed/images/train"
    shutil.copy(pictures / f"{label.stem}.jpg", pictures / "more.jpg")
    workspace.fail(5, *words("changed"))


def test_a_set_without_animals_to_watch_by_is_refused(workspace: Workspace) -> None:
    small_set(workspace.root / "unwatched", train=4, val=0)
    error, _ = workspace.fail(5, *words("unwatched"))
    assert "the part val of" in error
    assert "nothing to watch the training by" in error


def test_what_is_no_set_and_numbers_that_are_none_are_refused(workspace: Workspace) -> None:
    error, _ = workspace.fail(2, *words("configs"))
    assert "is no training set" in error
    manifest = workspace.root / "damaged" / "dataset.json"
    manifest.parent.mkdir()
    manifest.write_text(json.dumps({"format": "wildetect-dataset 1"}), encoding="utf-8")
    error, _ = workspace.fail(5, *words("damaged"))
    assert "dataset.json is damaged" in error
    for option, text in (("--epochs", "0"), ("--imgsz", "100"), ("--batch", "many")):
        error, hint = workspace.fail(2, *words(), option, text)
        assert f"{option}" in error
        assert f"{option} " in hint


def test_weights_that_were_trained_elsewhere_are_linked_to_their_run(served: Workspace) -> None:
    import mlflow

    uri = served.variables["MLFLOW_TRACKING_URI"]
    client = mlflow.MlflowClient(uri, uri)
    run_id = client.create_run(client.create_experiment("elsewhere"), run_name="herd-2026").info.run_id
    words = ("model.register", "--weights", REPOSITORY / "demo/detector.onnx", "--name", "elsewhere")
    for dry in ((), ("--dry-run",)):
        error, hint = served.fail(4, *words, "--training-run", "0" * 32, *dry)
        assert f"holds no run {'0' * 32}" in error
        assert uri in hint
    served.fail(4, "model.show", "elsewhere/1")
    served.succeed(*words, "--training-run", run_id)
    assert served.document("model.show", "elsewhere/1")["tags"]["training_run"] == run_id
    assert client.get_run(run_id).data.tags["version"] == "elsewhere/1"
    client.delete_run(run_id)
    error, _ = served.fail(4, *words, "--training-run", run_id)
    assert "was deleted" in error
