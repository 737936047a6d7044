"""Limits that stand in a network's graph: how many boxes it gives at most, and how sure they must be.

A file with NMS in its graph cuts its list itself. No output says so; but the numbers are constants there.
Sources: ONNX's operators NonMaxSuppression (its limit holds for each class of each picture), TopK and Slice;
torchvision ends a picture's list with a Slice, and YOLOv7's end-to-end export takes 100 of each class.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wildetect.detection.network.graph import Constants, graph_of
from wildetect.detections import Detections

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

__all__ = ["OwnLimits", "left_out", "own_limits"]

_FEWEST, _MOST = 20, 100_000  # boxes: smaller constants are lengths of rows, larger ones stand for no limit
_FAINTEST, _SUREST = 0.01, 0.95  # constants of comparisons that can be confidences


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
    graph = graph_of(weights)
    return OwnLimits() if graph is None else _Limits(graph).found()


class _Limits:
    """What cuts lists among the nodes of a graph."""

    def __init__(self, graph: GraphProto) -> None:
        self._constants = Constants(graph)

    def found(self) -> OwnLimits:
        boxes: set[int] = set()
        of_class: set[int] = set()
        confidences = {0.0}
        for node in self._constants.nodes:
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
        suppresses = any(node.op_type == "NonMaxSuppression" for node in self._constants.nodes)
        return OwnLimits(frozenset(boxes), frozenset(of_class), max(confidences) if suppresses else 0.0)

    def _cuts_a_list(self, node: NodeProto) -> bool:
        """Whether a slice keeps the first rows, as those of lists do; others cut channels."""
        return self._constants.number(node, 1) == 0 and self._constants.number(node, 3) in {0, None}

    def _number(self, node: NodeProto, place: int) -> set[int]:
        value = self._constants.number(node, place)
        return {int(value)} if value is not None and _FEWEST <= value <= _MOST else set()

    def _confidence(self, node: NodeProto, place: int) -> set[float]:
        value = self._constants.number(node, place)
        return {round(value, 6)} if value is not None and _FAINTEST < value <= _SUREST else set()
