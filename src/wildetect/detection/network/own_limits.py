"""Limits that stand in a network's graph: how many boxes it gives at most, and how sure they must be.

A file with NMS in its graph cuts its list itself. No output says so; but the numbers are constants there.
Sources: ONNX's operators NonMaxSuppression (its limit holds for each class of each picture), TopK and Slice;
torchvision ends a picture's list with a Slice, and YOLOv7's end-to-end export takes 100 of each class.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wildetect.detections import Detections

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

__all__ = ["OwnLimits", "left_out", "own_limits"]

_FEWEST, _MOST = 20, 100_000  # boxes: smaller constants are lengths of rows, larger ones stand for no limit
_FAINTEST, _SUREST = 0.01, 0.95  # constants of comparisons that can be confidences
_PASSED_ON = {"Identity", "Cast", "Unsqueeze", "Squeeze", "Reshape"}
_LARGEST = 2_000_000_000  # bytes: protobuf reads no more
_MOST_VALUES = 64


@dataclass(frozen=True, slots=True)
class OwnLimits:
    """What a graph leaves out by itself.

    Attributes:
        boxes: Numbers of boxes after which its lists end.
        of_class: Those after which they end for each class.
        faintest: Highest confidence below which it leaves boxes out, as far as its constants tell: that of
            its NMS, or one that numbers are compared with where there is an NMS (Ultralytics); 0 if none.
    """

    boxes: frozenset[int] = frozenset()
    of_class: frozenset[int] = frozenset()
    faintest: float = 0.0


def left_out(limits: OwnLimits, confidence: float, found: Iterable[Detections]) -> str | None:
    """Say so where a file itself leaves out what is fainter than this, which is asked for.

    Args:
        limits: Limits of the file.
        confidence: Lowest to report.
        found: What came out; fainter boxes among it show that nothing is left out.
    """
    own = limits.faintest
    if own <= confidence or any((one.confidence < own).any() for one in found):
        return None
    return (
        f"the NMS in the model's file leaves out boxes below {own:g}, though those from {confidence:g} on "
        "are asked for: fainter animals are missing; export it again with a lower limit (Ultralytics: "
        f"conf=0.05), or set the confidence to {own:g}"
    )


def own_limits(weights: Path) -> OwnLimits:
    """Read the limits in the graph of an ONNX file that can be run; none where it is too large to be read."""
    import onnx

    if weights.stat().st_size > _LARGEST:
        return OwnLimits()
    return _Limits(onnx.load(str(weights), load_external_data=False).graph).found()


class _Limits:
    """The constants of a graph, and what its nodes make of them."""

    def __init__(self, graph: GraphProto) -> None:
        from onnx import numpy_helper

        self._nodes = list(_nodes_of(graph))
        self._values = {
            one.name: numpy_helper.to_array(one)
            for part in _graphs_of(graph)
            for one in part.initializer
            if one.data_location == one.DEFAULT and np.prod(one.dims) <= _MOST_VALUES
        }
        for node in self._nodes:
            if node.op_type == "Constant":
                for entry in node.attribute:
                    if entry.name == "value" and np.prod(entry.t.dims) <= _MOST_VALUES:
                        self._values[node.output[0]] = numpy_helper.to_array(entry.t)
                    elif entry.name in {"value_int", "value_float"}:
                        self._values[node.output[0]] = np.array(entry.i or entry.f)
        self._made_by = {name: node for node in self._nodes for name in node.output}

    def found(self) -> OwnLimits:
        boxes: set[int] = set()
        of_class: set[int] = set()
        confidences = {0.0}
        for node in self._nodes:
            match node.op_type:
                case "NonMaxSuppression":
                    of_class |= self._number(node, 2)
                    confidences |= self._confidence(node, 4)
                case "TopK":
                    boxes |= self._number(node, 1)
                case "Slice" if self._cuts_a_list(node):
                    boxes |= self._number(node, 2)
                case "Greater" | "GreaterOrEqual":
                    confidences |= self._confidence(node, 1)
                case "Less" | "LessOrEqual":
                    confidences |= self._confidence(node, 0)
        suppresses = any(node.op_type == "NonMaxSuppression" for node in self._nodes)
        return OwnLimits(frozenset(boxes), frozenset(of_class), max(confidences) if suppresses else 0.0)

    def _cuts_a_list(self, node: NodeProto) -> bool:
        """Whether a slice keeps the first rows, as those of lists do; others cut channels."""
        return self._constant(node, 1) == 0 and self._constant(node, 3) in {0, None}

    def _constant(self, node: NodeProto, place: int) -> float | None:
        """The one number of an input, where it is a constant."""
        name = node.input[place] if place < len(node.input) else ""
        for _ in range(len(_PASSED_ON)):
            value = self._values.get(name)
            if value is not None:
                return float(value.reshape(-1)[0]) if value.size == 1 else None
            maker = self._made_by.get(name)
            if maker is None or maker.op_type not in _PASSED_ON:
                return None
            name = maker.input[0]
        return None

    def _number(self, node: NodeProto, place: int) -> set[int]:
        value = self._constant(node, place)
        return {int(value)} if value is not None and _FEWEST <= value <= _MOST else set()

    def _confidence(self, node: NodeProto, place: int) -> set[float]:
        value = self._constant(node, place)
        return {round(value, 6)} if value is not None and _FAINTEST < value <= _SUREST else set()


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
