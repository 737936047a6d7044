"""Detectors with random weights, made here: one of YOLOv8's layers, and one of plain convolutions."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from benchmarks.material import noise
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from PIL import Image

from wildetect.detection.checks.inspection import inspect
from wildetect.detection.checks.recognition import describe
from wildetect.detection.network.detector import BATCH_SIZE, Detector
from wildetect.registry.manifest import Source
from wildetect.registry.weights.weights_file import sha256_of
from wildetect.settings.registration import RegistrationSettings
from wildetect.settings.words import Device

__all__ = ["CLASS_NAMES", "Layers", "detector_of", "make_network", "plain", "yolov8"]

CLASS_NAMES = ("elephant", "buffalo", "giraffe", "kob", "topi", "warthog")
_SEED = 20
_OPSET = 17
_GAIN = 5.0
_BINS = 16  # of YOLOv8's distribution over each side's distance
_FALL = 0.5  # how much less likely each bin is than the one before it: boxes of a few cells


class Graph:
    """An ONNX graph that grows node by node; the size of a layer is given as its number of channels."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._random = np.random.default_rng(_SEED)

    def constant(self, values: Any, dtype: type = np.float32) -> str:
        """A constant; its name."""
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """An operation with one output; its name."""
        name = f"value{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def halves(self, value: str, half: int) -> tuple[str, str]:
        """A value's channels, in two halves."""
        names = f"value{len(self.nodes)}a", f"value{len(self.nodes)}b"
        sizes = self.constant([half, half], np.int64)
        self.nodes.append(helper.make_node("Split", [value, sizes], names, axis=1))
        return names

    def convolution(
        self, value: str, channels: tuple[int, int], size: int = 3, *, stride: int = 1, groups: int = 1
    ) -> str:
        """A convolution with weights that keep the spread of the values (He et al. 2015)."""
        inner = channels[0] // groups
        spread = np.sqrt(2 / (inner * size * size))
        weights = self._random.normal(0, spread, (channels[1], inner, size, size))
        form = {"strides": [stride] * 2, "pads": [size // 2] * 4, "group": groups}
        return self.node("Conv", value, self.constant(weights), self.constant([0] * channels[1]), **form)

    def shaped(self, value: str, *shape: int) -> str:
        """A value in another shape, given without that of the batch."""
        return self.node("Reshape", value, self.constant([0, *shape], np.int64))


Layers = Callable[[Graph, int], tuple[str, str]]
"""Adds layers behind the value "images" of so many px; names of boxes (1, 4, n), xywh in px, and of
logits (1, classes, n), each of any batch."""


def plain(width: int = 64, depth: int = 13) -> Layers:
    """Convolutions of 3 x 3 and nothing else: a processor does them at its highest rate.

    Args:
        width: Channels.
        depth: Layers at 1/8 of the size. 13 of 64 channels at 800 px are about 10 GFLOPs.
    """
    return partial(_plain, width=width, depth=depth)


def _plain(graph: Graph, side: int, *, width: int, depth: int) -> tuple[str, str]:
    value = "images"
    for channels, stride in (((3, width // 4), 2), ((width // 4, width // 2), 2), ((width // 2, width), 2)):
        value = graph.node("Relu", graph.convolution(value, channels, stride=stride))
    for _ in range(depth):
        value = graph.node("Relu", graph.convolution(value, (width, width)))
    shares = graph.node("Sigmoid", graph.convolution(value, (width, 4), 1))
    place, size = graph.halves(graph.shaped(shares, 4, -1), 2)
    centres, _ = _cells(side, (8,))
    place = graph.node("Add", place, graph.constant(centres[None] - 0.5))
    place = graph.node("Mul", place, graph.constant(8))
    size = graph.node("Add", graph.node("Mul", size, graph.constant(60)), graph.constant(10))
    logits = graph.shaped(graph.convolution(value, (width, len(CLASS_NAMES)), 1), len(CLASS_NAMES), -1)
    return graph.node("Concat", place, size, axis=1), logits


def yolov8(graph: Graph, side: int) -> tuple[str, str]:
    """The layers of YOLOv8n, with the light branch for classes of YOLO11: at 800 px 10.7 GFLOPs.

    Sizes from ultralytics/ultralytics, cfg/models/v8/yolov8.yaml and nn/modules/head.py.
    """
    value = _silu(graph, "images", (3, 16), stride=2)
    value = _c2f(graph, _silu(graph, value, (16, 32), stride=2), (32, 32), 1)
    fine = _c2f(graph, _silu(graph, value, (32, 64), stride=2), (64, 64), 2)
    middle = _c2f(graph, _silu(graph, fine, (64, 128), stride=2), (128, 128), 2)
    coarse = _pooled(graph, _c2f(graph, _silu(graph, middle, (128, 256), stride=2), (256, 256), 1), 256)
    join = partial(graph.node, "Concat", axis=1)
    middle = _c2f(graph, join(_doubled(graph, coarse), middle), (384, 128), 1, residual=False)
    fine = _c2f(graph, join(_doubled(graph, middle), fine), (192, 64), 1, residual=False)
    middle = join(_silu(graph, fine, (64, 64), stride=2), middle)
    middle = _c2f(graph, middle, (192, 128), 1, residual=False)
    coarse = join(_silu(graph, middle, (128, 128), stride=2), coarse)
    coarse = _c2f(graph, coarse, (384, 256), 1, residual=False)
    return _head(graph, side, ((fine, 64), (middle, 128), (coarse, 256)))


def _silu(graph: Graph, value: str, channels: tuple[int, int], size: int = 3, **form: int) -> str:
    """A convolution and x * sigmoid(x)."""
    value = graph.convolution(value, channels, size, **form)
    return graph.node("Mul", value, graph.node("Sigmoid", value))


def _c2f(graph: Graph, value: str, channels: tuple[int, int], count: int, *, residual: bool = True) -> str:
    """YOLOv8's block: half of the channels goes through pairs of convolutions, whose steps are all kept."""
    half = channels[1] // 2
    parts = [*graph.halves(_silu(graph, value, channels, 1), half)]
    for _ in range(count):
        step = _silu(graph, _silu(graph, parts[-1], (half, half)), (half, half))
        parts.append(graph.node("Add", parts[-1], step) if residual else step)
    return _silu(graph, graph.node("Concat", *parts, axis=1), (half * len(parts), channels[1]), 1)


def _pooled(graph: Graph, value: str, width: int) -> str:
    """The highest values of ever wider surroundings."""
    parts = [_silu(graph, value, (width, width // 2), 1)]
    for _ in range(3):
        parts.append(graph.node("MaxPool", parts[-1], kernel_shape=[5, 5], pads=[2] * 4))
    return _silu(graph, graph.node("Concat", *parts, axis=1), (width * 2, width), 1)


def _doubled(graph: Graph, value: str) -> str:
    form = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return graph.node("Resize", value, "", graph.constant([1, 1, 2, 2]), **form)


def _head(graph: Graph, side: int, levels: tuple[tuple[str, int], ...]) -> tuple[str, str]:
    distances, logits = [], []
    for value, width in levels:
        distance = _silu(graph, _silu(graph, value, (width, 64)), (64, 64))
        distance = graph.convolution(distance, (64, 4 * _BINS), 1)
        distances.append(graph.shaped(distance, 4 * _BINS, -1))
        logit = value
        for channels in ((width, 64), (64, 64)):
            alone = _silu(graph, logit, (channels[0], channels[0]), groups=channels[0])
            logit = _silu(graph, alone, channels, 1)
        logit = graph.convolution(logit, (64, len(CLASS_NAMES)), 1)
        logits.append(graph.shaped(logit, len(CLASS_NAMES), -1))
    centres, strides = _cells(side, (8, 16, 32))
    count = len(strides)
    bins = graph.shaped(graph.node("Concat", *distances, axis=2), 4, _BINS, count)
    bins = graph.node("Sub", bins, graph.constant(_FALL * np.arange(_BINS)[:, None]))
    bins = graph.node("Softmax", graph.node("Transpose", bins, perm=[0, 2, 1, 3]), axis=1)
    mean = graph.node("Conv", bins, graph.constant(np.arange(_BINS).reshape(1, _BINS, 1, 1)))
    before, after = graph.halves(graph.shaped(mean, 4, count), 2)
    half = graph.node("Mul", graph.node("Sub", after, before), graph.constant(0.5))
    centre = graph.node("Add", half, graph.constant(centres[None]))
    boxes = graph.node("Concat", centre, graph.node("Add", before, after), axis=1)
    boxes = graph.node("Mul", boxes, graph.constant(strides[None, None]))
    return boxes, graph.node("Concat", *logits, axis=2)


def _cells(side: int, strides: tuple[int, ...]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Centres (2, n) of all cells in cells, and their strides (n,) in px."""
    centres, sizes = [], []
    for stride in strides:
        count = -(-side // stride)
        row, column = np.mgrid[:count, :count]
        centres.append(np.stack([column.ravel(), row.ravel()]) + 0.5)
        sizes.append(np.full(count * count, stride))
    return np.concatenate(centres, axis=1), np.concatenate(sizes)


def make_network(path: Path, layers: Layers = yolov8, *, side: int = 800, share: float = 0.002) -> Path:
    """A detector with YOLOv8's output, (1, 4 + classes, cells), that finds something in any noise.

    Args:
        path: The file.
        layers: What it is made of.
        side: Side of the input in px.
        share: Part of the cells that reports an animal.
    """
    # twice: the first one shows which threshold this share of the cells exceeds
    _save(path, layers, side)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    logits = []
    for pixels in _as_cameras_write(noise(side, side, seed=1)):
        picture = pixels.transpose(2, 0, 1)[None].astype(np.float32) / 255
        scores = session.run(None, {"images": picture})[0][0, 4:].max(axis=0).astype(np.float64)
        logits.append(np.log(scores / (1 - scores)))
    level = max(float(np.quantile(values, 1 - share)) for values in logits)
    # the rest of the cells shall be as sure that there is nothing as those of a trained network are
    _save(path, layers, side, level=level, gain=_GAIN / float(np.std(logits[0])))
    return path


def _save(path: Path, layers: Layers, side: int, *, level: float = 0.0, gain: float = 1.0) -> None:
    graph = Graph()
    boxes, logits = layers(graph, side)
    logits = graph.node("Mul", graph.node("Sub", logits, graph.constant(level)), graph.constant(gain))
    scores = graph.node("Sigmoid", logits)
    graph.nodes.append(helper.make_node("Concat", [boxes, scores], ["output0"], axis=1))
    kind = onnx.TensorProto.FLOAT
    network = helper.make_graph(
        graph.nodes,
        "network",
        [helper.make_tensor_value_info("images", kind, ["batch", 3, side, side])],
        [helper.make_tensor_value_info("output0", kind, ["batch", 4 + len(CLASS_NAMES), "cells"])],
        graph.constants,
    )
    model = helper.make_model(network, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8)
    names = dict(enumerate(CLASS_NAMES))
    helper.set_model_props(model, {"names": str(names), "task": "detect", "args": json.dumps({"nms": False})})
    onnx.save(model, path)


def _as_cameras_write(pixels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """A picture as it is and as JPEG gives it back: a network of random weights tells them apart."""
    pictures = [pixels]
    for quality in (90, 75):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, format="JPEG", quality=quality)
        pictures.append(np.asarray(Image.open(file)))
    return pictures


def detector_of(network: Path, device: Device = "cpu", batch_size: int = BATCH_SIZE) -> Detector:
    """The detector of a network made here."""
    weights = inspect(network)
    sha256 = sha256_of(network)
    source = Source(file=network.name, size=network.stat().st_size, sha256=sha256)
    manifest = describe(weights, RegistrationSettings(), sha256, source)
    return Detector(network, manifest, device, batch_size=batch_size)
