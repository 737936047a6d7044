"""Each detection's own box on the ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wildetect.census.ground.photographs import Photograph, Views
from wildetect.results.ids import ids_of_boxes

__all__ = ["GroundBoxes", "boxes_on_ground"]


@dataclass(frozen=True, slots=True, eq=False)
class GroundBoxes:
    """Boxes of all views, as columns of equal length.

    Attributes:
        view: Row of Views.views that each was seen from, shape (n,).
        class_id: Shape (n,).
        confidence: Shape (n,).
        xyxy: Corners in px of the upright picture, shape (n, 4).
        corners: On the ground in m, shape (n, 4, 2): from the upper left one, clockwise in the picture.
        centre: The place that the middle of the box shows, in m, shape (n, 2).
        id: Identifier of the detection, as all files of its run name it, shape (n,).
    """

    view: NDArray[np.int64]
    class_id: NDArray[np.int64]
    confidence: NDArray[np.float64]
    xyxy: NDArray[np.float64]
    corners: NDArray[np.float64]
    centre: NDArray[np.float64]
    id: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.view)

    def select(self, mask: NDArray[Any]) -> GroundBoxes:
        """Those where a mask of shape (n,) is true, or at the given rows, in that order."""
        return GroundBoxes(*(getattr(self, column.name)[mask] for column in fields(self)))


def boxes_on_ground(photographs: Sequence[Photograph], views: Views) -> GroundBoxes:
    """Project the boxes of all photographs that have a view; those of the others are left out.

    Args:
        photographs: Photographs as `make_views` was given them.
        views: What it made of them.
    """
    of_file = {photograph.file: photograph.detections for photograph in photographs}
    found = [of_file[view.file] for view in views.views]
    counts = [len(detections) for detections in found]
    xyxy = _joined([detections.xyxy for detections in found], 4)
    points = np.concatenate([xyxy[:, [0, 1, 2, 1, 2, 3, 0, 3]], (xyxy[:, :2] + xyxy[:, 2:]) / 2], axis=1)
    ground = np.empty((len(xyxy), 5, 2))
    start = 0
    for view, count in zip(views.views, counts, strict=True):
        if count:
            of_view = points[start : start + count].reshape(-1, 2)
            ground[start : start + count] = view.to_ground(of_view).reshape(-1, 5, 2)
        start += count
    return GroundBoxes(
        view=np.repeat(np.arange(len(counts)), counts),
        class_id=_joined([detections.class_id for detections in found]).astype(np.int64),
        confidence=_joined([detections.confidence for detections in found]),
        xyxy=xyxy,
        corners=ground[:, :4],
        centre=ground[:, 4],
        id=np.array(
            [
                one
                for view, detections in zip(views.views, found, strict=True)
                for one in ids_of_boxes(view.file, detections.xyxy.tolist())
            ],
            np.str_,
        ),
    )


def _joined(columns: Sequence[NDArray[Any]], width: int | None = None) -> NDArray[np.float64]:
    empty = np.zeros((0,) if width is None else (0, width))
    return np.concatenate([empty, *columns]).astype(np.float64)
