from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.detection.networks import manifest, save_network
from tests.detection.test_decoders import CELLS, MADE
from tests.real_models import FAMILIES as REAL
from tests.real_models import manifest_of

from wildetect.detection.checks.inspection import candidates, check, infer_family, inspect
from wildetect.detection.families.exporter_notes import noted_class_names, noted_size
from wildetect.detection.families.family import Frame
from wildetect.detection.families.table import families_fitting
from wildetect.errors import ModelError
from wildetect.settings.words import FAMILIES, Family


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("lfs_pointer_yolov5n.onnx", "Git LFS pointer"),
        ("nanodet_missing_external_data.onnx", "missing: nanodet.onnx.data"),
        ("notdetector_mnist.onnx", "not a detector"),
        ("twobyte_yolov10n.onnx", "only 2 bytes"),
    ],
)
def test_what_is_no_detector_is_refused_with_its_reason(shared_data: Path, file: str, reason: str) -> None:
    with pytest.raises(ModelError, match=reason) as caught:
        inspect(shared_data / "naughty" / file)
    assert caught.value.hint
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "not found"),
        (b"", "is empty"),
        (b"\x08\x07" + b"x" * 500, "not a usable ONNX file"),
        (b"<html>" * 100, "is a page of the web"),
    ],
)
def test_files_that_are_no_network(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "weights.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=reason):
        inspect(path)


def test_a_classifier_and_other_tasks_are_refused(tmp_path: Path) -> None:
    classifier = save_network(tmp_path / "classifier.onnx", [np.zeros((1, 1000), np.float32)])
    with pytest.raises(ModelError, match="no detector family"):
        inspect(classifier)
    poses = save_network(
        tmp_path / "poses.onnx", [np.zeros((1, 7, CELLS), np.float32)], metadata={"task": "pose"}
    )
    with pytest.raises(ModelError, match="'pose'"):
        inspect(poses)


def test_what_an_ultralytics_file_says(shared_data: Path) -> None:
    file = inspect(shared_data / "models" / "yolov8n_int8.onnx")
    assert file.input_size == (640, 640)
    assert (file.batch, file.dtype) == (1, "float32")
    assert file.outputs[0].shape == (1, 84, 8400)
    assert file.class_names is not None
    assert (len(file.class_names), file.class_names[18]) == (80, "sheep")
    assert infer_family(file) == "yolov8"
    assert infer_family(inspect(shared_data / "models" / "yolo26n_int8.onnx")) == "end-to-end"


@pytest.mark.parametrize(
    ("model", "fitting"),
    [
        ("deimv2_atto_coco", ("detr",)),
        ("fastestdet", ("fastestdet",)),
        ("v5lite_e_sim_320", ("yolov5", "yolov5-raw")),
        ("yolox_nano", ("yolov5", "yolox")),
    ],
)
def test_without_metadata_the_family_is_not_guessed(
    shared_data: Path, model: str, fitting: tuple[str, ...]
) -> None:
    file = inspect(shared_data / "models" / f"{model}.onnx")
    assert infer_family(file) is None
    assert candidates(file) == candidates(file, 80) == fitting


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_fits_itself(tmp_path: Path, family: Family) -> None:
    outputs, _ = MADE[family]()
    weights = save_network(tmp_path / "network.onnx", outputs, sizes_input=family == "detr")
    assert family in candidates(inspect(weights), 3)
    assert family in families_fitting([output.shape for output in outputs], classes=3)


@pytest.mark.parametrize(
    ("shape", "classes", "fitting"),
    [
        ((1, 756, 6), 1, {"end-to-end", "yolov5"}),  # and yolox where the input has 192 px
        ((1, 300, 6), 80, {"end-to-end"}),
        ((1, 84, 8400), None, {"yolov8"}),
        ((1, None, None), None, {"yolov8", "yolov5", "yolov5-raw", "yolox", "nanodet"}),
        ((1, 1000), None, set()),
        ((1, 300, 84), 80, {"rt-detr"}),
        ((1, 300, 84), 70, set()),
    ],
)
def test_shapes_alone(shape: tuple[int | None, ...], classes: int | None, fitting: set[str]) -> None:
    assert set(families_fitting([shape], None, classes)) >= fitting
    if None not in shape:
        assert set(families_fitting([shape], None, classes)) - {"yolox", "yolov5-raw"} == fitting


@pytest.mark.parametrize("model", REAL)
def test_real_models_pass_the_check(shared_data: Path, model: str) -> None:
    weights = shared_data / "models" / f"{model}.onnx"
    outcome = check(weights, manifest_of(weights, REAL[model]))
    assert outcome.batch == (None if model == "deimv2_atto_coco" else 1)
    assert outcome.seconds > 0


@pytest.mark.parametrize(
    ("model", "wrong", "reason"),
    [
        ("v5lite_e_sim_320", "yolov5", "not decoded"),
        ("yolox_nano", "yolov5", "not decoded"),
        ("v5lite_e_sim_320", "yolox", "Set family: yolov5 or yolov5-raw"),
        ("yolov8n_int8", "yolov5", "Set family: yolov8"),
        ("yolo26n_int8", "yolov8", "Set family: end-to-end"),
        ("deimv2_atto_coco", "yolov8", "Set family: detr"),
    ],
)
def test_a_wrong_family_is_refused(shared_data: Path, model: str, wrong: Family, reason: str) -> None:
    weights = shared_data / "models" / f"{model}.onnx"
    with pytest.raises(ModelError) as caught:
        check(weights, manifest_of(weights, wrong))
    assert reason in f"{caught.value.message} {caught.value.hint}"


def test_a_wrong_number_of_class_names_is_refused(shared_data: Path) -> None:
    weights = shared_data / "models" / "yolov8n_int8.onnx"
    with pytest.raises(ModelError, match="2 class names"):
        check(weights, manifest_of(weights, "yolov8", ("zebra", "gnu")))


@pytest.mark.parametrize(
    ("family", "change", "reason"),
    [
        ("yolov8", lambda outputs: outputs[0].__setitem__((0, 4, 0), 55), "between 0 and 1"),
        ("yolov8", lambda outputs: outputs[0].__setitem__((0, 2, 0), -1), "not decoded"),
        ("yolov8", lambda outputs: outputs[0].__setitem__((0, 2, 0), np.inf), "not finite"),
        ("end-to-end", lambda outputs: outputs[0].__setitem__((0, 0, 5), 7), "3 class names|class 7"),
        ("end-to-end", lambda outputs: outputs[0].__setitem__((0, 0, 5), 0.5), "fractions"),
        ("end-to-end-7", lambda outputs: outputs[0].__setitem__((0, 2), 30), "between 0 and 1"),
        ("yolov5-raw", lambda outputs: outputs[0].__setitem__((0, 0, 0), 30), "between 0 and 1"),
        ("yolox", lambda outputs: outputs[0].__setitem__((0, 0, 0), 60), "decoded already"),
        ("detr", lambda outputs: outputs[2].__setitem__((0, 0), -3), "between 0 and 1"),
        ("nanodet", lambda outputs: outputs[0].__setitem__((0, 0, 0), -3), "between 0 and 1"),
        ("fastestdet", lambda outputs: outputs[0].__setitem__((0, 0, 0, 0), 3), "between 0 and 1"),
    ],
)
def test_values_that_are_not_the_familys(tmp_path: Path, family: Family, change: Any, reason: str) -> None:
    outputs: list[NDArray[Any]] = MADE[family]()[0]
    change(outputs)
    weights = save_network(tmp_path / "network.onnx", outputs, sizes_input=family == "detr")
    with pytest.raises(ModelError, match=reason):
        check(weights, manifest(family))


def test_a_network_that_bears_no_batch_is_found_out(tmp_path: Path) -> None:
    outputs = MADE["yolov8"]()[0]
    free = save_network(tmp_path / "free.onnx", outputs, batch=None)
    assert check(free, manifest("yolov8")).batch is None
    flat = save_network(tmp_path / "flat.onnx", [np.zeros((5, 6), np.float32)], batch=None)
    assert check(flat, manifest("end-to-end")).batch == 1


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{0: 'zebra', 1: \"gnu's\"}", [("zebra", "gnu's")]),
        ("['zebra', 'gnu']", [("zebra", "gnu")]),
        ("{1: 'zebra'}", [("class 0", "zebra"), ("zebra",)]),
        ("{0: 'zebra', 2: 'gnu'}", [("zebra", "class 1", "gnu")]),
        ('{"0": "zebra"}', [("zebra",)]),
        ("{-1: 'zebra'}", []),
        ("{'zebra': 0}", []),
        ("__import__('os').getcwd()", []),
        ("[1, 2]", []),
        ("{0: 'zebra'", []),
        ("", []),
    ],
)
def test_class_names_are_literals(text: str, names: list[tuple[str, ...]]) -> None:
    assert list(noted_class_names({"names": text})) == names


@pytest.mark.parametrize(
    ("text", "size"),
    [("[480, 640]", (640, 480)), ("640", (640, 640)), ("'x'", (None, None)), (None, (None, None))],
)
def test_noted_size(text: str | None, size: tuple[int | None, int | None]) -> None:
    assert noted_size({} if text is None else {"imgsz": text}) == size


def test_a_free_number_of_rows_is_a_list() -> None:
    fitting = families_fitting([(None, 7)], None, 2)
    assert "end-to-end-7" in fitting
    assert "yolov8" not in fitting
    assert "yolov8" in families_fitting([(None, 6, None)], None, 2)


def test_as_many_columns_as_the_grids_have_cells_are_boxes_of_yolov8() -> None:
    # as Ultralytics exports with dynamic=True: both lengths are open, and the last is known from a pass
    cells = 24 * 24 + 12 * 12 + 6 * 6
    assert "yolov8" in families_fitting([(None, None, cells)], Frame(192, 192), 3)
    assert "yolov8" not in families_fitting([(None, None, cells - 1)], Frame(192, 192), 3)
    assert "yolov8" not in families_fitting([(None, None, 7)], Frame(192, 192), 3)
