"""The graph of an ONNX file: its nodes, and the constants among what they take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

__all__ = ["Constants", "graph_of", "opset_of"]

_LARGEST = 2_000_000_000  # bytes: protobuf reads no more
_MOST_VALUES = 64
_PASSED_ON = {"Identity", "Cast", "Unsqueeze", "Squeeze", "Reshape"}


def graph_of(weights: Path) -> GraphProto | None:
    """The graph of an ONNX file that can be run, without its weights; None where it is too large."""
    import onnx

    if weights.stat().st_size > _LARGEST:
        return None
    return onnx.load(str(weights), load_external_data=False).graph


def opset_of(proto: ModelProto) -> int:
    """The version of ONNX's own operators that a network is made of; 0 where it names none."""
    return max((entry.version for entry in proto.opset_import if entry.domain in {"", "ai.onnx"}), default=0)


class Constants:
    """The small constants of a graph, those of its branches and loops included.

    Attributes:
        nodes: All its nodes.
    """

    def __init__(self, graph: GraphProto) -> None:
        from onnx import numpy_helper

        self.nodes = list(_nodes_of(graph))
        self._values = {
            one.name: numpy_helper.to_array(one)
            for part in _graphs_of(graph)
            for one in part.initializer
            if one.data_location == one.DEFAULT and np.prod(one.dims) <= _MOST_VALUES
        }
        for node in self.nodes:
            if node.op_type == "Constant":
                for entry in node.attribute:
                    if entry.name == "value" and np.prod(entry.t.dims) <= _MOST_VALUES:
                        self._values[node.output[0]] = numpy_helper.to_array(entry.t)
                    elif entry.name in {"value_int", "value_float"}:
                        self._values[node.output[0]] = np.array(entry.i or entry.f)
        self._made_by = {name: node for node in self.nodes for name in node.output}

    def values(self, node: NodeProto, place: int) -> NDArray[Any] | None:
        """The values of an input of a node, where they are constant and few."""
        name = node.input[place] if place < len(node.input) else ""
        for _ in range(len(_PASSED_ON)):
            value = self._values.get(name)
            if value is not None:
                return np.asarray(value)
            maker = self._made_by.get(name)
            if maker is None or maker.op_type not in _PASSED_ON:
                return None
            name = maker.input[0]
        return None

    def number(self, node: NodeProto, place: int) -> float | None:
        """The one number of an input of a node, where it is constant."""
        value = self.values(node, place)
        return float(value.reshape(-1)[0]) if value is not None and value.size == 1 else None


def _graphs_of(graph: GraphProto) -> Iterator[GraphProto]:
    """A graph and those in the branches and loops of its nodes."""
    yield graph
    for node in graph.node:
        for entry in node.attribute:
            for inner in (*([entry.g] if entry.HasField("g") else []), *entry.graphs):
                yield from _graphs_of(inner)


def _nodes_of(graph: GraphProto) -> Iterator[NodeProto]:
    for part in _graphs_of(graph):
        yield from part.node
