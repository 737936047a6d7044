"""Tiny ONNX networks made for a test: constant outputs, whatever the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from wildetect.detection.families.table import TABLE
from wildetect.detection.network import devices, session
from wildetect.registry.manifest import Feeding, Manifest, Source, Thresholds
from wildetect.settings.words import Family

SIZE = 64
_TYPES = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "uint8": TensorProto.UINT8}


def save_network(
    path: Path,
    outputs: Sequence[NDArray[Any]],
    *,
    dtype: str = "float32",
    batch: int | None = 1,
    sizes_input: bool = False,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """A network whose outputs are these arrays; with a free batch they are repeated along the first axis."""
    inputs = [helper.make_tensor_value_info("images", _TYPES[dtype], [batch or "N", 3, SIZE, SIZE])]
    if sizes_input:
        inputs.append(
            helper.make_tensor_value_info("orig_target_sizes", TensorProto.INT64, [batch or "N", 2])
        )
    nodes, constants, infos = [], [], []
    if batch is None:
        # number of pictures, as repeats for Tile
        constants.append(numpy_helper.from_array(np.array([0]), "zero"))
        constants.append(numpy_helper.from_array(np.array([1]), "one"))
        nodes.append(helper.make_node("Shape", ["images"], ["shape"]))
        nodes.append(helper.make_node("Slice", ["shape", "zero", "one"], ["count"]))
    for number, array in enumerate(outputs):
        constants.append(numpy_helper.from_array(array, f"value{number}"))
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        shape: list[Any] = list(array.shape)
        if batch is None:
            ones = numpy_helper.from_array(np.ones(array.ndim - 1, np.int64), f"ones{number}")
            constants.append(ones)
            nodes.append(helper.make_node("Concat", ["count", f"ones{number}"], [f"repeats{number}"], axis=0))
            nodes.append(
                helper.make_node("Tile", [f"value{number}", f"repeats{number}"], [f"output{number}"])
            )
            shape[0] = "N"
        else:
            nodes.append(helper.make_node("Identity", [f"value{number}"], [f"output{number}"]))
        infos.append(helper.make_tensor_value_info(f"output{number}", kind, shape))
    graph = helper.make_graph(nodes, "network", inputs, infos, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, dict(metadata or {}))
    onnx.save(model, path)
    return path


def save_fragile(path: Path, outputs: Sequence[NDArray[Any]], batch: int | None) -> Path:
    """As `save_network`; it gives no numbers (0 / 0) for a picture that lacks red, green or blue."""
    model = onnx.load(save_network(path, outputs, batch=batch))
    for number, array in enumerate(outputs):
        (output,) = (node for node in model.graph.node if node.output[0] == f"output{number}")
        output.output[0] = f"plain{number}"
        rank = array.ndim
        shape = numpy_helper.from_array(np.array([-1] + [1] * (rank - 1)), f"shape{number}")
        model.graph.initializer.append(shape)
        model.graph.node.extend(
            [
                helper.make_node("ReduceMax", ["images"], [f"colours{number}"], axes=[2, 3], keepdims=0),
                helper.make_node("ReduceMin", [f"colours{number}"], [f"light{number}"], axes=[1], keepdims=0),
                helper.make_node("Div", [f"light{number}"] * 2, [f"one{number}"]),
                helper.make_node("Reshape", [f"one{number}", f"shape{number}"], [f"each{number}"]),
                helper.make_node("Mul", [f"plain{number}", f"each{number}"], [f"output{number}"]),
            ]
        )
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def save_classifier(
    path: Path, *, batch: int | None = None, softmax: bool = False, metadata: Mapping[str, str] | None = None
) -> Path:
    """A classifier of three classes: how red, how green and how blue a picture is on average, times ten."""
    shape: list[Any] = [batch or "N", 3, SIZE, SIZE]
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "ten"], ["scores"]),
        helper.make_node("Softmax" if softmax else "Identity", ["scores"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "classifier",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [batch or "N", 3])],
        [numpy_helper.from_array(np.array([10], np.float32), "ten")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, dict(metadata or {}))
    onnx.save(model, path)
    return path


def work_as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the CPU is treated as a GPU is: batches, pixels as input, many decoder threads."""
    backend = replace(devices.CPU, batched=True, threads=3)
    monkeypatch.setattr(devices, "CPU", backend)
    monkeypatch.setattr(session, "CPU", backend)
    monkeypatch.setattr(devices, "_BACKENDS", (backend,))


def manifest(family: Family, classes: int = 3, size: int = SIZE, **changes: Any) -> Manifest:
    """A manifest for a tiny network; `changes` go into its feeding."""
    feeding = {"width": size, "height": size, **TABLE[family].feeding, **changes}
    return Manifest(
        family=family,
        feeding=Feeding.model_validate(feeding),
        thresholds=Thresholds(confidence=0.25, iou=0.5),
        class_names=tuple(f"animal {number}" for number in range(classes)),
        sha256="0" * 64,
        source=Source(file="network.onnx", size=1, sha256="0" * 64),
    )
