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

    After `find` the values `best` (n, 1), `class` (n, 1), `class_scores` (n, 2) and one for each unit and
    kind of box, (n, 4), are there, most bright first.
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
        self.node("Gather", ["all_scores", "kept"], "class_scores")
        self.node("ReduceMax", ["class_scores"], "best", axes=[1], keepdims=1)
        self.node("ArgMax", ["class_scores"], "class_id", axis=1, keepdims=1)
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


def suppressed(path: Path, most: int = 100, faintest: float = 0.25) -> Path:
    """YOLOv7's end-to-end export: ONNX's NMS, which gives so many of each class, none fainter than that."""
    graph = Graph(found_only=True).find()
    graph.node("Transpose", ["class_scores"], "scores_of_classes", perm=[1, 0])
    limits = [
        graph.constant("most", np.array([most])),
        graph.constant("iou", np.array([0.45], np.float32)),
        graph.constant("faintest", np.array([faintest], np.float32)),
    ]
    given = [graph.batched("corners_px"), graph.batched("scores_of_classes"), *limits]
    graph.node("NonMaxSuppression", given, "picked")
    for name, column in (("class_picked", 1), ("box_picked", 2)):
        graph.node("Gather", ["picked", graph.constant(f"{name}_column", np.array([column]))], name, axis=1)
    graph.node("Squeeze", ["box_picked", graph.constant("second", np.array([1]))], "rows_picked")
    graph.node("Gather", ["corners_px", "rows_picked"], "boxes_picked")
    graph.node("Gather", ["best", "rows_picked"], "best_picked")
    graph.node("Cast", ["class_picked"], "classes_picked", to=TensorProto.FLOAT)
    graph.node("Mul", ["best_picked", graph.constant("nought", np.float32(0))], "batch")
    graph.node("Concat", ["batch", "boxes_picked", "classes_picked", "best_picked"], "rows_of_boxes", axis=1)
    graph.output("output0", "rows_of_boxes", ["n", 7])
    return graph.save(path)


def rt_detr(path: Path, metadata: Mapping[str, str] | None = None) -> Path:
    """Ultralytics' RT-DETR: centres in fractions and a score for each class."""
    graph = Graph().find()
    graph.node("Concat", ["centres_fraction", "class_scores"], "rows_of_boxes", axis=1)
    graph.output("output0", graph.batched("rows_of_boxes"), [1, ROWS, 6])
    return graph.save(path, metadata)


def rf_detr(
    path: Path,
    *,
    classes_alone: bool = False,
    masks: bool = False,
    nothing: float = -0.4,
    nothing_first: bool = False,
) -> Path:
    """RF-DETR: centres in fractions, and logits whose last (or first) column stands for no object."""
    graph = Graph().find(scale=1 / 0.225, image="pixels")
    # the graph undoes ImageNet's scaling, in which the pictures come
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    for name, values in (("mean", mean / 0.225), ("std", std / 0.225)):
        graph.constant(name, values.astype(np.float32)[None, :, None, None])
    first = [
        helper.make_node("Mul", ["images", "std"], ["scaled"]),
        helper.make_node("Add", ["scaled", "mean"], ["pixels"]),
    ]
    graph.nodes[:0] = first
    low, high = (graph.constant(name, np.float32(value)) for name, value in (("low", 0.01), ("high", 0.99)))
    graph.node("Clip", ["class_scores", low, high], "kept_scores")
    graph.node("Sub", ["one", "kept_scores"], "rest")
    graph.node("Div", ["kept_scores", "rest"], "odds")
    graph.node("Log", ["odds"], "logits")
    logits = "logits"
    if not classes_alone:
        column = graph.constant("nothing", np.full((min(ROWS, GRID * GRID), 1), nothing, np.float32))
        both = [column, "logits"] if nothing_first else ["logits", column]
        logits = graph.node("Concat", both, "all_logits", axis=1)
    graph.output("dets", graph.batched("centres_fraction"), [1, ROWS, 4])
    graph.output("labels", graph.batched(logits), [1, ROWS, 2 if classes_alone else 3])
    if masks:
        graph.output(
            "masks", graph.constant("no_masks", np.zeros((1, ROWS, 4, 4), np.float32)), [1, ROWS, 4, 4]
        )
    return graph.save(path)


