"""Let a network take tiles as they are: cast, order of channels, scale and layout become part of it.

A GPU gains by it: a quarter of the bytes go there, and it does in no time what costs the processor a
millisecond a tile. The values are those of preprocess.network_input, to the last bit. A processor gains
where the first layer takes the work over (module pixel_convolution).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wildetect.detection.network.graph import opset_of
from wildetect.registry.manifest import Feeding

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

__all__ = ["constant_node", "convolve_pixels", "with_pixel_input"]

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


_BROADCASTING = 7  # opset since which Mul and Sub fit (1, 3, 1, 1) to (n, 3, h, w) by themselves
_PREFIX = "wildetect_pixels"
_SMALL = 100_000_000  # bytes


def with_pixel_input(weights: Path, feeding: Feeding, *, convolved: bool = False) -> bytes | None:
    """An ONNX file's network with an input for pixels in place of that for pictures.

    Args:
        weights: The file.
        feeding: How pictures are fed to it.
        convolved: Only where its first convolution can read them as they lie (module pixel_convolution),
            and where the file is small: beside a large network's passes that is nothing, but a copy of the
            file in memory is much.

    Returns:
        The network, as a file would hold it. Its input is uint8, shape (n, height, width, 3), RGB,
        resized and padded as `feeding` says. None where the file is not fed so, is of an opset before 7, or
        has values that are named as ours.
    """
    import onnx
    from onnx.external_data_helper import load_external_data_for_model

    if convolved and weights.stat().st_size > _SMALL:
        return None
    proto = onnx.load(str(weights), load_external_data=False)
    if _is_in_several_files(proto):
        if convolved:
            return None
        load_external_data_for_model(proto, str(weights.parent))
    constants = {constant.name for constant in proto.graph.initializer}
    pictures = [
        (place, value)
        for place, value in enumerate(proto.graph.input)
        if value.name not in constants and _is_picture(value, feeding)
    ]
    if len(pictures) != 1 or opset_of(proto) < _BROADCASTING or _has_our_names(proto):
        return None
    ((place, picture),) = pictures
    feed = convolve_pixels if convolved else _feed_pixels
    first = feed(proto.graph, picture.name, _PREFIX, feeding)
    if first is None:
        return None
    nodes = [*first, *proto.graph.node]
    inputs = list(proto.graph.input)
    inputs[place] = _pixels(picture)
    del proto.graph.node[:], proto.graph.input[:]
    proto.graph.node.extend(nodes)
    proto.graph.input.extend(inputs)
    return bytes(proto.SerializeToString())


def _is_in_several_files(proto: ModelProto) -> bool:
    from onnx.external_data_helper import uses_external_data

    values = (entry.t for node in proto.graph.node for entry in node.attribute if entry.HasField("t"))
    return any(uses_external_data(tensor) for tensor in (*proto.graph.initializer, *values))


def _has_our_names(proto: ModelProto) -> bool:
    graph = proto.graph
    names = [value.name for value in (*graph.initializer, *graph.input)]
    names += [name for node in graph.node for name in node.output]
    return any(name.startswith(_PREFIX) for name in names)


def _is_picture(value: ValueInfoProto, feeding: Feeding) -> bool:
    from onnx import helper

    kind = value.type.tensor_type
    shape = [dim.dim_value or None for dim in kind.shape.dim]
    fed = [None, 3, feeding.height, feeding.width]
    fits = len(shape) == len(fed) and all(
        own in {None, other} for own, other in zip(shape[1:], fed[1:], strict=True)
    )
    return fits and helper.tensor_dtype_to_np_dtype(kind.elem_type) == np.dtype(feeding.dtype)


def _pixels(picture: ValueInfoProto) -> ValueInfoProto:
    """The input (n, height, width, 3) in place of (n, 3, height, width); each length as it was, or any."""
    from onnx import TensorProto, helper

    batch, channels, height, width = (
        dim.dim_value or dim.dim_param or None for dim in picture.type.tensor_type.shape.dim
    )
    shape = [batch, height, width, channels or 3]
    return helper.make_tensor_value_info(_PREFIX, TensorProto.UINT8, shape)


def _feed_pixels(_: GraphProto, picture: str, pixels: str, feeding: Feeding) -> list[NodeProto]:
    """From pixels to (p * scale - mean) / std, in the order and with the operations of `network_input`."""
    from onnx import TensorProto, helper

    chain: list[tuple[str, list[np.ndarray], dict[str, Any]]] = []
    if feeding.channel_order == "bgr":
        chain.append(("Gather", [np.array([2, 1, 0])], {"axis": 3}))
    chain.append(("Transpose", [], {"perm": [0, 3, 1, 2]}))
    if feeding.dtype != "uint8":
        factor, offset = feeding.factor_and_offset
        chain.append(("Cast", [], {"to": TensorProto.FLOAT}))
        chain.append(("Mul", [factor[None, :, None, None]], {}))
        if offset.any():
            chain.append(("Sub", [offset[None, :, None, None]], {}))
        if feeding.dtype == "float16":
            chain.append(("Cast", [], {"to": TensorProto.FLOAT16}))
    nodes, value = [], pixels
    for number, (kind, operands, attributes) in enumerate(chain):
        names = [f"{pixels}_{number}_operand"][: len(operands)]
        nodes += [constant_node(name, operand) for name, operand in zip(names, operands, strict=True)]
        result = picture if number == len(chain) - 1 else f"{pixels}_{number}"
        nodes.append(helper.make_node(kind, [value, *names], [result], **attributes))
        value = result
    return nodes
