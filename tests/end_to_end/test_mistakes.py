"""The mistakes that users make, through the real program: exit code, one error, one hint."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from tests.workspaces import Workspace, unused_uri


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    from PIL import Image

    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.new("RGB", (64, 48), "green").save(folder / "a.jpg")
    return folder


@pytest.mark.parametrize("name", ["coco.json", "verdicts.jsonl"])
def test_a_corrected_file_that_is_not_there_is_named_first(workspace: Workspace, name: str) -> None:
    error, hint = workspace.fail(5, "review.import", "--source", name)
    assert error == f"error: there is no file {workspace.root / name}"
    assert "Check the path" in hint


@pytest.mark.parametrize("words", ["model.evaluate", "model.optimize", "model.train"])
def test_weights_that_are_not_there_are_in_no_hint(workspace: Workspace, words: str) -> None:
    option = "--weights" if words == "model.train" else "--model"
    error, hint = workspace.fail(4, words, option, "gone.onnx")
    assert error == f"error: the weights file {workspace.root / 'gone.onnx'} does not exist"
    assert "gone.onnx" not in hint


def test_wrong_yaml(workspace: Workspace, pictures: Path) -> None:
    config = workspace.root / "configs/detection.yaml"
    config.write_text("processing:\n  tilesize: 5\n  batch_size: 0\n", encoding="utf-8")
    ended = workspace.invoke("detect.run", "--source", pictures)
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: 2 problems in the settings\n")
    assert (
        "configs/detection.yaml:2: processing.tilesize = 5: unknown key; did you mean processing.tile_size?"
        in (ended.stderr)
    )
    assert "configs/detection.yaml:3: processing.batch_size = 0" in ended.stderr
    assert not (workspace.root / "results").exists()


def test_a_remote_scoring_service(workspace: Workspace, pictures: Path) -> None:
    config = workspace.root / "configs/detection.yaml"
    config.write_text("inference_service:\n  url: http://gpu:4141/predict\n", encoding="utf-8")
    error, _ = workspace.fail(2, "detect.run", "--source", pictures)
    assert "configs/detection.yaml:2: inference_service.url = 'http://gpu:4141/predict': " in error
    assert "set it to null" in error


def test_broken_dotenv(workspace: Workspace) -> None:
    (workspace.root / ".env").write_text("just words\n", encoding="utf-8")
    error, _ = workspace.fail(2, "model.list")
    assert error == "error: .env:1: not NAME=value"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--tile-size", "big"), "--tile-size: processing.tile_size = 'big': must be a valid integer"),
        (("--overlap", "1"), "--overlap: processing.overlap_ratio = '1': must be less than 1"),
        (("--device", "gpu"), "--device: model.device = 'gpu': must be 'auto', 'cpu', 'cuda', 'directml' or"),
        (("--limit", "0"), "--limit: '0' is not a number of photographs"),
        (("--model", "detector"), "'detector' names no version of a model"),
        (("--config", "gone.yaml"), "there is no settings file gone.yaml"),
    ],
)
def test_wrong_option(workspace: Workspace, pictures: Path, words: tuple[str, str], says: str) -> None:
    error, _ = workspace.fail(2, "detect.run", "--source", pictures, *words)
    assert says in error


@pytest.mark.parametrize(
    ("mistake", "first", "lists"),
    [
        ("detect.run demo --export jso", "geojson", "megadetector"),
        ("detect.run demo --device gpu", "cuda", "cpu"),
        ("detect.run demo --confidence 0,3", "0.3", ""),
        ("model.register --family yolo8", "yolov8", "obb"),
        ("model.optimize a@b --pictures x --kind int9", "int8", "windows"),
        ("review.plan demo --for estimat", "estimate", "training"),
        ("mlflow.users add ann --role edtor", "editor", "reader"),
        ("mlflow.users --action delete", "remove", "list"),
        ("census.export demo --format excel", "xlsx", "citation"),
        ("config.show --section detecton", "detection", "mlflow"),
    ],
)
def test_a_wrong_word_lists_those_there_are_and_the_likeliest_first(
    workspace: Workspace, pictures: Path, mistake: str, first: str, lists: str
) -> None:
    """What the hint puts first is taken: with it the same command gets on to something else."""
    (workspace.root / "demo").symlink_to(pictures)
    *words, option, wrong = mistake.split()
    error, hint = workspace.fail(2, *words, option, wrong)
    assert wrong in error
    assert hint.startswith((f"hint: Give {option} {first}", f"hint: For example {option} {first}"))
    assert lists in hint
    again = workspace.invoke(*words, option, first)
    assert f"{option}:" not in again.stderr


def test_a_weights_file_that_is_not_there(workspace: Workspace, pictures: Path) -> None:
    _, hint = workspace.fail(4, "detect.run", "--source", pictures, "--model", "gone.onnx")
    assert hint == (
        "hint: Give the file with --model, or as model.mlflow_model_name in configs/detection.yaml."
    )
    error, _ = workspace.fail(4, "detect.run", "--source", pictures, "--model", "gone.pt")
    assert "gone.pt does not exist" in error
    _, hint = workspace.fail(4, "model.register", "--weights", "gone.onnx")
    assert "--weights" in hint


def test_no_source(workspace: Workspace) -> None:
    error, hint = workspace.fail(2, "detect.run")
    assert error == "error: no photographs are named"
    assert "--source" in hint


@pytest.mark.parametrize("task", [("model.list",), ("detect.run", "--model", "demo@production")])
def test_server_off(workspace: Workspace, pictures: Path, task: tuple[str, ...]) -> None:
    begun = time.monotonic()
    more = ("--source", pictures) if task[0] == "detect.run" else ()
    error, hint = workspace.fail(3, *task, *more)
    assert time.monotonic() - begun < 5
    assert "no MLflow server answers at http://127.0.0.1:" in error
    assert "uv run invoke mlflow.serve" in hint


def test_server_off_after_good_weights(workspace: Workspace, shared_data: Path) -> None:
    begun = time.monotonic()
    workspace.fail(3, "model.register", "--weights", shared_data / "models/yolov8n_int8.onnx", "--name", "x")
    assert time.monotonic() - begun < 15


def test_empty_folder(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    error, _ = workspace.fail(5, "detect.run", "--source", tmp_path / "empty")
    assert "no images in" in error
    assert not (workspace.root / "results").exists()


def test_missing_source(workspace: Workspace, tmp_path: Path) -> None:
    error, _ = workspace.fail(5, "detect.run", "--source", tmp_path / "gone")
    assert "does not exist" in error


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ((), 2, "no weights are given"),
        (("--weights", "gone.onnx"), 4, "gone.onnx does not exist"),
        (("--weights", "best.pt"), 4, "best.pt does not exist"),
        (("--weights", "best.ckpt"), 4, "best.ckpt does not exist"),
        (("--weights", "tasks.py"), 4, "tasks.py is not an ONNX file"),
        (("--weights", "x.onnx", "--alias", "latest"), 4, "the alias 'latest' is reserved"),
        (("--weights", "x.onnx", "--alias", "v3"), 4, "the alias 'v3' is reserved"),
        (("--weights", "x.onnx", "--name", "a/b"), 4, "'a/b' cannot be the name of a model"),
    ],
)
def test_what_cannot_be_registered(
    workspace: Workspace, words: tuple[str, ...], code: int, says: str
) -> None:
    error, _ = workspace.fail(code, "model.register", *words)
    assert says in error


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("naughty/lfs_pointer_yolov5n.onnx", "Git LFS pointer"),
        ("naughty/twobyte_yolov10n.onnx", "2 bytes"),
        ("naughty/nanodet_missing_external_data.onnx", "missing: nanodet.onnx.data"),
        ("naughty/notdetector_mnist.onnx", "not a detector"),
        ("models/yolox_nano.onnx", "(1, 3549, 85) fit yolov5 and yolox"),
        ("models/yolov8n_int8.onnx --class-names", "class names"),
    ],
)
def test_weights_that_are_no_detector(workspace: Workspace, shared_data: Path, file: str, says: str) -> None:
    name, *wrong_names = file.split()
    config = workspace.root / "configs/mine.yaml"
    config.write_text("class_names: [a, b]\n" if wrong_names else "family: null\n", encoding="utf-8")
    error, hint = workspace.fail(4, "model.register", "--config", config, "--weights", shared_data / name)
    assert says in error
    assert len(hint) > len("hint: ")


def test_unknown_alias_and_version(served: Workspace, pictures: Path, shared_data: Path) -> None:
    served.succeed(
        "model.register",
        "--weights",
        shared_data / "models/yolov8n_int8.onnx",
        "--name",
        "known",
        "--alias",
        "field",
    )
    error, hint = served.fail(4, "detect.run", "--source", pictures, "--model", "known@production")
    assert "holds no model known@production" in error
    assert hint == "hint: known has version 1; aliases field -> 1."
    served.fail(4, "detect.run", "--source", pictures, "--model", "known/7")
    error, hint = served.fail(4, "detect.run", "--source", pictures, "--model", "unknown/latest")
    assert "known" in hint
    served.fail(4, "model.promote", "--name", "known", "--version", "9", "--alias", "production")


def test_a_folder_of_broken_pictures(workspace: Workspace, shared_data: Path) -> None:
    words = ("--source", shared_data / "naughty", "--model", shared_data / "models/yolov8n_int8.onnx")
    config = workspace.root / "configs/detection.yaml"
    config.write_text("processing: {max_errors: 50, tile_size: 0}\n", encoding="utf-8")
    ended = workspace.invoke("detect.run", *words, "--output", "results")
    assert ended.returncode == 5, ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stderr.count("\nerror: ") == 1
    run = json.loads((workspace.root / "results/run.json").read_text(encoding="utf-8"))
    assert run["state"] == "finished"
    assert run["images"]["done"] == run["images"]["found"] > 15
    assert run["images"]["failed"] == len(run["failures"]) >= 2
    assert all(failure["reason"] for failure in run["failures"])
    detections = json.loads((workspace.root / "results/detections.json").read_text(encoding="utf-8"))
    failed = {image["file"] for image in detections["images"] if image.get("failure")}
    assert failed == {failure["file"] for failure in run["failures"]}


def test_too_many_failures_stop_the_run(workspace: Workspace, shared_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.jpg").write_bytes(b"no picture")
    config = workspace.root / "configs/detection.yaml"
    config.write_text("processing: {max_errors: 2}\n", encoding="utf-8")
    words = ("--source", folder, "--model", shared_data / "models/yolov8n_int8.onnx")
    error, hint = workspace.fail(5, "detect.run", *words)
    assert "3 of 6 images failed; the run stopped there, 3 images are left" in error
    assert "processing.max_errors" in hint
    run = json.loads((workspace.root / "results/run.json").read_text(encoding="utf-8"))
    assert run["state"] == "stopped"
