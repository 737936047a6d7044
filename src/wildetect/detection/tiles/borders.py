"""Boxes that the border of a tile cut off yield to whole ones, or are joined with their other parts.

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

An animal that is longer than the overlap is whole in no tile. Two parts of it are joined if

1. they are of one class, and end at the facing borders of two neighbouring tiles,
2. each fills the strip that both tiles show, from border to border, as one animal across it does, and
3. across the strip they lie side by side: they share at least half of the smaller one's extent there
   and a third of both together, and neither fits another part better.

What is joined takes over parts as whole boxes do. What still ends at an inner border then, and no
whole box has taken over, is counted: it may be a part of an animal that counts more than once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from wildetect.detection.tiles.stitching import kept_by_nms, nms, overlapping_pairs
from wildetect.detections import Detections
from wildetect.geometry import Window, areas
from wildetect.settings.words import OverlapMetric

__all__ = ["Stitched", "TilePart", "stitch"]

COVERED = 0.5
_SHARED_OF_SMALLER, _SHARED_OF_BOTH = 0.5, 1 / 3  # of two parts of one animal, across the strip
_LEAST_MARGIN = 2.0  # px
_MARGIN = 0.005  # of a tile's side: detectors place an edge no better

Sides = NDArray[Any]
Indices = NDArray[np.int64]


class TilePart(NamedTuple):
    """The detections of a tile, in px of the image, and where the tile lies."""

    detections: Detections
    window: Window


class Stitched(NamedTuple):
    """The detections of an image, each animal once as far as tiles can tell.

    Attributes:
        detections: Detections in px of the image.
        cut: How many of them end at an inner border of a tile and were seen whole by no tile: each may be a
            part of an animal that counts more than once.
        joined: How many parts were joined to others.
        longest: Extent across a border of the longest of both kinds, in px; 0 where there are none.
    """

    detections: Detections
    cut: int = 0
    joined: int = 0
    longest: int = 0


def stitch(
    parts: Sequence[TilePart], size: tuple[int, int], threshold: float, metric: OverlapMetric = "IOU"
) -> Stitched:
    """Join the detections of all tiles of an image, each animal once.

    Args:
        parts: Detections of each tile, in any order: it does not matter.
        size: Width and height of the image in px.
        threshold: Overlap above which two boxes of one class are one animal.
        metric: How it is measured.
    """
    found = Detections.concatenate([part.detections for part in parts])
    if len(parts) <= 1 or not len(found):
        return Stitched(nms(found, threshold, metric))
    seen = _Seen.of(parts, found, size)
    if not seen.cut.any():
        return Stitched(nms(found, threshold, metric))
    seen, parts_joined, longest = _joined(seen.without_yielding())
    seen = seen.without_yielding()
    kept = kept_by_nms(seen.found, threshold, metric)
    left = seen.select(seen.open_ended(kept, threshold, metric))
    return Stitched(
        seen.found.select(kept), len(left.found), parts_joined, max(longest, _longest(left.boxes, left.cut))
    )


class _Seen(NamedTuple):
    """Boxes and the tiles that show them, side by side as left, top, right, bottom, further out larger.

    Attributes:
        found: The boxes.
        boxes: Their sides, shape (n, 4).
        tiles: Those of their tiles; of joined parts those of all their tiles together.
        outer: Those of the image, shape (1, 4).
        margin: How near to a border a box ends at it, in px, shape (n, 1).
    """

    found: Detections
    boxes: Sides
    tiles: Sides
    outer: Sides
    margin: Sides

    @classmethod
    def of(cls, parts: Sequence[TilePart], found: Detections, size: tuple[int, int]) -> Self:
        """Those of all tiles of an image of this width and height in px."""
        counts = [len(part.detections) for part in parts]
        tiles = np.repeat([_sides(part.window) for part in parts], counts, axis=0)
        longer: Sides = (tiles[:, 2:] + tiles[:, :2]).max(axis=1, keepdims=True)
        return cls(
            found,
            _outwards(found.xyxy.astype(np.float64)),
            tiles,
            _outwards(np.array([[0, 0, *size]], np.float64)),
            np.maximum(_MARGIN * longer, _LEAST_MARGIN),
        )

    @property
    def cut(self) -> NDArray[np.bool_]:
        """At which sides each box ends at a border beyond which the image goes on, shape (n, 4)."""
        return np.asarray(
            np.less(self.tiles, self.outer) & np.greater_equal(self.boxes, self.tiles - self.margin)
        )

    def select(self, which: NDArray[Any]) -> Self:
        """Those where a mask of shape (n,) is true, or at these positions."""
        return self._replace(
            found=self.found.select(which),
            boxes=self.boxes[which],
            tiles=self.tiles[which],
            margin=self.margin[which],
        )

    def without_yielding(self) -> Self:
        """All but those that a border cut off and another tile saw whole."""
        part_of = _yielding(self.found, self.boxes, self.tiles, self.cut, self.margin)
        return self.select(~part_of) if part_of.any() else self

    def open_ended(self, kept: Indices, threshold: float, metric: OverlapMetric) -> NDArray[np.bool_]:
        """Which of those that NMS kept end at an inner border and overlap no whole box, shape (n,)."""
        is_kept = np.zeros(len(self.found), np.bool_)
        is_kept[kept] = True
        touching = np.asarray(self.cut.any(axis=1))
        # of two that were kept none overlaps the other so much
        concerned = np.flatnonzero(touching == is_kept)
        first, second = overlapping_pairs(self.found.select(concerned), threshold, metric)
        first, second = concerned[first], concerned[second]
        taken_over = np.zeros(len(self.found), np.bool_)
        taken_over[first[~touching[second]]] = True
        taken_over[second[~touching[first]]] = True
        return touching & is_kept & ~taken_over


def _longest(boxes: Sides, sides: NDArray[np.bool_]) -> int:
    """Largest extent in px of boxes (n, 4) across the borders at these of their sides; 0 without any."""
    extents = boxes[:, :2] + boxes[:, 2:]
    across = sides[:, :2] | sides[:, 2:]
    return math.ceil(extents[across].max()) if across.any() else 0


def _joined(seen: _Seen) -> tuple[_Seen, int, int]:
    """Parts of animals that are longer than the overlap, each animal's as one box.

    Returns:
        The boxes; how many parts were joined to others; the extent of the longest joined box in px.
    """
    one, other, side = _fitting(seen)
    if not len(one):
        return seen, 0, 0
    group = _groups(len(seen.found), one, other)
    heads, group = np.unique(group, return_inverse=True)
    boxes, tiles = np.full((2, len(heads), 4), -np.inf)
    margin, confidence = np.zeros((len(heads), 1)), np.zeros(len(heads), np.float32)
    bridged = np.zeros((len(heads), 4), np.bool_)
    np.maximum.at(boxes, group, seen.boxes)
    np.maximum.at(tiles, group, seen.tiles)
    np.maximum.at(margin, group, seen.margin)
    np.maximum.at(confidence, group, seen.found.confidence)
    bridged[group[one], side] = True
    found = Detections(_outwards(boxes), confidence, seen.found.class_id[heads])
    if seen.found.corners is not None:
        # what was joined is known as an upright box alone
        alone = np.bincount(group) == 1
        corners = np.where(alone[:, None], seen.found.corners[heads], found.outlines)
        found = Detections(found.xyxy, confidence, found.class_id, corners)
    joined = _Seen(found, boxes, tiles, seen.outer, margin)
    return joined, len(seen.found) - len(heads), _longest(boxes, bridged)


def _fitting(seen: _Seen) -> tuple[Indices, Indices, Indices]:
    """Pairs of parts of one animal, the second beyond that side of the first which is the third value."""
    cut = seen.cut
    touching = np.flatnonzero(cut.any(axis=1))
    # where tiles do not overlap, their parts meet at most
    wider = _outwards(seen.boxes + np.where(cut, seen.margin, 0))[touching]
    apart = Detections(wider, seen.found.confidence[touching], seen.found.class_id[touching])
    first, second = (touching[index] for index in overlapping_pairs(apart, 0, "IOS"))
    a, b = np.concatenate([first, second]), np.concatenate([second, first])
    found: list[tuple[Indices, Indices, Indices]] = []
    for side in (2, 3):
        shared = _shared(seen, cut, a, b, side)
        fits = np.flatnonzero(shared > 0)
        # of parts that fit as well as each other the one in the nearest tile
        away = seen.tiles[b, side] - seen.tiles[a, side]
        of_a, of_b = (_best_of_each(part[fits], shared[fits], away[fits]) for part in (a, b))
        fits = fits[of_a & of_b]
        found.append((a[fits], b[fits], np.full(len(fits), side)))
    one, other, sides = (np.concatenate(column) for column in zip(*found, strict=True))
    return one, other, sides


def _shared(seen: _Seen, cut: NDArray[np.bool_], a: Indices, b: Indices, side: int) -> NDArray[np.float64]:
    """How much of both together two parts share across the strip, 0 to 1; 0 if they are not of one animal.

    Args:
        seen: All boxes.
        cut: Sides at which they end at an inner border.
        a: The parts that end at this side of their tile.
        b: Those that begin at the facing side of theirs.
        side: 2, right, or 3, bottom.
    """
    facing, (low, high) = side - 2, (1, 3) if side == 2 else (0, 2)  # noqa: PLR2004 - the right side
    boxes, tiles, margin = seen.boxes, seen.tiles, seen.margin[:, 0]
    one_row = (tiles[a, low] == tiles[b, low]) & (tiles[a, high] == tiles[b, high])
    neighbours = one_row & (tiles[a, side] < tiles[b, side]) & (tiles[a, side] >= -tiles[b, facing])
    ends = cut[a, side] & cut[b, facing]
    through = (boxes[a, facing] >= tiles[b, facing] - margin[a]) & (
        boxes[b, side] >= tiles[a, side] - margin[b]
    )
    common = np.minimum(boxes[a, low], boxes[b, low]) + np.minimum(boxes[a, high], boxes[b, high])
    first, second = boxes[a, low] + boxes[a, high], boxes[b, low] + boxes[b, high]
    together = np.maximum(first + second - common, np.finfo(float).tiny)
    alike = (common >= _SHARED_OF_SMALLER * np.minimum(first, second)) & (
        common >= _SHARED_OF_BOTH * together
    )
    fits = neighbours & ends & through & alike & (common > 0)
    return np.asarray(np.where(fits, common / together, 0.0))


def _best_of_each(part: Indices, shared: NDArray[np.float64], away: Sides) -> NDArray[np.bool_]:
    """Which pairs are the best of their part, shape (n,)."""
    order = np.lexsort((away, -shared, part))
    best = np.zeros(len(part), np.bool_)
    best[order[np.unique(part[order], return_index=True)[1]]] = True
    return best


def _groups(number: int, one: Indices, other: Indices) -> Indices:
    """The lowest member of each one's group, where pairs belong together, shape (number,)."""
    group = np.arange(number)
    while True:
        lowest = np.minimum(group[one], group[other])
        before = group.copy()
        np.minimum.at(group, one, lowest)
        np.minimum.at(group, other, lowest)
        if (group == before).all():
            return group


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
