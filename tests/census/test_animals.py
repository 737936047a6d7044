from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from tests.census.simulator import Flown, Herd, Shot, Survey, fly

from wildetect.census.counting.animals import Animals, count_once, default_tolerance
from wildetect.census.ground.boxes import GroundBoxes, boxes_on_ground
from wildetect.census.ground.photographs import Views, make_views
from wildetect.errors import InputError
from wildetect.imagery.camera.optics import Flight

PLACES = {
    "Botswana": (23.41, -19.23),
    "Svalbard": (15.6, 78.2),
    "border of two UTM zones": (30.0, -2.5),
    "the 180th meridian": (179.9999, -16.8),
}


def laid_out(flown: Flown) -> tuple[GroundBoxes, Views]:
    views = make_views(flown.photographs, Flight())
    return boxes_on_ground(flown.photographs, views), views


def counted(flown: Flown, tolerance: float | None = None) -> Animals:
    boxes, views = laid_out(flown)
    return count_once(boxes, views, default_tolerance(views) if tolerance is None else tolerance)


def pair(overlap: float, yaw: float, origin: tuple[float, float]) -> Survey:
    """Two photographs, one ahead of the other."""
    return Survey(origin=origin).mown(1, 2, ahead=overlap, aside=0.0, heading=yaw)


def along(places: Sequence[tuple[float, float]], yaw: float) -> Herd:
    """Animals by their place across and along the line of flight, in m from its middle."""
    turn = np.radians(yaw)
    east = [x * np.cos(turn) + y * np.sin(turn) for x, y in places]
    north = [-x * np.sin(turn) + y * np.cos(turn) for x, y in places]
    return Herd.at(np.column_stack([east, north]))


