"""Over many simulated surveys, the 95% limits hold the truth as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from benchmarks.census_coverage import DOUBTED, cell
from numpy.typing import NDArray
from tests.census.surveys import degrees, estimates, views_at

from wildetect.census.counting.animals import Animals
from wildetect.census.design.transect_files import Transect, Transects
from wildetect.census.design.vector_files import Area
from wildetect.census.estimates.methods.jolly import jolly2
from wildetect.census.estimates.records import Estimate, SampleUnit, Stratum
from wildetect.census.estimates.sums import combine
from wildetect.census.ground.boxes import GroundBoxes

SURVEYS = 200
STRIPS = 100  # of 0.1 km across a stratum 10 km wide


def herds(random: np.random.Generator, animals: int) -> NDArray[np.float64]:
    """Positions in km in a stratum of 10 km x 10 km: groups of 1 to some 10, 300 m wide."""
    sizes = 1 + random.poisson(3, animals)
    sizes = sizes[: np.searchsorted(np.cumsum(sizes), animals) + 1]
    centres = random.uniform(0, 10, (len(sizes), 2))
    return np.mod(np.repeat(centres, sizes, axis=0) + random.normal(0, 0.15, (sizes.sum(), 2)), 10)


def inside(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Those north of a slanting edge, which makes transects differ in length."""
    return places[places[:, 1] > places[:, 0] * 0.6]


def survey(random: np.random.Generator, name: str, animals: int, flown: int) -> tuple[Estimate, int]:
    """An estimate and the truth, from counts in strips."""
    strips = random.choice(STRIPS, flown, replace=False)
    edge = np.linspace(0, 6, STRIPS + 1)
    places = inside(herds(random, animals))
    strip = np.minimum((places[:, 0] * STRIPS / 10).astype(int), STRIPS - 1)
    counts = np.bincount(strip, minlength=STRIPS)
    areas = 0.1 * (10 - (edge[:-1] + edge[1:]) / 2)
    units = tuple(SampleUnit(f"T{number}", int(counts[number]), float(areas[number])) for number in strips)
    return jolly2(Stratum(name, float(areas.sum()), STRIPS, units)), len(places)


def held(estimate: Estimate, truth: int) -> bool:
    assert estimate.lower is not None
    assert estimate.upper is not None
    assert 0 < estimate.lower <= estimate.upper
    return estimate.lower <= truth <= estimate.upper


@pytest.mark.parametrize("flown", [8, 20, 40])
def test_the_limits_of_a_stratum_hold_the_truth_in_90_to_98_of_100_surveys(flown: int) -> None:
    random = np.random.default_rng(1969)
    surveys = [survey(random, "S", 2000, flown) for _ in range(SURVEYS)]
    assert 0.90 <= np.mean([held(*one) for one in surveys]) <= 0.98
    # and the estimates lie about the truth, on neither side of it
    ratios = [(estimate.estimate or 0) / truth for estimate, truth in surveys]
    assert abs(np.mean(ratios) - 1) < 4 * np.std(ratios) / np.sqrt(SURVEYS)


def test_the_limits_of_three_strata_together_hold_the_truth_as_often() -> None:
    random = np.random.default_rng(1946)
    strata = (("low", 500, 8), ("middle", 2000, 12), ("high", 6000, 15))
    hits = 0
    for _ in range(SURVEYS):
        parts = [survey(random, *stratum) for stratum in strata]
        hits += held(combine([estimate for estimate, _ in parts]), sum(truth for _, truth in parts))
    assert 0.90 <= hits / SURVEYS <= 0.98


def test_so_do_limits_from_footprints_cut_by_the_outline_of_the_stratum() -> None:
    random = np.random.default_rng(1978)
    outline = Area("S", degrees(shapely.Polygon([(0, 0), (10_000, 6_000), (10_000, 10_000), (0, 10_000)])))
    hits = 0
    for _ in range(SURVEYS):
        lines = np.sort(random.choice(STRIPS, 20, replace=False)) * 100.0 + 50
        views = views_at(np.column_stack([lines, np.full(20, 5_000.0)]), 100, 10_000, yaw=0.0)
        transects = Transects(tuple(Transect(f"T{row}", (row,)) for row in range(20)), (), "table")
        places = inside(herds(random, 2000)) * 1000
        off = np.abs(places[:, :1] - lines)
        shown = np.flatnonzero(off.min(axis=1) < 50)
        rows, none = np.arange(len(shown)), np.zeros(len(shown), np.int64)
        sure = np.ones(len(shown))
        middles = np.tile([1990.0, 1990, 2010, 2010], (len(shown), 1))
        corners = np.repeat(places[shown][:, None], 4, axis=1)
        view = off[shown].argmin(axis=1)
        boxes = GroundBoxes(view, none, sure, middles, corners, places[shown], rows.astype(str))
        animals = Animals(places[shown], none, sure, rows[:, None].tolist(), [])
        found = estimates(animals, boxes, views, [outline], transects, [0])
        hits += held(found[-1].estimate, len(places))
    assert 0.90 <= hits / SURVEYS <= 0.98


@pytest.mark.parametrize(
    ("animals", "lines", "flown"),
    [("even", "systematic", 5), ("clustered", "random", 8), ("clustered", "systematic", 12)],
)
def test_limits_given_without_a_doubt_hold_the_truth_93_to_97_times_in_100(
    animals: str, lines: str, flown: int
) -> None:
    found = cell(np.random.default_rng(2009), animals, lines, flown, surveys=600)
    assert found.right, found
    assert found.doubted < 0.05


@pytest.mark.parametrize("flown", [5, 25])
def test_limits_of_a_few_herds_of_very_different_sizes_are_in_doubt(flown: int) -> None:
    found = cell(np.random.default_rng(2009), "highly clustered", "random", flown, surveys=200)
    assert found.doubted >= DOUBTED, found
    # log-normal limits fail less often than those by t
    assert found.held_in_all > found.by_t
