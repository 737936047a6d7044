"""A network with fewer bits: int8 for processors, float16 for GPUs."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from wildetect.detection.network.graph import opset_of
from wildetect.detection.network.preprocess import network_input
from wildetect.errors import ModelError
from wildetect.imagery.source import Pixels
from wildetect.registry.manifest import Feeding

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["SHARES_KEPT", "Kind", "lighter"]

Kind = Literal["int8", "float16"]
SHARES_KEPT = (0.0, 0.15, 0.4)
"""Parts of the convolutions, counted from the outputs, that stay in float: boxes need more than 8 bits."""

_IMAGE_RANK = 4
_PER_CHANNEL = 13  # opset since which DequantizeLinear has an axis


def lighter(
    proto: ModelProto, kind: Kind, feeding: Feeding, tiles: Sequence[Pixels], kept: float
) -> ModelProto:
    """Make the lighter form of a network.

    int8 is onnxruntime's static quantisation of the convolutions: weights per channel with a sign,
    activations without, their ranges from `tiles`. Inputs and outputs stay as they are, so that the
    network is fed and read as before.

    Args:
        proto: The network, in float32.
        kind: What to make.
        feeding: How it is fed.
        tiles: RGB, each of shape (height, width, 3), such as it will meet; for int8.
        kept: Part of the convolutions that stays in float, of those nearest to the outputs; for int8.

    Raises:
        ModelError: It has no convolutions in float32, or cannot be converted.
    """
    convolutions = [node.name for node in proto.graph.node if node.op_type == "Conv"]
    if not convolutions or any(node.op_type == "QuantizeLinear" for node in proto.graph.node):
        raise ModelError(
            "this network has no convolutions in float32: it may be optimised already",
            hint="Start from the version that came out of the training: uv run invoke model.list",
        )
    try:
        if kind == "float16":
            return _halved(proto)
        return _quantised(proto, feeding, tiles, round(kept * len(convolutions)))
    except ModelError:
        raise
    except Exception as error:  # the converters raise anything
        raise ModelError(
            f"the network cannot be converted to {kind}: {' '.join(str(error).split())[:300]}",
            hint="Use it as it is; nothing was registered.",
        ) from error


def _halved(proto: ModelProto) -> ModelProto:
    from onnxruntime.transformers.float16 import convert_float_to_float16

    halved: ModelProto = convert_float_to_float16(proto, keep_io_types=True)
    return halved


def _quantised(proto: ModelProto, feeding: Feeding, tiles: Sequence[Pixels], kept: int) -> ModelProto:
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    named = _all_named(_with_scales_per_channel(proto))
    names = [node.name for node in named.graph.node if node.op_type == "Conv"]
    with (
        tempfile.TemporaryDirectory(prefix="wildetect-int8-", ignore_cleanup_errors=True) as folder,
        _quiet(),
    ):
        before, after = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save(named, str(before))
        quantize_static(
            str(before),
            str(after),
            _Feeds(named, feeding, tiles),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=names[len(names) - kept :],
        )
        return onnx.load(str(after))


def _with_scales_per_channel(proto: ModelProto) -> ModelProto:
    """The network in an opset whose DequantizeLinear knows channels; older ones are brought up to it."""
    from onnx import version_converter

    if opset_of(proto) >= _PER_CHANNEL:
        return proto
    return version_converter.convert_version(proto, _PER_CHANNEL)


def _all_named(proto: ModelProto) -> ModelProto:
    """A copy whose nodes all have names: what is left out is named."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    for number, node in enumerate(copy.graph.node):
        node.name = node.name or f"{node.op_type}_{number}"
    return copy


class _Feeds:
    """What the network is fed with, one tile after the other, as onnxruntime's calibration asks for it."""

    def __init__(self, proto: ModelProto, feeding: Feeding, tiles: Sequence[Pixels]) -> None:
        constants = {one.name for one in proto.graph.initializer}
        inputs = [one for one in proto.graph.input if one.name not in constants]
        ranks = {one.name: len(one.type.tensor_type.shape.dim) for one in inputs}
        self._image = next(name for name, rank in ranks.items() if rank == _IMAGE_RANK)
        self._sizes = [name for name in ranks if name != self._image]
        self._feeding = feeding
        self._next: Iterator[Pixels] = iter(tiles)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        tile = next(self._next, None)
        if tile is None:
            return None
        fed, _ = network_input([tile], self._feeding, self._feeding.batch)
        sizes = np.tile(np.array([self._feeding.width, self._feeding.height], np.int64), (len(fed), 1))
        return {self._image: fed.astype(self._feeding.dtype), **dict.fromkeys(self._sizes, sizes)}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the converters' advice on the root logger, which is not for our users."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(before)
