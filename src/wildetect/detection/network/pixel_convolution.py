"""Let a network's first convolution read pixels where they lie, in place of its channels one by one.

Pixels lie as r g b r g b ...: three values a pixel. A row of w pixels is taken as a row of 3 w values of one
channel, so that a kernel of k x k over three channels becomes one of k x 3 k over one, which goes on in
steps, and begins with borders, three times as wide. It multiplies the same numbers. The scale of the pixels
goes into its weights, so that nothing is left of the feeding but the cast.

Measured with YOLOv8's layers at 800 px on two cores: a tile is ready in 0.45 ms instead of 1.7, and a pass
of 105 ms takes 4% less, since it begins with a quarter of the bytes. Sums are taken in another order and
weights are rounded once more: confidences differ by up to 0.000006, boxes by up to 0.000008 of the input's
side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wildetect.registry.manifest import Feeding

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import GraphProto, NodeProto

__all__ = ["constant_node", "convolve_pixels"]

_CHANNELS = 3
_RANK = 4


def convolve_pixels(graph: GraphProto, picture: str, pixels: str, feeding: Feeding) -> list[NodeProto] | None:
    """Let the convolution that reads the input `picture` read `pixels`, uint8, shape (n, height, width, 3).

    Args:
        graph: The network. Changed only where this is possible.
        picture: Its input, float32, shape (n, 3, height, width).
        pixels: Name of the input in place of it.
        feeding: How pictures are fed to it.

    Returns:
        What is to be done first; None where something else than one convolution reads the picture, or where
        more than scaling is to be done.
    """
    from onnx import TensorProto, helper

    factor, offset = feeding.factor_and_offset
    convolution = _only_reader(graph, picture)
    if convolution is None or feeding.dtype != "float32" or offset.any():
        return None
    attributes = {entry.name: helper.get_attribute_value(entry) for entry in convolution.attribute}
    weights = _constant(graph, convolution.input[1])
    if weights is None or not _is_plain(weights, attributes):
        return None
    if feeding.channel_order == "bgr":
        weights, factor = weights[:, ::-1], factor[::-1]
    outputs, _, height, width = weights.shape
    scaled = (weights * factor[:, None, None]).astype(np.float32)
    flat = scaled.transpose(0, 2, 3, 1).reshape(outputs, 1, height, width * _CHANNELS)

    step, across = attributes.get("strides", (1, 1))
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    del convolution.attribute[:]
    convolution.attribute.append(helper.make_attribute("strides", [step, across * _CHANNELS]))
    convolution.attribute.append(
        helper.make_attribute("pads", [top, left * _CHANNELS, bottom, right * _CHANNELS])
    )
    convolution.input[0], convolution.input[1] = f"{pixels}_cast", f"{pixels}_weights"
    rows = np.array([-1, 1, feeding.height, feeding.width * _CHANNELS])
    return [
        constant_node(f"{pixels}_shape", rows),
        constant_node(f"{pixels}_weights", flat),
        helper.make_node("Reshape", [pixels, f"{pixels}_shape"], [f"{pixels}_rows"]),
        helper.make_node("Cast", [f"{pixels}_rows"], [f"{pixels}_cast"], to=TensorProto.FLOAT),
    ]


def constant_node(name: str, values: NDArray[Any]) -> NodeProto:
    """A constant as a node, not as an initializer: in old files each initializer is an input, too."""
    from onnx import helper, numpy_helper

    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(values))


def _only_reader(graph: GraphProto, picture: str) -> NodeProto | None:
    """The convolution that reads the picture, if nothing else does, of which a subgraph could hide some."""
    if any(entry.HasField("g") or entry.graphs for node in graph.node for entry in node.attribute):
        return None
    readers = [node for node in graph.node if picture in node.input]
    if len(readers) != 1 or readers[0].op_type != "Conv" or readers[0].domain not in {"", "ai.onnx"}:
        return None
    return None if any(output.name == picture for output in graph.output) else readers[0]


def _constant(graph: GraphProto, name: str) -> NDArray[Any] | None:
    """A constant's values, wherever the file keeps them; None for what the network computes."""
    from onnx import numpy_helper

    for constant in graph.initializer:
        if constant.name == name:
            return np.asarray(numpy_helper.to_array(constant))
    for node in graph.node:
        if node.op_type == "Constant" and name in node.output and node.attribute[0].name == "value":
            return np.asarray(numpy_helper.to_array(node.attribute[0].t))
    return None


def _is_plain(weights: NDArray[Any], attributes: dict[str, Any]) -> bool:
    return (
        weights.ndim == _RANK
        and weights.shape[1] == _CHANNELS
        and weights.dtype == np.float32
        and attributes.get("group", 1) == 1
        and set(attributes.get("dilations", (1, 1))) == {1}
        and attributes.get("auto_pad", b"NOTSET") == b"NOTSET"
    )
