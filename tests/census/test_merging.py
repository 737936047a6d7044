"""The census tests its own merging: where the number is wrong for what the tags say, a caution says so."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.census import flights
from tests.census.conftest import Surveyed, plan_of, written
from tests.census.doubtful_flights import CASES, HONEST, PLAIN, RTK, Case, told, told_of
from tests.census.flights import Flight
from tests.census.simulator import GEOD, START, Flown, Herd, Shot, Survey, fly, to_pixels
from tests.hinted import write_setting

from wildetect.census.cautions.merging import merging, recall
from wildetect.census.counting.animals import count_once, default_tolerance
from wildetect.census.ground.boxes import boxes_on_ground
from wildetect.census.ground.photographs import Photograph, make_views
from wildetect.census.merging.empty import empty_places
from wildetect.census.merging.overlaps import expected_partners, pairs_of
from wildetect.census.merging.partners import Rate, check_merging
from wildetect.census.merging.single import on_own_ground
from wildetect.census.merging.unfit import Power
from wildetect.census.merging.unjoined import displaced
from wildetect.census.output.record import CensusRecord, read_census_file
from wildetect.census.survey import survey
from wildetect.imagery.camera.camera import CameraTags
from wildetect.imagery.camera.optics import Flight as Specs
from wildetect.imagery.positions.metadata import Position
from wildetect.results.finished_run import read_finished_run
from wildetect.settings import Project, load_settings
from wildetect.settings.census import CensusSettings, Corrections

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
    flight = Survey(**RTK).mown(3, 6, ahead=0.6, aside=0.3)
    turned = (2, 5, 8, 9, 13, 16)
    shots = [
        replace(shot, yaw=shot.yaw + 180) if row in turned else shot for row, shot in enumerate(flight.shots)
    ]
    flown = fly(replace(flight, shots=tuple(shots)), Herd.apart(5, 220, 200, 120, 1), 1)
    tags = fly(flight, Herd.apart(5, 220, 200, 120, 1), 1).photographs
    flown = Flown(
        [replace(one, tags=two.tags) for one, two in zip(flown.photographs, tags, strict=True)], flown.animals
    )
    found = told(flown)
    assert found.error > 0.2
    assert set(found.check.guilty) == set(turned)
    assert "merging-photographs" in found.kinds


def test_the_rate_counts_the_boxes_well_inside_another_photograph() -> None:
    """Two photographs 30 m apart: of four animals, one lies near an edge and one in one of them only."""
    flight = Survey(**RTK)
    _, depth = flight.ground
    lines = flight.mown(1, 2, ahead=1 - 30 / depth, aside=0.0)
    far = 15 - depth / 2  # the lower edge of the photograph that lies ahead
    herd = Herd.at([(0, 4), (20, 5), (0, far + 1), (0, far - 10)])
    flown = fly(lines, herd)
    views = make_views(flown.photographs, Specs())
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
        views = make_views(flown.photographs, Specs())
        boxes = boxes_on_ground(flown.photographs, views)
        animals = count_once(boxes, views, 3.7)
        expected = expected_partners(boxes, animals, views, 3.7)
        shares.append(displaced(boxes, animals, expected, pairs_of(expected, boxes, views), 3.7))
    assert shares[0].deviations > 6
    assert shares[1].deviations < 2


class Turned(Flight):
    """A flight of which a picture viewer has turned some photographs by 180 degrees."""

    turned: frozenset[int] = frozenset()

    def pixels(self, number: int, ground: NDArray[np.float64]) -> NDArray[np.float64]:
        found = super().pixels(number, ground)
        return np.array(self.size) - found if number in self.turned else found


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CensusRecord, list[str]]:
    """A census of three lines with six of 18 photographs turned, and the names of these."""
    root = tmp_path_factory.mktemp("turned")
    flight = Turned()
    for line in range(3):
        flight.line(f"L{line}", (85.0 * line, 0.0), 0.0, 6, 32.0)
    flight.turned = frozenset((2, 5, 8, 9, 13, 16))
    dice = np.random.default_rng(3)
    herd = flights.Herd(dice.uniform((-50, -30), (220, 190), (150, 2)), np.zeros(150, np.int64))
    run = flights.make_run(root, flight, herd)
    record = written(survey(plan_of(run)), run, root / "census")
    return root / "census", record, [flight.names[number] for number in sorted(flight.turned)]


def test_turned_photographs_are_named_in_every_file(turned: tuple[Path, CensusRecord, list[str]]) -> None:
    folder, record, files = turned
    cautions = {caution.kind: caution for caution in record.cautions}
    assert cautions["merging-photographs"].files == files
    assert "6 when turned by 180 degrees" in cautions["merging-photographs"].what
    assert record.merging is not None
    assert [one.photograph for one in record.merging.turned] == files
    assert record.merging.recall is None
    assert read_census_file(folder) == record


def test_near_misses_stand_side_by_side(turned: tuple[Path, CensusRecord, list[str]]) -> None:
    folder, record, _ = turned
    page = (folder / "census_report.html").read_text(encoding="utf-8")
    section = page.partition("Nearly one animal")[2].partition("<h3>")[0]
    assert section.count("<figure>") == 12
    assert section.count("data:image/jpeg") == 24
    assert record.merging is not None
    assert record.merging.near_misses == len(record.near_misses) > 20
    nearest = record.near_misses[0]
    assert nearest.metres == min(one.metres for one in record.near_misses)
    assert nearest.photographs[0] != nearest.photographs[1]


def test_places_that_a_second_photograph_shows_empty_stand_side_by_side(tmp_path: Path) -> None:
    """Two animals have no box in the second photograph."""
    flight = Flight()
    flight.line("L", (0.0, 0.0), 0.0, 2, 30.0)
    places = np.array([(-20.0, 5.0), (10.0, 20.0), (25.0, 8.0), (-5.0, 28.0), (15.0, 12.0), (-18.0, 24.0)])
    run = flights.make_run(tmp_path, flight, flights.Herd(places, np.zeros(6, np.int64)))
    finished = read_finished_run(run)
    first, second = finished.results
    assert first.detections is not None
    assert second.detections is not None
    assert len(second.detections) == 6
    found = [replace(first), replace(second, detections=second.detections.select(np.arange(6) >= 2))]
    flights.write_run(tmp_path / "missed", found)
    census = survey(plan_of(tmp_path / "missed"))
    record = written(census, run, tmp_path / "census")
    assert record.merging is not None
    assert record.merging.empty == len(record.empty_places) == 2
    for one in record.empty_places:
        assert one.photographs == (first.name, second.name)
        (row,) = np.flatnonzero(np.abs(first.detections.xyxy - one.boxes[0]).max(axis=1) < 0.1)
        assert one.boxes[1] == pytest.approx(second.detections.xyxy[row], abs=0.6)
        assert one.seconds == 4.0
    assert record.empty_places[0].boxes != record.empty_places[1].boxes
    page = (tmp_path / "census" / "census_report.html").read_text(encoding="utf-8")
    section = page.partition("Empty in the other photograph")[2].partition("</section>")[0]
    assert section.count("<figure>") == 1  # one of each two photographs
    assert section.count("data:image/jpeg") == 2
    assert section.count("no box here") == section.count("missing") == 1
    assert read_census_file(tmp_path / "census") == record


def test_empty_places_are_right_where_positions_are_metres_off() -> None:
    """Judge by the animals that both photographs show; held against where the simulator has the animal."""
    survey = Survey(**PLAIN, recall=0.8).mown(4, 8, ahead=0.6, aside=0.3)
    herd = Herd.apart(4, 300, 280, 150, 9)
    flown = fly(survey, herd, 9)
    views = make_views(flown.photographs, Specs())
    boxes = boxes_on_ground(flown.photographs, views)
    animals = count_once(boxes, views, default_tolerance(views))
    check = check_merging(boxes, animals, views, default_tolerance(views))
    off, surest = [], []
    for one in empty_places(check, boxes, animals, views):
        here = int(boxes.view[one.row])
        animal = flown.animals[here][one.row - int(np.flatnonzero(boxes.view == here)[0])]
        (there,) = to_pixels(survey, survey.shots[one.view], herd.places[animal][None])
        middle = (np.array(one.xyxy[:2]) + one.xyxy[2:]) / 2
        off.append(float(np.hypot(*(middle - there))) * survey.height / survey.focal_px)
        surest.append(one.metres)
        assert animal not in flown.animals[one.view]
    assert len(off) > 50
    assert np.mean(np.array(off) < 1.5) > 0.95  # m; the positions themselves are off by 4 m to each other
    assert set(surest) <= {1.0, check.margin}


def test_a_near_miss_tells_how_far_and_how_long_apart() -> None:
    """One animal walks 10 m between two photographs, one stands, one has gone: its place is empty."""
    shots = (Shot((0.0, 0.0)), Shot((0.0, 30.0)))
    first = fly(Survey(**RTK, shots=shots), Herd.at([(0, 10), (20, 10), (-20, 15)])).photographs[0]
    second = fly(Survey(**RTK, shots=shots), Herd.at([(0, 20), (20, 10)])).photographs[1]
    found = told(Flown([first, second], [np.arange(3), np.arange(2)])).check
    assert found.near.metres == pytest.approx([10.0], abs=0.2)
    assert found.near.seconds.tolist() == [3.0]
    assert found.near.empty == 1
    assert found.all == Rate(5, 2)


@pytest.mark.parametrize("seed", SEEDS)
def test_boxes_that_the_detector_drew_twice(seed: int) -> None:
    found = told_of(Case("", {"doubled": 0.05}), seed)
    assert found.error > 0.08
    assert "doubles" in found.others
    assert all("doubles" not in told_of(case, seed).others for case in HONEST[:3])


@pytest.mark.parametrize("recall", [0.7, 0.6, 0.4])
def test_animals_of_dense_herds_that_are_taken_for_their_neighbours_are_told(recall: float) -> None:
    """With plain GPS a box may lie nearer to its neighbour's than the tolerance."""
    for seed in SEEDS:
        flown = Case("", {**PLAIN, "stated_error": None, "recall": recall}).flown(seed, herds(seed))
        found = told(flown)
        assert found.error < -0.04
        assert "crowded" in found.others
        assert -found.error / 2 < found.check.crowded.joins / len(flown.seen) < -found.error + 0.06


