"""Counted against true, over herds that were drawn and flights that were simulated."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from tests.census.simulator import Flown, Herd, Survey, fly

from wildetect.census.counting.animals import count_once, default_tolerance
from wildetect.census.ground.boxes import boxes_on_ground
from wildetect.census.ground.photographs import make_views
from wildetect.imagery.camera.optics import Flight

OVERLAPS = (0.2, 0.4, 0.6, 0.8)
SEEDS = range(4)


def flights(overlap: float, **errors: float) -> Iterator[Flown]:
    """Four lines to and fro over a herd whose animals are 15 m apart, the camera turned by the wind."""
    for seed in SEEDS:
        herd = Herd.apart(15, 500, 400, 150, seed)
        survey = Survey(**errors).mown(4, 6, ahead=overlap, aside=0.3, heading=30 * seed, wind=5)  # type: ignore[arg-type]
        yield fly(survey, herd, seed)


def numbers(flown: Flown) -> tuple[int, int, int]:
    """Counted with the strict, the chosen and the loose tolerance."""
    views = make_views(flown.photographs, Flight())
    boxes = boxes_on_ground(flown.photographs, views)
    tolerance = default_tolerance(views)
    strict, chosen, loose = (
        len(count_once(boxes, views, factor * tolerance).members) for factor in (0.5, 1.0, 2.0)
    )
    return strict, chosen, loose


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_exact_without_error(overlap: float) -> None:
    for flown in flights(overlap):
        assert numbers(flown) == (len(flown.seen),) * 3


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_within_two_percent_at_3_m(overlap: float) -> None:
    """Positions wrong by 3 m in each direction, yaws by 1 degree, boxes by 20 cm."""
    true = counted = 0
    for flown in flights(overlap, position_error=3.0, yaw_error=1.0, jitter=0.2):
        strict, chosen, loose = numbers(flown)
        assert strict >= len(flown.seen) >= loose
        true += len(flown.seen)
        counted += chosen
    assert counted == pytest.approx(true, rel=0.02)


def test_a_detector_that_misses_animals_makes_no_new_ones() -> None:
    for flown in flights(0.7, position_error=2.0, recall=0.6):
        _, chosen, _ = numbers(flown)
        assert chosen == pytest.approx(len(flown.seen), rel=0.03)


@pytest.mark.parametrize("apart", [2.5, 5.0])
def test_dense_herds_with_positions_wrong_by_3_m(apart: float) -> None:
    """Animals nearer to each other than positions are right: what all agree on tells them apart."""
    true = counted = 0
    for seed in SEEDS:
        herd = Herd.apart(apart, 130, 130, round(0.4 * (130 / apart) ** 2), seed)
        survey = Survey(position_error=3.0, yaw_error=0.5, jitter=0.2, film=50, height=60)
        flown = fly(survey.mown(3, 6, ahead=0.6, aside=0.3, heading=20, wind=4), herd, seed)
        true += len(flown.seen)
        counted += numbers(flown)[1]
    assert counted == pytest.approx(true, rel=0.02)


def test_a_herd_that_stands_as_close_as_cattle_at_water() -> None:
    """Some animals stand nearer than their boxes are right: nobody can tell these apart."""
    herd = Herd(np.random.default_rng(4).normal(0, 25, (400, 2)), np.zeros(400, np.int64))
    flown = fly(Survey(position_error=0.5).mown(3, 6, ahead=0.7, aside=0.4), herd)
    assert sum(len(rows) for rows in flown.animals) > 1500
    _, chosen, _ = numbers(flown)
    assert chosen == pytest.approx(len(flown.seen), rel=0.02)
