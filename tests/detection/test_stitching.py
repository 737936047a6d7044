from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wildetect import geometry
from wildetect.detection.tiles import stitching
from wildetect.detection.tiles.stitching import nms, nms_each, one_class_each
from wildetect.detections import Detections
from wildetect.settings.words import OverlapMetric


def greedy(found: Detections, threshold: float, metric: OverlapMetric) -> Detections:
    """The textbook, box by box."""
    ranked = found.ranked()
    overlap = geometry.overlap(ranked.xyxy, ranked.xyxy, metric)
    kept: list[int] = []
    for row in range(len(ranked)):
        if all(ranked.class_id[row] != ranked.class_id[k] or overlap[row, k] <= threshold for k in kept):
            kept.append(row)
    return ranked.select(np.array(kept, dtype=int))


def same(first: Detections, second: Detections) -> bool:
    return (
        np.array_equal(first.xyxy, second.xyxy)
        and np.array_equal(first.confidence, second.confidence)
        and np.array_equal(first.class_id, second.class_id)
    )


@st.composite
def any_detections(draw: st.DrawFn) -> Detections:
    count = draw(st.integers(0, 60))
    # few values: many ties, identical boxes, boxes without area, touching edges
    grid = st.integers(-5, 40).map(lambda number: number / 2)
    corner = draw(arrays(np.float64, (count, 2), elements=grid))
    size = draw(arrays(np.float64, (count, 2), elements=st.sampled_from([0, 0.5, 1, 5, 6, 40])))
    confidence = draw(arrays(np.float64, count, elements=st.sampled_from([0.1, 0.5, 0.9])))
    class_id = draw(arrays(np.int64, count, elements=st.integers(0, 2)))
    return Detections(np.hstack([corner, corner + size]), confidence, class_id)


thresholds = st.sampled_from([0.0, 0.3, 0.5, 1.0])
metrics = st.sampled_from(["IOU", "IOS"])


@given(any_detections(), thresholds, metrics)
def test_nms_is_greedy_nms(found: Detections, threshold: float, metric: OverlapMetric) -> None:
    assert same(nms(found, threshold, metric), greedy(found, threshold, metric))


@given(any_detections(), thresholds, metrics)
def test_the_way_for_dense_boxes_is_greedy_nms(
    found: Detections, threshold: float, metric: OverlapMetric
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stitching, "_DENSE", -1)
        assert same(nms(found, threshold, metric), greedy(found, threshold, metric))


@given(st.lists(any_detections(), max_size=5), thresholds, metrics, st.sampled_from([0, 20, 300]))
def test_nms_of_each_tile_is_that_of_the_tile_alone(
    tiles: list[Detections], threshold: float, metric: OverlapMetric, few: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stitching, "_FEW", few)
        together = nms_each(tiles, threshold, metric)
    assert len(together) == len(tiles)
    assert all(same(one, nms(tile, threshold, metric)) for one, tile in zip(together, tiles, strict=True))


@given(any_detections(), st.randoms())
def test_the_order_of_the_boxes_does_not_matter(found: Detections, random: object) -> None:
    order = list(range(len(found)))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert same(nms(found, 0.5), nms(found.select(np.array(order, dtype=int)), 0.5))


@settings(max_examples=20)
@given(st.integers(0, 10_000), metrics)
def test_large_random_sets(seed: int, metric: OverlapMetric) -> None:
    found = scattered(400, (600, 400), np.random.default_rng(seed))
    # a small chunk: pairs are found in many pieces
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stitching, "_CHUNK", 64)
        assert same(nms(found, 0.3, metric), greedy(found, 0.3, metric))


def test_classes_do_not_touch_each_other() -> None:
    found = Detections(np.array([[0, 0, 9, 9]] * 2), np.array([0.9, 0.8]), np.array([0, 1]))
    assert len(nms(found, 0.5)) == 2


def test_ios_drops_a_part_of_an_animal_that_iou_keeps() -> None:
    found = Detections(np.array([[0, 0, 90, 40], [0, 0, 30, 40]]), np.array([0.9, 0.8]), np.array([0, 0]))
    assert len(nms(found, 0.5, "IOU")) == 2
    assert nms(found, 0.5, "IOS").confidence.tolist() == pytest.approx([0.9])


def scattered(count: int, size: tuple[int, int], random: np.random.Generator) -> Detections:
    corner = random.uniform(0, size, (count, 2))
    side = random.uniform(20, 60, (count, 2))
    return Detections(np.hstack([corner, corner + side]), random.random(count), random.integers(0, 3, count))


@pytest.mark.parametrize(
    ("kind", "limit"), [("sparse", 2.0), ("with giants", 2.0), ("clusters", 1.0), ("one spot", 1.0)]
)
def test_speed_is_nowhere_near_quadratic(kind: str, limit: float) -> None:
    """A loose bound for any machine: box by box, the first takes minutes."""
    random = np.random.default_rng(0)
    if kind in {"sparse", "with giants"}:
        found = scattered(50_000, (5472, 3648), random)
        if kind == "with giants":
            found.xyxy[:50] = [0, 0, 5472, 3648]
    else:
        animals = random.uniform(0, 3000, (200 if kind == "clusters" else 1, 2))
        corner = animals[random.integers(0, len(animals), 5000)] + random.normal(0, 3, (5000, 2))
        found = Detections(np.hstack([corner, corner + 40]), random.random(5000), np.zeros(5000))
    start = time.perf_counter()
    nms(found, 0.5)
    assert time.perf_counter() - start < limit


def test_an_animal_has_one_class() -> None:
    boxes = [[0, 0, 100, 100], [0, 0, 100, 99], [0, 0, 100, 60], [300, 0, 400, 100]]
    found = Detections(
        np.array(boxes, np.float32), np.array([0.5, 0.7, 0.9, 0.4], np.float32), np.array([0, 1, 2, 0])
    )
    kept = one_class_each(found)
    assert kept.class_id.tolist() == [2, 1, 0]
    assert kept.confidence.tolist() == pytest.approx([0.9, 0.7, 0.4])


def test_of_nothing_nothing_is_left_out() -> None:
    assert len(one_class_each(Detections.empty())) == 0
