"""Each exporter's layout against a network whose answer is known exactly: all squares, where they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from PIL import Image
from tests import known_answers
from tests.detection.test_row_layout import NAMES, found, registered
from tests.workspaces import REPOSITORY

from wildetect.detection.checks.examination import read_once
from wildetect.detection.checks.inspection import inspect
from wildetect.detection.checks.recognition import describe
from wildetect.detection.checks.row_layout import with_layout
from wildetect.detection.network.detector import Detector
from wildetect.errors import ModelError
from wildetect.registry.manifest import Source
from wildetect.settings.registration import Column, RegistrationSettings
from wildetect.settings.words import Family

Maker = Callable[[Path], Path]
MAKERS: dict[str, tuple[Maker, Family]] = {
    "rt-detr": (known_answers.rt_detr, "rt-detr"),
    "rf-detr": (known_answers.rf_detr, "rf-detr"),
    "rf-detr without a column for nothing": (
        lambda path: known_answers.rf_detr(path, classes_alone=True),
        "rf-detr",
    ),
    "rf-detr with masks": (lambda path: known_answers.rf_detr(path, masks=True), "rf-detr"),
    "faster r-cnn": (known_answers.torchvision, "torchvision"),
    "mask r-cnn": (lambda path: known_answers.torchvision(path, masks=True), "torchvision"),
    "retinanet": (lambda path: known_answers.torchvision(path, scores_first=True), "torchvision"),
    "deepforest": (lambda path: known_answers.torchvision(path, 0, scores_first=True), "torchvision"),
    "torchvision with a batch": (lambda path: known_answers.torchvision(path, batched=True), "torchvision"),
    "efficient nms": (known_answers.split, "end-to-end-split"),
    "efficient nms, float classes": (
        lambda path: known_answers.split(path, float_classes=True),
        "end-to-end-split",
    ),
    "detr": (known_answers.detr, "detr"),
    "yolo-nas": (known_answers.yolo_nas, "yolo-nas"),
    "pp-yoloe without nms": (lambda path: known_answers.yolo_nas(path, rows_of_classes=True), "yolo-nas"),
    "paddle": (known_answers.paddle, "end-to-end"),
}


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    Image.fromarray(known_answers.picture()).save(tmp_path / "squares.png")
    return tmp_path / "squares.png"


@pytest.mark.parametrize("name", MAKERS)
def test_every_square_is_found_where_it_is(tmp_path: Path, photograph: Path, name: str) -> None:
    make, family = MAKERS[name]
    weights = make(tmp_path / "network.onnx")
    manifest = registered(weights, photograph, family=family, class_names=NAMES)
    assert found(weights, manifest) == known_answers.boxes()


@pytest.mark.parametrize(
    ("end_to_end", "family"), [(False, "yolov8-seg"), (True, "end-to-end-seg")], ids=["raw", "end to end"]
)
def test_segmentation_files_say_themselves_what_they_are(
    tmp_path: Path, end_to_end: bool, family: Family
) -> None:
    weights = known_answers.segmentation(tmp_path / "seg.onnx", end_to_end=end_to_end)
    manifest = registered(weights)
    assert manifest.family == family
    assert found(weights, manifest) == known_answers.boxes()


def test_the_number_of_the_first_class_is_asked_for_where_nothing_shows_it(
    tmp_path: Path, photograph: Path
) -> None:
    weights = known_answers.torchvision(tmp_path / "network.onnx", 0)
    said = {"family": "torchvision", "class_names": NAMES}
    with pytest.raises(ModelError, match="numbered from 0 or from 1") as caught:
        registered(weights, None, **said)
    assert "--picture FILE" in str(caught.value.hint)
    assert "first_label: " in str(caught.value.hint)
    manifest = registered(weights, None, first_label=0, **said)
    assert found(weights, manifest) == known_answers.boxes()
    wrong = registered(weights, None, first_label=1, **said)
    with pytest.raises(ModelError, match="the model reports class 0") as caught:
        found(weights, wrong)
    assert "first_label: 0" in str(caught.value.hint)
    one_name = {"family": "torchvision", "class_names": ["red"]}
    with pytest.raises(ModelError, match="but has 1 class name from 0"):
        registered(weights, photograph, **one_name)


def test_a_background_among_the_class_names_is_class_0(tmp_path: Path, photograph: Path) -> None:
    weights = known_answers.torchvision(tmp_path / "network.onnx")
    names = ["__background__", *NAMES]
    manifest = registered(weights, photograph, family="torchvision", class_names=names)
    assert manifest.first_label == 0
    assert found(weights, manifest) == [(1 + box[0], *box[1:]) for box in known_answers.boxes()]


@pytest.mark.parametrize(
    ("make", "family"),
    [
        (lambda path: known_answers.detr(path, "corners_fraction"), "detr"),
        (lambda path: known_answers.split(path, unit="fraction"), "end-to-end-split"),
    ],
    ids=["detr", "split"],
)
def test_fractions_are_refused_as_px_and_read_as_said(
    tmp_path: Path, photograph: Path, make: Maker, family: Family
) -> None:
    weights = make(tmp_path / "network.onnx")
    with pytest.raises(ModelError, match="box_unit: fraction"):
        registered(weights, photograph, family=family, class_names=NAMES)
    manifest = registered(weights, family=family, class_names=NAMES, box_unit="fraction")
    assert found(weights, manifest) == known_answers.boxes()
    with pytest.raises(ModelError, match="box_unit: fraction"):  # one that was registered before
        found(weights, manifest.model_copy(update={"box_unit": None}))


def test_a_list_that_stayed_empty_is_said(tmp_path: Path, photograph: Path) -> None:
    file = inspect(known_answers.split(tmp_path / "network.onnx"))
    said = RegistrationSettings(family="end-to-end-split", class_names=NAMES)
    manifest = describe(file, said, "", Source(file="network.onnx", size=1, sha256=""))
    note = with_layout(file, manifest, said)[1]
    assert note is not None
    assert "not checked: no box was found" in note
    assert with_layout(file, manifest, said, photograph)[1] is None


def test_centres_are_not_read_as_corners(tmp_path: Path) -> None:
    weights = known_answers.detr(tmp_path / "network.onnx", "centres_px")
    with pytest.raises(ModelError, match="they are not x1 y1 x2 y2"):
        registered(weights, family="detr", class_names=NAMES)


def test_a_detr_that_ends_in_a_softmax_is_refused(tmp_path: Path) -> None:
    weights = known_answers.rf_detr(tmp_path / "network.onnx", nothing=6.0)
    with pytest.raises(ModelError, match="softmax"):
        registered(weights, family="rf-detr", class_names=NAMES)


def test_a_first_column_that_stands_for_nothing_is_doubted_and_can_be_said(
    tmp_path: Path, photograph: Path
) -> None:
    weights = known_answers.rf_detr(tmp_path / "network.onnx", nothing=-7.0, nothing_first=True)
    doubted = registered(weights, photograph, family="rf-detr", class_names=NAMES)
    assert doubted.unchecked is not None
    assert "set first_label: 1" in doubted.unchecked
    said = registered(weights, photograph, family="rf-detr", class_names=NAMES, first_label=1)
    assert said.unchecked is None
    assert found(weights, said) == known_answers.boxes()
    usual = known_answers.rf_detr(tmp_path / "usual.onnx", nothing=-7.0)
    assert registered(usual, photograph, family="rf-detr", class_names=NAMES).unchecked is None


@pytest.mark.parametrize("masks", [False, True])
def test_a_list_that_is_full_is_said_and_masks_are_not_counted(tmp_path: Path, masks: bool) -> None:
    weights = known_answers.rf_detr(tmp_path / "network.onnx", masks=masks)
    manifest = registered(weights, family="rf-detr", class_names=NAMES)
    squares = [(column, row, 0) for row in range(0, 32, 2) for column in range(32)][:400]
    detector = Detector(weights, manifest, "cpu")
    (some, many) = detector.find([known_answers.picture(), known_answers.picture(squares)])
    assert (len(some.detections), some.full) == (len(known_answers.SQUARES), False)
    assert (len(many.detections), many.full) == (known_answers.ROWS, True)


@pytest.mark.parametrize(
    ("names", "said", "told"),
    [
        ({"labels": "logits", "dets": "pred_boxes"}, {}, True),
        ({"labels": "logits", "dets": "pred_boxes"}, {"mean": (0, 0, 0), "std": (1, 1, 1)}, False),
        ({}, {}, False),
    ],
)
def test_what_no_output_tells_about_the_feeding_of_hugging_faces_detrs_is_said(
    tmp_path: Path, names: dict[str, str], said: dict[str, Any], *, told: bool
) -> None:
    path = known_answers.rf_detr(tmp_path / "network.onnx", classes_alone=True)
    model = onnx.load(path)
    for node in model.graph.node:
        for values in (node.input, node.output):
            values[:] = ["inner" if one == "logits" else one for one in values]
        node.output[:] = [names.get(one, one) if node.op_type == "Identity" else one for one in node.output]
    for output in model.graph.output:
        output.name = names.get(output.name, output.name)
    onnx.save(model, path)
    settings = RegistrationSettings.model_validate(
        {"family": "rf-detr", "class_names": ["red", "blue"], **said}
    )
    reader = read_once(inspect(path), settings, "", Source(file="network.onnx", size=1, sha256=""))
    assert ("RT-DETR and D-FINE, which are fed without" in reader.read_as) is told


def test_what_no_output_tells_about_the_feeding_of_paddles_files_is_said(
    tmp_path: Path, photograph: Path
) -> None:
    weights = known_answers.paddle(tmp_path / "network.onnx")
    said: dict[str, Any] = {"family": "end-to-end", "class_names": NAMES}
    assert "NormalizeImage in the model's infer_cfg.yml" in str(doubt_of(weights, photograph, **said))
    assert doubt_of(weights, photograph, **said, mean=[0, 0, 0], std=[1, 1, 1]) is None


def fed_otherwise(path: Path, kind: int, shape: list[int], first: list[onnx.NodeProto]) -> Path:
    """An end-to-end file whose input `pictures` is turned into the usual one by some nodes."""
    columns: list[Column] = ["x1", "y1", "x2", "y2", "score", "class"]
    notes = {**known_answers.ULTRALYTICS, "end2end": "True"}
    model = onnx.load(known_answers.table(path, columns, metadata=notes))
    nodes = [*first, *model.graph.node]
    del model.graph.node[:], model.graph.input[:]
    model.graph.node.extend(nodes)
    model.graph.input.append(onnx.helper.make_tensor_value_info("pictures", kind, shape))
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    ("kind", "shape", "first", "why", "hint"),
    [
        (
            onnx.TensorProto.FLOAT,
            [1, 256, 256, 3],
            [onnx.helper.make_node("Transpose", ["pictures"], ["images"], perm=[0, 3, 1, 2])],
            "with the colours last",
            "--inputs-as-nchw pictures",
        ),
        (
            onnx.TensorProto.DOUBLE,
            [1, 3, 256, 256],
            [onnx.helper.make_node("Cast", ["pictures"], ["images"], to=onnx.TensorProto.FLOAT)],
            "takes pictures of float64",
            "an input of float32",
        ),
    ],
    ids=["colours last", "doubles"],
)
def test_an_input_that_is_not_fed_is_refused_with_what_to_export(
    tmp_path: Path, kind: int, shape: list[int], first: list[onnx.NodeProto], why: str, hint: str
) -> None:
    with pytest.raises(ModelError, match=why) as caught:
        registered(fed_otherwise(tmp_path / "network.onnx", kind, shape, first))
    assert hint in str(caught.value.hint)


def doubt_of(weights: Path, picture: Path, **said: object) -> str | None:
    """What registration says is not sure of how a file is fed and read."""
    settings = RegistrationSettings.model_validate(said)
    source = Source(file=weights.name, size=1, sha256="")
    return read_once(inspect(weights), settings, "", source, picture).manifest.unchecked


def test_a_wrong_scale_that_finds_nothing_on_a_picture_is_named(tmp_path: Path, photograph: Path) -> None:
    # in two steps, neither of which tells by itself that pixels are divided
    steps = []
    for by, taken, given in ((15.0, "pictures", "lower"), (17.0, "lower", "images")):
        steps.append(onnx.helper.make_node("Constant", [], [f"by_{given}"], value_float=by))
        steps.append(onnx.helper.make_node("Div", [taken, f"by_{given}"], [given]))
    shape = [1, 3, 256, 256]
    weights = fed_otherwise(tmp_path / "network.onnx", onnx.TensorProto.FLOAT, shape, steps)
    told = str(doubt_of(weights, photograph))
    assert "it was probably trained with scale: 1: fed so it finds" in told
    assert "as it is fed now, nothing" in told
    assert doubt_of(weights, photograph, scale=1.0) is None
    assert found(weights, registered(weights, photograph, scale=1.0)) == known_answers.boxes()
    dark = tmp_path / "dark.png"
    Image.fromarray(known_answers.picture(bright=40)).save(dark)
    faint = str(doubt_of(weights, dark, scale=1.0))
    assert "its surest box has a confidence of 0.16, below 0.2 on dark.png" in faint
    assert "fed in another way" in faint


DEMO = REPOSITORY / "demo"


def trained_on_bgr(path: Path) -> Path:
    """The demo's detector as it would be if its pictures had come as OpenCV gives them."""
    model = onnx.load(DEMO / "detector.onnx")
    (reader,) = [node for node in model.graph.node if "images" in node.input]
    (weights,) = [one for one in model.graph.initializer if one.name == reader.input[1]]
    weights.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weights)[:, ::-1], weights.name))
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    ("told", "right"),
    [
        ({}, "channel_order: bgr:"),
        ({"channel_order": "bgr"}, None),
        ({"channel_order": "bgr", "scale": 1.0}, "scale: 0.003921569:"),
        (
            {"channel_order": "bgr", "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
            "mean: [0, 0, 0], std: [1, 1, 1]:",
        ),
    ],
    ids=["order", "right", "scale", "mean"],
)
def test_a_detector_that_is_fed_otherwise_than_it_was_trained_is_told_on_a_picture(
    tmp_path: Path, told: dict[str, object], right: str | None
) -> None:
    doubt = doubt_of(trained_on_bgr(tmp_path / "bgr.onnx"), DEMO / "pictures/B2.jpg", **told)
    if right is None:
        assert doubt is None
    else:
        assert f"it was probably trained with {right} fed so it finds" in str(doubt)
