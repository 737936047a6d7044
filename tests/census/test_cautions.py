from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from tests.census.simulator import START, Flown, Herd, Shot, Survey, fly

from wildetect.census.cautions.caution import Caution
from wildetect.census.cautions.findings import cautions
from wildetect.census.ground.photographs import Photograph, make_views
from wildetect.imagery.camera.optics import Flight
from wildetect.imagery.positions.metadata import Position
from wildetect.imagery.positions.table import TableRow

NOTHING = Herd.at(np.zeros((0, 2)))


def flight(**survey: Any) -> list[Photograph]:
    """Eight photographs of one line."""
    return fly(replace(Survey(**survey).mown(1, 8, ahead=0.6, aside=0.3)), NOTHING).photographs


def changed(photographs: list[Photograph], rows: slice, **tags: Any) -> list[Photograph]:
    """The same, some of them with other tags."""
    chosen = set(range(*rows.indices(len(photographs))))
    return [
        replace(one, tags=replace(one.tags, **tags)) if row in chosen else one
        for row, one in enumerate(photographs)
    ]


def told(photographs: list[Photograph], trained_gsd: float | None = None) -> dict[str, Caution]:
    found = cautions(photographs, make_views(photographs, Flight()), trained_gsd)
    assert all(one.what.endswith(".") and one.fix.endswith(".") for one in found)
    return {one.kind: one for one in found}


def test_a_good_flight_has_none() -> None:
    assert told(flight()) == {}


@pytest.mark.parametrize(
    ("taken", "says"),
    [(datetime.now() + timedelta(days=40), "1 photograph has a date"), (datetime(1980, 1, 1), "1980-01-01")],  # noqa: DTZ001, DTZ005
)
def test_a_date_that_cannot_be_true_is_told(taken: datetime, says: str) -> None:
    caution = told(changed(flight(), slice(2, 3), taken=taken))["clock"]
    assert says in caution.what
    assert len(caution.files) == 1


def test_a_camera_s_clock_may_be_that_of_any_time_zone() -> None:
    soon = datetime.now() + timedelta(hours=14)  # noqa: DTZ005
    assert "clock" not in told(changed(flight(), slice(2, 3), taken=soon))


def test_a_photograph_saved_again_beside_itself_is_told_as_a_copy_with_what_it_does() -> None:
    photographs = flight()
    caution = told([*photographs, replace(photographs[3], file="Backup/again.jpg")])["same-position"]
    assert caution.files == [photographs[3].file, "Backup/again.jpg"]
    assert "is there twice" in caution.what
    assert "the recall look better than they are" in caution.what


def test_almost_black_photographs_are_told() -> None:
    photographs = flight()
    assert told([replace(photographs[0], dark=True), *photographs[1:]])["dark"].files == [photographs[0].file]
    caution = told([replace(one, dark=True) for one in photographs])["dark"]
    assert "8 photographs are almost black" in caution.what


@pytest.mark.parametrize(
    ("rows", "tags", "kind", "says"),
    [
        (slice(2, 3), {"pitch": -60.0}, "tilted", "by up to 30 degrees"),
        (slice(None), {"pitch": None}, "pitch-unknown", "8 photographs have no pitch of the camera"),
        (slice(0, 2), {"position": None}, "no-position", "2 photographs do not count"),
        (slice(0, 1), {"pitch": -20.0}, "horizon", "1 photograph does not count, with the animals in it"),
        (slice(5, 6), {"height": 70.0}, "height-drift", "more than 20% off the usual 100 m (70 to 100 m)"),
        (slice(None), {"height": 0.0}, "height-zero", "8 photographs"),
        (
            slice(None),
            {"height": None},
            "height-unknown",
            "the 180 m of detection.flight_specs",
        ),
        (slice(1, 3), {"edited": "saved by GIMP 2.10"}, "edited", "2 photographs have been edited after the"),
        (
            slice(1, 4),
            {"yaw_from_nose": True},
            "yaw-zero",
            "yaw of the gimbal of exactly 0",
        ),
        (slice(2, 4), {"zoom": 2.0}, "digital-zoom", "2 photographs have been enlarged by a digital zoom"),
        (slice(None), {"yaw": None}, "yaw-from-track", "taken from the way flown"),
        (slice(6, None), {"camera": "DJI FC220"}, "mixed-cameras", "DJI FC220 4000 x 3000 (2)"),
    ],
)
def test_what_is_doubtful_is_told_with_its_files(
    rows: slice, tags: dict[str, Any], kind: str, says: str
) -> None:
    photographs = changed(flight(), rows, **tags)
    found = told(photographs)
    assert kind in found
    assert says in found[kind].what
    assert found[kind].files == [one.file for one in photographs[rows]]


def test_pictures_that_stand_among_others_that_lie_across_were_turned() -> None:
    """Whoever turns a photograph by 90 degrees may write its size anew; a camera stores it as ever."""
    photographs = flight()
    for rows in (slice(1, 3), slice(0, 6)):
        stand = set(range(*rows.indices(8)))
        mixed = [
            replace(one, width=one.height, height=one.width) if row in stand else one
            for row, one in enumerate(photographs)
        ]
        few = stand if len(stand) < 4 else set(range(8)) - stand
        caution = told(mixed)["edited"]
        assert caution.files == [photographs[row].file for row in sorted(few)]
        assert "where the others" in caution.what
        as_tagged = [
            replace(one, tags=replace(one.tags, orientation=6)) if row in stand else one
            for row, one in enumerate(mixed)
        ]
        assert "edited" not in told(as_tagged)  # stored as all others, and turned when it is shown


