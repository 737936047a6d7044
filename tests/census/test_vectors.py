"""The published figures, as a user's machine checks them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wildetect.census.selftest.vectors import agree, check_vectors, equal_units, moose_h


def test_every_published_figure_is_met_to_its_digits() -> None:
    checks = check_vectors()
    assert [check for check in checks if not check.ok] == []
    published = {(check.name[0], check.expected) for check in checks}
    # as facts/census.md has them: estimates, both forms of the standard error, sums, resolution
    for figure in (1886.921, 253.1770, 256.0071, 3562.252, 520.5259, 1470.505, 294.9589):
        assert ("A", figure) in published
    assert {("A", 6919.679), ("A", 647.5066), ("A", 650.7593)} <= published
    assert {("B", 54496.6), ("B", 5840.0), ("C", 1.85), ("C", 85), ("C", 64)} <= published
    # R's mrds and Distance: neighbouring lines, log-normal limits
    assert {("D", 0.1399), ("D", 0.11822), ("E", 488.6335), ("E", 744.2857), ("E", 552.2902)} <= published
    assert [check.expected for check in checks if check.name.startswith("Animals")] == [11, 3] * 4


def test_the_units_of_moose_add_up_to_what_is_published() -> None:
    units = moose_h().units
    assert len(units) == 16
    assert sum(unit.counted for unit in units) == 409
    assert sum(unit.area_km2 for unit in units) == pytest.approx(448.9)


def test_units_made_from_mean_and_variance_have_them() -> None:
    counts = [unit.counted for unit in equal_units(98, 24.1, 5575, 1.0)]
    assert np.mean(counts) == pytest.approx(24.1)
    assert np.var(counts, ddof=1) == pytest.approx(5575)
    with pytest.raises(ValueError, match="animals"):
        equal_units(4, 1.0, 1000, 1.0)


@pytest.mark.parametrize(
    ("expected", "computed", "digits", "same"),
    [
        (1.85, 1.8496, 2, True),
        (1.85, 1.8449, 2, False),
        (85, 85.49, 0, True),
        (85, 85.51, 0, False),
        (253.1770, 253.17705, 4, True),
        (253.1770, 253.1772, 4, False),
        (1.0, math.nan, 2, False),
    ],
)
def test_figures_agree_if_they_round_alike(expected: float, computed: float, digits: int, same: bool) -> None:
    assert agree(expected, computed, digits) is same