@pytest.mark.parametrize("changes", [RTK, {**RTK, "recall": 0.6}, PLAIN, {**PLAIN, "recall": 0.95}])
def test_herds_that_are_joined_rightly_are_not_told_of(changes: dict[str, Any]) -> None:
    for seed in SEEDS:
        found = told_of(Case("", {**changes, "stated_error": changes.get("stated_error")}), seed, herds(seed))
        assert abs(found.error) < 0.02
        assert "crowded" not in found.others


@pytest.mark.parametrize("tags", [RTK, PLAIN], ids=["RTK", "plain GPS"])
@pytest.mark.parametrize("animals", [8, 15, 40])
def test_few_animals_in_photographs_that_were_turned_come_with_a_caution(
    tags: dict[str, Any], animals: int
) -> None:
    """Too few to find the photographs; that merging cannot be tested is said in every survey all the same."""
    untested = 0
    for seed in range(12):
        flight = Survey(**tags, recall=0.9).mown(3, 6, ahead=0.6, aside=0.3)
        shots = [
            replace(shot, yaw=shot.yaw + 180 * (row in {2, 5, 8, 9, 13, 16}))
            for row, shot in enumerate(flight.shots)
        ]
        herd = Herd.apart(5, 220, 200, animals, seed)
        right = fly(flight, herd, seed)
        turned = fly(replace(flight, shots=tuple(shots)), herd, seed)
        wrong = [replace(a, tags=b.tags) for a, b in zip(turned.photographs, right.photographs, strict=True)]
        found = told(Flown(wrong, turned.animals))
        assert found.kinds or found.others
        fine = told(right)
        assert fine.kinds == ()
        assert set(fine.others) <= {"merging-untested"}
        untested += bool(fine.others)
    assert untested == 12 or animals > 8  # too few to test anything
    assert untested <= 8 or animals < 40  # of honest surveys: only where animals stand in one photograph


