"""RF-DETR, and DETRs from Hugging Face: boxes (n, 4) as cx, cy, w, h in fractions, and logits (n, C+1 or C).

Source: the export and the PostProcess of roboflow/rf-detr: the scores are the logits' sigmoid, the last
column stands for no object. Pictures are stretched to the square, without antialias as in the authors'
training and, since July 2026, their prediction (issue 1203 there), and scaled by ImageNet's mean and
deviation. A query is one animal: its best class counts, where the authors list each of its classes. In
weights trained on COCO it is the first column that stands for nothing: they number their classes from 1.
"""

from __future__ import annotations

import numpy as np

from wildetect.detection.families.family import IMAGENET, Array, DetectorFamily, Outputs, Reading, Shapes
from wildetect.detection.families.shapes import alike, around, without_batch
from wildetect.detections import Detections

__all__ = ["RF_DETR"]

_BOX = 4
_LARGEST = 2.0
_FAINT = -2.0  # logit; a column without boxes stays below


def _fits(shapes: Shapes) -> bool:
    # a third output holds the masks of the segmentation models
    largest = max(map(len, shapes.outputs))
    tables = list(shapes.outputs)
    if len(tables) == 3:  # noqa: PLR2004 - boxes, logits and masks
        tables = [shape for shape in tables if len(shape) < largest]
    if len(tables) != 2:  # noqa: PLR2004
        return False
    first, second = (without_batch(shape, 2) for shape in tables)
    if first is None or second is None or not alike(first[0], second[0]):
        return False
    return any(
        alike(boxes[1], _BOX) and _classes_fit(logits[1], shapes.classes)
        for boxes, logits in ((first, second), (second, first))
    )


def _classes_fit(columns: int | None, classes: int | None) -> bool:
    return columns is None or classes is None or columns in {classes, classes + 1}


def _boxes_and_logits(outputs: Outputs) -> tuple[Array, Array]:
    """Tell the two apart: by their width, and where there are three classes by their values."""
    first, second = [output for output in outputs if output.ndim == 2][:2]  # noqa: PLR2004
    if first.shape[1] != second.shape[1]:
        return (first, second) if first.shape[1] == _BOX else (second, first)
    # sigmoids of boxes lie between 0 and 1, logits of faint classes are far below
    return (first, second) if first.size == 0 or first.min() >= second.min() else (second, first)


def _decode(outputs: Outputs, reading: Reading, confidence: float) -> Detections:
    boxes, logits = _boxes_and_logits(outputs)
    first = reading.first_label or 0
    with np.errstate(over="ignore"):
        scores = 1 / (1 + np.exp(-logits[:, first : first + reading.classes].astype(np.float32)))
    best = scores.max(axis=1)
    kept = np.flatnonzero(best >= confidence)
    placed = boxes[kept].astype(np.float32) * np.array([*reading.frame, *reading.frame], dtype=np.float32)
    return Detections(around(placed), best[kept], scores[kept].argmax(axis=1) + first)


def _implausible(outputs: Outputs, reading: Reading) -> str | None:
    boxes, logits = _boxes_and_logits(outputs)
    if boxes.size and (np.abs(boxes).max() > _LARGEST or boxes[:, 2:].min() < 0):
        return "its boxes are not centre and size in fractions of the picture"
    if logits.size and logits.min() >= 0:
        return "its class scores are not logits: none is negative"
    if logits.size and logits.shape[1] > reading.classes and np.median(logits[:, -1]) > 0:
        # the first DETR's: a query that shows nothing says so; sigmoids of its classes would be animals
        return "its last column says that there is no object: it ends in a softmax, which is not read"
    return None


def _doubt(outputs: Outputs, reading: Reading) -> str | None:
    """A column that no box was trained for is fainter than all others: told where it is the first one."""
    _, logits = _boxes_and_logits(outputs)
    if reading.first_label is not None or not logits.size or logits.shape[1] != reading.classes + 1:
        return None
    first, last = float(logits[:, 0].mean()), float(logits[:, -1].mean())
    if first >= last or last > _FAINT:
        return None
    return (
        "its first column is fainter than its last, as where classes are numbered from 1 (weights trained on "
        "COCO, Roboflow's sets with an empty class 0): look at the classes of some boxes, and set "
        "first_label: 1, or 0 if they are right"
    )


RF_DETR = DetectorFamily(
    name="rf-detr",
    exported_from="RF-DETR, also its segmentation models; DETRs whose boxes and logits come out as they are",
    outputs="dets (1, N, 4), labels (1, N, C+1 or C)",
    fits=_fits,
    decode=_decode,
    implausible=_implausible,
    doubt=_doubt,
    feeding={"resize": "stretch", "shrink": "sample", **IMAGENET},
    lists_animals=True,
    every_output=True,
)
