from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper
from tests.real_models import FAMILIES, manifest_of

from wildetect.detection.network import pixel_input, session
from wildetect.detection.network.detector import Detector
from wildetect.detection.network.pixel_input import with_pixel_input
from wildetect.detection.network.preprocess import network_input
from wildetect.geometry import Window
from wildetect.imagery.opening import open_image
from wildetect.registry.manifest import Feeding

HEIGHT, WIDTH = 11, 14
FEEDING = Feeding(width=WIDTH, height=HEIGHT)
Array = NDArray[Any]


def network(weights: Array, batch: int | None = None, **form: Any) -> ModelProto:
    """A network of one convolution."""
    bias = np.linspace(-1, 1, len(weights), dtype=np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["images", "weights", "bias"], ["output"], **form)],
        "network",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch or "N", 3, HEIGHT, WIDTH])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def random_weights(*shape: int) -> Array:
    return np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)


def run(model: Path | bytes, values: Array) -> Array:
    opened = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (output,) = opened.run(None, {opened.get_inputs()[0].name: values})
    return np.asarray(output)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.sampled_from([1, 5, 16, 32]), st.just(3), st.integers(1, 6), st.integers(1, 6)),
    form=st.fixed_dictionaries(
        {},
        optional={
            "strides": st.lists(st.integers(1, 4), min_size=2, max_size=2),
            "pads": st.lists(st.integers(0, 3), min_size=4, max_size=4),
            "dilations": st.just([1, 1]),
            "group": st.just(1),
        },
    ),
    batch=st.sampled_from([None, 1, 3]),
    feeding=st.sampled_from(
        [{}, {"channel_order": "bgr"}, {"channel_order": "bgr", "scale": 1.0, "std": (57.4, 57.1, 58.4)}]
    ),
)
def test_it_multiplies_the_same_numbers(
    tmp_path_factory: pytest.TempPathFactory,
    shape: tuple[int, ...],
    form: dict[str, Any],
    batch: int | None,
    feeding: dict[str, Any],
) -> None:
    fed = Feeding.model_validate({"width": WIDTH, "height": HEIGHT, **feeding})
    path = tmp_path_factory.mktemp("network") / "network.onnx"
    onnx.save(network(random_weights(*shape), batch, kernel_shape=shape[2:], **form), path)
    random = np.random.default_rng(1)
    tiles = [random.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(batch or 2)]
    taking_pixels = with_pixel_input(path, fed, convolved=True)
    assert taking_pixels is not None
    seen = run(taking_pixels, network_input(tiles, fed, as_pixels=True)[0])
    expected = run(path, network_input(tiles, fed)[0])
    assert seen.shape == expected.shape
    assert seen == pytest.approx(expected, rel=1e-5, abs=1e-4)


def test_weights_in_a_node_and_an_old_file_with_weights_among_its_inputs(tmp_path: Path) -> None:
    weights = random_weights(4, 3, 3, 3)
    tiles = [np.full((HEIGHT, WIDTH, 3), 77, np.uint8)]
    plain, node, old = tmp_path / "plain.onnx", tmp_path / "node.onnx", tmp_path / "old.onnx"
    onnx.save(network(weights), plain)
    model = network(weights)
    del model.graph.initializer[0]
    constant = helper.make_node("Constant", [], ["weights"], value=numpy_helper.from_array(weights))
    model.graph.node.insert(0, constant)
    onnx.save(model, node)
    model = network(weights)
    model.graph.input.append(helper.make_tensor_value_info("weights", TensorProto.FLOAT, weights.shape))
    model.graph.input.append(helper.make_tensor_value_info("bias", TensorProto.FLOAT, [4]))
    model.ir_version = 3
    onnx.save(model, old)
    expected = run(plain, network_input(tiles, FEEDING)[0])
    for path in (node, old):
        taking_pixels = with_pixel_input(path, FEEDING, convolved=True)
        assert taking_pixels is not None
        seen = run(taking_pixels, network_input(tiles, FEEDING, as_pixels=True)[0])
        assert seen == pytest.approx(expected, rel=1e-5, abs=1e-4)


def _second_reader(model: ModelProto) -> None:
    model.graph.node.append(helper.make_node("Identity", ["images"], ["again"]))


def _other_reader(model: ModelProto) -> None:
    model.graph.node[0].input[0] = "doubled"
    model.graph.node.insert(0, helper.make_node("Add", ["images", "images"], ["doubled"]))


def _hidden_reader(model: ModelProto) -> None:
    inner = helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)
    branch = helper.make_graph([helper.make_node("Identity", ["images"], ["inner"])], "branch", [], [inner])
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    model.graph.node.append(
        helper.make_node("If", ["yes"], ["either"], then_branch=branch, else_branch=branch)
    )


def _reader_in_a_sequence(model: ModelProto) -> None:
    one = helper.make_tensor_value_info("one", TensorProto.FLOAT, None)
    added = helper.make_tensor_value_info("added", TensorProto.FLOAT, None)
    body = helper.make_graph([helper.make_node("Add", ["one", "images"], ["added"])], "body", [one], [added])
    model.graph.node.append(helper.make_node("SequenceConstruct", ["output"], ["sequence"]))
    model.graph.node.append(helper.make_node("SequenceMap", ["sequence"], ["mapped"], body=body))


