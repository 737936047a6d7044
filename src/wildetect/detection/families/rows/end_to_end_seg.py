"""Segmentation models with NMS in the graph, read as boxes: (n, 6+M) of xyxy, score, class, mask weights.

YOLO26 for segmentation, and Ultralytics' exports with nms=True. The second output holds the M prototypes
of the masks; masks are not read.
"""

from __future__ import annotations

from wildetect.detection.families.family import DetectorFamily, Outputs, Reading, Shapes
from wildetect.detection.families.grids.yolov8_seg import prototypes
from wildetect.detection.families.rows.columns import MOST_ODD, Layout, misfit, read_rows, real_rows
from wildetect.detection.families.shapes import alike
from wildetect.detections import Detections
from wildetect.settings.registration import CORNERS, Column

__all__ = ["END_TO_END_SEG"]

_COLUMNS: tuple[Column, ...] = (*CORNERS, "score", "class")


def _fits(shapes: Shapes) -> bool:
    found = prototypes(shapes)
    if found is None:
        return False
    (_, columns), weights = found
    return alike(columns, None if weights is None else len(_COLUMNS) + weights)


def _decode(outputs: Outputs, reading: Reading, confidence: float) -> Detections:
    return read_rows(outputs[0][:, : len(_COLUMNS)], _COLUMNS, reading, confidence)


def _implausible(outputs: Outputs, reading: Reading) -> str | None:
    return misfit(real_rows(outputs[0][:, : len(_COLUMNS)]), Layout(_COLUMNS), reading, MOST_ODD)


END_TO_END_SEG = DetectorFamily(
    name="end-to-end-seg",
    exported_from="YOLO26 for segmentation, and such files with NMS in the graph; their boxes are read",
    outputs="(1, N, 6+M) and prototypes (1, M, rows, columns)",
    fits=_fits,
    decode=_decode,
    implausible=_implausible,
    rank=3,
    lists_animals=True,
    every_output=True,
    ultralytics=True,
    task="segment",
)
