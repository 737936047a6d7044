"""Weights files that no registration has looked at: a run holds them to what registration would."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from tests import known_answers
from tests.hinted import write_setting
from tests.workspaces import REPOSITORY, Workspace, unused_uri

from wildetect.settings.registration import Column

DEMO = REPOSITORY / "demo"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    path = tmp_path / "squares.png"
    Image.fromarray(known_answers.picture()).save(path)
    return path


def named_by_settings(workspace: Workspace, weights: Path, **said: object) -> None:
    settings = {"localizer": {"yolo": {"weights": str(weights)}}, **said}
    settings_of(workspace).write_text(yaml.safe_dump(settings), encoding="utf-8")


def settings_of(workspace: Workspace) -> Path:
    return workspace.root / "configs/detector_registration.yaml"


def test_a_file_that_does_not_behave_as_its_family_is_refused_as_at_registration(
    workspace: Workspace, photograph: Path, shared_data: Path
) -> None:
    weights = shared_data / "models/yolox_nano.onnx"
    named_by_settings(workspace, weights, family="yolov5", class_names=[f"class {one}" for one in range(80)])
    refused = workspace.fail(4, "detect.run", photograph, "--model", weights)
    assert refused == workspace.fail(4, "model.register", "--dry-run")
    assert "does not behave as yolov5" in refused[0]
    assert not (workspace.root / "results").exists()


def test_a_list_of_animals_that_stayed_empty_is_said_to_be_unchecked(
    workspace: Workspace, photograph: Path, tmp_path: Path
) -> None:
    weights = known_answers.split(tmp_path / "split.onnx")
    named_by_settings(workspace, weights, family="end-to-end-split", class_names=["red", "blue"])
    ended = workspace.invoke("detect.run", photograph, "--model", weights, "--output", "found")
    assert ended.returncode == 0, ended.stderr
    (said,) = [line for line in ended.stderr.splitlines() if "is read as" in line]
    assert said.startswith(
        "warning: split.onnx is read as end-to-end-split, as the settings say; not checked"
    )
    assert f"{len(known_answers.SQUARES)} detections in 1 of 1 image" in ended.stdout
    run = json.loads((workspace.root / "found/run.json").read_text(encoding="utf-8"))
    assert run["model"]["unchecked"].startswith("not checked: no box was found; check it with model.register")
    assert ended.stderr.count("warning: whether the model is read rightly is not sure: not checked") == 1
    page = (workspace.root / "found/report.html").read_text(encoding="utf-8")
    assert f"is not sure:</strong> {run['model']['unchecked']}" in page
    assert (
        "whether the model is read rightly"
        in workspace.invoke("detect.run", photograph, "--model", weights, "--dry-run").stderr
    )


def test_a_file_that_the_settings_do_not_name_is_told_to_be_named_there(
    workspace: Workspace, photograph: Path, tmp_path: Path
) -> None:
    weights = known_answers.torchvision(tmp_path / "faster.onnx")
    named_by_settings(workspace, tmp_path / "another.onnx", family="torchvision", class_names=["red", "blue"])
    error, hint = workspace.fail(4, "detect.run", photograph, "--model", weights)
    assert "does not say its family" in error
    where = "workflows/model_choice.py: Name the file there, too"
    write_setting(settings_of(workspace), hint, where, weights=str(weights))
    error, _ = workspace.fail(4, "detect.run", photograph, "--model", weights)
    assert (
        "cannot be told whether its classes are numbered from 0" in error
    )  # the file is the one that is named


def test_a_first_class_that_never_comes_is_doubted_where_a_file_may_count_from_1(
    workspace: Workspace, tmp_path: Path
) -> None:
    columns: list[Column] = ["x1", "y1", "x2", "y2", "score", "class"]
    weights = known_answers.table(tmp_path / "rows.onnx", columns)
    blue = [(column, row, 1) for column, row, _ in known_answers.SQUARES]
    for name, squares in (("blue", blue), ("both", known_answers.SQUARES)):
        Image.fromarray(known_answers.picture(squares)).save(tmp_path / f"{name}.png")
    said: dict[str, object] = {"family": "end-to-end", "class_names": ["red", "blue"]}
    doubt = f"none of {len(blue)} detections is of the model's first class, red"
    named_by_settings(workspace, weights, **said)
    told = ""
    for name, first, doubted in (("both", None, False), ("blue", None, True), ("blue", 0, False)):
        if first is not None:  # the names are right
            where = "detection/run/run.py: none of"
            write_setting(settings_of(workspace), told, where, first_label=first)
        words = ("--model", weights, "--output", f"{name}-{first}")
        ended = workspace.invoke("detect.run", tmp_path / f"{name}.png", *words)
        told = ended.stderr
        assert ended.returncode == 0, told
        assert f"{len(blue)} detections in 1 of 1 image" in ended.stdout
        page = (workspace.root / f"{name}-{first}" / "report.html").read_text(encoding="utf-8")
        run = json.loads((workspace.root / f"{name}-{first}" / "run.json").read_text(encoding="utf-8"))
        assert {doubt in ended.stderr, "model&#39;s first class, red" in page} == {doubted}
        assert any(one["what"].startswith(doubt) for one in run["doubts"]) is doubted


@pytest.mark.parametrize("family", ["detr", "end-to-end-split"])
def test_a_first_class_that_never_comes_is_doubted_wherever_boxes_carry_numbers(
    workspace: Workspace, tmp_path: Path, family: str
) -> None:
    make = known_answers.detr if family == "detr" else known_answers.split
    weights = make(tmp_path / "labels.onnx")
    blue = [(column, row, 1) for column, row, _ in known_answers.SQUARES]
    Image.fromarray(known_answers.picture(blue)).save(tmp_path / "blue.png")
    for first, doubted in ((None, True), (0, False)):
        said = {} if first is None else {"first_label": first}
        named_by_settings(workspace, weights, family=family, class_names=["red", "blue"], **said)
        output = workspace.root / f"first-{first}"
        ended = workspace.invoke("detect.run", tmp_path / "blue.png", "--model", weights, "--output", output)
        assert ended.returncode == 0, ended.stderr
        run = json.loads((output / "run.json").read_text(encoding="utf-8"))
        assert run["counts"] == {"red": 0, "blue": len(blue)}
        told = [one["what"] for one in run["doubts"] if "of the model's first class, red" in one["what"]]
        assert bool(told) is doubted


def test_a_side_that_no_input_can_have_is_refused_with_those_that_fit(workspace: Workspace) -> None:
    weights = DEMO / "detector.onnx"
    named_by_settings(workspace, weights, localizer={"yolo": {"weights": str(weights), "imgsz": 650}})
    error, hint = workspace.fail(4, "model.register", "--dry-run")
    assert error.endswith("imgsz: 650 does not fit detector.onnx, whose sides are multiples of 32 px")
    assert "Write 672 or 640 into" in hint


def prepared(weights: Path, nodes: list[onnx.NodeProto], kind: int, shape: list[int | str]) -> Path:
    """The demo's detector with steps before it; the last of them gives `pictures`."""
    model = onnx.load(DEMO / "detector.onnx")
    before = model.graph.input[0].name
    for node in model.graph.node:
        node.input[:] = ["pictures" if name == before else name for name in node.input]
    model.graph.initializer.append(numpy_helper.from_array(np.float32(255), "brightest"))
    own = [*nodes, *model.graph.node]
    del model.graph.input[:], model.graph.node[:]
    model.graph.node.extend(own)
    model.graph.input.append(helper.make_tensor_value_info("given", kind, shape))
    onnx.save(model, weights)
    return weights


