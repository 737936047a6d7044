"""The detections of an image as rows of plain numbers, with the digits that every export gives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from wildetect.results.ids import ids_of
from wildetect.results.records import CoarseResult, ImageResult

__all__ = [
    "CONFIDENCE_DIGITS",
    "DEGREE_DIGITS",
    "PX_DIGITS",
    "PositionOf",
    "Row",
    "has_positions",
    "position_of",
    "rows",
]

CONFIDENCE_DIGITS = 5
PX_DIGITS = 2
DEGREE_DIGITS = 7  # about a centimetre

PositionOf = Literal["detection", "photograph", "cell"]
"""Whose position a detection is given: its own, that of the camera, or that of a cell of a grid."""


class Row(NamedTuple):
    """One detection.

    Attributes:
        class_id: Index into the class names.
        confidence: 0 to 1.
        xyxy: x_min, y_min, x_max, y_max in px of the upright image.
        position: Longitude and latitude in degrees, WGS 84; None if unknown.
        id: The same in every file and after every resumption (module `results.ids`).
        corners: Corners of an oriented box, x and y in px in turn, clockwise; None for an upright one.
        outline: Longitude and latitude of these corners, in degrees, WGS 84; None if unknown.
    """

    class_id: int
    confidence: float
    xyxy: tuple[float, float, float, float]
    position: tuple[float, float] | None
    id: str
    corners: tuple[float, ...] | None = None
    outline: tuple[tuple[float, float], ...] | None = None

    @property
    def xywh(self) -> list[float]:
        """x_min, y_min, width and height in px, as COCO has it."""
        x_min, y_min, x_max, y_max = self.xyxy
        return [x_min, y_min, round(x_max - x_min, PX_DIGITS), round(y_max - y_min, PX_DIGITS)]


def rows(result: ImageResult) -> Iterator[Row]:
    """The detections of an image, rounded; none for a failed one."""
    found = result.detections
    if found is None:
        return
    camera = _camera(result)
    turned = None if found.corners is None else found.corners.tolist()
    outlines = None if result.outlines is None else result.outlines.round(DEGREE_DIGITS).tolist()
    own = None if result.positions is None else result.positions.round(DEGREE_DIGITS).tolist()
    columns = zip(
        found.class_id.tolist(), found.confidence.tolist(), found.xyxy.tolist(), ids_of(result), strict=True
    )
    for number, (class_id, confidence, (x_min, y_min, x_max, y_max), key) in enumerate(columns):
        yield Row(
            class_id,
            round(confidence, CONFIDENCE_DIGITS),
            (
                round(x_min, PX_DIGITS),
                round(y_min, PX_DIGITS),
                round(x_max, PX_DIGITS),
                round(y_max, PX_DIGITS),
            ),
            camera if own is None else (own[number][0], own[number][1]),
            key,
            None if turned is None else tuple(round(one, PX_DIGITS) for one in turned[number]),
            None if outlines is None else _pairs(outlines[number]),
        )


def _pairs(outline: Sequence[float]) -> tuple[tuple[float, float], ...]:
    return tuple(zip(outline[::2], outline[1::2], strict=True))


def position_of(result: ImageResult) -> PositionOf | None:
    """Whose position the rows of an image hold; None where they hold none."""
    if result.positions is None and _camera(result) is None:
        return None
    if isinstance(result, CoarseResult):
        return "cell"
    return "photograph" if result.positions is None else "detection"


def has_positions(results: Iterable[ImageResult]) -> bool:
    """Whether at least one image has a place on the map."""
    return any(position_of(result) is not None for result in results)


def _camera(result: ImageResult) -> tuple[float, float] | None:
    if result.longitude is None or result.latitude is None:
        return None
    return round(result.longitude, DEGREE_DIGITS), round(result.latitude, DEGREE_DIGITS)
