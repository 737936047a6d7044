"""A faster form of a registered detector: made, compared, timed, and registered only if it holds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from tests.hinted import follow
from tests.workspaces import REPOSITORY, Workspace

DEMO = REPOSITORY / "demo"
WORDS = ("--pictures", DEMO / "pictures", "--tile-size", "640", "--confidence", "0.35", "--limit", "4")
FAINT = (*WORDS[:-3], "0.02", "--limit", "4")

FASTER = """
import sys
from invoke.main import program
from wildetect.workflows import optimizing
optimizing.speed_ratio = lambda *_: 0.5
program.run(["invoke", *sys.argv[1:]])
"""
"""Run a task on what would be a processor with VNNI: without it int8 takes as long, and is refused."""


@pytest.fixture(scope="module")
def registered(served: Workspace) -> Workspace:
    served.succeed("model.register", DEMO / "detector.onnx", "--name", "slow", "--alias", "production")
    return served


def test_an_int8_form_that_agrees_becomes_a_version_with_its_lineage(registered: Workspace) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FASTER, "model.optimize", "slow@production", *WORDS, "--json"],
        cwd=registered.root,
        env=registered.environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    made = json.loads(ended.stdout)
    assert made["agreement"] >= 0.99
    assert made["boxes"]["before"] > 40
    assert (made["pictures"], made["kind"]) == (2, "int8")
    assert made["speed_ratio"] == 0.5
    shown = registered.document("model.show", f"slow/{made['version']}")
    assert shown["tags"]["optimized_from"] == "slow/1"
    assert float(shown["tags"]["agreement"]) == pytest.approx(made["agreement"], abs=1e-3)
    assert (
        shown["manifest"]["thresholds"]
        == registered.document("model.show", "slow/1")["manifest"]["thresholds"]
    )
    words = ("--source", DEMO / "pictures", "--limit", "1", "--tile-size", "640", "--confidence", "0.35")
    counted = [
        registered.document(
            "detect.run", *words, "--model", f"slow/{version}", "--output", f"results/of-{version}"
        )
        for version in ("1", made["version"])
    ]
    assert counted[1]["detections"] == pytest.approx(counted[0]["detections"], rel=0.1)
    assert counted[1]["model"]["sha256"] != counted[0]["model"]["sha256"]
    error, hint = registered.fail(4, "model.optimize", f"slow/{made['version']}", *WORDS)
    assert "optimised already" in error
    place = "detection/faster/lighter.py: Start from the version that came out of the training"
    assert "slow" in follow(registered, hint, place).stdout


def test_a_form_that_agrees_too_little_is_refused_with_its_numbers(registered: Workspace) -> None:
    before = registered.document("model.list", "slow")
    error, hint = registered.fail(4, "model.optimize", "slow@production", *FAINT, "--agree", "1")
    assert "agrees by 0.9" in error
    assert "less than 1" in error
    assert "Nothing is registered" in error
    assert "--agree" in hint
    assert registered.document("model.list", "slow") == before
    shown = list((registered.root / "results/optimize").rglob("*.jpg"))
    assert shown


def test_larger_windows_find_the_same_animals_in_less_time(registered: Workspace) -> None:
    made = registered.document("model.optimize", "slow@production", *WORDS, "--kind", "windows")
    assert made["agreement"] >= 0.99
    assert made["windows"] in {2, 3, 4}
    assert made["speed_ratio"] < 1
    shown = registered.document("model.show", f"slow/{made['version']}")
    assert shown["manifest"]["windows"]["most"] == made["windows"]
    assert shown["manifest"]["windows"]["agreement"] == pytest.approx(made["agreement"])
    assert shown["manifest"]["sha256"] == registered.document("model.show", "slow/1")["manifest"]["sha256"]
    words = ("--source", DEMO / "pictures", "--limit", "2", "--tile-size", "640", "--confidence", "0.35")
    tiled, windowed = (
        registered.document(
            "detect.run", *words, "--model", f"slow/{version}", "--output", f"results/windows-{version}"
        )
        for version in ("1", made["version"])
    )
    assert windowed["detections"] == pytest.approx(tiled["detections"], rel=0.05)
    assert windowed["tiles"] < tiled["tiles"] / 2
    assert windowed["settings"]["windows"] == made["windows"]
    assert "windows" not in tiled["settings"]


def test_a_network_with_fixed_sides_takes_no_larger_windows(registered: Workspace, tmp_path: Path) -> None:
    proto = onnx.load(str(DEMO / "detector.onnx"))
    for dimension in proto.graph.input[0].type.tensor_type.shape.dim[2:]:
        dimension.dim_value = 640
    onnx.save(proto, str(tmp_path / "fixed.onnx"))
    registered.succeed("model.register", tmp_path / "fixed.onnx", "--name", "fixed", "--alias", "production")
    error, hint = registered.fail(4, "model.optimize", "fixed@production", *WORDS, "--kind", "windows")
    assert "fixed sides" in error
    assert "dynamic=True" in hint


def test_mistakes_are_refused(registered: Workspace, tmp_path: Path) -> None:
    assert "a model and pictures" in registered.fail(2, "model.optimize", "slow@production")[0]
    assert "--agree" in registered.fail(2, "model.optimize", "slow/1", *WORDS, "--agree", "99")[0]
    assert "--kind" in registered.fail(2, "model.optimize", "slow/1", *WORDS, "--kind", "int4")[0]
    file = ("model.optimize", DEMO / "detector.onnx", *WORDS)
    assert "is not a registered version" in registered.fail(2, *file)[0]
    (tmp_path / "empty").mkdir()
    assert "no images" in registered.fail(5, "model.optimize", "slow/1", "--pictures", tmp_path / "empty")[0]


def test_float16_keeps_inputs_and_outputs() -> None:
    from wildetect.detection.faster.lighter import lighter
    from wildetect.registry.manifest import Feeding

    proto = onnx.load(str(DEMO / "detector.onnx"))
    half = lighter(proto, "float16", Feeding(width=640, height=640), [], 0)
    assert [one.name for one in half.graph.input] == [one.name for one in proto.graph.input]
    assert half.graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert len(half.SerializeToString()) < 0.7 * len(proto.SerializeToString())


def test_an_int8_form_of_a_network_of_an_old_opset_can_be_run(shared_data: Path, tmp_path: Path) -> None:
    from wildetect.detection.faster.lighter import lighter
    from wildetect.detection.network.session import open_session
    from wildetect.registry.manifest import Feeding

    proto = onnx.load(str(shared_data / "models/fastestdet.onnx"))
    assert proto.opset_import[0].version < 13, "as older exporters write"
    (picture,) = proto.graph.input
    height, width = (one.dim_value for one in picture.type.tensor_type.shape.dim[2:])
    tiles = [np.random.default_rng(one).integers(0, 256, (height, width, 3), np.uint8) for one in range(2)]
    onnx.save(lighter(proto, "int8", Feeding(width=width, height=height), tiles, 0), tmp_path / "int8.onnx")
    light = open_session(tmp_path / "int8.onnx", "cpu")
    assert [one.name for one in light.inputs] == [picture.name]
    (found,) = light.run({picture.name: np.zeros((1, 3, height, width), np.float32)}, [light.outputs[0].name])
    assert np.isfinite(found).all()


def test_int8_sums_do_not_overflow_on_any_processor(tmp_path: Path) -> None:
    """Without VNNI onnxruntime adds two products in 16 bits: large ones were cut, and boxes changed."""
    from wildetect.detection.network.session import open_session

    node, tensor = onnx.helper.make_node, onnx.numpy_helper.from_array
    channels, most = 64, 64 * 3 * 3  # the sum where all pixels and all weights are 1
    constants = {
        "in": np.float32(1 / 255),
        "w": np.float32(1 / 127),
        "out": np.float32(most / 255),
        "zero": np.uint8(0),
        "even": np.int8(0),
        "weights": np.full((8, channels, 3, 3), 127, np.int8),
    }
    nodes = [
        node("QuantizeLinear", ["images", "in", "zero"], ["q"]),
        node("DequantizeLinear", ["q", "in", "zero"], ["x"]),
        node("DequantizeLinear", ["weights", "w", "even"], ["k"]),
        node("Conv", ["x", "k"], ["y"]),
        node("QuantizeLinear", ["y", "out", "zero"], ["r"]),
        node("DequantizeLinear", ["r", "out", "zero"], ["found"]),
    ]
    of = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "full",
        [of("images", onnx.TensorProto.FLOAT, [1, channels, 16, 16])],
        [of("found", onnx.TensorProto.FLOAT, [1, 8, 14, 14])],
        [tensor(np.asarray(value), name) for name, value in constants.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "full.onnx")
    session = open_session(tmp_path / "full.onnx", "cpu")
    (found,) = session.run({"images": np.ones((1, channels, 16, 16), np.float32)}, ["found"])
    assert np.allclose(found, most, rtol=0.01)
