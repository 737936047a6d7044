"""Detectors that give a heat map for each class, (C, rows, columns), such as FIDTM and locators of peaks.

A peak of the highest of the maps is an animal, of the class whose map that is.
"""

from __future__ import annotations

from wildetect.detection.families.family import DetectorFamily, Outputs, Reading, Shapes
from wildetect.detection.families.points.peaks import boxes_around, peaks
from wildetect.detection.families.shapes import alike, probabilities, without_batch
from wildetect.detections import Detections

__all__ = ["HEAT_MAP"]

_RANK = 3
_SKEW = 1.1  # a map has the shape of its picture, but for cells at the border
_LONGEST = 4.0  # of a picture whose size is not known


def _fits(shapes: Shapes) -> bool:
    shape = without_batch(shapes.outputs[0], _RANK)
    if shape is None or len(shapes.outputs) > 1 or not alike(shape[0], shapes.classes):
        return False
    channels, rows, columns = shape
    if rows is None or columns is None:
        return True
    width, height = shapes.frame or (1, 1)
    skew = rows / columns * width / height
    most = _SKEW if shapes.frame else _LONGEST
    return 1 / most < skew < most and (channels or 1) <= rows


def _decode(outputs: Outputs, reading: Reading, confidence: float) -> Detections:
    maps = outputs[0]
    found = peaks(maps.max(axis=0), confidence)
    row, column = found.cells.T
    class_id = maps[:, row, column].argmax(axis=0)
    return Detections(boxes_around(found, maps.shape[1:], reading), found.heat, class_id)


def _implausible(outputs: Outputs, _reading: Reading) -> str | None:
    return probabilities(outputs[0], "the heat maps")


HEAT_MAP = DetectorFamily(
    name="heat-map",
    exported_from="locators with a heat map for each class; points, reported as boxes of point_size px",
    outputs="(1, C, rows, columns)",
    fits=_fits,
    decode=_decode,
    implausible=_implausible,
    rank=_RANK,
    removes_doubles=True,
    box_kind="points",
)
