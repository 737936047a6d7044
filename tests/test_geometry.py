from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from wildetect import geometry
from wildetect.geometry import Window

UNIT = [0, 0, 10, 10]
NONE = np.zeros((0, 4), np.float32)


def boxes(*rows: Sequence[float]) -> np.ndarray:
    return np.array(rows, dtype=np.float32)


@pytest.mark.parametrize(
    ("other", "iou", "ios"),
    [
        pytest.param([0, 0, 10, 10], 1.0, 1.0, id="the same box"),
        pytest.param([5, 0, 15, 10], 1 / 3, 0.5, id="half beside"),
        pytest.param([5, 5, 15, 15], 25 / 175, 0.25, id="a quarter"),
        pytest.param([2, 2, 4, 4], 0.04, 1.0, id="inside"),
        pytest.param([10, 0, 20, 10], 0.0, 0.0, id="edges touch"),
        pytest.param([20, 20, 30, 30], 0.0, 0.0, id="far apart"),
        pytest.param([5, 5, 5, 5], 0.0, 0.0, id="no area"),
        pytest.param([8, 8, 2, 2], 0.0, 0.0, id="inside out"),
    ],
)
def test_overlap_of_two_boxes(other: list[float], iou: float, ios: float) -> None:
    assert geometry.iou(boxes(UNIT), boxes(other)) == pytest.approx(iou)
    assert geometry.ios(boxes(UNIT), boxes(other)) == pytest.approx(ios)
    assert geometry.overlap(boxes(UNIT), boxes(other), "IOU") == pytest.approx(iou)
    assert geometry.overlap(boxes(UNIT), boxes(other), "IOS") == pytest.approx(ios)


def test_overlap_of_two_boxes_without_area_is_none() -> None:
    assert geometry.iou(boxes([5, 5, 5, 5]), boxes([5, 5, 5, 5])) == 0


def test_every_box_with_every_box() -> None:
    matrix = geometry.iou(boxes(UNIT, [5, 0, 15, 10]), boxes(UNIT, [20, 20, 30, 30], [5, 0, 15, 10]))
    assert matrix == pytest.approx(np.array([[1, 0, 1 / 3], [1 / 3, 0, 1]]))


@pytest.mark.parametrize(("first", "second"), [(NONE, boxes(UNIT)), (boxes(UNIT), NONE), (NONE, NONE)])
def test_no_boxes(first: np.ndarray, second: np.ndarray) -> None:
    assert geometry.iou(first, second).shape == (len(first), len(second))
    assert geometry.ios(first, second).shape == (len(first), len(second))
    assert geometry.clip(NONE, 10, 10).shape == (0, 4)
    assert geometry.shift(NONE, 10, 10).shape == (0, 4)
    assert geometry.areas(NONE).shape == (0,)


def test_clip_cuts_to_the_image() -> None:
    cut = geometry.clip(boxes([-3, 2, 12, 20], [11, 11, 12, 12]), 10, 8)
    assert cut.tolist() == [[0, 2, 10, 8], [10, 8, 10, 8]]
    assert cut.dtype == np.float32


def test_shift_rounds_once() -> None:
    moved = geometry.shift(boxes([0.25, 0.5, 10, 20]), 100_000, 3)
    assert moved.tolist() == [[100_000.25, 3.5, 100_010, 23]]


def test_window_ends() -> None:
    window = Window(10, 20, 30, 40)
    assert (window.right, window.bottom) == (40, 60)


def test_the_most_alike_boxes_are_matched_first_and_each_once() -> None:
    first = boxes(UNIT, [2, 0, 12, 10], [50, 50, 60, 60])
    second = boxes([2, 0, 12, 10], [50, 50, 60, 60], [100, 100, 110, 110])
    assert geometry.same_boxes(first, second) == [(1, 0), (2, 1)]
    # IoU 0.5 is the same, less is not
    assert geometry.same_boxes(boxes(UNIT), boxes([0, 0, 10, 20])) == [(0, 0)]
    assert geometry.same_boxes(boxes(UNIT), boxes([0, 0, 10, 20.1])) == []
    other_class = np.array([[True, True, True], [False, True, True], [True, False, True]])
    assert geometry.same_boxes(first, second, other_class) == [(0, 0)]
    assert geometry.same_boxes(first[:0], second) == []
