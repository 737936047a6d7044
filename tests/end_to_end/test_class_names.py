"""Class names as files carry them: no count keyed by name can be another class's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from PIL import Image
from tests import known_answers
from tests.detection.networks import save_network
from tests.detection.test_decoders import yolov8
from tests.workspaces import REPOSITORY, Workspace, unused_uri

from wildetect.settings.registration import Column


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("blob2", ["elephant", "zebra"]),
        ("names_from1", ["elephant", "zebra"]),
        ("names_gap", ["elephant", "class 1", "zebra"]),
    ],
)
def test_numbers_that_begin_with_1_or_have_gaps_are_read_by_the_outputs(
    workspace: Workspace, shared_data: Path, model: str, names: list[str]
) -> None:
    weights = shared_data / f"reports/models/{model}.onnx"
    run = workspace.document(
        "detect.run", shared_data / "reports/colony.png", "--model", weights, "--tile-size", "640"
    )
    assert list(run["counts"]) == names
    assert run["counts"]["elephant"] == run["detections"] > 0


def test_a_name_that_comes_twice_in_a_file_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    metadata = {"names": "{0: 'bird', 1: 'zebra', 2: 'bird'}", "task": "detect", "args": "{'nms': False}"}
    weights = save_network(tmp_path / "twice.onnx", yolov8()[0], metadata=metadata)
    error, hint = workspace.fail(4, "detect.run", REPOSITORY / "demo/pictures", "--model", weights)
    assert "hold 'bird' more than once" in error
    assert "class_names: in configs/detector_registration.yaml" in hint


def test_names_in_another_order_than_the_file_has_are_doubted(workspace: Workspace, tmp_path: Path) -> None:
    columns: list[Column] = ["x1", "y1", "x2", "y2", "score", "class"]
    notes = {**known_answers.ULTRALYTICS, "end2end": "True"}
    weights = known_answers.table(tmp_path / "rows.onnx", columns, metadata=notes)
    Image.fromarray(known_answers.picture()).save(tmp_path / "both.png")
    ways = ((["Blue", "red"], True), (["Red", "blue"], False), (["impala", "kudu"], False), (None, False))
    for number, (names, doubted) in enumerate(ways):
        settings = {"localizer": {"yolo": {"weights": str(weights)}}, "class_names": names}
        config = workspace.root / "configs/detector_registration.yaml"
        config.write_text(yaml.safe_dump(settings), encoding="utf-8")
        words = ("--model", weights, "--output", f"found{number}")
        ended = workspace.invoke("detect.run", tmp_path / "both.png", *words)
        assert ended.returncode == 0, ended.stderr
        run = json.loads((workspace.root / f"found{number}/run.json").read_text(encoding="utf-8"))
        told = "class_names has Blue and red at another place than the model's file, whose names are red and"
        assert (told in str(run["model"].get("unchecked"))) is doubted
        assert (told in ended.stderr) is doubted
        if doubted:
            assert told in workspace.invoke("model.register", "--dry-run").stderr
