"""Other ways to fly, and mistakes that people make: a wrong number is never silent, a right one has no doubt.

All of the matrix is benchmarks/census_layouts.py; here are the cells that decided something.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.census.doubtful_flights import PLAIN, Case, told_of
from tests.census.layouts import LAYOUTS, MISTAKES, POSITIONS, Found, surveyed
from tests.census.simulator import Herd

_MISTAKES = {mistake.name: mistake for mistake in MISTAKES}


def cell(layout: str, mistake: str, positions: str) -> Found:
    return surveyed(LAYOUTS[layout], _MISTAKES[mistake], POSITIONS[positions], 1)


@pytest.mark.parametrize("layout", ["cross-hatch", "heights of 100 and 130 m", "portrait mounting"])
def test_other_layouts_count_right_and_are_not_doubted(layout: str) -> None:
    found = cell(layout, "nothing", "3 m GPS")
    assert abs(found.error) < 0.01
    assert not found.suspicious


@pytest.mark.parametrize("layout", ["80/70% overlap", "two days over the same ground"])
def test_a_lens_that_is_half_as_long_again_is_told_and_allowed_for(layout: str) -> None:
    found = cell(layout, "lens of 50 in place of 35 mm", "3 m GPS")
    assert "scale" in found.kinds
    assert abs(found.error) < 0.01


@pytest.mark.parametrize("layout", ["60/30% overlap", "a single line"])
@pytest.mark.parametrize("positions", POSITIONS)
def test_a_lens_that_no_survey_is_flown_with_is_told(layout: str, positions: str) -> None:
    """It makes photographs so small that none seem to overlap: their overlaps cannot tell it."""
    found = cell(layout, "lens of 350 in place of 35 mm", positions)
    assert found.error > 1
    assert "lens-odd" in found.suspicious


@pytest.mark.parametrize("layout", ["60/30% overlap", "a single line"])
def test_two_lenses_in_the_tags_are_told(layout: str) -> None:
    """A known sensor of 13.2 mm with that lens sees 2.7 times less than the tag in 35 mm film says."""
    found = cell(layout, "focal length in mm is that in 35 mm film", "3 m GPS")
    assert found.error > 1
    assert "lens-at-odds" in found.suspicious


@pytest.mark.parametrize("seed", range(101, 105))
def test_animals_that_walk_slowly_are_told_by_the_lines_of_flight(seed: int) -> None:
    """With plain GPS they hardly move between photographs of a line, but far enough between lines."""
    slow = Case("animals walk 0.1 m/s", {**PLAIN, "stated_error": None, "recall": 0.9, "walking": 0.1})
    found = told_of(slow, seed, Herd.apart(4, 460, 440, 300, seed))
    assert found.error > 0.05
    assert "merging-across" in found.kinds
    honest = replace(slow, changes={**slow.changes, "walking": 0.0})
    assert not told_of(honest, seed, Herd.apart(4, 460, 440, 300, seed)).warned


def test_rounded_positions_are_named_as_such() -> None:
    assert "rounded-positions" in cell("60/30% overlap", "coordinates of 4 decimals", "RTK").kinds
    assert "rounded-positions" in cell("60/30% overlap", "coordinates of 4 decimals", "3 m GPS").kinds
    fine = cell("60/30% overlap", "coordinates of 5 decimals", "RTK")
    assert abs(fine.error) < 0.01
    assert not fine.suspicious


def test_a_mounting_that_some_photographs_tell_is_that_of_the_others() -> None:
    found = cell("60/30% overlap", "every other yaw tag missing, mounted across", "RTK")
    assert found.suspicious == {"yaw-from-track"}
    assert abs(found.error) < 0.01


@pytest.mark.parametrize("mistake", ["all 50 m off", "another datum (Arc 1950 as WGS 84)"])
def test_what_moves_all_photographs_together_cannot_be_known(mistake: str) -> None:
    found = cell("60/30% overlap", mistake, "RTK")
    assert found.error == 0
    assert not found.suspicious