def torchvision(
    path: Path,
    first_label: int = 1,
    *,
    scores_first: bool = False,
    batched: bool = False,
    masks: bool = False,
    flat: int | None = None,
) -> Path:
    """torchvision's detectors: boxes, labels and scores of what was found, for one picture (3, h, w).

    The boxes of class `flat` have no height, as FCOS gives where all distances of a cell are zero.
    """
    graph = Graph(found_only=True)
    image = "images"
    if not batched:
        image = graph.node("Unsqueeze", ["images", graph.constant("front", np.array([0]))], "picture")
    graph.find(image=image)
    graph.node("Squeeze", ["class_id", graph.constant("last", np.array([1]))], "flat_class")
    graph.node("Add", ["flat_class", graph.constant("first", np.array(first_label))], "numbered")
    graph.node("Squeeze", ["best", "last"], "flat_score")
    if flat is None:
        boxes = "corners_px"
    else:
        graph.node("Equal", ["class_id", graph.constant("flat_one", np.array(flat))], "is_flat")
        upper_edge = graph.constant("upper_edge", np.array([0, 1, 2, 1]))
        graph.node("Gather", ["corners_px", upper_edge], "edges", axis=1)
        boxes = graph.node("Where", ["is_flat", "edges", "corners_px"], "some_flat")
    graph.output("boxes", boxes, ["n", 4])
    parts = [("labels", "numbered", TensorProto.INT64), ("scores", "flat_score", TensorProto.FLOAT)]
    for name, value, kind in parts[::-1] if scores_first else parts:
        graph.output(name, value, ["n"], kind)
    if masks:
        sides = graph.constant("sides", np.array([1, 2, 3]))
        graph.output("masks", graph.node("Unsqueeze", ["flat_score", sides], "all_masks"), ["n", 1, 1, 1])
    return graph.save(path, image=(1, 3, SIDE, SIDE) if batched else (3, SIDE, SIDE))


def split(path: Path, *, float_classes: bool = False, unit: BoxUnit = "px") -> Path:
    """EfficientNMS and YOLO-NAS in batches: number, boxes, scores, classes, each padded to 300 rows."""
    graph = Graph().find()
    last = graph.constant("last", np.array([1]))
    graph.node("Greater", ["best", graph.constant("half", np.float32(0.5))], "sure")
    graph.node("Cast", ["sure"], "sure_number", to=TensorProto.INT32)
    graph.node("ReduceSum", ["sure_number", graph.constant("all", np.array([0, 1]))], "count", keepdims=1)
    graph.output("num_dets", "count", [1, 1], TensorProto.INT32)
    graph.output("det_boxes", graph.batched(f"corners_{unit}"), [1, ROWS, 4])
    graph.node("Squeeze", ["best", last], "flat_score")
    graph.output("det_scores", graph.batched("flat_score"), [1, ROWS])
    graph.node("Squeeze", ["class" if float_classes else "class_id", last], "flat_class")
    kind = TensorProto.FLOAT if float_classes else TensorProto.INT64
    graph.output("det_classes", graph.batched("flat_class"), [1, ROWS], kind)
    return graph.save(path)


def yolo_nas(path: Path, *, rows_of_classes: bool = False) -> Path:
    """YOLO-NAS without NMS: corners in px, and a score for each class; PP-YOLOE has a row for each class."""
    graph = Graph().find()
    graph.output("boxes", graph.batched("corners_px"), [1, ROWS, 4])
    if rows_of_classes:
        graph.node("Transpose", ["class_scores"], "rows_of_classes", perm=[1, 0])
        graph.output("scores", graph.batched("rows_of_classes"), [1, 2, ROWS])
    else:
        graph.output("scores", graph.batched("class_scores"), [1, ROWS, 2])
    return graph.save(path)


def segmentation(path: Path, *, end_to_end: bool = False) -> Path:
    """Ultralytics' segmentation models: mask weights in each row, and prototypes."""
    graph = Graph().find()
    rows = min(ROWS, GRID * GRID)
    weights = graph.constant("mask_weights", np.full((rows, 32), 7, np.float32))
    box = ["corners_px", "best", "class"] if end_to_end else ["centres_px", "class_scores"]
    graph.node("Concat", [*box, weights], "rows_of_boxes", axis=1)
    if end_to_end:
        graph.output("output0", graph.batched("rows_of_boxes"), [1, ROWS, 38])
    else:
        graph.node("Transpose", ["rows_of_boxes"], "columns_of_boxes", perm=[1, 0])
        graph.output("output0", graph.batched("columns_of_boxes"), [1, 38, ROWS])
    masks = graph.constant("prototypes", np.ones((1, 32, 8, 8), np.float32))
    graph.output("output1", masks, [1, 32, 8, 8])
    return graph.save(
        path, {**ULTRALYTICS, "task": "segment", "description": "Ultralytics YOLO11n-seg model"}
    )


