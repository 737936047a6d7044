"""HerdNet: a heat map of animals (1, rows, columns), and a smaller map of classes (C+1, rows, columns).

Source: Alexandre-Delplanque/HerdNet, models/herdnet.py and eval/lmds.py: the peaks of the heat map are the
animals, the class map's best channel behind the background is their class. The confidence is the heat.
"""

from __future__ import annotations

import numpy as np

from wildetect.detection.families.family import IMAGENET, Array, DetectorFamily, Outputs, Reading, Shapes
from wildetect.detection.families.points.peaks import boxes_around, peaks
from wildetect.detection.families.shapes import alike, probabilities, without_batch
from wildetect.detections import Detections

__all__ = ["HERDNET"]

_RANK = 3


def _fits(shapes: Shapes) -> bool:
    maps = [shape for whole in shapes.outputs if (shape := without_batch(whole, _RANK)) is not None]
    if len(maps) != 2 or len(shapes.outputs) != 2:  # noqa: PLR2004 - heat and classes
        return False
    (heat, *_), (classes, *_) = maps
    return alike(heat, 1) and alike(classes, None if shapes.classes is None else shapes.classes + 1)


def _decode(outputs: Outputs, reading: Reading, confidence: float) -> Detections:
    heat, classes = outputs[0][0], outputs[1]
    found = peaks(heat, confidence)
    row, column = _cells_of_classes(found.cells, heat, classes)
    class_id = classes[1:, row, column].argmax(axis=0)
    return Detections(boxes_around(found, heat.shape, reading), found.heat, class_id)


def _cells_of_classes(cells: Array, heat: Array, classes: Array) -> tuple[Array, Array]:
    """The cells of the smaller map in which cells of the larger one lie."""
    sides = np.array(classes.shape[1:])
    row, column = np.minimum(cells * sides // np.array(heat.shape), sides - 1).T
    return row, column


def _implausible(outputs: Outputs, _reading: Reading) -> str | None:
    return probabilities(outputs[0], "the heat map")


HERDNET = DetectorFamily(
    name="herdnet",
    exported_from="HerdNet; a point for each animal, reported as a box of point_size px",
    outputs="heat map (1, 1, rows, columns), class map (1, C+1, rows, columns)",
    fits=_fits,
    decode=_decode,
    implausible=_implausible,
    feeding=IMAGENET,
    rank=_RANK,
    every_output=True,
    removes_doubles=True,
    box_kind="points",
)
