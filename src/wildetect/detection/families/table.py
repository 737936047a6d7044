"""All families of detectors, one record each: the one table that everything else asks.

A new family is one file with its record, one line here, and its word in settings/registration.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wildetect.detection.families.family import DetectorFamily, Frame, Outputs, Reading, Shape, Shapes
from wildetect.detection.families.grids.fastestdet import FASTESTDET
from wildetect.detection.families.grids.nanodet import NANODET
from wildetect.detection.families.grids.obb import OBB
from wildetect.detection.families.grids.yolo_nas import YOLO_NAS
from wildetect.detection.families.grids.yolov5 import YOLOV5
from wildetect.detection.families.grids.yolov5_raw import YOLOV5_RAW
from wildetect.detection.families.grids.yolov8 import YOLOV8
from wildetect.detection.families.grids.yolov8_seg import YOLOV8_SEG
from wildetect.detection.families.grids.yolox import YOLOX
from wildetect.detection.families.points.heat_map import HEAT_MAP
from wildetect.detection.families.points.herdnet import HERDNET
from wildetect.detection.families.rows.detr import DETR
from wildetect.detection.families.rows.end_to_end import END_TO_END
from wildetect.detection.families.rows.end_to_end_7 import END_TO_END_7
from wildetect.detection.families.rows.end_to_end_seg import END_TO_END_SEG
from wildetect.detection.families.rows.end_to_end_split import END_TO_END_SPLIT
from wildetect.detection.families.rows.rf_detr import RF_DETR
from wildetect.detection.families.rows.rt_detr import RT_DETR
from wildetect.detection.families.rows.torchvision import TORCHVISION
from wildetect.settings.registration import Family

__all__ = ["TABLE", "families_fitting", "fits", "implausible"]

TABLE: dict[Family, DetectorFamily] = {
    one.name: one
    for one in (
        YOLOV8,
        END_TO_END,
        END_TO_END_7,
        YOLOV5,
        YOLOV5_RAW,
        YOLOX,
        DETR,
        NANODET,
        FASTESTDET,
        RT_DETR,
        RF_DETR,
        TORCHVISION,
        END_TO_END_SPLIT,
        YOLO_NAS,
        YOLOV8_SEG,
        END_TO_END_SEG,
        HERDNET,
        HEAT_MAP,
        OBB,
    )
}
"""The records by the words of the settings, in their order."""


def fits(family: Family, shapes: Shapes) -> bool:
    """Say whether a family's outputs can have these shapes; an empty shape is unknown."""
    return any(not shape for shape in shapes.outputs) or TABLE[family].fits(shapes)


def families_fitting(
    shapes: Sequence[Shape], frame: Frame | None = None, classes: int | None = None
) -> tuple[Family, ...]:
    """List the families whose outputs can have these shapes.

    Several is normal: a shape does not name a family.

    Args:
        shapes: Of all outputs, with or without a batch dimension.
        frame: Size of the network's input, if known.
        classes: Number of classes, if known.
    """
    known = Shapes(shapes, frame, classes)
    return tuple(family for family in TABLE if fits(family, known))


def implausible(family: Family, outputs: Outputs, reading: Reading) -> str | None:
    """Say why the outputs for one picture cannot be the family's, for a person; None if they can.

    Wrong feeding and a wrong family fail quietly: boxes come out, in wrong places. Some mistakes show in
    the range of the values, on any picture; these are looked for when a model is registered.

    Args:
        family: As declared.
        outputs: Without the batch dimension, of shapes that fit the family.
        reading: Size of the network's input and number of classes.
    """
    floats = [output.astype(np.float32) if output.dtype.kind == "f" else output for output in outputs]
    if not all(np.isfinite(output).all() for output in floats):
        return "some values are not finite numbers"
    return TABLE[family].implausible(floats, reading)
