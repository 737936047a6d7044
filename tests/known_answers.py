"""ONNX detectors whose right answer is known exactly, in the layouts of many exporters.

Each finds squares of 8 x 8 px of pure red (class 0) or pure blue (class 1) that lie on a grid of 8 px; the
score of a square is how bright it is. What lies around them may have any colour that is not so pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from wildetect.settings.registration import BoxUnit, Column

CELL = 8
SIDE = 256
GRID = SIDE // CELL
ROWS = 300
ULTRALYTICS = {
    "author": "Ultralytics",
    "task": "detect",
    "stride": "32",
    "batch": "1",
    "imgsz": f"[{SIDE}, {SIDE}]",
    "names": "{0: 'red', 1: 'blue'}",
}

Square = tuple[int, int, int]
"""Column and row of a cell, and the class."""
SQUARES: tuple[Square, ...] = tuple(
    (column, row, (column + row // 3) % 2) for row in range(1, GRID, 3) for column in range(1, GRID, 4)
)


def picture(squares: Sequence[Square] = SQUARES, bright: int = 230, side: int = SIDE) -> NDArray[np.uint8]:
    """A green picture with these squares in it, RGB."""
    pixels = np.full((side, side, 3), (40, 90, 30), np.uint8)
    for column, row, class_id in squares:
        where = slice(row * CELL, (row + 1) * CELL), slice(column * CELL, (column + 1) * CELL)
        pixels[where] = (bright, 0, 0) if class_id == 0 else (0, 0, bright)
    return pixels


def boxes(squares: Sequence[Square] = SQUARES) -> list[tuple[int, ...]]:
    """The class and the box (xyxy in px) of each square, sorted."""
    return sorted((c, CELL * x, CELL * y, CELL * (x + 1), CELL * (y + 1)) for x, y, c in squares)


@dataclass
class Graph:
    """Nodes and constants of a network that finds the squares.

    After `find` the values `best` (n, 1), `class` (n, 1), `scores` (n, 2) and one for each unit and kind of
    box, (n, 4), are there, most bright first.
    """

    side: int = SIDE
    found_only: bool = False
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    outputs: list[onnx.ValueInfoProto] = field(default_factory=list)

    def constant(self, name: str, values: Any) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def output(self, name: str, value: str, shape: Sequence[Any], kind: int = TensorProto.FLOAT) -> None:
        self.node("Identity", [value], name)
        self.outputs.append(helper.make_tensor_value_info(name, kind, list(shape)))

    def find(self, scale: float = 1.0, image: str = "images") -> Graph:
        """Add what finds the squares; pictures come as 0 to 1 times `scale`."""
        grid = self.side // CELL
        self.node("AveragePool", [image], "cells", kernel_shape=[CELL, CELL], strides=[CELL, CELL])
        weights = np.array([[1, -1, -1], [-1, -1, 1]], np.float32)[..., None, None] / np.float32(scale)
        self.node("Conv", ["cells", self.constant("weights", weights)], "pure")
        zero = self.constant("zero", np.float32(0))
        one = self.constant("one", np.float32(1))
        self.node("Clip", ["pure", zero, one], "map")
        self.constant("table", np.array([2, grid * grid]))
        self.node("Reshape", ["map", "table"], "flat")
        self.node("Transpose", ["flat"], "all_scores", perm=[1, 0])
        self.node("ReduceMax", ["all_scores"], "all_best", axes=[1], keepdims=0)
        if self.found_only:
            self.node("Greater", ["all_best", self.constant("half", np.float32(0.5))], "sure")
            self.node("NonZero", ["sure"], "where_sure")
            self.node("Squeeze", ["where_sure", self.constant("axis0", np.array([0]))], "kept")
        else:
            rows = self.constant("rows", np.array([min(ROWS, grid * grid)]))
            self.nodes.append(helper.make_node("TopK", ["all_best", rows], ["_", "kept"]))
        self.node("Gather", ["all_scores", "kept"], "scores")
        self.node("ReduceMax", ["scores"], "best", axes=[1], keepdims=1)
        self.node("ArgMax", ["scores"], "class_id", axis=1, keepdims=1)
        self.node("Cast", ["class_id"], "class", to=TensorProto.FLOAT)
        row, column = np.divmod(np.arange(grid * grid), grid)
        corner = np.stack([column, row], axis=1) * CELL
        size = np.full_like(corner, CELL)
        for name, box in (
            ("corners", np.hstack([corner, corner + CELL])),
            ("centres", np.hstack([corner + CELL // 2, size])),
        ):
            for unit, divisor in (("px", 1), ("fraction", self.side)):
                values = self.constant(f"all_{name}_{unit}", (box / divisor).astype(np.float32))
                self.node("Gather", [values, "kept"], f"{name}_{unit}")
        return self

    def batched(self, value: str) -> str:
        """Give a value a batch dimension."""
        axis = self.constant(f"{value}_axis", np.array([0]))
        return self.node("Unsqueeze", [value, axis], f"{value}_batched")

    def save(
        self,
        path: Path,
        metadata: Mapping[str, str] | None = None,
        image: Sequence[int] | None = None,
        inputs: Sequence[onnx.ValueInfoProto] = (),
    ) -> Path:
        picture_input = helper.make_tensor_value_info(
            "images", TensorProto.FLOAT, list(image or (1, 3, self.side, self.side))
        )
        graph = helper.make_graph(
            self.nodes, "squares", [picture_input, *inputs], self.outputs, self.constants
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        helper.set_model_props(model, dict(metadata or {}))
        onnx.checker.check_model(model)
        onnx.save(model, path)
        return path


def table(
    path: Path,
    columns: Sequence[Column],
    unit: BoxUnit = "px",
    *,
    found_only: bool = False,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """A table of boxes with these columns: 300 rows, or only those of real squares."""
    graph = Graph(found_only=found_only).find()
    box: Literal["corners", "centres"] = "corners" if "x1" in columns else "centres"
    parts: dict[str, str] = {"score": "best", "class": "class"}
    if "batch" in columns:
        parts["batch"] = graph.node("Mul", ["best", graph.constant("nought", np.float32(0))], "batch")
    order = [f"{box}_{unit}" if word in {"x1", "cx"} else parts.get(word, "") for word in columns]
    graph.node("Concat", [word for word in order if word], "rows_of_boxes", axis=1)
    width = len(columns)
    if "batch" in columns or found_only:
        graph.output("output0", "rows_of_boxes", ["n", width])
    else:
        graph.output("output0", graph.batched("rows_of_boxes"), [1, ROWS, width])
    return graph.save(path, metadata)


def rt_detr(path: Path, metadata: Mapping[str, str] | None = None) -> Path:
    """Ultralytics' RT-DETR: centres in fractions and a score for each class."""
    graph = Graph().find()
    graph.node("Concat", ["centres_fraction", "scores"], "rows_of_boxes", axis=1)
    graph.output("output0", graph.batched("rows_of_boxes"), [1, ROWS, 6])
    return graph.save(path, metadata)
