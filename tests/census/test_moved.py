"""Positions that one mistake moved in all photographs alike, put right."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from tests.census.simulator import SECONDS, START, Flown, Herd, Shot, Survey, fly

from wildetect.census.ground.moved import at_other_time
from wildetect.census.ground.photographs import make_views
from wildetect.errors import ConfigurationError
from wildetect.imagery.camera.optics import Flight
from wildetect.imagery.positions.metadata import Position
from wildetect.settings.census import Corrections

NOTHING = Herd.at(np.zeros((0, 2)))
# two lines of four photographs, 10 s apart and 50 m; 30 s and 90 m from line to line
PLACES = np.array([(0, 0), (0, 50), (0, 100), (0, 150), (90, 150), (90, 100), (90, 50), (90, 0)], np.float64)
TIMES = [0, 10, 20, 30, 60, 70, 80, 90]
SHOTS = [(f"{number}.jpg", START + timedelta(seconds=time)) for number, time in enumerate(TIMES)]


@pytest.mark.parametrize("seconds", [-7.0, 4.0, 12.0, 25.0])
def test_along_a_line_places_move_with_its_speed_and_go_straight_on_at_its_ends(seconds: float) -> None:
    found = at_other_time(SHOTS, PLACES, seconds)
    way = np.array([(0.0, 5.0)] * 4 + [(0.0, -5.0)] * 4) * seconds
    # the third photograph is 5 s away from the other line by then
    mine = [row for row in range(8) if not (row == 3 and seconds > 15)]
    assert found[mine] == pytest.approx((PLACES + way)[mine])


def test_the_order_of_the_photographs_does_not_matter_and_no_time_moves_nothing() -> None:
    order = np.random.default_rng(1).permutation(8)
    moved = at_other_time([SHOTS[row] for row in order], PLACES[order], 6.0)
    assert moved == pytest.approx(at_other_time(SHOTS, PLACES, 6.0)[order])
    assert (at_other_time(SHOTS, PLACES, 0.0) == PLACES).all()
    assert at_other_time(SHOTS[:1], PLACES[:1], 6.0).tolist() == [[0.0, 0.0]]


def moved_line(corrections: Corrections, **tags: object) -> list[tuple[float, float]]:
    """Where photographs of a line to the north lie, of which the last has other tags."""
    shots = tuple(Shot((0.0, 30.0 * number)) for number in range(5))
    flown: Flown = fly(Survey(shots=shots), NOTHING)
    *others, last = flown.photographs
    last = replace(last, tags=replace(last.tags, **tags))  # type: ignore[arg-type]
    views = make_views([*others, last], Flight(), corrections=corrections)
    assert all(view.sources["correction"] for view in views.views)
    return [(view.longitude, view.latitude) for view in views.views]


def test_views_are_corrected_with_their_degrees() -> None:
    here = moved_line(Corrections(yaw=1.0))
    assert moved_line(Corrections(positions="both")) == [(-x, -y) for x, y in here]
    assert moved_line(Corrections(positions="swapped")) == [(y, x) for x, y in here]
    later = moved_line(Corrections(clock=float(SECONDS)))
    assert np.array(later[:4]) == pytest.approx(np.array(here[1:]), abs=1e-8)


def test_what_cannot_be_corrected_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"when they were taken \(DJI_00005[.]JPG does not\)"):
        moved_line(Corrections(clock=2.0), taken=None)
    with pytest.raises(ConfigurationError, match=r"cannot be swapped: 123[.]4 is no latitude"):
        moved_line(Corrections(positions="swapped"), position=Position(123.4, -19.2))