@pytest.mark.parametrize("tags", [RTK, PLAIN], ids=["RTK", "plain GPS"])
def test_one_photograph_of_eighteen_that_was_turned_is_named(tags: dict[str, Any]) -> None:
    """Its few boxes have no partner; what all other photographs say makes that enough."""
    flight = Survey(**tags, recall=0.9).mown(3, 6, ahead=0.6, aside=0.3)
    inflated = 0
    for seed in range(6):
        turned = 1 + 2 * seed
        shots = list(flight.shots)
        shots[turned] = replace(shots[turned], yaw=shots[turned].yaw + 180)
        herd = Herd.apart(5, 220, 200, 60, seed)
        right = fly(flight, herd, seed)
        wrong = fly(replace(flight, shots=tuple(shots)), herd, seed)
        tagged = [replace(a, tags=b.tags) for a, b in zip(wrong.photographs, right.photographs, strict=True)]
        found = told(Flown(tagged, wrong.animals))
        inflated += found.error > 0.02
        if found.error > 0.02:
            assert found.kinds == ("merging-photographs",)
            assert {*found.check.guilty, *(one.view for one in found.check.turned)} == {turned}
        assert told(right).kinds == ()
    assert inflated >= 5


def test_a_dark_photograph_that_shows_few_animals_lies_right_all_the_same() -> None:
    """What it shows, others show, too."""
    flight = Survey(**RTK).mown(3, 6, ahead=0.6, aside=0.3)
    flown = fly(flight, Herd.apart(5, 220, 200, 90, 2), 2)
    dark = flown.photographs[8]
    assert len(dark.detections) > 6
    few = dark.detections.select(np.arange(len(dark.detections)) < 2)
    flown.photographs[8] = replace(dark, detections=few)
    assert told(flown).kinds == ()


