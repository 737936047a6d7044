"""The animals that people saw, as rows: what exports hold of a review beside what was detected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from wildetect.imagery.opening import look_at
from wildetect.imagery.source import UnreadableImageError
from wildetect.results.exports.format import ExportedRun
from wildetect.results.records import CoarseResult, ImageResult
from wildetect.results.reviewed import ReviewedBox
from wildetect.results.rows import CONFIDENCE_DIGITS, DEGREE_DIGITS, PX_DIGITS, PositionOf, position_of, rows

__all__ = ["ReviewedRow", "reviewed_rows"]


class ReviewedRow(NamedTuple):
    """An animal that people saw, in a photograph that they looked at as a whole.

    Attributes:
        image: Name of the photograph.
        class_name: Class name as the reviewer calls it; may be one that the model does not know.
        confidence: Confidence of the detector, 0 to 1; null for an animal that it missed.
        xyxy: x_min, y_min, x_max, y_max in px of the upright image.
        position: Longitude and latitude in degrees, WGS 84; null if unknown.
        whose: Whose position that is.
        id: Identifier of the detection, or of the box that was added.
    """

    image: str
    class_name: str
    confidence: float | None
    xyxy: tuple[float, float, float, float]
    position: tuple[float, float] | None
    whose: PositionOf | None
    id: str


def reviewed_rows(run: ExportedRun) -> Iterator[ReviewedRow]:
    """All animals of the photographs that people looked at as a whole, in the order of the run."""
    for result in run.results:
        boxes = run.reviewed.get(result.name, ())
        places = _places(result, boxes) if boxes else []
        for box, place in zip(boxes, places, strict=True):
            x_min, y_min, x_max, y_max = (round(edge, PX_DIGITS) for edge in box.xyxy)
            yield ReviewedRow(
                image=result.name,
                class_name=box.class_name,
                confidence=None if box.confidence is None else round(box.confidence, CONFIDENCE_DIGITS),
                xyxy=(x_min, y_min, x_max, y_max),
                position=place,
                whose=None if place is None else position_of(result),
                id=box.id,
            )


def _places(result: ImageResult, boxes: Sequence[ReviewedBox]) -> list[tuple[float, float] | None]:
    """Where the boxes are: on the map where the image lies on it, else where the camera was."""
    known = {row.id: row.position for row in rows(result)}
    if result.positions is None:
        if result.longitude is None or result.latitude is None:
            return [None] * len(boxes)
        camera = round(result.longitude, DEGREE_DIGITS), round(result.latitude, DEGREE_DIGITS)
        return [camera] * len(boxes)
    if not isinstance(result, CoarseResult):  # what is coarsened must not tell exact places
        with suppress(UnreadableImageError):
            ground = look_at(result.path).georeference
            corners = np.array([box.xyxy for box in boxes], np.float32)
            middles = None if ground is None else ground.centres(corners)
            if middles is not None:
                return [(x, y) for x, y in middles.round(DEGREE_DIGITS).tolist()]
    return [known.get(box.id) for box in boxes]
