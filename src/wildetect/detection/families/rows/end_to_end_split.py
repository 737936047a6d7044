"""NMS in the graph, with an output for each part: number (1,), boxes (n, 4), scores (n,), classes (n,).

The layout of TensorRT's EfficientNMS (num_dets, det_boxes, det_scores, det_classes) and of SuperGradients'
batch format for YOLO-NAS (num_predictions, pred_boxes, pred_scores, pred_classes). Boxes are xyxy in px;
rows from the number on only fill up.
"""

from __future__ import annotations

from wildetect.detection.families.family import DetectorFamily, Outputs, Reading, Shapes
from wildetect.detection.families.shapes import LabelledBoxes, alike
from wildetect.detections import Detections

__all__ = ["END_TO_END_SPLIT"]

_BOX = 4


def _fits(shapes: Shapes) -> bool:
    ranks = sorted(len(shape) for shape in shapes.outputs)
    if ranks not in ([2, 2, 2, 3], [1, 1, 1, 2]):
        return False
    number = any(shape[-1] in {1, None} for shape in shapes.outputs if len(shape) < max(ranks))
    return number and alike(max(shapes.outputs, key=len)[-1], _BOX)


def _parts(outputs: Outputs) -> LabelledBoxes:
    """Boxes, scores and classes of the rows that hold something."""
    boxes = next(output for output in outputs if output.ndim == 2)  # noqa: PLR2004 - the others have 1
    single = [output for output in outputs if output.ndim == 1]
    number = next(place for place, output in enumerate(single) if len(output) == 1 or not len(boxes))
    count = min(int(single.pop(number)[0]), len(boxes))
    # exporters write scores before classes; where one of them holds whole numbers it is the classes
    scores, classes = single if single[0].dtype.kind == "f" else single[::-1]
    return LabelledBoxes(boxes[:count], scores[:count], classes[:count])


def _decode(outputs: Outputs, reading: Reading, confidence: float) -> Detections:
    return _parts(outputs).read(reading, confidence)


def _implausible(outputs: Outputs, reading: Reading) -> str | None:
    return _parts(outputs).odd(reading)


END_TO_END_SPLIT = DetectorFamily(
    name="end-to-end-split",
    exported_from="EfficientNMS (YOLOv7 and others for TensorRT), YOLO-NAS in the batch format",
    outputs="number (1, 1), boxes (1, N, 4), scores (1, N), classes (1, N)",
    fits=_fits,
    decode=_decode,
    implausible=_implausible,
    lists_animals=True,
    every_output=True,
    box_units=True,
)
