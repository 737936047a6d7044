"""How the number seen moves with the confidence threshold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.census.surveys import flight, seen, views_at

from wildetect.census.counting.animals import count_once
from wildetect.census.counting.thresholds import GRID, numbers_by_confidence
from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.ground.photographs import Views

# each animal is shown by several photographs, once with a confidence of 0.9 and else with less
PLACES = [(float(x), 500.0 + 40 * x) for x in range(-10, 11, 2)]


@pytest.fixture(scope="module")
def survey() -> tuple[Views, GroundBoxes]:
    views = views_at(flight([(0, 0), (0, 1000)], 25), yaw=0.0)
    animals, boxes = seen(views, PLACES, [0, 1] * 5 + [1])
    confidence = np.random.default_rng(5).uniform(0.2, 0.6, len(boxes))
    for members in animals.members:
        confidence[members[0]] = 0.9
    return views, replace(boxes, confidence=confidence)


def test_the_number_of_animals_stands_while_boxes_drop_out(survey: tuple[Views, GroundBoxes]) -> None:
    views, boxes = survey
    found = numbers_by_confidence(boxes, views, 1.0)
    assert [each.threshold for each in found] == list(GRID)
    assert [each.animals for each in found] == [11] * 18 + [0]
    assert found[0].boxes == len(boxes) > 25
    assert found[-2].boxes == 11
    assert (found[0].per_class, found[-1].per_class) == ({0: 5, 1: 6}, {})
    assert [each.boxes for each in found] == sorted((each.boxes for each in found), reverse=True)
    for each in found:
        kept = boxes.select(boxes.confidence >= each.threshold)
        assert each.animals == len(count_once(kept, views, 1.0).class_id)


def test_nothing_is_said_below_the_least_confidence_of_the_model(survey: tuple[Views, GroundBoxes]) -> None:
    views, boxes = survey
    assert [each.threshold for each in numbers_by_confidence(boxes, views, 1.0, 0.8)] == [
        0.8,
        0.85,
        0.9,
        0.95,
    ]
    assert [each.threshold for each in numbers_by_confidence(boxes, views, 1.0, 0.87)] == [0.87, 0.9, 0.95]


def test_only_wanted_classes_count(survey: tuple[Views, GroundBoxes]) -> None:
    views, boxes = survey
    found = numbers_by_confidence(boxes, views, 1.0, classes=[1, 7])
    assert (found[0].animals, found[0].per_class) == (6, {1: 6})


def test_a_confidence_on_the_threshold_reaches_it_though_it_is_kept_in_32_bits(
    survey: tuple[Views, GroundBoxes],
) -> None:
    views, boxes = survey
    for threshold in GRID:
        stored = np.full(len(boxes), np.float32(threshold), np.float64)
        (row,) = (
            each
            for each in numbers_by_confidence(replace(boxes, confidence=stored), views, 1.0)
            if each.threshold == threshold
        )
        assert row.animals == 11


def test_no_boxes_are_no_animals(survey: tuple[Views, GroundBoxes]) -> None:
    views, boxes = survey
    found = numbers_by_confidence(boxes.select(np.zeros(len(boxes), bool)), views, 1.0)
    assert {each.animals for each in found} == {0}
