"""One box an animal: class-wise non-maximum suppression, exact and fast, within and across tiles.

Greedy NMS goes through the boxes from the most to the least confident and drops each one that
overlaps a kept one of its class too much. Done box by box this costs n² comparisons. Here the pairs
that overlap too much are found first, by a sweep along sorted x within horizontal strips; the greedy
pass then only walks along those pairs. The result is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wildetect.detections import Detections
from wildetect.geometry import areas
from wildetect.settings.words import OverlapMetric

__all__ = ["kept_by_nms", "nms", "nms_each", "one_class_each", "overlapping_pairs"]

Indices = NDArray[np.int64]
Doubles = NDArray[np.float64]

SAME_BOX = 0.9
_CHUNK = 1 << 18  # candidate pairs looked at together: stays in the processor's cache
_FEW = 300  # boxes of a tile; the cost of many grows faster than their number
_DENSE = 1 << 23  # more candidate pairs than this: one box against the rest is cheaper, and needs less memory


def nms(detections: Detections, threshold: float, metric: OverlapMetric = "IOU") -> Detections:
    """Class-wise greedy non-maximum suppression.

    Args:
        detections: Detections of one tile or image, in any order.
        threshold: A box is dropped if it overlaps a kept box of its class by more than this.
        metric: IOU, or IOS: intersection over the smaller box, which also drops a part of an animal.

    Returns:
        What is kept, most confident first. Equal confidences are ranked by class and box, so that the
        order of the input does not matter.
    """
    return detections.select(kept_by_nms(detections, threshold, metric))


def kept_by_nms(detections: Detections, threshold: float, metric: OverlapMetric = "IOU") -> Indices:
    """Positions of those that `nms` keeps, in its order; arguments as there."""
    order = detections.ranking()
    if len(order) <= 1:
        return order
    ranked = detections.select(order)
    boxes = _Boxes.of(ranked)
    sweep = _Sweep.over(boxes, ranked.class_id)
    if sweep.candidates > _DENSE:
        return order[_one_by_one(boxes, ranked.class_id, threshold, metric)]
    return order[_along_pairs(len(ranked), *_overlapping(boxes, sweep, threshold, metric))]


def nms_each(
    tiles: Sequence[Detections], threshold: float, metric: OverlapMetric = "IOU"
) -> list[Detections]:
    """`nms` of each of several tiles.

    Tiles with few boxes go together: what is done for each call takes longer than their boxes do.
    """
    each = [nms(tile, threshold, metric) if len(tile) > _FEW else tile for tile in tiles]
    few = [number for number, tile in enumerate(tiles) if len(tile) <= _FEW]
    together = _together([tiles[number] for number in few], threshold, metric)
    for number, kept in zip(few, together, strict=True):
        each[number] = kept
    return each


def _together(tiles: Sequence[Detections], threshold: float, metric: OverlapMetric) -> list[Detections]:
    if not tiles:
        return []
    # a class of one tile is another than that of the next one: no two boxes of different tiles meet
    classes = 1 + max((int(tile.class_id.max()) for tile in tiles if len(tile)), default=0)
    apart = [
        tile.relabelled(tile.confidence, tile.class_id + number * classes)
        for number, tile in enumerate(tiles)
    ]
    kept = nms(Detections.concatenate(apart), threshold, metric)
    number, class_id = np.divmod(kept.class_id, classes)
    kept = kept.relabelled(kept.confidence, class_id)
    order = np.argsort(number, kind="stable")
    ends = np.cumsum(np.bincount(number, minlength=len(tiles)))
    return [kept.select(which) for which in np.split(order, ends[:-1])]


def one_class_each(detections: Detections, threshold: float = SAME_BOX) -> Detections:
    """Leave one class where several were given to the very same box: an animal is of one species.

    Class-wise NMS keeps a box of each class, and the animal would be counted once for each. Two
    animals of different species never have boxes so nearly alike.

    Args:
        detections: After NMS, in any order.
        threshold: IoU above which two boxes are the same one.

    Returns:
        What is kept, most confident first.
    """
    ranked = detections.ranked()
    if len(ranked) <= 1:
        return ranked
    of_any_class = Detections(ranked.xyxy, ranked.confidence, np.zeros_like(ranked.class_id))
    boxes = _Boxes.of(of_any_class)
    sweep = _Sweep.over(boxes, of_any_class.class_id)
    return ranked.select(_along_pairs(len(ranked), *_overlapping(boxes, sweep, threshold, "IOU")))


def overlapping_pairs(
    detections: Detections, threshold: float, metric: OverlapMetric = "IOU"
) -> tuple[Indices, Indices]:
    """Positions of all pairs of one class that overlap by more than a threshold, each pair once."""
    order = detections.ranking()
    ranked = detections.select(order)
    if len(ranked) <= 1:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    boxes = _Boxes.of(ranked)
    first, second = _overlapping(boxes, _Sweep.over(boxes, ranked.class_id), threshold, metric)
    return order[first], order[second]


class _Boxes(NamedTuple):
    """Columns of the boxes and their areas, in order of rank, in double precision."""

    x_min: Doubles
    y_min: Doubles
    x_max: Doubles
    y_max: Doubles
    area: Doubles

    @classmethod
    def of(cls, detections: Detections) -> _Boxes:
        columns = np.ascontiguousarray(detections.xyxy.T, dtype=np.float64)
        return cls(columns[0], columns[1], columns[2], columns[3], areas(detections.xyxy))

    def too_close(self, a: Indices, b: Indices, threshold: float, metric: OverlapMetric) -> NDArray[np.bool_]:
        """For each pair of positions whether the two boxes overlap by more than the threshold."""
        width = np.minimum(self.x_max[a], self.x_max[b]) - np.maximum(self.x_min[a], self.x_min[b])
        height = np.minimum(self.y_max[a], self.y_max[b]) - np.maximum(self.y_min[a], self.y_min[b])
        common = np.maximum(width, 0) * np.maximum(height, 0)
        area_a, area_b = self.area[a], self.area[b]
        whole = np.minimum(area_a, area_b) if metric == "IOS" else area_a + area_b - common
        ratio = np.divide(common, whole, out=np.zeros_like(common), where=whole > 0)
        return np.asarray(ratio > threshold)


class _Sweep(NamedTuple):
    """Boxes sorted by class, strip and left edge; a box that reaches into several strips is in each.

    Attributes:
        box: Rank of the box of each entry.
        strip: Strip of each entry, counted from the top.
        first: Topmost strip of each box.
        after: For each entry the first one that begins to the right of its box, in its class and strip.
        candidates: Number of pairs to look at.
    """

    box: Indices
    strip: Indices
    first: Indices
    after: Indices
    candidates: int

    @classmethod
    def over(cls, boxes: _Boxes, class_id: NDArray[np.int64]) -> _Sweep:
        # strips as high as the mean box: the mean box is in two, however high the highest one is
        height = max(float(np.mean(boxes.y_max - boxes.y_min)), 1e-3)
        top, left = boxes.y_min.min(), boxes.x_min.min()
        first = ((boxes.y_min - top) // height).astype(np.int64)
        last = np.maximum(((boxes.y_max - top) // height).astype(np.int64), first)
        box = np.repeat(np.arange(len(first)), last - first + 1)
        strip = _ranges(first, last + 1)
        # One axis for all: each class and strip gets a stretch that is longer than the image is wide.
        # A px more at the end of each box costs some candidates and makes rounding harmless.
        span = float(boxes.x_max.max() - left) + 2
        stretch = (class_id[box] * (int(last.max()) + 1) + strip) * span
        begin = stretch + (boxes.x_min[box] - left)
        order = np.argsort(begin, kind="stable")
        end = (stretch + (boxes.x_max[box] - left) + 1)[order]
        after = np.searchsorted(begin[order], end, side="left")
        after = np.maximum(after, np.arange(1, len(box) + 1))
        candidates = int((after - np.arange(1, len(box) + 1)).sum())
        return cls(box[order], strip[order], first, after, candidates)


def _overlapping(
    boxes: _Boxes, sweep: _Sweep, threshold: float, metric: OverlapMetric
) -> tuple[Indices, Indices]:
    """Ranks (better, worse) of all pairs of one class that overlap too much."""
    better, worse = [], []
    begin = np.arange(1, len(sweep.box) + 1)
    total = np.cumsum(sweep.after - begin)
    cuts = np.searchsorted(total, np.arange(0, sweep.candidates, _CHUNK)[1:], side="right")
    for low, high in zip([0, *cuts], [*cuts, len(begin)], strict=True):
        entry = np.repeat(np.arange(low, high), (sweep.after - begin)[low:high])
        a = sweep.box[entry]
        b = sweep.box[_ranges(begin[low:high], sweep.after[low:high])]
        # two boxes meet in several strips: they count where the lower one begins
        here = sweep.strip[entry] == np.maximum(sweep.first[a], sweep.first[b])
        a, b = a[here], b[here]
        close = boxes.too_close(a, b, threshold, metric)
        better.append(np.minimum(a[close], b[close]))
        worse.append(np.maximum(a[close], b[close]))
    return np.concatenate(better), np.concatenate(worse)


def _along_pairs(count: int, better: Indices, worse: Indices) -> NDArray[np.bool_]:
    """The greedy pass: in order of rank, each kept box drops those it overlaps too much."""
    order = np.argsort(better, kind="stable")
    better, worse = better[order], worse[order]
    ranks, starts = np.unique(better, return_index=True)
    ends = np.append(starts, len(better))[1:]
    kept = np.ones(count, dtype=np.bool_)
    for rank, start, end in zip(ranks.tolist(), starts.tolist(), ends.tolist(), strict=True):
        if kept[rank]:
            kept[worse[start:end]] = False
    return kept


def _one_by_one(
    boxes: _Boxes, class_id: NDArray[np.int64], threshold: float, metric: OverlapMetric
) -> Indices:
    """The textbook way, for boxes that nearly all overlap: few are kept, so that few rounds are needed."""
    kept = []
    left = np.arange(len(class_id))
    while len(left):
        best, left = left[:1], left[1:]
        kept.append(best)
        same = class_id[left] == class_id[best]
        left = left[~(same & boxes.too_close(np.broadcast_to(best, left.shape), left, threshold, metric))]
    return np.concatenate(kept)


def _ranges(starts: Indices, ends: Indices) -> Indices:
    """arange(start, end) for each pair, one after the other."""
    lengths = ends - starts
    offset = np.repeat(starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    return offset + np.arange(len(offset))
