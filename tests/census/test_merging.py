"""The census tests its own merging: where the number is wrong for what the tags say, a caution says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.census.conftest import Surveyed
from tests.census.doubtful_flights import CASES, HONEST, RTK, Case, told, told_of
from tests.census.simulator import Flown, Herd, Survey, fly

from wildetect.census.counting.animals import count_once
from wildetect.census.ground.boxes import boxes_on_ground
from wildetect.census.ground.photographs import make_views
from wildetect.census.merging.displaced import displaced
from wildetect.census.merging.overlaps import expected_partners, pairs_of
from wildetect.census.merging.partners import Rate
from wildetect.census.merging.single import on_own_ground
from wildetect.imagery.camera.optics import Flight

SEEDS = range(3)


def herds(seed: int) -> Herd:
    """A dozen herds of 20, animals 3 m apart and more."""
    dice = np.random.default_rng(seed)
    middles = dice.uniform((-230, -220), (230, 220), (12, 2))
    places = [middle + Herd.apart(3, 30, 30, 20, int(dice.integers(10**9))).places for middle in middles]
    return Herd.at(np.concatenate(places))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_number_that_wrong_tags_inflate_comes_with_a_caution(case: Case, seed: int) -> None:
    found = told_of(case, seed)
    assert found.error > 0.04
    assert "merging" in found.kinds


@pytest.mark.parametrize(
    "case", [case for case in CASES if "walk" not in case.name], ids=lambda case: case.name
)
def test_of_herds_too(case: Case) -> None:
    found = told_of(case, 4, herds(4))
    assert found.error > 0.04
    assert found.kinds


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", HONEST, ids=lambda case: case.name)
def test_honest_tags_raise_no_alarm_whatever_the_recall(case: Case, seed: int) -> None:
    found = told_of(case, seed)
    assert found.kinds == ()
    assert abs(found.error) < 0.02
    assert found.rate == pytest.approx(dict(case.changes).get("recall", 1.0), abs=0.07)


@pytest.mark.parametrize("seed", SEEDS)
def test_missed_animals_of_herds_are_not_taken_for_wrong_places(seed: int) -> None:
    case = Case("recall 0.8", {"recall": 0.8})
    assert told_of(case, seed, herds(seed)).kinds == ()


def test_photographs_that_were_turned_are_named() -> None:
    """As a picture viewer turns them: the pixels by 180 degrees, the tags as they were."""
    survey = Survey(**RTK).mown(3, 6, ahead=0.6, aside=0.3)
    turned = (2, 5, 8, 9, 13, 16)
    shots = [
        replace(shot, yaw=shot.yaw + 180) if row in turned else shot for row, shot in enumerate(survey.shots)
    ]
    flown = fly(replace(survey, shots=tuple(shots)), Herd.apart(5, 220, 200, 120, 1), 1)
    tags = fly(survey, Herd.apart(5, 220, 200, 120, 1), 1).photographs
    flown = Flown(
        [replace(one, tags=two.tags) for one, two in zip(flown.photographs, tags, strict=True)], flown.animals
    )
    found = told(flown)
    assert found.error > 0.2
    assert set(found.check.guilty) == set(turned)
    assert "merging-photographs" in found.kinds


def test_the_rate_counts_the_boxes_well_inside_another_photograph() -> None:
    """Two photographs 30 m apart: of four animals, one lies near an edge and one in one of them only."""
    survey = Survey(**RTK, size=(4000, 3000))
    _, depth = survey.ground
    lines = survey.mown(1, 2, ahead=1 - 30 / depth, aside=0.0)
    far = 15 - depth / 2  # the lower edge of the photograph that lies ahead
    herd = Herd.at([(0, 4), (20, 5), (0, far + 1), (0, far - 10)])
    flown = fly(lines, herd)
    views = make_views(flown.photographs, Flight())
    boxes = boxes_on_ground(flown.photographs, views)
    found = told(flown)
    assert found.check.all == Rate(5, 5)  # the third lies well inside of the photograph behind alone
    assert found.check.pairs.along.tolist() == [True]
    assert found.check.pairs.seconds.tolist() == [3.0]
    assert on_own_ground(boxes, views).sum() == 4


def test_few_boxes_on_common_ground_tell_nothing_and_that_is_said(surveyed: Surveyed) -> None:
    flown = fly(Survey(**RTK).mown(2, 4, ahead=0.6, aside=0.3), Herd.at([(0, 0), (30, 20)]))
    assert not told(flown).check.told
    assert surveyed.document["merging"]["tested"]


def test_census_json_holds_the_rates_of_all_and_of_each_pair(surveyed: Surveyed) -> None:
    merging, overlaps = surveyed.document["merging"], surveyed.document["overlaps"]
    assert merging["expected"] == sum(one["expected"] for one in overlaps) > 20
    assert merging["partner_rate"] == merging["joined"] / merging["expected"] == 1.0
    assert merging["along"]["expected"] + merging["across"]["expected"] == merging["expected"]
    assert merging["conservative"]["animals"] == pytest.approx(surveyed.document["counts"]["animals"], abs=2)
    files = {one["file"] for one in surveyed.document["photographs"]}
    assert all(set(one["photographs"]) <= files and one["line"] == "along" for one in overlaps)


def test_the_page_says_it(surveyed: Surveyed) -> None:
    page = (surveyed.folder / "census_report.html").read_text(encoding="utf-8")
    section = page.partition('id="overlaps"')[2].partition("</section>")[0]
    assert f"{surveyed.document['merging']['expected']:,}</td>" in section
    assert "Conservative count" in section


@pytest.mark.parametrize(
    ("rate", "upper"), [(Rate(0, 0), 1.0), (Rate(400, 0), 0.037), (Rate(400, 200), 0.596)]
)
def test_the_upper_limit_of_a_rate(rate: Rate, upper: float) -> None:
    """Wilson's of a quarter of the boxes: 0 and 50 of 100 (R's prop.test without correction)."""
    assert rate.upper == pytest.approx(upper, abs=0.001)


def test_animals_that_walked_lie_near_each_other_and_missed_ones_do_not() -> None:
    shares = []
    for changes in ({"walking": 1.0}, {"recall": 0.6}):
        flown = Case("", changes).flown(7)
        views = make_views(flown.photographs, Flight())
        boxes = boxes_on_ground(flown.photographs, views)
        animals = count_once(boxes, views, 3.7)
        expected = expected_partners(boxes, animals, views, 3.7)
        shares.append(displaced(boxes, animals, expected, pairs_of(expected, boxes, views), 3.7))
    assert shares[0].deviations > 6
    assert shares[1].deviations < 2
