"""Other ways to fly, and mistakes that people make: a wrong number is never silent, a right one has no doubt.

All of the matrix is benchmarks/census_layouts.py; here are the cells that decided something.
"""

from __future__ import annotations

import pytest
from tests.census.layouts import LAYOUTS, MISTAKES, POSITIONS, Found, surveyed

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