def _given_back(model: ModelProto) -> None:
    model.graph.output.append(model.graph.input[0])


def _computed_weights(model: ModelProto) -> None:
    model.graph.node[0].input[1] = "computed"
    model.graph.node.insert(0, helper.make_node("Neg", ["weights"], ["computed"]))


@pytest.mark.parametrize(
    "change",
    [_second_reader, _other_reader, _hidden_reader, _reader_in_a_sequence, _given_back, _computed_weights],
)
def test_what_else_reads_the_picture_is_left_alone(
    tmp_path: Path, change: Callable[[ModelProto], None]
) -> None:
    path = tmp_path / "network.onnx"
    model = network(random_weights(4, 3, 3, 3))
    change(model)
    onnx.save(model, path)
    assert with_pixel_input(path, FEEDING, convolved=True) is None


@pytest.mark.parametrize(
    "form", [{"group": 3}, {"dilations": [1, 2]}, {"auto_pad": "SAME_UPPER"}, {"auto_pad": "VALID"}]
)
def test_other_convolutions_are_left_alone(tmp_path: Path, form: dict[str, Any]) -> None:
    path = tmp_path / "network.onnx"
    onnx.save(network(random_weights(3, 3 // form.get("group", 1), 3, 3), **form), path)
    assert with_pixel_input(path, FEEDING, convolved=True) is None


@pytest.mark.parametrize("feeding", [{"mean": (0.4, 0.5, 0.6)}, {"dtype": "float16"}, {"dtype": "uint8"}])
def test_more_than_scaling_is_left_alone(tmp_path: Path, feeding: dict[str, Any]) -> None:
    path = tmp_path / "network.onnx"
    onnx.save(network(random_weights(4, 3, 3, 3)), path)
    fed = Feeding.model_validate({"width": WIDTH, "height": HEIGHT, **feeding})
    assert with_pixel_input(path, fed, convolved=True) is None


def test_large_files_and_those_in_several_pieces_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "network.onnx"
    model = network(random_weights(64, 3, 3, 3))
    onnx.save(model, path)
    assert with_pixel_input(path, FEEDING, convolved=True) is not None
    monkeypatch.setattr(pixel_input, "_SMALL", path.stat().st_size - 1)
    assert with_pixel_input(path, FEEDING, convolved=True) is None
    monkeypatch.undo()
    onnx.save(model, path, save_as_external_data=True, location="network.data", size_threshold=0)
    assert with_pixel_input(path, FEEDING, convolved=True) is None
    assert with_pixel_input(path, FEEDING) is not None


def test_values_named_as_ours_are_left_alone(tmp_path: Path) -> None:
    path, model = tmp_path / "network.onnx", network(random_weights(4, 3, 3, 3))
    model.graph.initializer[0].name = model.graph.node[0].input[1] = "wildetect_pixels_cast"
    onnx.save(model, path)
    assert with_pixel_input(path, FEEDING, convolved=True) is None
    assert with_pixel_input(path, FEEDING) is None


@pytest.mark.parametrize("outcome", [b"no network", ValueError("no network")])
def test_where_it_goes_wrong_the_file_runs_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: bytes | Exception
) -> None:
    def wrong(*_: object, **__: object) -> bytes:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    path = tmp_path / "network.onnx"
    onnx.save(network(random_weights(4, 3, 3, 3)), path)
    assert session.open_session(path, "cpu", feeding=FEEDING).takes_pixels
    monkeypatch.setattr(session, "with_pixel_input", wrong)
    opened = session.open_session(path, "cpu", feeding=FEEDING)
    assert not opened.takes_pixels
    assert opened.inputs[0].shape == (None, 3, HEIGHT, WIDTH)


@pytest.mark.parametrize("model", FAMILIES)
def test_real_models_give_what_their_files_give(
    shared_data: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = shared_data / "models" / f"{model}.onnx"
    described = manifest_of(weights, FAMILIES[model])
    source = open_image(shared_data / "images" / "bus.jpg")
    tiles = [source.read(Window(0, 0, source.width, source.height)), source.read(Window(9, 99, 500, 400))]
    detector = Detector(weights, described, "cpu")
    assert detector.session.takes_pixels == (model in {"deimv2_atto_coco", "fastestdet", "v5lite_e_sim_320"})
    monkeypatch.setattr(session, "with_pixel_input", lambda *_, **__: None)
    as_it_is = Detector(weights, described, "cpu")
    assert not as_it_is.session.takes_pixels
    for one, other in zip(detector.detect(tiles), as_it_is.detect(tiles), strict=True):
        assert len(one)
        assert one.class_id.tolist() == other.class_id.tolist()
        assert one.xyxy == pytest.approx(other.xyxy, abs=0.01)
        assert one.confidence == pytest.approx(other.confidence, abs=1e-4)
