from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests.detection.networks import SIZE, manifest, save_network, work_as_on_a_gpu
from tests.detection.test_decoders import yolov8
from tests.real_models import FAMILIES, manifest_of

from wildetect.detection.network.detector import Detector
from wildetect.detection.network.pixel_input import with_pixel_input
from wildetect.detection.network.preprocess import network_input
from wildetect.geometry import Window
from wildetect.imagery.opening import open_image
from wildetect.registry.manifest import Feeding

TYPES = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "uint8": TensorProto.UINT8}


def mirror(path: Path, dtype: str, *, opset: int = 17, batch: Any = "N") -> Path:
    """A network whose output is its input."""
    shape = [batch, 3, 8, 12]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["images"], ["output"])],
        "mirror",
        [helper.make_tensor_value_info("images", TYPES[dtype], shape)],
        [helper.make_tensor_value_info("output", TYPES[dtype], shape)],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path)
    return path


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    "feeding",
    [
        {},
        {"channel_order": "bgr", "scale": 1.0},
        {
            "channel_order": "bgr",
            "scale": 1.0,
            "mean": (103.53, 116.28, 123.675),
            "std": (57.375, 57.12, 58.395),
        },
        {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
    ],
)
@pytest.mark.parametrize("resize", ["letterbox", "letterbox-corner", "stretch"])
def test_the_network_gets_what_it_gets_without(
    tmp_path: Path, dtype: str, feeding: dict[str, Any], resize: str
) -> None:
    fed = Feeding.model_validate({"width": 12, "height": 8, "dtype": dtype, "resize": resize, **feeding})
    random = np.random.default_rng(0)
    tiles = [random.integers(0, 256, shape, np.uint8) for shape in ((8, 12, 3), (20, 12, 3), (5, 30, 3))]
    network = with_pixel_input(mirror(tmp_path / "mirror.onnx", dtype), fed)
    assert network is not None
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    pixels, places = network_input(tiles, fed, as_pixels=True)
    assert given.type == "tensor(uint8)"
    assert pixels.dtype == np.uint8
    assert pixels.shape == (3, 8, 12, 3)
    expected, same_places = network_input(tiles, fed)
    assert places == same_places
    (seen,) = session.run(None, {given.name: pixels})
    assert seen.dtype == expected.dtype
    assert np.array_equal(seen, expected)


@pytest.mark.parametrize("opset", [6, 7])
def test_operations_that_do_not_broadcast_are_left_alone(tmp_path: Path, opset: int) -> None:
    network = with_pixel_input(
        mirror(tmp_path / "mirror.onnx", "float32", opset=opset), Feeding(width=12, height=8)
    )
    assert (network is None) == (opset == 6)


@pytest.mark.parametrize(
    ("dtype", "feeding"),
    [("float16", {}), ("float32", {"width": 16}), ("float32", {"dtype": "uint8"})],
)
def test_a_file_that_is_fed_otherwise_is_left_alone(
    tmp_path: Path, dtype: str, feeding: dict[str, Any]
) -> None:
    fed = Feeding.model_validate({"width": 12, "height": 8, **feeding})
    assert with_pixel_input(mirror(tmp_path / "mirror.onnx", dtype), fed) is None


def test_an_initializer_that_is_an_input_too_is_no_picture(tmp_path: Path) -> None:
    path = mirror(tmp_path / "mirror.onnx", "float32")
    model = onnx.load(path)
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((1, 3, 8, 12), np.float32), "weights"))
    model.graph.input.append(helper.make_tensor_value_info("weights", TensorProto.FLOAT, [1, 3, 8, 12]))
    onnx.save(model, path)
    assert with_pixel_input(path, Feeding(width=12, height=8)) is not None


@pytest.mark.parametrize("model", FAMILIES)
def test_real_models_find_the_same_boxes(
    shared_data: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = shared_data / "models" / f"{model}.onnx"
    described = manifest_of(weights, FAMILIES[model])
    source = open_image(shared_data / "images" / "bus.jpg")
    tiles = [source.read(Window(0, 0, source.width, source.height)), source.read(Window(9, 99, 500, 400))]
    expected = Detector(weights, described, "cpu").detect(tiles)
    work_as_on_a_gpu(monkeypatch)
    detector = Detector(weights, described, "cpu", batch_size=3)
    assert detector.session.takes_pixels
    for one, other in zip(expected, detector.detect(tiles), strict=True):
        assert one.class_id.tolist() == other.class_id.tolist()
        assert one.xyxy == pytest.approx(other.xyxy, abs=0.05)
        assert one.confidence == pytest.approx(other.confidence, abs=1e-4)


def test_every_pass_on_a_gpu_has_the_same_number_of_tiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work_as_on_a_gpu(monkeypatch)
    outputs, expected = yolov8()
    weights = save_network(tmp_path / "network.onnx", outputs, batch=None)
    detector = Detector(weights, manifest("yolov8"), "cpu", batch_size=4)
    assert detector.tiles_per_pass == 4
    sizes: list[int] = []
    run = detector.session.run

    def noted(feeds: Any, names: Any) -> Any:
        sizes.extend(len(values) for values in feeds.values())
        return run(feeds, names)

    monkeypatch.setattr(detector.session, "run", noted)
    tile = np.zeros((SIZE, SIZE, 3), np.uint8)
    for count in (1, 4, 6):
        assert [len(found) for found in detector.detect([tile] * count)] == [len(expected)] * count
    assert sizes == [4, 4, 4, 4]