def test_a_survey_too_small_to_test_merging_says_so_and_what_would_not_be_seen() -> None:
    """Three animals that have all their partners are no clean bill of health."""
    flight = Survey(**RTK).mown(2, 4, ahead=0.6, aside=0.3)
    herd = Herd.at([(0, 0), (10, 25), (-30, -10)])
    right = fly(flight, herd)
    for flown in (right, noted(right, lambda tags, _: {"yaw": (tags.yaw or 0) + 180})):
        found = told(flown)
        assert found.others == ("merging-untested",)
        (caution,) = recall(found.check, found.views)
        assert caution.what.startswith("Too few animals lie in overlaps to test the merging: ")
        assert f"up to {found.check.power.unseen:.0%} of these animals" in caution.what


def test_animals_that_lie_in_no_overlap_test_nothing_and_that_is_said() -> None:
    flight = Survey(**RTK).mown(1, 2, ahead=0.3, aside=0.0)
    outside = flight.ground[1] * 0.7
    found = told(fly(flight, Herd.at([(0, outside), (5, -outside)])))
    (caution,) = recall(found.check, found.views)
    assert caution.what.startswith("No animal lies well inside another photograph")
    apart = fly(Survey(**RTK).mown(1, 2, ahead=-0.2, aside=0.0), Herd.at([(0, 50), (5, -50)]))
    assert told(apart).others == ()  # nothing can be merged there
    seam = fly(Survey(**RTK).mown(1, 2, ahead=0.03, aside=0.0), Herd.at([(0, 50), (5, -50)]))
    assert told(seam).others == ()  # nor in a seam


@pytest.mark.parametrize(("animals", "unseen"), [(3, 0.865), (8, 0.6), (25, 0.375), (200, 0.181)])
def test_the_largest_share_without_partners_that_passes_for_missed_animals(
    animals: int, unseen: float
) -> None:
    """Sum binomial terms for the largest share that the test of 1 in 20 names in 19 of 20 surveys."""

    def below(least: int, share: float) -> float:
        return sum(
            math.comb(animals, found) * share**found * (1 - share) ** (animals - found)
            for found in range(least)
        )

    named = max(least for least in range(animals + 1) if below(least, 0.9) <= 0.05)
    power = Power(animals, animals, np.zeros(1, np.int64), np.zeros(1, bool), overlap=True)
    assert power.unseen == pytest.approx(unseen, abs=0.002)
    assert below(named, 1 - power.unseen) == pytest.approx(0.95, abs=1e-9)


