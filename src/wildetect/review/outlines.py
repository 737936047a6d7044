"""The ground that is a photograph's own where photographs overlap: what lies nearer to its middle.

A place that several photographs show belongs to the one whose middle is nearest, so that the photographs'
own grounds neither overlap nor leave anything out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wildetect.how_far import through
from wildetect.review.plan import Outline

__all__ = ["GroundView", "own_grounds"]

_LEAST = 0.01  # of a photograph: less than that of it is shared only because outlines are rounded
_DIGITS = 2  # of outlines in px
_SPIKE = 0.01  # px
_SAME_PLACE = 1e-6  # m


class GroundView(NamedTuple):
    """Where a photograph looks.

    Attributes:
        image: Its name.
        width: Width in px.
        height: Height in px.
        footprint: The corners on the ground in m, shape (4, 2): upper left, then clockwise in the picture.
    """

    image: str
    width: int
    height: int
    footprint: NDArray[np.float64]

    @property
    def middle(self) -> NDArray[np.float64]:
        """Where its diagonals cross on the ground: what the middle of the picture shows, in m."""
        a, b, c, d = self.footprint
        along, across = c - a, d - b
        share = ((b - a)[0] * across[1] - (b - a)[1] * across[0]) / (
            along[0] * across[1] - along[1] * across[0]
        )
        return np.asarray(a + share * along)


def own_grounds(views: Sequence[GroundView]) -> dict[str, Outline]:
    """Find the own ground of each photograph that overlaps with others, in its px.

    Args:
        views: Views of all photographs of a run.

    Returns:
        Outlines by image; a photograph that overlaps with no other is not among them, and the outline of one
        whose ground all lies nearer to other middles has no corners.
    """
    import shapely

    polygons = [shapely.Polygon(view.footprint) for view in views]
    middles = [view.middle for view in views]
    tree = shapely.STRtree(polygons)
    found: dict[str, Outline] = {}
    pairs = zip(views, polygons, strict=True)
    for row, (view, polygon) in enumerate(through(pairs, "photographs' own ground found", len(views))):
        ground = polygon
        for other in sorted(tree.query(polygon, predicate="intersects").tolist()):
            if other != row:
                ground = ground - (polygons[other] & _nearer(middles, other, row, polygon))
        if ground.area < (1 - _LEAST) * polygon.area:
            found[view.image] = _in_px(_largest(ground), view)
    return found


def _nearer(middles: Sequence[NDArray[np.float64]], other: int, row: int, polygon: Any) -> Any:
    """The half of the plane, as far as the photograph reaches, that is nearer to the other's middle."""
    import shapely

    step = middles[other] - middles[row]
    length = float(np.hypot(*step))
    if length < _SAME_PLACE:
        # both look at the same place: the first one has it
        return polygon if other < row else shapely.Polygon()
    ahead = step / length
    side = np.array([-ahead[1], ahead[0]])
    between = (middles[other] + middles[row]) / 2
    x_min, y_min, x_max, y_max = polygon.bounds
    reach = 2 * (length + np.hypot(x_max - x_min, y_max - y_min))
    corners = [
        between + side * reach,
        between - side * reach,
        between - side * reach + ahead * reach,
        between + side * reach + ahead * reach,
    ]
    return shapely.Polygon(corners)


def _largest(ground: Any) -> Any:
    parts = [part for part in getattr(ground, "geoms", [ground]) if part.geom_type == "Polygon"]
    return max(parts, key=lambda part: float(part.area), default=None)


def _in_px(ground: Any, view: GroundView) -> Outline:
    import shapely

    if ground is None or ground.is_empty:
        return ()
    # a plane seen by a pinhole camera: four points tell the whole mapping
    corners = np.array([(0, 0), (view.width, 0), (view.width, view.height), (0, view.height)], np.float64)
    origin = view.footprint.mean(axis=0)  # in metres from there, so that no digits are lost
    mapping = _homography(view.footprint - origin, corners)
    ring = np.asarray(ground.exterior.coords)[:-1] - origin
    projected = np.column_stack([ring, np.ones(len(ring))]) @ mapping.T
    points = np.clip(projected[:, :2] / projected[:, 2:], 0, (view.width, view.height)).round(_DIGITS)
    # photographs that touch along a side leave spikes without area
    clean = _largest(shapely.Polygon(points).simplify(_SPIKE).buffer(0))
    if clean is None or clean.is_empty:
        return ()
    return tuple((float(x), float(y)) for x, y in np.asarray(clean.exterior.coords)[:-1].round(_DIGITS))


def _homography(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix (3, 3) that takes four points to four others (Hartley and Zisserman 2004, 4.1)."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    solved = np.linalg.solve(np.array(rows), target.reshape(-1))
    return np.append(solved, 1.0).reshape(3, 3)