@pytest.mark.parametrize("origin", PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("yaw", [0.0, 37.0, -140.0])
@pytest.mark.parametrize("overlap", [0.2, 0.4, 0.6, 0.8])
def test_eleven_animals_stay_eleven(overlap: float, yaw: float, origin: tuple[float, float]) -> None:
    """Each is in one photograph only, though the photographs overlap."""
    survey = pair(overlap, yaw, origin)
    _, depth = survey.ground
    step = depth * (1 - overlap)
    # the strip that one photograph shows alone is `step` deep, at its outer end
    outer = depth / 2 + step / 2
    rows = np.linspace(outer - step * 0.9, outer - step * 0.1, 2)
    places = [(x, -rows[0]) for x in (-30, -18, -6, 6, 18, 30)] + [
        (x, rows[1]) for x in (-24, -12, 0, 12, 24)
    ]
    flown = fly(survey, along(places, yaw))
    assert [len(rows) for rows in flown.animals] == [6, 5]
    assert len(counted(flown).members) == 11


@pytest.mark.parametrize("origin", PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("yaw", [0.0, 37.0, -140.0])
@pytest.mark.parametrize("overlap", [0.2, 0.4, 0.6, 0.8])
def test_three_animals_seen_twice_are_three(overlap: float, yaw: float, origin: tuple[float, float]) -> None:
    survey = pair(overlap, yaw, origin)
    places = [(-25.0, 2.0), (0.0, -3.0), (20.0, 4.0)]
    flown = fly(survey, along(places, yaw))
    assert [len(rows) for rows in flown.animals] == [3, 3]
    animals = counted(flown)
    assert len(animals.members) == 3
    assert [len(rows) for rows in animals.members] == [2, 2, 2]
    assert all(merge.metres < 0.1 for merge in animals.merges)


def test_two_animals_of_one_photograph_are_never_one() -> None:
    """However near they are to each other: a photograph shows an animal once."""
    survey = replace(Survey(), shots=(Shot((0, 0)), Shot((0, 20))))
    flown = fly(survey, Herd.at([(0, 10), (0.5, 10), (1.0, 10)]))
    assert len(flown.animals[0]) == len(flown.animals[1]) == 3
    animals = counted(flown, 20.0)
    assert len(animals.members) == 3
    assert all(merge.metres < 0.01 for merge in animals.merges)


def test_classes_are_counted_apart() -> None:
    survey = replace(Survey(), shots=(Shot((0, 0)), Shot((0, 20))))
    herd = Herd(np.array([(0.0, 10.0), (0.0, 10.0)]), np.array([0, 1]))
    animals = counted(fly(survey, herd))
    assert sorted(animals.class_id.tolist()) == [0, 1]


def test_a_chain_of_photographs_shows_an_animal_once() -> None:
    survey = replace(Survey(), shots=tuple(Shot((0.0, 8.0 * number)) for number in range(9)))
    flown = fly(survey, Herd.at([(0.0, 32.0), (20.0, 30.0)]))
    assert sum(len(rows) for rows in flown.animals) > 10
    animals = counted(flown)
    assert len(animals.members) == 2
    views_of = [laid_out(flown)[0].view[rows] for rows in animals.members]
    assert all(len(set(views.tolist())) == len(views) for views in views_of)


def test_photographs_that_do_not_overlap_share_no_animal() -> None:
    """Two animals just inside of the facing edges of two photographs with a gap, within the tolerance."""
    survey = Survey()
    _, depth = survey.ground
    survey = replace(survey, shots=(Shot((0, 0)), Shot((0, depth + 2))))
    flown = fly(survey, Herd.at([(0, depth / 2 - 0.5), (0, depth / 2 + 2.5)]))
    assert len(counted(flown, 10.0).members) == 2


def test_the_order_of_photographs_does_not_matter() -> None:
    survey = Survey(position_error=2.0).mown(3, 5, ahead=0.5, aside=0.3)
    flown = fly(survey, Herd.apart(12, 260, 200, 90, 3))
    order = np.random.default_rng(0).permutation(len(flown.photographs))
    turned = Flown([flown.photographs[number] for number in order])
    first, second = counted(flown), counted(turned)
    assert len(first.members) == len(second.members)
    assert np.sort(first.xy, axis=0) == pytest.approx(np.sort(second.xy, axis=0), abs=0.01)


def test_every_merge_can_be_audited() -> None:
    survey = Survey(position_error=1.0).mown(2, 4, ahead=0.6, aside=0.3)
    flown = fly(survey, Herd.apart(15, 200, 120, 30, 1))
    boxes, views = laid_out(flown)
    animals = count_once(boxes, views, 10.0)
    assert len(animals.merges) == len(boxes.view) - len(animals.members) > 0
    for merge in animals.merges:
        assert {merge.box_a, merge.box_b} <= set(animals.members[merge.animal])
        apart = float(np.hypot(*(boxes.centre[merge.box_a] - boxes.centre[merge.box_b])))
        assert merge.metres == pytest.approx(apart)
    assert sorted(row for rows in animals.members for row in rows) == list(range(len(boxes.view)))


def test_hundreds_of_photographs_at_one_position_are_refused() -> None:
    survey = replace(Survey(), shots=(Shot((0.0, 0.0)),) * 600)
    with pytest.raises(InputError, match="600 photographs lie within half a photograph of each other"):
        counted(fly(survey, Herd.at([(0.0, 0.0)])))


def test_of_nothing_there_is_nothing() -> None:
    survey = replace(Survey(), shots=(Shot((0, 0)),))
    animals = counted(fly(survey, Herd.at(np.zeros((0, 2)))))
    assert animals.members == []
    assert animals.xy.shape == (0, 2)


@pytest.mark.parametrize("seed", range(3))
def test_species_taken_for_each_other_make_no_more_animals(seed: int) -> None:
    dice = np.random.default_rng(seed)
    survey = Survey(position_error=0.03, stated_error=0.04).mown(5, 8, ahead=0.6, aside=0.3)
    herd = Herd.apart(6.0, 300.0, 250.0, 300, seed)
    herd = replace(herd, class_id=dice.integers(0, 2, len(herd.places)))
    flown = fly(survey, herd, seed)
    confused = []
    for one in flown.photographs:
        wrong = dice.random(len(one.detections)) < 0.1
        class_id = np.where(wrong, 1 - one.detections.class_id, one.detections.class_id)
        confused.append(replace(one, detections=replace(one.detections, class_id=class_id)))
    animals = counted(replace(flown, photographs=confused))
    assert len(animals.members) == pytest.approx(len(flown.seen), rel=0.005)
    truth = sum(int(herd.class_id[row]) for row in flown.seen)
    assert int(animals.class_id.sum()) == pytest.approx(truth, rel=0.08)