@pytest.mark.parametrize("tags", [RTK, PLAIN], ids=["RTK", "plain GPS"])
@pytest.mark.parametrize("animals", [8, 15, 25])
def test_one_photograph_turned_in_a_survey_of_few_animals_never_passes_in_silence(
    tags: dict[str, Any], animals: int
) -> None:
    """Named where that is possible; else it is said that nobody could name it, and by how much it matters."""
    flight = Survey(**tags, recall=0.9).mown(3, 6, ahead=0.6, aside=0.3)
    wrong = named = 0
    for seed in range(12):
        shots = list(flight.shots)
        shots[seed] = replace(shots[seed], yaw=shots[seed].yaw + 180)
        herd = Herd.apart(5, 220, 200, animals, seed)
        right = fly(flight, herd, seed)
        turned = fly(replace(flight, shots=tuple(shots)), herd, seed)
        tagged = [replace(a, tags=b.tags) for a, b in zip(turned.photographs, right.photographs, strict=True)]
        found, fine = told(Flown(tagged, turned.animals)), told(right)
        wrong += found.error > 0.05
        assert found.error <= 0.05 or found.kinds or found.others
        if found.error > 0.05:
            files = {one.view for one in found.check.turned} | set(found.check.guilty)
            named += seed in files | set(found.check.power.doubtful)
        assert fine.kinds == ()
        assert set(fine.others) <= {"merging-untested"}
    assert wrong >= 5
    assert named >= 0.9 * wrong  # as the one that is wrong, or as one to look at first


@pytest.mark.parametrize("factor", [0.7, 0.8, 1.2])
def test_wrong_heights_within_the_errors_of_plain_gps_make_the_number_hang_on_the_tolerance(
    factor: float,
) -> None:
    """Most boxes find a partner, within 13 m: the partner rate shows nothing."""
    for seed in SEEDS:
        herd = Herd.apart(5, 220, 200, 60, seed)
        honest = Survey(**PLAIN, jitter=0.1, recall=0.9).mown(3, 6, ahead=0.6, aside=0.3)
        found = told(fly(replace(honest, height_factor=factor), herd, seed))
        assert found.error > 0.07
        assert {"tolerance", "merging"} & set(found.kinds)
        assert told(fly(honest, herd, seed)).kinds == ()


def test_animals_side_by_side_are_no_doubles_as_every_photograph_shows_both() -> None:
    alone = Herd.apart(12, 400, 380, 100, 2).places
    herd = Herd.at(np.concatenate([alone, alone + np.array([1.2, 0.0])]))
    found = told_of(Case(""), 2, herd)
    assert len(found.check.doubles.one) > 100
    assert "doubles" not in found.others


@pytest.mark.parametrize(("true", "kinds"), [(0.95, ()), (0.8, ()), (0.6, ("recall",))])
def test_overlaps_tell_the_recall(true: float, kinds: tuple[str, ...]) -> None:
    found = told_of(Case("", {"recall": true}), 3)
    assert found.check.recall is not None
    assert found.check.recall.share == pytest.approx(true, abs=0.05)
    assert found.others == kinds


@pytest.mark.parametrize(
    ("case", "degrees", "scale", "fixed"),
    [
        (CASES[0], -10.0, 1.0, False),
        (CASES[2], -90.0, 1.0, False),
        (CASES[3], 0.0, 1.0, True),
        (CASES[4], 90.0, 1.0, False),
        (CASES[7], 0.0, 1 / 1.2, False),
        (CASES[8], 0.0, 1 / 0.8, False),
    ],
    ids=lambda one: one.name if isinstance(one, Case) else "",
)
def test_one_mistake_in_all_photographs_is_told_with_its_size_and_goes_when_it_is_corrected(
    case: Case, degrees: float, scale: float, fixed: bool
) -> None:
    flown = case.flown(11)
    found = told(flown).check.alike
    assert found is not None
    assert found.fixed == fixed
    assert found.degrees == pytest.approx(degrees, abs=1.5)
    assert found.scale == pytest.approx(scale, rel=0.03)
    chosen = Corrections.model_validate(
        {"fixed_yaw": found.degrees, "yaw": 0} if fixed else {"yaw": found.degrees, "scale": found.scale}
    )
    right = told(flown, chosen)
    assert abs(right.error) < 0.02
    assert right.kinds == ()


