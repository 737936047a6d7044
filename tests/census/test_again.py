"""A second flight over the same ground is named as such, whatever it does to the number."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.census import flights
from tests.census.conftest import plan_of, written
from tests.census.doubtful_flights import PLAIN, RTK
from tests.census.simulator import Herd, Survey, fly

from wildetect.census.cautions.again import flown_again
from wildetect.census.cautions.caution import Caution
from wildetect.census.counting.animals import count_once, default_tolerance
from wildetect.census.ground.boxes import boxes_on_ground
from wildetect.census.ground.photographs import Photograph, make_views
from wildetect.census.survey import survey
from wildetect.imagery.camera.optics import Flight

HERD = Herd.apart(5, 220, 200, 80, 4)


def flown(herd: Herd = HERD, *, lines: int = 3, aside: float = 0.3, **tags: Any) -> list[Photograph]:
    """One flight of eight photographs a line."""
    survey = Survey(**(tags or RTK)).mown(lines, 8, ahead=0.6, aside=aside)
    return fly(survey, herd, 1).photographs


def later(
    photographs: list[Photograph], by: timedelta | None, folder: str = "", *, timeless: bool = False
) -> list[Photograph]:
    """The same photographs, so much later and in a folder."""
    moved = []
    for one in photographs:
        assert one.tags.taken is not None
        taken = None if timeless else one.tags.taken + (by or timedelta())
        file = f"{folder}/{one.file}" if folder else f"LATER_{one.file}"
        moved.append(replace(one, file=file, tags=replace(one.tags, taken=taken)))
    return moved


def told(photographs: list[Photograph]) -> Caution | None:
    views = make_views(photographs, Flight())
    boxes = boxes_on_ground(photographs, views)
    animals = count_once(boxes, views, default_tolerance(views))
    return next(flown_again(views, boxes, animals), None)


def east(metres: float) -> Herd:
    return Herd(HERD.places + np.array([metres, 0.0]), HERD.class_id)


@pytest.mark.parametrize("tags", [RTK, PLAIN], ids=["RTK", "plain GPS"])
@pytest.mark.parametrize("walked", [0.0, 3.0, 20.0])
@pytest.mark.parametrize(
    ("by", "says"),
    [
        (timedelta(minutes=40), "40 minutes before"),
        (timedelta(hours=3), "3.0 hours before"),
        (timedelta(days=4), "4 days before"),
    ],
)
def test_two_flights_over_the_same_ground_are_named(
    tags: dict[str, Any], walked: float, by: timedelta, says: str
) -> None:
    first = flown(**tags)
    second = later(flown(east(walked), **tags), by)
    caution = told([*first, *second])
    assert caution is not None
    assert caution.what.startswith("Two flights over the same ground: ")
    assert says in caution.what
    assert set(caution.files) <= {one.file for one in second}
    assert len(caution.files) >= 20
    assert "Count one flight" in caution.fix


def test_it_tells_how_many_animals_are_in_doubt() -> None:
    first = flown()
    stand = told([*first, *later(first, timedelta(hours=2))])
    assert stand is not None
    assert "the earlier photographs show all of them" in stand.what
    number = len(
        {row for rows in fly(Survey(**RTK).mown(3, 8, ahead=0.6, aside=0.3), HERD, 1).animals for row in rows}
    )
    walked = told([*first, *later(flown(east(20.0)), timedelta(hours=2))])
    assert walked is not None
    assert f"Without the later photographs {number} would count." in walked.what


def test_another_pattern_of_lines_is_the_same_ground() -> None:
    across = fly(Survey(**RTK).mown(4, 6, ahead=0.6, aside=0.2, heading=70.0), HERD, 2).photographs
    assert told([*flown(), *later(across, timedelta(hours=1))]) is not None


def test_folders_tell_flights_where_photographs_do_not_say_when() -> None:
    first = later(flown(), None, "morning", timeless=True)
    second = later(
        fly(Survey(**RTK).mown(3, 8, ahead=0.6, aside=0.25), HERD, 1).photographs,
        None,
        "evening",
        timeless=True,
    )
    caution = told([*first, *second])
    assert caution is not None
    assert "from another folder" in caution.what


def test_flights_that_follow_each_other_soon_are_told_by_their_folders() -> None:
    first, second = later(flown(), None, "one"), later(flown(), timedelta(minutes=5), "two")
    caution = told([*first, *second])
    assert caution is not None
    assert caution.what.startswith("Two passes over the same ground: ")
    assert "5 minutes before" in caution.what


@pytest.mark.parametrize("aside", [0.3, 0.6])
def test_flights_that_go_on_where_the_last_one_ended_are_not_named(aside: float) -> None:
    """A battery is changed after the third line, for an hour, and the last photographs are taken again."""
    survey = Survey(**RTK).mown(6, 8, ahead=0.6, aside=aside)
    photographs = fly(survey, HERD, 1).photographs
    second = later(photographs[22:], timedelta(hours=1), "101MEDIA")
    assert told([*later(photographs[:24], None, "100MEDIA"), *second]) is None


def test_slow_lines_side_by_side_are_not_named() -> None:
    """A quarter of an hour from each line to the next."""
    photographs = flown(lines=6, aside=0.6)
    slow = [
        replace(one, tags=replace(one.tags, taken=one.tags.taken + timedelta(minutes=15 * (row // 8))))
        for row, one in enumerate(photographs)
        if one.tags.taken is not None
    ]
    assert told(slow) is None


def test_copies_are_not_a_second_flight() -> None:
    photographs = later(flown(), None, "card", timeless=True)
    copies = [replace(one, file=one.file.replace("card", "copy")) for one in photographs]
    assert told([*photographs, *copies]) is None


def test_a_census_says_it_in_its_file_and_on_its_page(tmp_path: Path) -> None:
    flight = flights.Flight()
    for folder in ("first", "second"):
        for line in range(3):
            flight.line(f"{folder}/L{line}", (85.0 * line, 0.0), 0.0, 12, 32.0)
    places = np.random.default_rng(3).uniform((-50, -30), (220, 380), (60, 2))
    run = flights.make_run(tmp_path, flight, flights.Herd(places, np.zeros(60, np.int64)))
    record = written(survey(plan_of(run)), run, tmp_path / "census")
    (caution,) = (one for one in record.cautions if one.kind == "flown-again")
    assert caution.what.startswith("Two passes over the same ground: 36 photographs of 72 ")
    assert "3 minutes before" in caution.what
    page = (tmp_path / "census" / "census_report.html").read_text(encoding="utf-8")
    assert "Two passes over the same ground" in page
