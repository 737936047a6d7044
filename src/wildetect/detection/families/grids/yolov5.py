"""YOLOv5 and v7 with decoded boxes: (n, 5+C) of cx, cy, w, h, objectness and one score a class."""

from __future__ import annotations

from wildetect.detection.families.family import DetectorFamily, Outputs, Reading
from wildetect.detection.families.grids.cells import fit_objects, objects
from wildetect.detection.families.shapes import around, probabilities, sizes_in_px
from wildetect.detections import Detections

__all__ = ["YOLOV5"]


def _decode(outputs: Outputs, _reading: Reading, confidence: float) -> Detections:
    rows, score, class_id = objects(outputs[0], confidence)[1:]
    return Detections(around(rows[:, :4]), score, class_id)


def _implausible(outputs: Outputs, reading: Reading) -> str | None:
    rows = outputs[0]
    return probabilities(rows[:, 4:], "objectness and classes") or sizes_in_px(rows[:, :4], reading.frame)


YOLOV5 = DetectorFamily(
    name="yolov5",
    exported_from="YOLOv5 and YOLOv7, with decoded boxes",
    outputs="(1, N, 5+C)",
    fits=fit_objects,
    decode=_decode,
    implausible=_implausible,
)