@pytest.mark.parametrize("tags", [RTK, {**PLAIN, "stated_error": None}], ids=["RTK", "plain GPS"])
@pytest.mark.parametrize("factor", [0.3048, 0.4, 0.5])
def test_heights_that_leave_no_overlap_are_told_with_their_size(tags: dict[str, Any], factor: float) -> None:
    """Metres that were taken for feet: photographs look so small that each animal lies in one only."""
    flown = Case("", {**tags, "recall": 0.9, "height_factor": factor}).flown(5)
    found = told(flown)
    assert found.error > 0.5
    assert found.check.alike is not None
    assert found.check.alike.scale == pytest.approx(1 / factor, rel=0.04)
    assert "merging-all" in found.kinds
    right = told(flown, Corrections(scale=1 / factor))
    assert right.kinds == ()
    assert abs(right.error) < 0.03


@pytest.mark.parametrize("tags", [RTK, {**PLAIN, "stated_error": None}], ids=["RTK", "plain GPS"])
@pytest.mark.parametrize(("ahead", "aside"), [(0.0, 0.0), (-0.5, -2.0), (0.05, -1.0)])
def test_photographs_that_do_not_overlap_raise_no_alarm(
    tags: dict[str, Any], ahead: float, aside: float
) -> None:
    survey = Survey(**tags).mown(4, 10, ahead=ahead, aside=aside)
    for seed in SEEDS:
        for animals in (Herd.apart(3, 500, 500, 1200, seed), herds(seed)):
            assert told(fly(survey, animals, seed)).check.alike is None


def noted(flown: Flown, change: Callable[[CameraTags, Photograph], dict[str, Any]]) -> Flown:
    """The same photographs with other tags."""
    changed = [replace(one, tags=replace(one.tags, **change(one.tags, one))) for one in flown.photographs]
    return Flown(changed, flown.animals)


def at(longitude: float, latitude: float) -> dict[str, Any]:
    return {"position": Position(longitude, latitude)}


MIRRORED = {
    "latitude": lambda here: at(here.longitude, -here.latitude),
    "longitude": lambda here: at(-here.longitude, here.latitude),
    "both": lambda here: at(-here.longitude, -here.latitude),
    "swapped": lambda here: at(here.latitude, here.longitude),
}


@pytest.mark.parametrize("tells_yaw", [True, False])
@pytest.mark.parametrize("what", MIRRORED)
def test_positions_that_lost_a_sign_or_are_swapped_are_told(what: str, tells_yaw: bool) -> None:
    """The track is mirrored; without yaw tags the direction of flight is, too."""
    survey = Survey(**RTK, jitter=0.1, tells_yaw=tells_yaw)
    right = fly(survey.mown(5, 9, ahead=0.6, aside=0.3, heading=25), Herd.apart(5, 330, 320, 180, 3), 3)
    flown = noted(right, lambda tags, _: MIRRORED[what](tags.position))
    found = told(flown)
    if what == "both" and not tells_yaw:  # the same flight, on the other side of the Earth
        assert found.kinds == ()
        return
    assert found.error > 0.1
    assert "merging-all" in found.kinds
    alike = found.check.alike
    assert alike is not None
    settings = [one.corrections for one in (alike, *alike.or_else)]
    assert {"positions": what} in settings
    # both signs are a turn by 180 degrees, too; without yaws north and south mirror as east and west
    assert (len(settings) > 1) == (what == "both" or (not tells_yaw and what != "swapped"))
    corrected = told(flown, Corrections.model_validate({"positions": what}))
    assert corrected.kinds == ()
    assert abs(corrected.error) < 0.02