def with_names(weights: Path, names: str) -> Path:
    model = onnx.load(DEMO / "detector.onnx")
    for entry in model.metadata_props:
        if entry.key == "names":
            entry.value = names
    onnx.save(model, weights)
    return weights


def test_names_that_are_not_as_many_as_the_classes_are_said_to_be(
    workspace: Workspace, tmp_path: Path
) -> None:
    for count, names in ((2, "{0: 'a', 1: 'b'}"), (4, "['a', 'b', 'c', 'd']"), (6, "{0: 'a', 5: 'f'}")):
        weights = with_names(tmp_path / f"names{count}.onnx", names)
        error, hint = workspace.fail(4, "detect.run", DEMO / "pictures/A1.jpg", "--model", weights)
        assert error.startswith(f"error: names{count}.onnx names {count} classes, and its outputs ")
        assert error.endswith("hold 3 (as yolov8)")
        assert "as class_names: in configs/detector_registration.yaml, and give family: yolov8 there" in hint
    named_by_settings(workspace, weights)
    where = "detection/checks/recognition.py: List the names of all classes"
    write_setting(settings_of(workspace), hint, where, class_names=["a", "b", "c"])
    assert len(found_in(workspace, weights, "named")) > 20


def test_names_that_are_counted_from_1_are_those_of_the_outputs(workspace: Workspace, tmp_path: Path) -> None:
    plain = found_in(workspace, DEMO / "detector.onnx", "plain")
    weights = with_names(tmp_path / "from1.onnx", "{1: ' elephant ', 2: 'zebra', 3: 'antelope'}")
    assert found_in(workspace, weights, "from1") == plain
    counted = [
        json.loads((workspace.root / output / "run.json").read_text(encoding="utf-8"))["detections"]
        for output in ("plain", "from1")
    ]
    assert counted[0] == counted[1]


