"""The lines of settings that hints give: each is written where its hint says, and the mistake is gone."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import onnx
import pytest
import yaml
from PIL import Image
from tests import known_answers
from tests.detection.networks import save_classifier
from tests.hinted import told_at, write_line_for_env, write_setting
from tests.servers import port_of, uri_of
from tests.workspaces import REPOSITORY, ManyTasks, Workspace, many_tasks, unused_uri

from wildetect.settings.registration import Column

DETECTOR = REPOSITORY / "demo/detector.onnx"


def test_a_line_for_env_makes_the_task_work(served: Workspace, tmp_path: Path) -> None:
    workspace, uri = Workspace.make(tmp_path / "project"), uri_of(served)
    for wrong in (
        f"set MLFLOW_TRACKING_URI={uri}",
        f"MLFLOW_TRACKING_URI: {uri}",
        f"MLFLOW_TRACKING_URI=\N{LEFT DOUBLE QUOTATION MARK}{uri}\N{RIGHT DOUBLE QUOTATION MARK}",
        f"MLFLOW_TRACKING_URI=https://127.0.0.1:{port_of(served)}",
    ):
        (workspace.root / ".env").write_text(f"{wrong}\n", encoding="utf-8")
        ended = workspace.invoke("model.list")
        assert ended.returncode in (2, 3), f"{wrong}\n{ended.stdout}{ended.stderr}"
        write_line_for_env(workspace, ended.stderr, uri)
        ended = workspace.invoke("model.list")
        assert ended.returncode == 0, f"{wrong}\n{ended.stderr}"


def test_a_line_for_a_settings_file_makes_the_task_work(tmp_path: Path) -> None:
    workspace = Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())
    (workspace.root / "pictures").mkdir()
    content = (REPOSITORY / "demo/pictures/A1.jpg").read_bytes()
    (workspace.root / "pictures/whole.jpg").write_bytes(content)
    (workspace.root / "pictures/cut.jpg").write_bytes(content[: len(content) // 2])
    detection = workspace.root / "configs/detection.yaml"
    document = yaml.safe_load(detection.read_text(encoding="utf-8"))
    document["model"]["device"] = "cuda"
    detection.write_text(yaml.safe_dump(document), encoding="utf-8")
    words = ("detect.run", "pictures", "--model", DETECTOR, "--tile-size", "640", "--output", "results")
    ended = workspace.invoke(*words)
    assert "device: cuda is not available" in ended.stderr
    write_setting(detection, ended.stderr, "detection/network/devices.py: Set model.device")
    ended = workspace.invoke(*words)
    assert "cut.jpg" in ended.stderr
    write_setting(detection, ended.stderr, "detection/run/failures.py: takes what there is of damaged ones")
    ended = workspace.invoke(*words, "--restart")
    assert ended.returncode == 0, ended.stderr

    registration = workspace.root / "configs/detector_registration.yaml"
    document = yaml.safe_load(registration.read_text(encoding="utf-8"))
    document["classifier"] = {"weights": "gone.onnx"}
    registration.write_text(yaml.safe_dump(document), encoding="utf-8")
    register = ("model.register", "--weights", DETECTOR, "--name", "herd", "--dry-run")
    ended = workspace.invoke(*register)
    assert "gone.onnx" in ended.stderr
    write_setting(registration, ended.stderr, "registry/weights/intake.py: Fix classifier.weights in")
    ended = workspace.invoke(*register)
    assert "gone.onnx" not in ended.stderr


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace.make(tmp_path_factory.mktemp("lines") / "project", MLFLOW_TRACKING_URI=unused_uri())
    for picture, squares in (("squares", known_answers.SQUARES), ("red", RED)):
        Image.fromarray(known_answers.picture(squares)).save(made.root / f"{picture}.png")
    save_classifier(made.root / "second.onnx")
    return made


@pytest.fixture(scope="module")
def tasks(workspace: Workspace) -> Iterator[ManyTasks]:
    with many_tasks(workspace) as running:
        yield running


def said_of(workspace: Workspace, weights: Path, **settings: object) -> Path:
    """The settings of a registration: what a person wrote of a file."""
    file = workspace.root / "configs/detector_registration.yaml"
    named = {"localizer": {"yolo": {"weights": str(weights)}}}
    file.write_text(yaml.safe_dump({**named, **settings}), encoding="utf-8")
    return file


class Mistake(NamedTuple):
    """A file, what a person said of it, and the hints that follow, with what only the reader knows."""

    make: Callable[[Path], Path]
    settings: dict[str, Any]
    hints: list[tuple[str, dict[str, object]]]
    options: tuple[str, ...] = ()


COLOURS: dict[str, object] = {"class_names": ["red", "blue"]}
ANIMALS: dict[str, object] = {"class_names": ["elephant", "zebra", "antelope"]}
COLUMNS: list[Column] = ["x1", "y1", "x2", "y2", "score", "class"]
RED = [(column, row, 0) for column, row, _ in known_answers.SQUARES]
A1 = str(REPOSITORY / "demo/pictures/A1.jpg")


def the_demo(path: Path) -> Path:
    return Path(shutil.copy(DETECTOR, path))


def by_transformers(path: Path) -> Path:
    """A DETR whose outputs are called as Hugging Face calls them."""
    model = onnx.load(known_answers.rf_detr(path))
    names = {"dets": "pred_boxes", "labels": "logits", "logits": "own_logits"}
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for output in model.graph.output:
        output.name = names[output.name]
    onnx.save(model, path)
    return path


MISTAKES = {
    "nothing is said of boxes, labels and scores": Mistake(
        known_answers.torchvision,
        {},
        [
            ("detection/checks/recognition.py: Write the one it was trained as", {"family": "torchvision"}),
            ("detection/checks/recognition.py: List them in the order of its outputs", COLOURS),
            ("detection/checks/row_layout.py: or set first_label: in", {"first_label": 1}),
        ],
    ),
    "nothing is said of a table": Mistake(
        lambda path: known_answers.table(path, COLUMNS, found_only=True),
        {"family": "end-to-end", **COLOURS},
        [("detection/checks/row_layout.py: or set columns: in", {"columns": COLUMNS})],
    ),
    "a name twice": Mistake(
        the_demo,
        {"class_names": ["a", "a", "b"]},
        [("detection/checks/recognition.py: Give each class its own name, in their order", ANIMALS)],
    ),
    "another family": Mistake(
        the_demo, {"family": "yolo-nas"}, [("detection/checks/inspection.py: Set family", {})]
    ),
    "too few names": Mistake(
        known_answers.torchvision,
        {"family": "torchvision", "class_names": ["red"]},
        [("detection/checks/row_layout.py: List all its classes", COLOURS)],
        ("--picture", "squares.png"),
    ),
    "a class that never comes": Mistake(
        known_answers.torchvision,
        {"family": "torchvision", **COLOURS},
        [("detection/checks/row_layout.py: set first_label: 0 if its first class is 0", {})],
        ("--picture", "red.png"),
    ),
    "a faint first column": Mistake(
        lambda path: known_answers.rf_detr(path, nothing=-9, nothing_first=True),
        {"family": "rf-detr", **COLOURS},
        [("detection/families/rows/rf_detr.py: its first column is fainter", {})],
    ),
    "a DETR of transformers": Mistake(
        by_transformers,
        {"family": "rf-detr", **COLOURS},
        [("detection/checks/examination.py: fed with ImageNet's mean and deviation", {})],
    ),
    "a file of PaddleDetection": Mistake(
        known_answers.paddle,
        {"family": "end-to-end", **COLOURS},
        [("detection/checks/examination.py: fed without mean and deviation", {})],
        ("--picture", "squares.png"),
    ),
    "too few names for any family": Mistake(
        the_demo,
        {"class_names": ["elephant"]},
        [
            ("detection/checks/family_check.py: Give all class names of the model", ANIMALS),
            ("tasks/model/register.py: If the boxes in the picture lie on the animals", {}),
        ],
        ("--family", "auto-check", "--picture", A1),
    ),
    "a classifier without names": Mistake(
        the_demo,
        {"classifier": {"weights": "second.onnx"}},
        [
            ("detection/checks/classifier_inspection.py: List them in the order of its outputs", ANIMALS),
        ],
    ),
    "a classifier with a name twice": Mistake(
        the_demo,
        {"classifier": {"weights": "second.onnx", "class_names": ["a", "b", "b"]}},
        [("detection/checks/classifier_inspection.py: Give each class its own name", ANIMALS)],
    ),
    "a classifier of another format": Mistake(
        the_demo,
        {"classifier": {"weights": "second.pt"}},
        [("registry/weights/intake.py: Export it where it was trained (Lightning", {})],
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_lines_for_a_registration_make_it_pass(
    workspace: Workspace, tasks: ManyTasks, tmp_path: Path, name: str
) -> None:
    mistake = MISTAKES[name]
    settings, options = mistake.settings, mistake.options
    file = said_of(workspace, mistake.make(tmp_path / "weights.onnx"), **settings)
    words = ("model.register", "--name", "herd", "--dry-run")
    for where, known in mistake.hints:
        ended = tasks.invoke(*words, *options)
        write_setting(file, ended.stdout + ended.stderr, where, **known)
    ended = tasks.invoke(*words, *(() if "auto-check" in options else options))
    assert ended.returncode == 0, ended.stderr
    assert not re.search(told_at(where)[0].pattern, ended.stderr), ended.stderr


def test_words_that_are_no_settings_become_one(workspace: Workspace, tasks: ManyTasks) -> None:
    file = workspace.root / "configs/words.yaml"
    file.write_text("the survey of May\n", encoding="utf-8")
    words = ("detect.run", "--config", file, "--model", DETECTOR, "--dry-run")
    said = tasks.invoke(*words).stderr
    write_setting(file, said, "settings/yaml_files/reading.py: write image_dir")
    said = tasks.invoke(*words).stderr
    assert "'key: value'" not in said
    assert "survey" in said  # a folder that is not there