def test_yaws_that_count_the_other_way_round_are_told() -> None:
    """On lines that cross each other: on parallel ones it is the same as a yaw that is off."""
    survey = Survey(**RTK, jitter=0.1)
    shots = [
        shot
        for heading in (20.0, 110.0)
        for shot in survey.mown(4, 7, ahead=0.6, aside=0.3, heading=heading).shots
    ]
    right = fly(replace(survey, shots=tuple(shots)), Herd.apart(5, 260, 260, 120, 3), 3)
    flown = noted(right, lambda tags, _: {"yaw": -(tags.yaw or 0)})
    found = told(flown)
    assert found.error > 0.2
    assert found.check.alike is not None
    assert found.check.alike.corrections == {"yaw_reversed": True}
    corrected = told(flown, Corrections(yaw_reversed=True))
    assert corrected.kinds == ()
    assert abs(corrected.error) < 0.02


@pytest.mark.parametrize("seconds", [-4.0, 1.5, 12.0])
@pytest.mark.parametrize("tags", [RTK, {"position_error": 0.5, "stated_error": 1.0}], ids=["RTK", "1 m"])
def test_a_clock_that_is_off_is_told_with_its_size(
    seconds: float, tags: dict[str, Any], tmp_path: Path
) -> None:
    """Positions were looked up so many seconds too late; the drone goes straight on behind a line."""
    survey = Survey(**tags, jitter=0.1).mown(6, 14, ahead=0.6, aside=0.3)
    speed = 8.0  # m/s
    right = fly(survey, Herd.apart(4, 460, 440, 300, 5), 5)
    step = survey.ground[1] * 0.4 / speed  # s
    shots = dict(zip((one.file for one in right.photographs), survey.shots, strict=True))
    number = {file: place for place, file in enumerate(shots)}

    def late(tags: CameraTags, photograph: Photograph) -> dict[str, Any]:
        assert tags.position is not None
        longitude, latitude, _ = GEOD.fwd(*tags.position, shots[photograph.file].yaw, speed * seconds)
        row = number[photograph.file]
        taken = START + timedelta(seconds=step * row + 40 * (row // 14))
        return {"position": Position(float(longitude), float(latitude)), "taken": taken}

    flown = noted(right, late)
    found = told(flown)
    assert found.error > 0.04
    assert "merging-all" in found.kinds
    alike = found.check.alike
    assert alike is not None
    assert list(alike.corrections) == ["clock"]
    assert alike.clock == pytest.approx(-seconds, abs=0.15)
    file = tmp_path / "configs/census.yaml"
    file.parent.mkdir()
    file.write_text("campaign: {id: late}\n", encoding="utf-8")
    (fix,) = (one.fix for one in merging(found.check, found.views) if one.kind == "merging-all")
    write_setting(file, fix, "census/cautions/merging.py: survey.corrections.FILLER: FILLER")
    corrected = told(flown, load_settings(CensusSettings, Project(tmp_path)).survey.corrections)
    assert corrected.kinds == ()
    assert abs(corrected.error) < 0.02


@pytest.mark.parametrize(
    "name", ["animals walk 1.5 m/s", "3 m GPS stated as 4 cm", "slope 20% without terrain"]
)
def test_a_cause_that_cannot_be_known_is_not_named(name: str) -> None:
    (case,) = (case for case in CASES if case.name == name)
    assert all(told_of(case, seed).check.alike is None for seed in SEEDS)


def test_corrections_are_said_and_never_made_silently(turned: tuple[Path, CensusRecord, list[str]]) -> None:
    folder, record, _ = turned
    assert "corrections" not in {one.kind for one in record.cautions}
    census = survey(plan_of(folder.parent / "run", keys={"corrections": {"yaw": 180.0, "scale": 1.1}}))
    (caution,) = (one for one in census.cautions if one.kind == "corrections")
    assert "+180 degrees of yaw and heights times 1.1" in caution.what
    before, after = record.photographs[0], census.views.views[0]
    assert after.height_above_ground == pytest.approx(1.1 * (before.height_m or 0))
    assert after.sources["correction"] == "+180 degrees of yaw and heights times 1.1"
