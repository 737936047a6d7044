"""What a review says of a run, as the files of the run hold it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["ReviewedBox", "ReviewedRun"]


class ReviewedBox(NamedTuple):
    """An animal that people saw.

    Attributes:
        class_name: Its class, which the model may not know.
        xyxy: Its box in px of the upright image.
        corners: Corners of the oriented box, x and y one after the other; none where it is upright.
        confidence: Confidence of the detector, 0 to 1; null for an animal that it missed.
        id: Identifier of the detection, or of the box that was added.
    """

    class_name: str
    xyxy: tuple[float, float, float, float]
    corners: tuple[float, ...] | None = None
    confidence: float | None = None
    id: str = ""


class ReviewedRun(NamedTuple):
    """The review of a run.

    Attributes:
        summary: Detected, reviewed and corrected numbers by species.
        boxes: All animals of each image that people looked at as a whole, none among them.
    """

    summary: Mapping[str, Any]
    boxes: Mapping[str, Sequence[ReviewedBox]]