def paddle(path: Path) -> Path:
    """PaddleDetection: rows of class, score and box, the number of rows, and inputs for the size."""
    graph = Graph(found_only=True).find()
    graph.node("Concat", ["class", "best", "corners_px"], "rows_of_boxes", axis=1)
    # as PaddleDetection does, boxes are divided by the picture's scale, which is [y, x]
    graph.node("Mul", ["rows_of_boxes", "one"], "as_they_are")
    graph.node("ReduceMean", ["scale_factor"], "scale", axes=[0, 1], keepdims=1)
    graph.node(
        "Slice",
        [
            "as_they_are",
            *(graph.constant(n, np.array([v])) for n, v in (("from", 2), ("to", 6), ("axis", 1))),
        ],
        "their_boxes",
    )
    graph.node("Div", ["their_boxes", "scale"], "placed")
    graph.node("Concat", ["class", "best", "placed"], "finished", axis=1)
    graph.output("multiclass_nms3_0.tmp_0", "finished", ["n", 6])
    graph.node("Shape", ["best"], "size_of_best")
    graph.node("Gather", ["size_of_best", graph.constant("nothing", np.array([0]))], "count")
    graph.output("multiclass_nms3_0.tmp_2", "count", [1], TensorProto.INT64)
    inputs = [
        helper.make_tensor_value_info("scale_factor", TensorProto.FLOAT, [1, 2]),
        helper.make_tensor_value_info("im_shape", TensorProto.FLOAT, [1, 2]),
    ]
    return graph.save(path, inputs=inputs)


def herdnet(path: Path) -> Path:
    """HerdNet: heat in cells of 8 px, and classes behind the background in cells of 16 px."""
    graph = Graph().find()
    graph.node("ReduceMax", ["map"], "heat", axes=[1], keepdims=1)
    graph.output("heatmap", "heat", [1, 1, GRID, GRID])
    graph.node("MaxPool", ["map"], "coarse", kernel_shape=[2, 2], strides=[2, 2])
    background = graph.constant("background", np.full((1, 1, GRID // 2, GRID // 2), 5, np.float32))
    graph.node("Concat", [background, "coarse"], "classes", axis=1)
    graph.output("clsmap", "classes", [1, 3, GRID // 2, GRID // 2])
    return graph.save(path)


def heat_map(path: Path) -> Path:
    """A heat map for each class, in cells of 8 px."""
    graph = Graph().find()
    graph.output("heatmaps", "map", [1, 2, GRID, GRID])
    return graph.save(path)


def oriented(path: Path, angle: float, *, end_to_end: bool = False) -> Path:
    """Ultralytics' oriented boxes: squares of 8 x 8 px as boxes of 16 x 8 px, turned by an angle."""
    graph = Graph().find()
    rows = min(ROWS, GRID * GRID)
    longer = graph.constant("longer", np.array([1, 1, 2, 1], np.float32))
    graph.node("Mul", ["centres_px", longer], "long_boxes")
    turned = graph.constant("turned", np.full((rows, 1), angle, np.float32))
    scores = ["best", "class"] if end_to_end else ["class_scores"]
    graph.node("Concat", ["long_boxes", *scores, turned], "rows_of_boxes", axis=1)
    if end_to_end:
        graph.output("output0", graph.batched("rows_of_boxes"), [1, ROWS, 7])
    else:
        graph.node("Transpose", ["rows_of_boxes"], "columns_of_boxes", perm=[1, 0])
        graph.output("output0", graph.batched("columns_of_boxes"), [1, 7, ROWS])
    return graph.save(path, {**ULTRALYTICS, "task": "obb", "description": "Ultralytics YOLO11n-obb model"})


def detr(path: Path, box: str = "corners_px") -> Path:
    """DETRs of their authors' exporters, without an input for the size: labels, boxes, scores."""
    graph = Graph().find()
    last = graph.constant("last", np.array([1]))
    for name, value in (("flat_class", "class_id"), ("flat_score", "best")):
        graph.node("Squeeze", [value, last], name)
    graph.output("labels", graph.batched("flat_class"), [1, ROWS], TensorProto.INT64)
    graph.output("boxes", graph.batched(box), [1, ROWS, 4])
    graph.output("scores", graph.batched("flat_score"), [1, ROWS])
    return graph.save(path)
