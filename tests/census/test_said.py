"""What people said of pairs of boxes is stronger than any distance."""

from __future__ import annotations

import numpy as np
import pytest
from tests.census.simulator import fly
from tests.census.test_animals import along, laid_out, pair

from wildetect.census.counting.animals import Animals, count_once
from wildetect.census.counting.said import Said
from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.ground.photographs import Views

PLACES = [(-25.0, 2.0), (0.0, -3.0), (20.0, 4.0)]


@pytest.fixture
def twice() -> tuple[GroundBoxes, Views]:
    """Three animals, each in two photographs."""
    return laid_out(fly(pair(0.6, 0.0, (23.41, -19.23)), along(PLACES, 0.0)))


def animals_of(found: Animals, boxes: GroundBoxes) -> set[frozenset[str]]:
    return {frozenset(boxes.id[rows].tolist()) for rows in found.members}


def test_two_boxes_that_are_two_animals_are_never_joined(twice: tuple[GroundBoxes, Views]) -> None:
    boxes, views = twice
    before = count_once(boxes, views, 10.0)
    assert len(before.members) == 3
    one, other = (str(boxes.id[row]) for row in before.members[0])
    said = Said(apart=((other, one),))
    found = count_once(boxes, views, 10.0, said)
    assert animals_of(found, boxes) == (animals_of(before, boxes) - {frozenset({one, other})}) | {
        frozenset({one}),
        frozenset({other}),
    }
    assert said.rows(boxes).used(found.members) == (0, 1)
    # a box that is below a threshold takes its verdict along
    assert len(count_once(boxes.select(boxes.id != one), views, 10.0, said).members) == 3


def test_two_boxes_that_are_one_animal_are_joined_however_far_apart(
    twice: tuple[GroundBoxes, Views],
) -> None:
    boxes, views = twice
    for tolerance in (0.0, 1e-6, 10.0):
        apart = boxes.select(boxes.view == 0), boxes.select(boxes.view == 1)
        here, there = str(apart[0].id[0]), str(apart[1].id[2])
        said = Said(same=((here, there),))
        found = count_once(boxes, views, tolerance, said)
        assert frozenset({here, there}) in animals_of(found, boxes)
        assert said.rows(boxes).used(found.members) == (1, 0)
        assert [merge.told for merge in found.merges if merge.metres > 15] == [True]
        assert sum(merge.told for merge in found.merges) == 1


def test_what_cannot_be_is_not_used(twice: tuple[GroundBoxes, Views]) -> None:
    boxes, views = twice
    first = [str(key) for key in boxes.id[boxes.view == 0]]
    second = [str(key) for key in boxes.id[boxes.view == 1]]
    # one photograph would show the same animal twice
    said = Said(same=((first[0], second[1]), (first[1], second[1])))
    found = count_once(boxes, views, 10.0, said)
    assert said.rows(boxes).used(found.members)[0] == 1
    unknown = Said(same=(("nowhere", first[0]),))
    assert animals_of(count_once(boxes, views, 10.0, unknown), boxes) == animals_of(
        count_once(boxes, views, 10.0), boxes
    )
    assert unknown.rows(boxes).used(found.members) == (0, 0)


def test_a_chain_of_words_that_contradict_each_other_keeps_two_animals_apart() -> None:
    survey = pair(0.8, 0.0, (23.41, -19.23)).mown(1, 3, ahead=0.8, aside=0.0, heading=0.0)
    boxes, views = laid_out(fly(survey, along([(0.0, 0.0)], 0.0)))
    one, two, three = (str(key) for key in boxes.id)
    said = Said(same=((one, two), (two, three)), apart=((one, three),))
    found = count_once(boxes, views, 10.0, said)
    assert len(found.members) == 2
    assert said.rows(boxes).used(found.members) == (1, 1)


def test_a_box_near_one_that_people_joined_comes_with_it() -> None:
    survey = pair(0.8, 0.0, (23.41, -19.23)).mown(1, 3, ahead=0.8, aside=0.0, heading=0.0)
    boxes, views = laid_out(fly(survey, along([(0.0, 0.0), (25.0, 0.0)], 0.0)))
    here = boxes.select((boxes.centre[:, 0] < 10) & (boxes.view != 2))
    there = boxes.select((boxes.centre[:, 0] > 10) & (boxes.view == 2))
    rows = [*here.id.tolist(), *there.id.tolist()]
    walked = boxes.select(np.isin(boxes.id, rows))
    assert len(count_once(walked, views, 10.0).members) == 2
    said = Said(same=((rows[0], rows[2]),))
    assert len(count_once(walked, views, 10.0, said).members) == 1
