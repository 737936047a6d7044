"""Where the drone flew, for cameras that do not tell where they looked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from tests.census.simulator import Herd, Shot, Survey, fly

from wildetect.census.ground.headings import flight_order, headings
from wildetect.census.ground.photographs import make_views
from wildetect.imagery.camera.optics import Flight

START = datetime(2026, 8, 14, 7)  # noqa: DTZ001 - as EXIF has it


def test_by_time_and_without_it_by_name() -> None:
    names = ["DJI_10.JPG", "DJI_9.JPG", "DJI_8.JPG"]
    times = [START + timedelta(seconds=second) for second in (2, 1, 3)]
    assert flight_order(list(zip(names, times, strict=True))) == [1, 0, 2]
    assert flight_order([(name, None) for name in names]) == [2, 1, 0]


def test_from_the_photograph_before_to_the_one_after() -> None:
    places = np.array([(0.0, 0.0), (0.0, 50.0), (50.0, 100.0), (100.0, 100.0), (900.0, 100.0), (900.0, 50.0)])
    found = headings([(f"{number}.jpg", None) for number in range(6)], places)
    # 50 m north, then a bend to the north-east, east, a gap of 800 m, south
    assert found == pytest.approx(
        [0, np.degrees(np.arctan2(50, 100)), np.degrees(np.arctan2(100, 50)), 90, 180, 180]
    )


@pytest.mark.parametrize("places", [[(0.0, 0.0)], [(5.0, 5.0), (5.0, 5.0)]])
def test_who_does_not_move_has_no_direction(places: list[tuple[float, float]]) -> None:
    shots = [(f"{number}.jpg", None) for number in range(len(places))]
    assert headings(shots, np.array(places)) == [None] * len(places)


def test_a_camera_without_yaw_looks_where_it_flies() -> None:
    survey = Survey().mown(2, 5, ahead=0.5, aside=0.3, heading=65)
    photographs = fly(survey, Herd.at(np.zeros((0, 2)))).photographs
    bare = [replace(one, tags=replace(one.tags, yaw=None)) for one in photographs]
    views = make_views(bare, Flight()).views
    within = [0, 1, 2, 3, 6, 7, 8, 9]  # without the turn
    assert [views[row].sources["yaw"] for row in within] == ["flight track"] * 8
    assert [views[row].yaw for row in within] == pytest.approx([65.0] * 4 + [-115.0] * 4, abs=0.01)


def test_a_single_camera_without_yaw_has_north_at_the_top() -> None:
    (one,) = fly(replace(Survey(), shots=(Shot((0.0, 0.0), 40.0),)), Herd.at(np.zeros((0, 2)))).photographs
    (view,) = make_views([replace(one, tags=replace(one.tags, yaw=None))], Flight()).views
    assert (view.yaw, view.sources["yaw"]) == (0.0, "none")