def test_one_position_for_all() -> None:
    first = flight()[0].tags.position
    found = told(changed(flight(), slice(None), position=first))
    assert found["one-position"].what.startswith("All 8 photographs have one and the same position")
    assert len(found["one-position"].files) == 8


@pytest.mark.parametrize("wind", [0.0, 35.0])
def test_yaw_tags_of_single_photographs_that_point_elsewhere_need_no_animals(wind: float) -> None:
    flight = Survey(position_error=2.0, yaw_error=5.0).mown(3, 8, ahead=0.6, aside=0.3, wind=wind)
    right = fly(flight, NOTHING).photographs
    assert "yaw-leaps" not in told(right)
    wrong = [
        replace(one, tags=replace(one.tags, yaw=(one.tags.yaw or 0) + 180)) if row in {3, 10, 11, 20} else one
        for row, one in enumerate(right)
    ]
    caution = told(wrong)["yaw-leaps"]
    assert caution.files == [wrong[row].file for row in (3, 10, 11, 20)]
    assert "4 photographs have another direction" in caution.what
    assert "by up to 18" in caution.what or "by up to 17" in caution.what


def test_a_camera_that_is_fixed_or_turns_over_at_the_nadir_does_not_leap() -> None:
    photographs = fly(Survey().mown(3, 8, ahead=0.6, aside=0.3), NOTHING).photographs
    fixed = [replace(one, tags=replace(one.tags, yaw=40.0)) for one in photographs]
    assert "yaw-leaps" not in told(fixed)
    over = [
        replace(one, tags=replace(one.tags, yaw=(one.tags.yaw or 0) + 180, roll=180.0)) if row % 3 else one
        for row, one in enumerate(photographs)
    ]
    assert "yaw-leaps" not in told(over)


def test_a_jump_in_position() -> None:
    shots = [Shot((0.0, 30.0 * number)) for number in range(8)]
    shots[4] = Shot((2500.0, 120.0))
    photographs = fly(Survey(shots=tuple(shots)), NOTHING).photographs
    found = told(photographs)
    assert set(found) == {"jump", "flat-ground"}
    assert found["jump"].files == [photographs[4].file]


def test_two_flights_far_apart_are_no_jump() -> None:
    shots = [Shot((5000.0 * (number // 4), 30.0 * number)) for number in range(8)]
    photographs = fly(Survey(shots=tuple(shots)), NOTHING).photographs
    assert set(told(photographs)) == {"jump", "flat-ground"}  # 5 km in three seconds
    second = [
        replace(one, tags=replace(one.tags, taken=START + timedelta(hours=1, seconds=3 * number)))
        for number, one in enumerate(photographs[4:])
    ]
    assert set(told([*photographs[:4], *second])) == {"flat-ground"}


def test_a_survey_wider_than_one_projection_carries() -> None:
    shots = [Shot((130_000.0 * (number // 4), 30.0 * number)) for number in range(8)]
    assert told(fly(Survey(shots=tuple(shots)), NOTHING).photographs)["extent"].what.endswith("130 km apart.")


@pytest.mark.parametrize(
    ("trained", "kinds"), [(0.025, set()), (0.1, {"resolution"}), (0.005, {"resolution"})]
)
def test_another_resolution_than_the_model_knows(trained: float, kinds: set[str]) -> None:
    found = told(flight(), trained)
    assert set(found) == kinds
    if kinds:
        assert f"({trained * 100:.1f} cm/px)" in found["resolution"].what


def test_a_single_photograph() -> None:
    flown: Flown = fly(Survey(shots=(Shot((0.0, 0.0)),)), NOTHING)
    assert told(flown.photographs) == {}
    assert flown.photographs[0].tags.taken == START + timedelta(0)


def test_heights_above_take_off_over_a_wide_survey_are_doubtful_without_a_terrain_file() -> None:
    shots = tuple(Shot((0.0, 60.0 * number)) for number in range(20))
    photographs = fly(Survey(shots=shots), NOTHING).photographs
    found = told(photographs)
    assert set(found) == {"flat-ground"}
    assert "photographs show 19% less ground" in found["flat-ground"].what
    assert "survey.terrain" in found["flat-ground"].fix
    assert told(photographs[:6]) == {}  # 300 m wide: no room for hills


@pytest.mark.parametrize(
    ("column", "says"),
    [
        (
            "agl (m)",
            "Heights are those of the column agl (m) of the table of positions, and are taken as above",
        ),
        ("Height above ground", "if they were measured from the place of take-off, as most drones do"),
        ("rel_height", "column rel_height of the table of positions, taken as above the place of take-off"),
    ],
)
def test_heights_of_a_table_are_named_by_their_column(column: str, says: str) -> None:
    shots = tuple(Shot((0.0, 60.0 * number)) for number in range(20))
    photographs = fly(Survey(shots=shots), NOTHING).photographs
    bare = [replace(one, tags=replace(one.tags, height=None)) for one in photographs]
    table = {one.file.lower(): TableRow(Position(0.0, 0.0), None, 90.0, column) for one in photographs}
    views = make_views(bare, Flight(), table)
    assert {view.sources["height column"] for view in views.views} == {column}
    found = {one.kind: one.what for one in cautions(bare, views)}
    assert says in found["flat-ground"]
    assert (
        "above the place of take-off, and nothing says" not in found["flat-ground"] or column == "rel_height"
    )
