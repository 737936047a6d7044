"""A network whose loop has no end is refused in time."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import onnx
import psutil
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests.detection.networks import SIZE

from wildetect.detection.checks import ending
from wildetect.detection.checks.ending import check_it_ends
from wildetect.detection.checks.inspection import inspect
from wildetect.errors import ModelError


def with_a_loop(path: Path, turns: int) -> Path:
    """A detector that adds to its output `turns` times before it gives it."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Add", ["so_far", "step"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("so_far", TensorProto.FLOAT, [1, 6, 8]),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, [1, 6, 8]),
        ],
    )
    nodes = [
        helper.make_node("ReduceMax", ["images"], ["most"], keepdims=0),
        helper.make_node("Mul", ["begin", "most"], ["scaled"]),
        helper.make_node("Loop", ["turns", "true", "scaled"], ["output"], body=body),
    ]
    constants = [
        numpy_helper.from_array(np.array(turns, np.int64), "turns"),
        numpy_helper.from_array(np.array(True), "true"),
        numpy_helper.from_array(np.ones((1, 6, 8), np.float32), "begin"),
        numpy_helper.from_array(np.float32(1e-9), "step"),
    ]
    graph = helper.make_graph(
        nodes,
        "loop",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 6, 8])],
        constants,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def children() -> list[psutil.Process]:
    return psutil.Process().children()


def test_a_loop_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "LONGEST", 4.0)
    before = children()
    with pytest.raises(ModelError, match="does not end within 4 s"):
        inspect(with_a_loop(tmp_path / "endless.onnx", 2**62))
    assert children() == before


def test_a_loop_that_ends_is_a_detector_like_others(tmp_path: Path) -> None:
    assert inspect(with_a_loop(tmp_path / "short.onnx", 3)).input_size == (SIZE, SIZE)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C is another event there")
def test_ctrl_c_ends_the_wait(tmp_path: Path) -> None:
    path = with_a_loop(tmp_path / "endless.onnx", 2**62)
    before, begun = children(), time.monotonic()
    press = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    press.start()
    with pytest.raises(KeyboardInterrupt):
        check_it_ends(path)
    press.join()
    assert time.monotonic() - begun < 10
    left = [one for one in children() if one not in before]
    assert psutil.wait_procs(left, timeout=5)[1] == []  # killed by then, if not gone
