"""RT-DETR, D-FINE, DEIM: labels (n,), boxes (n, 4) as xyxy, scores (n,), in any order.

The boxes are in the units of the second input: the size of the network's input is given there.
"""

from __future__ import annotations

from wildetect.detection.families.family import DetectorFamily, Outputs, Reading, Shapes
from wildetect.detection.families.shapes import LabelledBoxes, alike
from wildetect.detections import Detections

__all__ = ["DETR", "decode", "implausible"]

_BOX = 4
_NOT_LABELLED = "labels should be whole numbers and scores floating point"


def _fits(shapes: Shapes) -> bool:
    ranks = sorted(len(shape) for shape in shapes.outputs)
    if ranks not in ([2, 2, 3], [1, 1, 2]):
        return False
    return alike(max(shapes.outputs, key=len)[-1], _BOX)


def _labelled(outputs: Outputs) -> LabelledBoxes | None:
    """Tell boxes, labels and scores by shape and type, in whatever order they come; None if one lacks."""
    boxes = next((output for output in outputs if output.ndim == 2), None)  # noqa: PLR2004 - the others have 1
    single = [output for output in outputs if output.ndim == 1]
    labels = next((output for output in single if output.dtype.kind in "iu"), None)
    scores = next((output for output in single if output.dtype.kind == "f"), None)
    if boxes is None or labels is None or scores is None:
        return None
    return LabelledBoxes(boxes, scores, labels)


def decode(outputs: Outputs, reading: Reading, confidence: float) -> Detections:
    """Read boxes, labels and scores.

    Raises:
        ValueError: One of them lacks, or the boxes are not corners in the unit that the reading says.
    """
    found = _labelled(outputs)
    if found is None:
        raise ValueError(_NOT_LABELLED)
    return found.read(reading, confidence)


def implausible(outputs: Outputs, reading: Reading) -> str | None:
    """Say why outputs cannot be boxes, labels and scores."""
    found = _labelled(outputs)
    return _NOT_LABELLED if found is None else found.odd(reading)


DETR = DetectorFamily(
    name="detr",
    exported_from="RT-DETR, D-FINE, DEIM, DEIMv2 from their authors' exporters",
    outputs="labels (1, N), boxes (1, N, 4), scores (1, N)",
    fits=_fits,
    decode=decode,
    implausible=implausible,
    feeding={"resize": "stretch"},
    lists_animals=True,
    every_output=True,
    box_units=True,
)
