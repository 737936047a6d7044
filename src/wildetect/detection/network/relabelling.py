"""From the boxes of a detector to the classes of a classifier.

Each stitched box is cut out of the photograph itself, not of a tile: what the classifier sees does not
depend on where the tiles happen to lie. Its most probable class replaces the detector's. The confidence of
the box becomes the product of the two: that there is an animal, times that it is this one ("product"); or
it stays the detector's ("detector"), where every animal shall count though its species is unsure.
"""

from __future__ import annotations

from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from wildetect.detection.network.classifier import Classifier
from wildetect.detection.tiles.stitching import nms
from wildetect.detections import Detections
from wildetect.geometry import Window
from wildetect.imagery.source import ImageSource, Pixels
from wildetect.registry.manifest import SecondStage
from wildetect.settings.words import OverlapMetric

__all__ = ["Relabelling", "crop"]

FLOAT_ERROR = 1e-4  # px; a box whose border lies on a pixel's must not reach into the next


class Relabelling:
    """The second stage of one image. Its passes may be run in any order and by any threads.

    They are cut by the rank of the boxes alone, so that results are the same with any number of threads.

    Args:
        detections: Detections of the detector, stitched and cut to the image, most confident first.
        classifier: Names them.
    """

    def __init__(self, detections: Detections, classifier: Classifier) -> None:
        self.detections = detections
        self._classifier = classifier
        self._rows = np.zeros((len(detections), len(classifier.stage.class_names)), np.float32)

    @property
    def passes(self) -> int:
        """Number of forward passes to run."""
        return ceil(len(self.detections) / self._classifier.crops_per_pass)

    def run(self, number: int, source: ImageSource) -> None:
        """Classify the boxes of one pass.

        Args:
            number: Number of the pass, from 0.
            source: The image.

        Raises:
            ModelError: The classifier failed.
            UnreadableImageError: The image could not be read.
        """
        size = self._classifier.crops_per_pass
        part = slice(number * size, (number + 1) * size)
        boxes = self.detections.xyxy[part]
        stage = self._classifier.stage
        self._rows[part] = self._classifier.classify([crop(source, box, stage) for box in boxes])

    def outcome(self, lowest: float, threshold: float, metric: OverlapMetric) -> Detections:
        """The relabelled boxes, most confident first, once all passes were run.

        Args:
            lowest: Boxes less confident than this are left out, as they are of a detector.
            threshold: Boxes that have one class now, and had several before, are one animal above it.
            metric: How overlap is measured.
        """
        before = self.detections
        if not len(before):
            return before
        confidence = before.confidence
        if self._classifier.stage.confidence == "product":
            confidence = confidence * self._rows.max(axis=1)
        named = before.relabelled(confidence, self._rows.argmax(axis=1))
        named = named.select(named.confidence >= lowest)
        return nms(named, threshold, metric) if len(np.unique(before.class_id)) > 1 else named.ranked()


def crop(source: ImageSource, box: NDArray[np.float32], stage: SecondStage) -> Pixels:
    """Cut a box with its margin out of an image.

    Args:
        source: The image.
        box: x_min, y_min, x_max, y_max in px, inside the image.
        stage: Says the shape and the margin.

    Returns:
        RGB, shape (height, width, 3), at least 1 x 1 px. What lies beyond the image's border is filled.
    """
    wanted = _window(box, stage)
    # at least the pixel at the border that a sliver of a box lies in
    left, top = min(max(wanted.x, 0), source.width - 1), min(max(wanted.y, 0), source.height - 1)
    right = min(max(wanted.right, left + 1), source.width)
    bottom = min(max(wanted.bottom, top + 1), source.height)
    inside = source.read(Window(left, top, right - left, bottom - top))
    if stage.crop == "box" or inside.shape[:2] == (wanted.height, wanted.width):
        return inside
    framed = np.full((wanted.height, wanted.width, 3), stage.feeding.pad, np.uint8)
    across, down = left - wanted.x, top - wanted.y
    framed[down : down + inside.shape[0], across : across + inside.shape[1]] = inside
    return framed


def _window(box: NDArray[np.float32], stage: SecondStage) -> Window:
    """The box with its margin, in whole pixels; it may reach beyond the image."""
    x_min, y_min, x_max, y_max = (float(edge) for edge in box)
    longer = max(x_max - x_min, y_max - y_min)
    margin = longer * stage.margin
    if stage.crop == "square":
        side = max(ceil(longer + 2 * margin - FLOAT_ERROR), 1)
        return Window(round((x_min + x_max - side) / 2), round((y_min + y_max - side) / 2), side, side)
    left, top = floor(x_min - margin + FLOAT_ERROR), floor(y_min - margin + FLOAT_ERROR)
    right, bottom = ceil(x_max + margin - FLOAT_ERROR), ceil(y_max + margin - FLOAT_ERROR)
    return Window(left, top, max(right - left, 1), max(bottom - top, 1))
