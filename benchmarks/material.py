"""What the benchmarks work on: a detector with random weights and photographs of noise, made here."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from PIL import Image

from wildetect.detection.detector import Detector
from wildetect.detection.inspection import inspect
from wildetect.detection.recognition import describe
from wildetect.registry.digest import sha256_of
from wildetect.registry.manifest import Source
from wildetect.settings.registration import RegistrationSettings

__all__ = ["CLASS_NAMES", "detector_of", "make_network", "make_photograph", "make_raster", "noise"]

CLASS_NAMES = ("elephant", "buffalo", "giraffe", "kob", "topi", "warthog")
STRIDE = 8
_SEED = 20
_OPSET = 17
_GAIN = 5.0


class _Graph:
    """An ONNX graph that grows node by node."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._random = np.random.default_rng(_SEED)

    def constant(self, values: NDArray[Any]) -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"value{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def convolution(self, value: str, channels: tuple[int, int], *, stride: int = 1, size: int = 3) -> str:
        """A convolution with weights that keep the spread of the values (He et al. 2015)."""
        spread = np.sqrt(2 / (channels[0] * size * size))
        weights = self._random.normal(0, spread, (channels[1], channels[0], size, size)).astype(np.float32)
        pads = [size // 2] * 4
        return self.node("Conv", value, self.constant(weights), strides=[stride, stride], pads=pads)


def make_network(
    path: Path, *, side: int = 800, width: int = 64, depth: int = 13, share: float = 0.002
) -> Path:
    """A detector of YOLOv8's layout, (1, 4 + classes, cells), that finds something in any noise.

    Args:
        path: The file.
        side: Of the input in px.
        width: Channels of its body.
        depth: Layers of its body: 13 of 64 channels at 800 px are about 10 GFLOPs.
        share: Part of the cells that reports an animal.
    """
    # twice: the first one shows which threshold this share of the cells exceeds
    _save(path, side, width, depth)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    logits = []
    for pixels in _as_cameras_write(noise(side, side, seed=1)):
        picture = pixels.transpose(2, 0, 1)[None].astype(np.float32) / 255
        scores = session.run(None, {"images": picture})[0][0, 4:].max(axis=0).astype(np.float64)
        logits.append(np.log(scores / (1 - scores)))
    level = max(float(np.quantile(values, 1 - share)) for values in logits)
    # the rest of the cells shall be as sure that there is nothing as those of a trained network are
    _save(path, side, width, depth, level=level, gain=_GAIN / float(np.std(logits[0])))
    return path


def _save(path: Path, side: int, width: int, depth: int, *, level: float = 0.0, gain: float = 1.0) -> None:
    graph = _Graph()
    value = "images"
    for channels, stride in (((3, width // 4), 2), ((width // 4, width // 2), 2), ((width // 2, width), 2)):
        value = graph.node("Relu", graph.convolution(value, channels, stride=stride))
    for _ in range(depth):
        value = graph.node("Relu", graph.convolution(value, (width, width)))
    cells = -(-side // STRIDE)
    row, column = np.mgrid[:cells, :cells]
    centres = ((np.stack([column, row]) + 0.5) * STRIDE).astype(np.float32)[None]
    size = graph.node("Sigmoid", graph.convolution(value, (width, 2), size=1))
    size = graph.node("Mul", size, graph.constant(np.array(60, np.float32)))
    size = graph.node("Add", size, graph.constant(np.array(10, np.float32)))
    logits = graph.convolution(value, (width, len(CLASS_NAMES)), size=1)
    logits = graph.node("Sub", logits, graph.constant(np.array(level, np.float32)))
    scores = graph.node("Sigmoid", graph.node("Mul", logits, graph.constant(np.array(gain, np.float32))))
    joined = graph.node("Concat", graph.constant(centres), size, scores, axis=1)
    shape = graph.constant(np.array([1, 4 + len(CLASS_NAMES), cells * cells], np.int64))
    graph.nodes.append(helper.make_node("Reshape", [joined, shape], ["output0"]))
    kind = onnx.TensorProto.FLOAT
    network = helper.make_graph(
        graph.nodes,
        "network",
        [helper.make_tensor_value_info("images", kind, [1, 3, side, side])],
        [helper.make_tensor_value_info("output0", kind, [1, 4 + len(CLASS_NAMES), cells * cells])],
        graph.constants,
    )
    model = helper.make_model(network, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8)
    names = dict(enumerate(CLASS_NAMES))
    helper.set_model_props(model, {"names": str(names), "task": "detect", "args": json.dumps({"nms": False})})
    onnx.save(model, path)


def noise(width: int, height: int, seed: int) -> NDArray[np.uint8]:
    """Coarse and fine noise, shape (height, width, 3): a JPEG of it costs what one of savanna does."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(40, 200, (height // 16 + 1, width // 16 + 1, 3), np.uint8))
    pixels = np.asarray(coarse.resize((width, height), Image.Resampling.BILINEAR)).astype(np.int16)
    pixels += random.integers(-20, 21, pixels.shape, np.int16)
    return pixels.clip(0, 255).astype(np.uint8)


def _as_cameras_write(pixels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """A picture as it is and as JPEG gives it back: a network of random weights tells them apart."""
    pictures = [pixels]
    for quality in (90, 75):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, format="JPEG", quality=quality)
        pictures.append(np.asarray(Image.open(file)))
    return pictures


def make_photograph(path: Path, width: int, height: int, seed: int) -> Path:
    """A photograph of noise, the same for the same seed."""
    Image.fromarray(noise(width, height, seed)).save(path, quality=90)
    return path


def make_raster(path: Path, side: int) -> Path:
    """A square orthomosaic of noise: JPEG-compressed blocks of 512 px, 5 cm a pixel, in UTM."""
    import rasterio
    from rasterio.transform import from_origin
    from rasterio.windows import Window

    block = noise(1024, 1024, seed=3).transpose(2, 0, 1)
    profile = {"driver": "GTiff", "width": side, "height": side, "count": 3, "dtype": "uint8"}
    profile |= {"crs": "EPSG:32736", "transform": from_origin(5e5, 9e6, 0.05, 0.05)}
    profile |= {
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
        "compress": "jpeg",
        "photometric": "ycbcr",
    }
    with rasterio.open(path, "w", **profile) as file:
        for y in range(0, side, 1024):
            for x in range(0, side, 1024):
                width, height = min(1024, side - x), min(1024, side - y)
                file.write(block[:, :height, :width], window=Window(x, y, width, height))
    return path


def detector_of(network: Path) -> Detector:
    """The detector of a network made here, on the CPU."""
    weights = inspect(network)
    sha256 = sha256_of(network)
    source = Source(file=network.name, size=network.stat().st_size, sha256=sha256)
    return Detector(network, describe(weights, RegistrationSettings(), sha256, source), "cpu")
