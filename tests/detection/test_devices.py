from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from tests.detection.networks import save_network

from wildetect.detection.network.devices import to_try
from wildetect.errors import ConfigurationError
from wildetect.settings.words import Device

CUDA, DML, OPENVINO, CPU = (
    "CUDAExecutionProvider",
    "DmlExecutionProvider",
    "OpenVINOExecutionProvider",
    "CPUExecutionProvider",
)


@pytest.mark.parametrize(
    ("available", "expected"),
    [
        ([CPU], ["cpu"]),
        ([CUDA, CPU], ["cuda", "cpu"]),
        ([CPU, DML], ["directml", "cpu"]),
        ([OPENVINO, CPU], ["openvino", "cpu"]),
        ([OPENVINO, DML, CUDA], ["cuda", "directml", "openvino", "cpu"]),
    ],
)
def test_auto_takes_the_fastest_that_is_installed(available: list[str], expected: list[str]) -> None:
    assert [backend.device for backend in to_try("auto", available)] == expected


@pytest.mark.parametrize("device", ["cuda", "directml", "openvino"])
def test_a_device_that_is_not_installed_is_an_error_with_its_package(device: str) -> None:
    with pytest.raises(ConfigurationError, match=f"device: {device} is not available") as caught:
        to_try(device, [CPU])  # type: ignore[arg-type]
    assert "install onnxruntime-" in caught.value.hint


def test_devices_are_those_of_the_settings() -> None:
    from wildetect.settings.detection import ModelChoice

    schema = ModelChoice.model_json_schema()["properties"]["device"]
    assert tuple(schema["enum"]) == get_args(Device)


CHANNELS = 1024  # 16 MB a tile inside the network
LITTLE_MEMORY = """
import json, resource, sys
from pathlib import Path
from typing import get_args
import numpy as np
from wildetect.detection.network.detector import Detector
from tests.detection.networks import manifest

detector = Detector(Path(sys.argv[1]), manifest("yolov8"), "cpu")
tiles = [np.full((64, 64, 3), number, np.uint8) for number in range(48)]
before = detector.detect(tiles[:1])
pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
most = pages * resource.getpagesize() + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (most, most))
try:
    found = detector.detect(tiles)
except Exception as error:
    print(json.dumps({"error": type(error).__name__, "message": str(error)}))
else:
    same = all((one.xyxy == before[0].xyxy).all() for one in found)
    print(json.dumps({"tiles": len(found), "same": bool(same)}))
"""


def with_little_memory(weights: Path, spare: int) -> tuple[dict[str, object], str]:
    done = subprocess.run(
        [sys.executable, "-c", LITTLE_MEMORY, str(weights), str(spare)],
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    document: dict[str, object] = json.loads(done.stdout)
    return document, done.stderr


def hungry(path: Path) -> Path:
    """A detector of any batch that needs much memory for each tile."""
    rows = np.zeros((1, 6, 3), np.float32)
    rows[0, :4] = np.array([[10, 30, 50], [10, 30, 50], [8, 8, 8], [8, 8, 8]])
    rows[0, 4] = 0.9
    model = onnx.load(save_network(path, [rows], batch=None))
    kernel = np.zeros((CHANNELS, 3, 1, 1), np.float32)
    model.graph.initializer.append(numpy_helper.from_array(kernel, "kernel"))
    model.graph.initializer.append(numpy_helper.from_array(np.array([1, 2, 3]), "axes"))
    model.graph.node[-1].output[0] = "plain"
    model.graph.node.extend(
        [
            helper.make_node("Conv", ["images", "kernel"], ["wide"]),
            helper.make_node("ReduceMax", ["wide", "axes"], ["most"], keepdims=1),
            helper.make_node("Squeeze", ["most", "axes_3"], ["nothing"]),
            helper.make_node("Add", ["plain", "nothing"], ["output0"]),
        ]
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array([3]), "axes_3"))
    model.opset_import[0].version = 18
    onnx.save(model, path)
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by a means of Linux")
def test_tiles_are_run_in_fewer_at_once_when_memory_is_full(tmp_path: Path) -> None:
    document, told = with_little_memory(hungry(tmp_path / "hungry.onnx"), 300 << 20)
    assert document == {"tiles": 48, "same": True}
    assert "tiles at once from now on" in told


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by a means of Linux")
def test_one_tile_that_is_too_much_is_an_error(tmp_path: Path) -> None:
    document, _ = with_little_memory(hungry(tmp_path / "hungry.onnx"), 12 << 20)
    assert document["error"] == "NoMemoryError"
    assert "not enough memory" in str(document["message"])
