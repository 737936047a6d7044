"""Let a network take tiles as they are: cast, order of channels, scale and layout become part of it.

A GPU gains by it: a quarter of the bytes go there, and it does in no time what costs the processor a
millisecond a tile. A processor does not: the work is the same there, whoever does it (measured: 2.0 ms
a tile in the network, 2.1 before it). The values are those of preprocess.network_input, to the last bit.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wildetect.registry.manifest import Feeding

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, ValueInfoProto

__all__ = ["with_pixel_input"]

_BROADCASTING = 7  # opset since which Mul and Sub fit (1, 3, 1, 1) to (n, 3, h, w) by themselves
_PREFIX = "wildetect_pixels"


def with_pixel_input(weights: Path, feeding: Feeding) -> bytes | None:
    """An ONNX file's network with an input for pixels in place of that for pictures.

    Args:
        weights: The file.
        feeding: How pictures are fed to it.

    Returns:
        The network, as a file would hold it. Its input is uint8, shape (n, height, width, 3), RGB,
        resized and padded as `feeding` says. None where the file is not fed so, or is of an opset before 7.
    """
    import onnx

    proto = onnx.load(str(weights))
    constants = {constant.name for constant in proto.graph.initializer}
    pictures = [
        (place, value)
        for place, value in enumerate(proto.graph.input)
        if value.name not in constants and _is_picture(value, feeding)
    ]
    if len(pictures) != 1 or _opset(proto) < _BROADCASTING:
        return None
    ((place, picture),) = pictures
    nodes = [*_feeding_nodes(picture.name, feeding), *proto.graph.node]
    inputs = list(proto.graph.input)
    inputs[place] = _pixels(picture)
    del proto.graph.node[:], proto.graph.input[:]
    proto.graph.node.extend(nodes)
    proto.graph.input.extend(inputs)
    return bytes(proto.SerializeToString())


def _is_picture(value: ValueInfoProto, feeding: Feeding) -> bool:
    from onnx import helper

    kind = value.type.tensor_type
    shape = [dim.dim_value or None for dim in kind.shape.dim]
    fed = [None, 3, feeding.height, feeding.width]
    fits = len(shape) == len(fed) and all(
        own in {None, other} for own, other in zip(shape[1:], fed[1:], strict=True)
    )
    return fits and helper.tensor_dtype_to_np_dtype(kind.elem_type) == np.dtype(feeding.dtype)


def _opset(proto: ModelProto) -> int:
    return max((entry.version for entry in proto.opset_import if entry.domain in {"", "ai.onnx"}), default=0)


def _pixels(picture: ValueInfoProto) -> ValueInfoProto:
    """The input (n, height, width, 3) in place of (n, 3, height, width); each length as it was, or any."""
    from onnx import TensorProto, helper

    batch, channels, height, width = (
        dim.dim_value or dim.dim_param or None for dim in picture.type.tensor_type.shape.dim
    )
    shape = [batch, height, width, channels or 3]
    return helper.make_tensor_value_info(_PREFIX, TensorProto.UINT8, shape)


def _feeding_nodes(picture: str, feeding: Feeding) -> list[NodeProto]:
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
    nodes, value = [], _PREFIX
    for number, (kind, operands, attributes) in enumerate(chain):
        names = [f"{_PREFIX}_{number}_operand"][: len(operands)]
        nodes += [_constant(name, operand) for name, operand in zip(names, operands, strict=True)]
        result = picture if number == len(chain) - 1 else f"{_PREFIX}_{number}"
        nodes.append(helper.make_node(kind, [value, *names], [result], **attributes))
        value = result
    return nodes


def _constant(name: str, values: np.ndarray) -> NodeProto:
    """A node, not an initializer: in old files each initializer is an input, too."""
    from onnx import helper, numpy_helper

    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(values))
