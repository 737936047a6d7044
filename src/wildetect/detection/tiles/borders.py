"""Boxes that the border of a tile cut off yield to the whole ones of the neighbouring tile.

Tiles overlap, so that an animal at the border of one tile lies well inside the next. The first tile
sees a part of it and reports a short box, which ends at the border; the second one reports the whole
animal. The two overlap too little for NMS by IoU: an animal of 90 px of which 30 are seen has an IoU of
a third, and would be counted twice. Comparing with the smaller box everywhere (IoS) would fix that,
and would drop a calf that stands before its mother.

So the rule is for boxes at a border alone. A box is left out if

1. it touches an inner border of its tile, within a few px: beyond that border the image goes on,
2. a box of its class lies over more than half of what its tile shows of it,
3. that box does not touch a border of its own tile: it is whole, and
4. that box reaches beyond the border at which the first one ends: it can be the animal that was cut.

Where no tile saw the animal whole (it is larger than the overlap), nothing is left out here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wildetect.detection.tiles.stitching import nms, overlapping_pairs
from wildetect.detections import Detections
from wildetect.geometry import OverlapMetric, Window, areas

__all__ = ["TilePart", "stitch", "without_cut_off"]

COVERED = 0.5
_LEAST_MARGIN = 2.0  # px
_MARGIN = 0.005  # of a tile's side: detectors place an edge no better

Sides = NDArray[Any]


class TilePart(NamedTuple):
    """The detections of a tile, in px of the image, and where the tile lies."""

    detections: Detections
    window: Window


def stitch(
    parts: Sequence[TilePart], size: tuple[int, int], threshold: float, metric: OverlapMetric = "IOU"
) -> Detections:
    """Join the detections of all tiles of an image, each animal once.

    Args:
        parts: Of each tile, in any order: it does not matter.
        size: Width and height of the image in px.
        threshold: Overlap above which two boxes of one class are one animal.
        metric: How it is measured.
    """
    return nms(without_cut_off(parts, *size), threshold, metric)


def without_cut_off(parts: Sequence[TilePart], width: int, height: int) -> Detections:
    """All detections of an image's tiles but those that a border cut off and another tile saw whole.

    Args:
        parts: Of each tile, in any order.
        width: Of the image in px.
        height: Of the image in px.
    """
    joined = Detections.concatenate([part.detections for part in parts])
    if len(parts) <= 1 or len(joined) <= 1:
        return joined
    counts = [len(part.detections) for part in parts]
    tiles = np.repeat([_sides(part.window) for part in parts], counts, axis=0)
    boxes = _outwards(joined.xyxy.astype(np.float64))
    sides: Sides = (tiles[:, 2:] + tiles[:, :2]).max(axis=1, keepdims=True)
    margin: Sides = np.maximum(_MARGIN * sides, _LEAST_MARGIN)
    inner = np.less(tiles, _outwards(np.array([[0, 0, width, height]], np.float64)))
    cut: NDArray[np.bool_] = inner & np.greater_equal(boxes, tiles - margin)
    part_of = _yielding(joined, boxes, tiles, cut, margin)
    return joined.select(~part_of) if part_of.any() else joined


def _yielding(joined: Detections, boxes: Sides, tiles: Sides, cut: Sides, margin: Sides) -> NDArray[np.bool_]:
    """Which of the boxes yield to another one, shape (n,)."""
    yields = np.zeros(len(joined), np.bool_)
    touching = np.asarray(cut.any(axis=1))
    # only they and the whole boxes across a border can form a pair
    concerned = np.flatnonzero(touching | _across_a_border(boxes, tiles))
    if not touching.any():
        return yields
    first, second = overlapping_pairs(joined.select(concerned), COVERED, "IOS")
    first, second = concerned[first], concerned[second]
    a, b = np.concatenate([first, second]), np.concatenate([second, first])
    candidates = touching[a] & ~touching[b]
    a, b = a[candidates], b[candidates]
    beyond = np.asarray((cut[a] & (boxes[b] > tiles[a] + margin[a])).any(axis=1))
    a, b = a[beyond], b[beyond]
    seen = np.minimum(boxes[a], tiles[a])  # a box may reach beyond the part that its tile shows
    common = _area(np.minimum(seen, boxes[b]))
    yields[a[common > COVERED * _area(seen)]] = True
    return yields


def _across_a_border(boxes: Sides, tiles: Sides) -> NDArray[np.bool_]:
    """Boxes (n, 4) that lie across the line of any tile's border."""
    across = np.zeros(len(boxes), np.bool_)
    for low, high in ((0, 2), (1, 3)):
        lines = np.unique(np.concatenate([-tiles[:, low], tiles[:, high]]))
        across |= np.searchsorted(lines, -boxes[:, low]) != np.searchsorted(lines, boxes[:, high])
    return across


def _sides(window: Window) -> tuple[float, float, float, float]:
    return -window.x, -window.y, window.right, window.bottom


def _outwards(xyxy: Sides) -> Sides:
    """Left and top with the other sign: so that larger means further out on all four sides."""
    return np.asarray(xyxy * np.array([-1, -1, 1, 1]))


def _area(sides: Sides) -> NDArray[np.float64]:
    return areas(_outwards(sides))
