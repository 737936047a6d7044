"""Where the drone flew, for cameras that do not tell where they looked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from tests.census.simulator import Herd, Shot, Survey, fly

from wildetect.census.counting.animals import count_once, default_tolerance
from wildetect.census.ground.boxes import boxes_on_ground
from wildetect.census.ground.headings import flight_order, headings, straight_legs
from wildetect.census.ground.photographs import make_views
from wildetect.census.ground.views import View
from wildetect.imagery.camera.optics import Flight

START = datetime(2026, 8, 14, 7)  # noqa: DTZ001 - as EXIF has it


def test_by_time_and_without_it_by_name() -> None:
    names = ["DJI_10.JPG", "DJI_9.JPG", "DJI_8.JPG"]
    times = [START + timedelta(seconds=second) for second in (2, 1, 3)]
    assert flight_order(list(zip(names, times, strict=True))) == [1, 0, 2]
    assert flight_order([(name, None) for name in names]) == [2, 1, 0]


def test_from_the_photograph_before_to_the_one_after() -> None:
    places = np.array([(0.0, 0.0), (0.0, 50.0), (20.0, 100.0), (60.0, 140.0), (900.0, 140.0), (900.0, 90.0)])
    found = headings([(f"{number}.jpg", None) for number in range(6)], places)
    # 50 m north, then a curve to the north-east, a gap of 800 m, south
    bearings = [(0, 50), (20, 100), (60, 90), (40, 40), (0, -50), (0, -50)]
    assert found == pytest.approx([np.degrees(np.arctan2(*bearing)) for bearing in bearings])


@pytest.mark.parametrize("photographs", [2, 3, 6])
def test_at_the_ends_of_lines_it_is_the_direction_of_the_line(photographs: int) -> None:
    survey = Survey().mown(4, photographs, ahead=0.6, aside=0.3, heading=65)
    places = np.array([shot.place for shot in survey.shots])
    found = headings([(f"{number}.jpg", None) for number in range(len(places))], places)
    off = (np.array(found, float) - [shot.yaw for shot in survey.shots] + 180) % 360 - 180
    assert np.abs(off).max() < 0.01


@pytest.mark.parametrize("seed", range(3))
def test_without_yaw_tags_the_count_is_right_at_line_ends(seed: int) -> None:
    survey = Survey(position_error=0.03, stated_error=0.04).mown(6, 8, ahead=0.6, aside=0.3, heading=20)
    flown = fly(survey, Herd.apart(4.0, 400.0, 300.0, 400, seed), seed)
    bare = [replace(one, tags=replace(one.tags, yaw=None)) for one in flown.photographs]
    views = make_views(bare, Flight())
    counted = count_once(boxes_on_ground(bare, views), views, default_tolerance(views))
    assert len(counted.members) == pytest.approx(len(flown.seen), rel=0.01)


@pytest.mark.parametrize(
    ("lines", "photographs", "ahead", "aside"), [(5, 12, 0.8, 0.7), (4, 20, 0.9, 0.8), (6, 8, 0.6, 0.3)]
)
@pytest.mark.parametrize("errors", [(2.0, None), (0.7, 1.0)], ids=["plain GPS", "stated 1 m"])
def test_without_yaw_tags_the_count_is_right_where_positions_err_by_much_of_a_step(
    lines: int, photographs: int, ahead: float, aside: float, errors: tuple[float, float | None]
) -> None:
    survey = Survey(position_error=errors[0], stated_error=errors[1], tells_yaw=False)
    survey = survey.mown(lines, photographs, ahead=ahead, aside=aside, heading=20)
    flown = fly(survey, Herd.apart(4.0, 300.0, 300.0, 150, 2), 2)
    views = make_views(flown.photographs, Flight())
    yaws = [view.yaw for view in views.views if isinstance(view, View)]
    off = (np.array(yaws) - [shot.yaw for shot in survey.shots] + 180) % 360 - 180
    assert np.abs(off).max() < 4
    boxes = boxes_on_ground(flown.photographs, views)
    counted = count_once(boxes, views, default_tolerance(views))
    assert len(counted.members) == pytest.approx(len(flown.seen), rel=0.01)


def test_in_a_curve_and_on_a_line_flown_back_the_way_flown_is_not_smoothed_away() -> None:
    dice = np.random.default_rng(4)
    angles = np.arange(0, 180, 10.0)
    curve = 60 * np.column_stack([1 - np.cos(np.radians(angles)), np.sin(np.radians(angles))])
    there = np.column_stack([np.zeros(10), np.arange(10) * 15.0])
    for track, true in (
        (curve, angles),
        (np.concatenate([there, there[::-1]]), np.repeat([0.0, 180.0], 10)),
    ):
        shots = [(f"{number}.jpg", None) for number in range(len(track))]
        found = headings(shots, track + dice.normal(0, 1.0, track.shape), 2.0)
        off = (np.array(found, float) - true + 180) % 360 - 180
        assert np.abs(off)[1:-1].max() < 15


@pytest.mark.parametrize("places", [[(0.0, 0.0)], [(5.0, 5.0), (5.0, 5.0)]])
def test_who_does_not_move_has_no_direction(places: list[tuple[float, float]]) -> None:
    shots = [(f"{number}.jpg", None) for number in range(len(places))]
    assert headings(shots, np.array(places)) == [None] * len(places)


def test_a_camera_without_yaw_looks_where_it_flies() -> None:
    survey = Survey().mown(2, 5, ahead=0.5, aside=0.3, heading=65)
    photographs = fly(survey, Herd.at(np.zeros((0, 2)))).photographs
    bare = [replace(one, tags=replace(one.tags, yaw=None)) for one in photographs]
    views = make_views(bare, Flight()).views
    assert [view.sources["yaw"] for view in views] == ["flight track"] * 10
    assert [view.yaw for view in views] == pytest.approx([65.0] * 5 + [-115.0] * 5, abs=0.01)


def test_a_single_camera_without_yaw_has_north_at_the_top() -> None:
    (one,) = fly(replace(Survey(), shots=(Shot((0.0, 0.0), 40.0),)), Herd.at(np.zeros((0, 2)))).photographs
    (view,) = make_views([replace(one, tags=replace(one.tags, yaw=None))], Flight()).views
    assert (view.yaw, view.sources["yaw"]) == (0.0, "none")


def test_legs_are_parted_at_turns_and_gaps() -> None:
    track = [(0, 0), (0, 30), (1, 60), (0, 90), (40, 92), (40, 60), (41, 30), (40, 0), (40, -900), (40, -930)]
    shots = [(f"{number}.jpg", None) for number in range(len(track))]
    metres = np.array(track, np.float64)
    assert straight_legs(shots, metres) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert straight_legs(shots[:2], metres[:2]) == []