def found_in(workspace: Workspace, weights: Path, output: str) -> list[list[float]]:
    words = ("detect.run", DEMO / "pictures/A1.jpg", "--model", weights, "--output", output)
    ended = workspace.invoke(*words)
    assert ended.returncode == 0, ended.stderr
    lines = (workspace.root / output / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    boxes: list[list[float]] = json.loads(lines[1])["xyxy"]
    return boxes


def test_a_file_that_scales_pixels_itself_is_given_them_as_they_are(
    workspace: Workspace, tmp_path: Path
) -> None:
    steps = [
        helper.make_node("Cast", ["given"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["floats", "brightest"], ["pictures"]),
    ]
    free: list[int | str] = ["batch", 3, "height", "width"]
    plain = found_in(workspace, DEMO / "detector.onnx", "plain")
    assert len(plain) > 20
    for kind in (TensorProto.FLOAT, TensorProto.UINT8, TensorProto.FLOAT16):
        weights = prepared(tmp_path / f"scaling{kind}.onnx", steps, kind, free)
        assert np.allclose(found_in(workspace, weights, f"of{kind}"), plain, atol=0.5)
    twice = tmp_path / f"scaling{TensorProto.FLOAT}.onnx"
    named_by_settings(workspace, twice, scale=1 / 255)
    error, hint = workspace.fail(4, "model.register", "--dry-run")
    assert "would scale them twice" in error
    where = "detection/checks/recognition.py: Remove scale"
    write_setting(settings_of(workspace), hint, where)
    workspace.succeed("model.register", "--name", "itself", "--dry-run")


def test_a_file_with_the_colours_last_and_free_sides_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    turned = [helper.make_node("Transpose", ["given"], ["pictures"], perm=[0, 3, 1, 2])]
    weights = prepared(tmp_path / "last.onnx", turned, TensorProto.FLOAT, ["batch", "height", "width", 3])
    error, hint = workspace.fail(4, "detect.run", DEMO / "pictures/A1.jpg", "--model", weights)
    assert "with the colours last" in error
    assert "--inputs-as-nchw given" in hint


def test_what_is_no_onnx_file_or_too_new_is_called_so(workspace: Workspace, tmp_path: Path) -> None:
    whole = (DEMO / "detector.onnx").read_bytes()
    newest, newer, foreign = (onnx.load(DEMO / "detector.onnx") for _ in range(3))
    newest.opset_import[0].version = 99
    newer.ir_version = 99
    node = foreign.graph.node.add(op_type="EfficientNMS_TRT", domain="TRT")
    node.input.append(foreign.graph.output[0].name)
    node.output.append("boxes")
    foreign.opset_import.append(helper.make_opsetid("TRT", 1))
    contents = {
        "weights.onnx": (b"PK\x03\x04" + whole, "a zip archive or weights of PyTorch"),
        "page.onnx": (b"\n<!DOCTYPE html>" + whole, "a page of the web"),
        "cut.onnx": (whole[: len(whole) // 2], "is not a usable ONNX file"),
        "opset.onnx": (newest.SerializeToString(), "opset 99 of ONNX, newer than"),
        "ir.onnx": (newer.SerializeToString(), "IR version 99 of ONNX, newer than"),
        "tensorrt.onnx": (foreign.SerializeToString(), "uses TRT:EfficientNMS_TRT"),
    }
    for name, (content, said) in contents.items():
        (tmp_path / name).write_bytes(content)
        error, hint = workspace.fail(4, "model.register", "--weights", tmp_path / name, "--dry-run")
        assert said in error
        assert len(error) < 200
        assert "again" in hint


def test_a_number_beyond_the_names_is_read_as_told(
    workspace: Workspace, photograph: Path, tmp_path: Path
) -> None:
    weights = known_answers.torchvision(tmp_path / "faster.onnx")
    said = {"family": "torchvision", "class_names": ["red", "blue"], "first_label": 0}
    named_by_settings(workspace, weights, **said)
    words = ("detect.run", photograph, "--model", weights, "--tile-size", "256", "--output", "found")
    ended = workspace.invoke(*words)
    assert "the model reports class 2, but has 2 class names" in ended.stderr
    where = "detection/network/detector.py: Register the model again with all its class names"
    write_setting(settings_of(workspace), ended.stderr, where)
    workspace.succeed(*words, "--restart")
