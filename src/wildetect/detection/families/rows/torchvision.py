"""Faster and Mask R-CNN, RetinaNet, SSD, FCOS of torchvision: boxes (n, 4), xyxy in px, labels, scores (n,).

The network scales and normalises its input itself, and does its own NMS. Labels begin at 1 where 0 is the
background (torchvision's own training), at 0 in DeepForest. Source: torchvision's detection models and their
onnx tests; labels and scores come in either order and are told by their type.
"""

from __future__ import annotations

from wildetect.detection.families.family import (
    Array,
    DetectorFamily,
    Outputs,
    Shapes,
    only_largest_rank,
)
from wildetect.detection.families.rows.detr import decode, implausible
from wildetect.detection.families.shapes import alike

__all__ = ["TORCHVISION"]

_BOX = 4
_MASKS_RANK = 4


def _fits(shapes: Shapes) -> bool:
    # Mask R-CNN gives masks (n, 1, height, width) besides
    found = [shape for shape in shapes.outputs if len(shape) != _MASKS_RANK]
    if len(shapes.outputs) - len(found) > 1 or sorted(map(len, found)) != [1, 1, 2]:
        return False
    return alike(max(found, key=len)[-1], _BOX)


def _one_picture(outputs: Outputs, index: int, size: int, rank: int) -> list[Array] | None:
    """Without the masks, whose rank says nothing of a batch."""
    tables = [output for output in outputs if output.ndim != _MASKS_RANK]
    own = only_largest_rank(tables, index, size, rank)
    return tables if own is None and size == 1 else own


TORCHVISION = DetectorFamily(
    name="torchvision",
    exported_from="torchvision's Faster R-CNN, Mask R-CNN, RetinaNet, SSD and FCOS; DeepForest",
    outputs="boxes (N, 4), labels (N), scores (N)",
    fits=_fits,
    decode=decode,
    implausible=implausible,
    rank=2,
    lists_animals=True,
    every_output=True,
    box_units=True,
    first_label=None,
    one_picture=_one_picture,
)
