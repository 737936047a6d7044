from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from tests.census.simulator import START, Flown, Herd, Shot, Survey, fly

from wildetect.census.cautions import Caution, cautions
from wildetect.census.photographs import Photograph, make_views
from wildetect.imagery.optics import Flight

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
    assert all(one.message.endswith(".") and one.mend.endswith(".") for one in found)
    return {one.kind: one for one in found}


def test_a_good_flight_has_none() -> None:
    assert told(flight()) == {}


@pytest.mark.parametrize(
    ("rows", "tags", "kind", "says"),
    [
        (slice(2, 3), {"pitch": -60.0}, "tilted", "up to 30 degrees off"),
        (slice(0, 2), {"position": None}, "nowhere", "2 photographs have no place on the ground"),
        (slice(5, 6), {"height": 60.0}, "drift", "1 photograph is more than 20% above or below"),
        (slice(None), {"height": 0.0}, "height", "8 photographs do not tell a usable height; 180 m"),
        (slice(None), {"height": None}, "height", "Areas are wrong by twice as many percent"),
        (slice(None), {"yaw": None}, "yaw", "that of the flight is taken"),
        (slice(None), {"focal_length_35": None}, "lens", "do not tell the lens"),
        (slice(6, None), {"camera": "DJI FC220"}, "cameras", "DJI FC220 4000 x 3000 (2)"),
    ],
)
def test_what_is_doubtful_is_told_with_its_files(
    rows: slice, tags: dict[str, Any], kind: str, says: str
) -> None:
    photographs = changed(flight(), rows, **tags)
    found = told(photographs)
    assert set(found) == {kind}
    assert says in found[kind].message
    assert found[kind].files == [one.file for one in photographs[rows]]


def test_one_position_for_all() -> None:
    first = flight()[0].tags.position
    found = told(changed(flight(), slice(None), position=first))
    assert found["one-place"].message.startswith("All 8 photographs state one position")
    assert len(found["one-place"].files) == 8


def test_a_jump_in_position() -> None:
    shots = [Shot((0.0, 30.0 * number)) for number in range(8)]
    shots[4] = Shot((2500.0, 120.0))
    photographs = fly(Survey(shots=tuple(shots)), NOTHING).photographs
    found = told(photographs)
    assert set(found) == {"jump"}
    assert found["jump"].files == [photographs[4].file]


def test_two_flights_far_apart_are_no_jump() -> None:
    shots = [Shot((5000.0 * (number // 4), 30.0 * number)) for number in range(8)]
    assert told(fly(Survey(shots=tuple(shots)), NOTHING).photographs) == {}


def test_a_survey_wider_than_one_projection_carries() -> None:
    shots = [Shot((130_000.0 * (number // 4), 30.0 * number)) for number in range(8)]
    assert told(fly(Survey(shots=tuple(shots)), NOTHING).photographs)["extent"].message.endswith(
        "130 km apart."
    )


@pytest.mark.parametrize(
    ("trained", "kinds"), [(0.025, set()), (0.1, {"resolution"}), (0.005, {"resolution"})]
)
def test_another_resolution_than_the_model_knows(trained: float, kinds: set[str]) -> None:
    found = told(flight(), trained)
    assert set(found) == kinds
    if kinds:
        assert "2.5 to 2.5 cm per px" in found["resolution"].message


def test_a_single_photograph() -> None:
    flown: Flown = fly(Survey(shots=(Shot((0.0, 0.0)),)), NOTHING)
    assert told(flown.photographs) == {}
    assert flown.photographs[0].tags.taken == START + timedelta(0)
