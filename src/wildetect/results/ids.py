"""Stable names of detections: from the image and the box, whatever its class or confidence."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator

from wildetect.results.records import ImageResult

__all__ = ["BoxCorners", "detection_id", "ids_of", "ids_of_boxes"]

BoxCorners = tuple[float, float, float, float]
"""x_min, y_min, x_max, y_max in px of the upright image."""

_LETTERS = 16  # 64 bits: two of a million boxes share one once in 40 million surveys


def detection_id(image: str, xyxy: Iterable[float], occurrence: int = 0) -> str:
    """Name a box of an image.

    Args:
        image: Name of the image in its run.
        xyxy: The box in px; taken with two digits, as every export writes it.
        occurrence: How many detections before it in its image have the same box, as a model that knows
            several classes may place one box twice.
    """
    # + 0.0: a minus zero is written with its sign
    corners = " ".join(f"{round(edge, 2) + 0.0:.2f}" for edge in xyxy)
    text = f"{image}\n{corners}" + (f"\n{occurrence}" if occurrence else "")
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()[:_LETTERS]


def ids_of_boxes(image: str, boxes: Iterable[Iterable[float]]) -> Iterator[str]:
    """Name the boxes of one image, in their order."""
    seen: Counter[str] = Counter()
    for box in boxes:
        corners = tuple(box)
        first = detection_id(image, corners)
        yield detection_id(image, corners, seen[first]) if seen[first] else first
        seen[first] += 1


def ids_of(result: ImageResult) -> list[str]:
    """Name the detections of an image, in their order; none of a failed one."""
    if result.detections is None:
        return []
    return list(ids_of_boxes(result.name, result.detections.xyxy.tolist()))
