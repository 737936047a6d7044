"""The count in which each spot of ground belongs to one photograph: so nothing has to be joined."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.ground.photographs import Views
from wildetect.census.ground.raster_views import RasterView
from wildetect.census.ground.views import View

__all__ = ["on_own_ground"]


def on_own_ground(boxes: GroundBoxes, views: Views) -> NDArray[np.bool_]:
    """Which boxes lie on ground that no other photograph shows nearer to its middle, shape (n,).

    Counting them and no others takes each spot of ground once, at one moment, whatever the others show: an
    animal that walked may be where no photograph counts it as well as where two do. Boxes are joined
    nowhere, so that neither tolerance nor errors of places make one animal two.

    Args:
        boxes: All that count.
        views: Views that they were seen from.
    """
    if not len(boxes):
        return np.zeros(0, bool)
    tree = shapely.STRtree(shapely.points(boxes.centre))
    grounds = np.array([shapely.Polygon(view.footprint) for view in views.views], object)
    view, box = tree.query(grounds, predicate="intersects")
    middles = np.array([_middle(one) for one in views.views])
    # its own photograph shows each box, were it a hair outside of the outline
    view = np.concatenate([view, boxes.view])
    box = np.concatenate([box, np.arange(len(boxes))])
    away = np.hypot(*(boxes.centre[box] - middles[view]).T)
    order = np.lexsort((view, away, box))
    first = np.ones(len(order), bool)
    first[1:] = np.diff(box[order]) != 0
    owner = view[order][first]  # of each box, in rising order
    return np.asarray(owner == boxes.view)


def _middle(view: View | RasterView) -> tuple[float, float]:
    x, y = view.to_ground([(view.width / 2, view.height / 2)])[0].tolist()
    return x, y
