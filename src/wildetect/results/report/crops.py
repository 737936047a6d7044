"""Which detections are shown as crops, and the crops: small JPEG pictures of one animal each."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wildetect.geometry import Window
from wildetect.imagery.damage import read_around_damage
from wildetect.imagery.source import ImageSource
from wildetect.results.records import ImageResult

__all__ = ["Box", "Crop", "CropSource", "choose", "cut", "cut_around"]

_SIDE = 144  # px; shown a little smaller, so that they are sharp on most screens
_SMALLEST_SIDE = 48  # px of the image: fewer show no surroundings to judge an animal by
_MARGIN = 1.8  # side of a crop in longer sides of the box
_QUALITY = 72


Box = tuple[float, float, float, float]


class CropSource(NamedTuple):
    """A detection to be shown: the place of its image among the results, and its row there."""

    image: int
    row: int


@dataclass(frozen=True, kw_only=True)
class Crop:
    """A small picture of a detection.

    Attributes:
        image: Name of the image.
        class_id: Its class.
        confidence: 0 to 1.
        jpeg: The picture, square.
        box: x_min, y_min, width, height in hundredths of the crop's side.
    """

    image: str
    class_id: int
    confidence: float
    jpeg: bytes
    box: tuple[float, float, float, float]


def choose(
    found: Sequence[ImageResult], most: int, preferred: Collection[int] = ()
) -> dict[int, list[CropSource]]:
    """Choose detections to be shown, spread evenly over classes and, in each, over confidence.

    Args:
        found: The results.
        most: How many to choose.
        preferred: Places of images that are decoded anyway: of detections about equally sure, one of
            theirs is taken, so that few other images have to be decoded.

    Returns:
        The chosen ones of each image that has any.
    """
    classes = _by_class(found)
    opened = set(preferred)
    chosen: dict[int, list[CropSource]] = defaultdict(list)
    left = most
    # rare classes first: what they leave of their share goes to the common ones
    for done, places in enumerate(sorted(classes, key=len)):
        share = min(len(places), left // (len(classes) - done))
        left -= share
        for group in np.array_split(places, share) if share else []:
            known = (place for place in group.tolist() if place[0] in opened)
            source = CropSource(*next(known, group[0].tolist()))
            opened.add(source.image)
            chosen[source.image].append(source)
    return dict(chosen)


def _by_class(found: Sequence[ImageResult]) -> list[NDArray[np.int64]]:
    """For each class its detections, the surest first: place of the image and row there, shape (n, 2)."""
    with_any = [
        (place, result.detections) for place, result in enumerate(found) if result.detections is not None
    ]
    if not with_any:
        return []
    images = np.repeat([place for place, _ in with_any], [len(detections) for _, detections in with_any])
    rows = np.concatenate([np.arange(len(detections)) for _, detections in with_any])
    confidence = np.concatenate([detections.confidence for _, detections in with_any])
    class_id = np.concatenate([detections.class_id for _, detections in with_any])
    order = np.lexsort((rows, images, -confidence, class_id))
    _, starts = np.unique(class_id[order], return_index=True)
    return np.split(np.column_stack([images, rows])[order].astype(np.int64), starts[1:]) if len(order) else []


def cut(
    source: ImageSource, result: ImageResult, row: int, *, margin: float = _MARGIN, most: int = _SIDE
) -> Crop:
    """The crop of a detection: a square around its box that lies inside the image, grey where it is damaged.

    Args:
        source: The image, open.
        result: What was found in it.
        row: Row of the detection.
        margin: Side of the crop in longer sides of the box.
        most: Side of its picture in px, where it is not smaller by itself.

    Raises:
        UnreadableImageError: None of the pixels can be read.
    """
    assert result.detections is not None  # noqa: S101 - only detections are chosen
    x_min, y_min, x_max, y_max = result.detections.xyxy[row].tolist()
    longer = max(x_max - x_min, y_max - y_min)
    jpeg, box = cut_around(source, (x_min, y_min, x_max, y_max), longer * margin, most=most)
    return Crop(
        image=result.name,
        class_id=int(result.detections.class_id[row]),
        confidence=float(result.detections.confidence[row]),
        jpeg=jpeg,
        box=box,
    )


def cut_around(source: ImageSource, xyxy: Box, side: float, *, most: int = _SIDE) -> tuple[bytes, Box]:
    """A square picture around a box that lies inside the image, and the box in it, as `Crop` has both.

    Args:
        source: The image, open.
        xyxy: Corners in px of the image.
        side: Side of the square in px of the image.
        most: Side of the picture in px, where it is not smaller by itself.

    Raises:
        UnreadableImageError: None of the pixels can be read.
    """
    x_min, y_min, x_max, y_max = xyxy
    side = round(min(max(side, _SMALLEST_SIDE), source.width, source.height))
    left = _inside((x_min + x_max - side) / 2, source.width - side)
    top = _inside((y_min + y_max - side) / 2, source.height - side)
    image = Image.fromarray(np.ascontiguousarray(read_around_damage(source, Window(left, top, side, side))))
    if side > most:
        image = image.resize((most, most), Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=_QUALITY)
    corners = [
        min(max(100 * edge / side, 0.0), 100.0)
        for edge in (x_min - left, y_min - top, x_max - left, y_max - top)
    ]
    return buffer.getvalue(), (
        round(corners[0], 1),
        round(corners[1], 1),
        round(corners[2] - corners[0], 1),
        round(corners[3] - corners[1], 1),
    )


def _inside(start: float, last: int) -> int:
    return min(max(round(start), 0), last)
