"""Segmentation models of YOLOv8, 11, 12, read as boxes: (4+C+M, n) of box, class scores and mask weights.

The second output holds the M prototypes of the masks, (M, rows, columns); masks are not read.
"""

from __future__ import annotations

from wildetect.detection.families.family import Array, DetectorFamily, Outputs, Reading, Shape, Shapes
from wildetect.detection.families.grids.yolov8 import odd_columns, read_columns
from wildetect.detection.families.shapes import alike, without_batch
from wildetect.detections import Detections

__all__ = ["YOLOV8_SEG", "prototypes"]

_BOX = 4
_MASK_RANK = 3


def prototypes(shapes: Shapes) -> tuple[Shape, int | None] | None:
    """Give the shape of the table and the number of prototypes; None if these are not the two outputs."""
    if len(shapes.outputs) != 2:  # noqa: PLR2004 - the table and the prototypes
        return None
    table, masks = without_batch(shapes.outputs[0], 2), without_batch(shapes.outputs[1], _MASK_RANK)
    return None if table is None or masks is None else (table, masks[0])


def _fits(shapes: Shapes) -> bool:
    found = prototypes(shapes)
    if found is None:
        return False
    (rows, boxes), weights = found
    if shapes.classes is not None:
        return alike(rows, None if weights is None else _BOX + shapes.classes + weights)
    return rows is None or boxes is None or _BOX + (weights or 0) < rows < boxes


def _without_masks(outputs: Outputs, reading: Reading) -> Array:
    return outputs[0][: _BOX + reading.classes]


def _decode(outputs: Outputs, reading: Reading, confidence: float) -> Detections:
    return read_columns(_without_masks(outputs, reading), confidence)


def _implausible(outputs: Outputs, reading: Reading) -> str | None:
    return odd_columns(_without_masks(outputs, reading), reading)


YOLOV8_SEG = DetectorFamily(
    name="yolov8-seg",
    exported_from="YOLOv8, YOLO11 and YOLO12 for segmentation; their boxes are read, not their masks",
    outputs="(1, 4+C+M, N) and prototypes (1, M, rows, columns)",
    fits=_fits,
    decode=_decode,
    implausible=_implausible,
    rank=3,
    every_output=True,
    ultralytics=True,
    task="segment",
)
