from __future__ import annotations

import numpy as np
import pytest

from wildetect.detections import Detections


def detections() -> Detections:
    xyxy = np.array([[0, 0, 1, 1], [2, 2, 4, 4], [2, 2, 3, 3]])
    return Detections(xyxy, np.array([0.5, 0.9, 0.5]), np.array([1, 0, 0]))


def test_types_and_shapes_are_settled() -> None:
    found = detections()
    assert found.xyxy.dtype == np.float32
    assert found.confidence.dtype == np.float32
    assert found.class_id.dtype == np.int64
    assert len(found) == 3


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="2, 1, 2"):
        Detections(np.zeros((2, 4)), np.zeros(1), np.zeros(2))


def test_empty_and_concatenate() -> None:
    assert len(Detections.empty()) == 0
    assert len(Detections.concatenate([])) == 0
    joined = Detections.concatenate([Detections.empty(), detections(), detections()])
    assert joined.class_id.tolist() == [1, 0, 0, 1, 0, 0]


def test_select_by_mask_position_and_slice() -> None:
    found = detections()
    assert found.select(found.confidence > 0.6).class_id.tolist() == [0]
    assert found.select(np.array([2, 0])).class_id.tolist() == [0, 1]
    assert len(found.select(slice(2))) == 2


def test_ranked_settles_ties_by_class_then_box() -> None:
    found = detections()
    again = found.select(np.array([2, 1, 0])).ranked()
    assert again.confidence.tolist() == pytest.approx([0.9, 0.5, 0.5])
    assert again.class_id.tolist() == [0, 0, 1]
    assert np.array_equal(again.xyxy, found.ranked().xyxy)


def test_shift_and_clip() -> None:
    moved = detections().shift(-2, -2)
    assert moved.xyxy.tolist() == [[-2, -2, -1, -1], [0, 0, 2, 2], [0, 0, 1, 1]]
    assert moved.clip(1.5, 10).xyxy.tolist() == [[0, 0, 1.5, 2], [0, 0, 1, 1]]  # the first lies outside


def test_corners_of_oriented_boxes_go_with_their_boxes() -> None:
    boxes, corners = np.array([[0, 0, 4, 4], [10, 10, 20, 30]]), np.arange(16).reshape(2, 8)
    turned = Detections(boxes, [0.5, 0.9], [0, 1], corners)
    assert turned.ranked().outlines.tolist() == corners[::-1].tolist()
    assert turned.shift(100, 10).outlines.tolist() == (corners + [100, 10] * 4).tolist()
    assert turned.relabelled([0.1, 0.2], [1, 1]).outlines.tolist() == corners.tolist()
    (left,) = turned.clip(5, 5).outlines
    assert left.tolist() == corners[0].tolist()
    upright = Detections([[1, 2, 3, 5]], [0.7], [0])
    together = Detections.concatenate([Detections.empty(), upright, turned])
    assert together.outlines.tolist() == [[1, 2, 3, 2, 3, 5, 1, 5], *corners.tolist()]
    assert Detections.concatenate([upright, upright]).corners is None
    with pytest.raises(ValueError, match="differ in length"):
        Detections(boxes, [0.5, 0.9], [0, 1], corners[:1])
