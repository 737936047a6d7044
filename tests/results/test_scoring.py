"""Scores compared with what a person counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest

from wildetect.detections import Detections
from wildetect.evaluation.annotations import Annotations, LabelledImage
from wildetect.evaluation.scoring import Counts, Scores, score


class Box(NamedTuple):
    """A square of 20 px at a place that is its own, shifted a little to lower the IoU."""

    place: int
    confidence: float = 1.0
    class_id: int = 0
    shift: float = 0.0


def boxes(*some: Box) -> Detections:
    corners = [(100 * box.place + box.shift, 50, 100 * box.place + box.shift + 20, 70) for box in some]
    confidence = np.array([box.confidence for box in some])
    return Detections(np.array(corners), confidence, np.array([box.class_id for box in some], np.int64))


def truth(*images: Detections, crowds: Sequence[int] = (), classes: tuple[int, ...] = (0, 1)) -> Annotations:
    """Pictures "0", "1", ...; `crowds` are the crowds of the first one."""
    labelled = []
    for number, animals in enumerate(images):
        crowd = np.isin(np.arange(len(animals)), crowds) if number == 0 else np.zeros(len(animals), np.bool_)
        labelled.append(LabelledImage(str(number), animals, crowd))
    return Annotations(tuple(labelled), ("elephant", "zebra", "lion"), classes, {}, "0" * 64)


def scored(found: Detections, labelled: Detections) -> Scores:
    return score({"0": found}, truth(labelled))


def test_perfect_detections() -> None:
    animals = boxes(Box(0), Box(1), Box(2, class_id=1))
    scores = score({"0": animals, "1": animals}, truth(animals, animals))
    assert scores.counts == Counts(found=6, missed=0, wrong=0)
    assert (scores.counts.precision, scores.counts.recall) == (1, 1)
    assert (scores.map50, scores.map50_95) == (1, 1)
    assert [(one.name, one.counts.animals) for one in scores.classes] == [("elephant", 4), ("zebra", 2)]


def test_one_miss() -> None:
    scores = scored(boxes(Box(0, 0.9)), boxes(Box(0), Box(1)))
    assert scores.counts == Counts(found=1, missed=1, wrong=0)
    # precision is 1 at the 51 recalls of 0, 0.01, ..., 0.5, and 0 at the other 50
    assert scores.map50 == pytest.approx(51 / 101)


def test_one_false_box_between_two_right_ones() -> None:
    scores = scored(boxes(Box(0, 0.9), Box(7, 0.8), Box(1, 0.7)), boxes(Box(0), Box(1)))
    assert scores.counts == Counts(found=2, missed=0, wrong=1)
    assert scores.counts.precision == pytest.approx(2 / 3)
    assert scores.map50 == pytest.approx((51 * 1 + 50 * 2 / 3) / 101)


def test_a_false_box_below_all_right_ones_costs_no_area() -> None:
    scores = scored(boxes(Box(0, 0.9), Box(7, 0.6)), boxes(Box(0)))
    assert scores.map50 == pytest.approx(1)
    assert scores.counts.wrong == 1


def test_weak_boxes_are_for_the_curve_alone() -> None:
    strong, weak = boxes(Box(0, 0.9)), boxes(Box(0, 0.9), Box(1, 0.3), Box(7, 0.2))
    scores = score({"0": strong}, truth(boxes(Box(0), Box(1))), for_curves={"0": weak})
    assert scores.counts == Counts(found=1, missed=1, wrong=0)
    assert scores.map50 == pytest.approx(1)


def test_two_boxes_on_one_animal() -> None:
    assert scored(boxes(Box(0, 0.9), Box(0, 0.8)), boxes(Box(0))).counts == Counts(1, 0, 1)


def test_iou_just_above_and_below_the_threshold() -> None:
    # a square of 20 px shifted by 6.5: IoU 13.5 / 26.5 = 0.509; by 7: 13 / 27 = 0.481
    assert scored(boxes(Box(0, shift=6.5)), boxes(Box(0))).counts.found == 1
    assert scored(boxes(Box(0, shift=7)), boxes(Box(0))).counts.found == 0


def test_map50_95_is_the_mean_over_ious() -> None:
    # shifted by 4: IoU 16 / 24 = 0.667, a hit at 0.5, 0.55, 0.6 and 0.65 of ten thresholds
    scores = scored(boxes(Box(0, shift=4)), boxes(Box(0)))
    assert scores.map50 == pytest.approx(1)
    assert scores.map50_95 == pytest.approx(0.4)


def test_the_wrong_class_is_a_miss_and_a_false_box() -> None:
    scores = scored(boxes(Box(0, class_id=1)), boxes(Box(0)))
    assert scores.counts == Counts(found=0, missed=1, wrong=1)
    assert [one.ap50 for one in scores.classes] == [0, None]
    assert scores.map50 == 0


def test_classes_that_nobody_labelled_are_left_out() -> None:
    found = {"0": boxes(Box(0, class_id=2), Box(1))}
    scores = score(found, truth(boxes(Box(1)), classes=(0,)))
    assert scores.counts == Counts(found=1, missed=0, wrong=0)
    assert [one.name for one in scores.classes] == ["elephant"]


def test_a_box_on_a_crowd_is_neither_right_nor_wrong() -> None:
    labelled = truth(boxes(Box(0), Box(1)), crowds=[1])
    scores = score({"0": boxes(Box(0, 0.9), Box(1, 0.8), Box(1, 0.7, shift=1))}, labelled)
    assert scores.counts == Counts(found=1, missed=0, wrong=0)
    assert scores.map50 == pytest.approx(1)


def test_no_detections_and_no_animals() -> None:
    nothing = scored(boxes(), boxes(Box(0)))
    assert (nothing.counts.precision, nothing.counts.recall, nothing.map50) == (None, 0, 0)
    empty = scored(boxes(Box(0)), boxes())
    assert (empty.counts.precision, empty.counts.recall, empty.map50) == (0, None, None)
    assert scored(boxes(), boxes()).map50_95 is None


def test_a_picture_without_an_entry_has_no_detections() -> None:
    assert score({}, truth(boxes(Box(0)))).counts == Counts(0, 1, 0)


def test_herds_of_more_than_a_hundred() -> None:
    herd = boxes(*(Box(place, 0.9) for place in range(250)))
    assert scored(herd, herd).counts == Counts(found=250, missed=0, wrong=0)
    assert scored(herd, herd).map50 == 1


def test_the_order_of_detections_has_no_influence() -> None:
    found = boxes(*(Box(place % 7, 0.9, shift=place / 3) for place in range(30)))
    labelled = boxes(*(Box(place) for place in range(7)))
    turned = found.select(np.arange(30)[::-1])
    assert scored(found, labelled).counts == scored(turned, labelled).counts
    assert scored(found, labelled).map50_95 == scored(turned, labelled).map50_95


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    scored(boxes(Box(0)), boxes(Box(0)))
    assert capfd.readouterr() == ("", "")
