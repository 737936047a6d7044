"""Searched areas, animals in transects and strata, and the estimates that follow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import shapely
from tests.census.surveys import area, degrees, estimates, flight, mower, seen, views_at

from wildetect.census.cautions.reach import coverage
from wildetect.census.design.sampling import sample_survey
from wildetect.census.design.transect_files import Transect, Transects
from wildetect.census.design.transects import find_transects
from wildetect.census.design.vector_files import Area
from wildetect.census.estimates.methods.jolly import jolly2
from wildetect.census.estimates.records import SampleUnit, Stratum
from wildetect.census.estimates.sample_records import ClassEstimate, Sample
from wildetect.census.ground.photographs import Views
from wildetect.errors import InputError

# four lines of 1 km, 500 m apart, strips of 100 m; photographs from edge to edge and in the turns
LINES = mower(4, 1000, 500)
STRATUM = area("plain", -250, 0, 1750, 1000)
PLACES = [(0, 100), (10, 500), (500, 700), (1000, 20), (1000, 30), (1000, 990), (1490, 390)]


def sampled(views: Views, places: Sequence[tuple[float, float]], strata: list[Area] | None) -> Sample:
    return sample_survey(*seen(views, places), views, strata, find_transects(views))


def estimated(
    views: Views, places: Sequence[tuple[float, float]], strata: list[Area] | None
) -> ClassEstimate:
    found = estimates(*seen(views, places), views, strata, find_transects(views), [0])
    return found[-1]


def test_areas_lengths_and_animals_of_transects_by_hand() -> None:
    (stratum,) = sampled(views_at(LINES), PLACES, [STRATUM]).strata
    assert [transect.name for transect in stratum.transects] == ["T1", "T2", "T3", "T4"]
    assert [transect.animals for transect in stratum.transects] == [(0, 1), (2,), (3, 4, 5), (6,)]
    for transect in stratum.transects:
        # the corner photographs look sideways, half a photograph less or more
        assert transect.searched_km2 == pytest.approx(0.1, abs=0.005)
        assert transect.length_km == pytest.approx(1, abs=0.03)
        assert transect.strip_m == pytest.approx(100, abs=3)
    assert stratum.area_km2 == pytest.approx(2, rel=1e-6)
    assert stratum.possible == pytest.approx(20, abs=0.7)  # 2 km / 100 m
    # strips, and the turns of 500 m
    assert stratum.searched_km2 == pytest.approx(4 * 0.1 + 3 * 0.4 * 0.05, abs=0.01)


def test_the_estimate_is_jollys_of_those_transects() -> None:
    views = views_at(LINES)
    (stratum,) = sampled(views, PLACES, [STRATUM]).strata
    units = tuple(
        SampleUnit(transect.name, len(transect.animals), transect.searched_km2)
        for transect in sorted(stratum.transects, key=lambda one: one.across_km)
    )
    assert stratum.area_km2 is not None
    expected = jolly2(Stratum("plain", stratum.area_km2, stratum.possible, units), systematic=True)
    found = estimated(views, PLACES, [STRATUM])
    assert (found.class_id, found.stratum, found.estimate) == (0, "all", expected)
    assert expected.estimate == pytest.approx(7 / 0.4 * 2, rel=0.05)


def test_animals_in_turns_and_outside_count_apart() -> None:
    views = views_at(LINES)
    found = sampled(views, [*PLACES, (250, 990), (250, 1010), (0, -20)], [STRATUM])
    assert found.off_transect == (7,)
    assert found.outside == (8, 9)
    assert found.notes == ("2 animals lie outside all strata: detected, but in no estimate.",)
    assert 7 in found.strata[0].animals
    estimate = estimated(views, [*PLACES, (250, 990)], [STRATUM]).estimate
    assert (estimate.detected, estimate.counted) == (8, 7)


def test_ground_that_two_transects_show_is_shared_out_and_counted_once() -> None:
    points = mower(4, 1000, 60)
    views = views_at(points)
    transects = Transects(
        tuple(
            Transect(f"L{line}", tuple(np.flatnonzero(np.isclose(points[:, 0], 60 * line)).tolist()))
            for line in range(4)
        ),
        (),
        "table",
    )
    (stratum,) = sample_survey(*seen(views, []), views, [area("s", -500, 200, 1000, 800)], transects).strata
    union = shapely.union_all([shapely.Polygon(view.footprint) for view in views.views])
    inside = shapely.intersection(union, shapely.box(-500, 200, 1000, 800)).area / 1e6
    areas = [transect.searched_km2 for transect in stratum.transects]
    assert sum(areas) == pytest.approx(inside, rel=1e-6)
    # 100 m wide, of which 40 m are shared with a neighbour on each side
    assert areas == pytest.approx([0.6 * 0.08, 0.6 * 0.06, 0.6 * 0.06, 0.6 * 0.08], rel=1e-3)
    assert "overlap: 0.072 km² (30.0%) were searched more than once" in stratum.notes[0]


def test_an_animal_counts_where_it_is_most_central() -> None:
    points = mower(2, 1000, 60)
    views = views_at(points)
    (stratum,) = sampled(views, [(25, 500), (35, 500)], [area("s", -500, 0, 1000, 1000)]).strata
    assert [transect.animals for transect in stratum.transects] == [(0,), (1,)]


def test_what_is_searched_wholly_is_a_total_count() -> None:
    points = mower(10, 1000, 60)
    places = [(100.0, 100.0), (300.0, 900.0), (275.0, 500.0)]
    found = estimated(views_at(points), places, [area("pan", 0, 0, 550, 1000)]).estimate
    assert (found.method, found.estimate, found.upper) == ("total count", 3, None)
    assert found.fraction == pytest.approx(1, abs=1e-3)


def test_without_strata_only_what_was_seen_is_given() -> None:
    found = estimates(
        *seen(views_at(LINES), PLACES), views_at(LINES), None, find_transects(views_at(LINES)), [0]
    )
    assert [(each.class_id, each.stratum) for each in found] == [(None, "all"), (0, "all")]
    estimate = found[0].estimate
    assert (estimate.detected, estimate.estimate, estimate.upper) == (7, None, None)
    assert estimate.density_per_km2 == pytest.approx(7 / estimate.searched_km2)
    assert estimate.refusal is not None
    assert "survey.strata" in estimate.refusal
    sample = sampled(views_at(LINES), PLACES, None)
    assert [len(each.animals) for each in sample.strata[0].transects] == [2, 1, 3, 1]
    assert sample.strata[0].area_km2 is None


def test_one_transect_is_refused_by_its_name() -> None:
    found = estimated(views_at(flight([(0, 0), (0, 1000)])), [(0, 500)], [STRATUM]).estimate
    assert (found.detected, found.estimate) == (1, None)
    assert "only one transect (T1) was flown in plain" in str(found.refusal)


def test_transects_are_cut_at_the_border_of_strata_and_estimates_added() -> None:
    strata = [area("south", -250, 0, 1750, 400), area("north", -250, 400, 1750, 1000)]
    views = views_at(LINES)
    sample = sampled(views, PLACES, strata)
    south, north = sample.strata
    assert [each.name for each in south.transects] == [each.name for each in north.transects]
    assert [each.animals for each in south.transects] == [(0,), (), (3, 4), (6,)]
    assert [each.animals for each in north.transects] == [(1,), (2,), (5,), ()]
    assert south.transects[0].length_km == pytest.approx(0.4, abs=0.03)
    found = estimates(*seen(views, PLACES), views, strata, find_transects(views), [0, 1])
    assert [(each.class_id, each.stratum) for each in found] == [
        (class_id, name) for class_id in (None, 0, 1) for name in ("south", "north", "all")
    ]
    parts, none = [each.estimate for each in found[:3]], [each.estimate for each in found[6:]]
    assert parts[2].estimate == pytest.approx((parts[0].estimate or 0) + (parts[1].estimate or 0))
    assert [each.detected for each in parts] == [4, 3, 7]
    assert [each.estimate for each in none] == [0, 0, 0]
    assert all(each.upper is None and each.refusal for each in none)


def test_a_transect_that_only_brushes_a_stratum_is_no_sample_of_it() -> None:
    # the turns at the northern end reach 37 m into the next stratum
    strata = [area("plain", -250, 0, 1750, 1000), area("beyond", -250, 1000, 1750, 3000)]
    more = flight([(2500, 0), (2500, 3000)])
    views = views_at(np.concatenate([LINES, flight([(1500, -200), (1200, -200), (1200, 3000)]), more]))
    plain, beyond = sampled(views, PLACES, strata).strata
    assert len(plain.transects) == 5
    assert [each.name for each in beyond.transects] == ["T5"]
    assert "only brush beyond and are no sample of it: T1, T2, T3 and T4." in beyond.notes[0]


def test_the_stratum_that_a_file_gives_a_transect_holds() -> None:
    strata = [area("south", -250, 0, 1750, 400), area("north", -250, 400, 1750, 1000)]
    views = views_at(LINES)
    rows = tuple(range(21))
    given = Transects((Transect("A", rows, "South "),), tuple(range(21, len(LINES))), "lines")
    south, north = sample_survey(*seen(views, PLACES), views, strata, given).strata
    assert ([each.name for each in south.transects], north.transects) == (["A"], ())
    lost = Transects((Transect("A", rows, "east"),), (), "lines")
    with pytest.raises(InputError, match="transect A is said to lie in the stratum east"):
        sample_survey(*seen(views, PLACES), views, strata, lost)


def test_strata_of_another_survey_are_an_error_that_says_how_far_off() -> None:
    with pytest.raises(
        InputError, match=r"no part of any stratum \(far\): the nearest, far, is 50.0 km away"
    ):
        sampled(views_at(LINES), PLACES, [area("far", 51_540, 0, 60_000, 1000)])


def test_the_number_possible_is_the_files_or_else_the_areas() -> None:
    (said,) = sampled(views_at(LINES), [], [area("plain", -250, 0, 1750, 1000, possible=33)]).strata
    assert said.possible == 33
    # lines that do not cross: the stratum is three times as long as they are
    (short,) = sampled(views_at(LINES), [], [area("plain", -250, -1000, 1750, 2000)]).strata
    searched = sum(each.searched_km2 for each in short.transects)
    assert short.possible == pytest.approx(6 / (searched / 4))
    assert "not parallel lines from edge to edge" in short.notes[-1]
    zigzag = views_at(flight([(600.0 * number, 1500.0 * (number % 2)) for number in range(7)]))
    (crooked,) = sampled(zigzag, [], [area("plain", 0, 0, 3600, 1500)]).strata
    assert "not parallel" in crooked.notes[-1]


def test_the_number_possible_is_the_width_across_the_flight_by_the_strips() -> None:
    # lines only in the longer half of a stratum that narrows to the east: by area there would be 12.8
    points = np.concatenate([flight([(x, -100), (x, 1100)]) for x in (150, 450, 750)])
    outline = shapely.Polygon([(0, 0), (1500, 300), (1500, 700), (0, 1000)])
    (stratum,) = sampled(views_at(points, yaw=0.0), [], [Area("wedge", degrees(outline))]).strata
    assert stratum.possible == pytest.approx(15, rel=0.03)  # slanting ends are a little longer
    assert stratum.notes == ()


def test_gaps_between_photographs_are_not_searched() -> None:
    points = np.concatenate([flight([(x, 50), (x, 950)], 150) for x in (0, 500, 1000)])
    (stratum,) = sampled(views_at(points, yaw=0.0), [], [area("s", -250, 0, 1250, 1000)]).strata
    for transect in stratum.transects:
        assert transect.length_km == pytest.approx(7 * 0.075)
        assert transect.searched_km2 == pytest.approx(7 * 0.0075)
    assert stratum.possible == pytest.approx(1.5 / (7 * 0.0075))


@pytest.mark.parametrize(
    ("lines", "systematic"), [((0, 500, 980, 1510), True), ((0, 200, 1100, 1500), False)]
)
def test_a_regular_pattern_of_transects_is_told_from_a_random_one(
    lines: list[float], systematic: bool
) -> None:
    points = np.concatenate([flight([(x, 50), (x, 950)]) for x in lines])
    sample = sampled(views_at(points, yaw=0.0), [], [STRATUM])
    assert sample.systematic is systematic


def test_transects_outside_all_strata_are_named() -> None:
    found = sampled(views_at(LINES), PLACES, [area("west", -250, 0, 750, 1000)])
    assert [each.name for each in found.strata[0].transects] == ["T1", "T2"]
    assert "These transects lie outside all strata: T3 and T4." in found.notes


def test_strips_in_one_corner_of_a_large_stratum_stand_for_no_more_than_that_corner() -> None:
    points = np.concatenate([flight([(x, 0), (x, 3000)], 70) for x in range(200, 3200, 500)])
    places = [(float(x), float(y)) for x in range(200, 3200, 500) for y in range(30, 3000, 100)]
    park = area("park", 0, 0, 30_000, 30_000)
    found = estimated(views_at(points, yaw=0.0), places, [park]).estimate
    assert (found.name, found.detected, found.estimate, found.lower) == ("park", 180, None, None)
    # within 1 km of 2.5 km x 3 km, cut at the park's edges: 4 km x 4 km of 900 km²
    assert "98% of park lies farther than two line spacings (1 km)" in str(found.refusal)
    assert "draw the outline" in str(found.refusal)


def test_lines_from_edge_to_edge_leave_nothing_far_and_do_not_stop_short() -> None:
    sample = sampled(views_at(LINES), PLACES, [STRATUM])
    reach = sample.strata[0].reach
    assert reach is not None
    assert reach.spacing_km == pytest.approx(0.5, abs=0.01)
    assert (reach.far_share, reach.short) == (0, ())
    assert reach.unflown_share == pytest.approx(0, abs=0.03)
    assert list(coverage(sample.strata)) == []


def test_ground_far_from_all_lines_and_lines_that_stop_short_are_named() -> None:
    # 4 lines of 1 km, 500 m apart, in a stratum of 4 km x 1.4 km
    sample = sampled(views_at(LINES), PLACES, [area("wide", -250, 0, 4000, 1400)])
    reach = sample.strata[0].reach
    assert reach is not None
    # from 1 km east of the last line (1550 m): 1450 m of 4250 m, and a corner
    assert reach.far_share == pytest.approx(1450 / 4250, abs=0.03)
    assert reach.short == ("T1", "T2", "T3", "T4")
    assert reach.unflown_share == pytest.approx(0.26, abs=0.03)
    far, short = coverage(sample.strata)
    assert (far.kind, short.kind) == ("far", "short")
    assert "of wide lies farther than two line spacings" in far.what
    assert "T1, T2, T3 and T4 stop short" in short.what


def lines_north(xs: Sequence[float], south: float, north: float) -> tuple[Views, Transects]:
    """Lines of photographs that touch, each a transect."""
    legs = [flight([(x, south), (x, north)], 75) for x in xs]
    rows = np.split(np.arange(sum(map(len, legs))), np.cumsum([len(leg) for leg in legs])[:-1])
    named = tuple(Transect(f"T{number}", tuple(some.tolist())) for number, some in enumerate(rows, 1))
    return views_at(np.concatenate(legs), yaw=0.0), Transects(named, (), "table")


WIDE = [250.0 + 500 * line for line in range(6)]  # six lines through 3 km


@pytest.mark.parametrize(("north", "given"), [(1600, True), (1400, False), (900, False)])
def test_lines_that_end_before_half_of_the_stratum_stand_for_no_more_than_where_they_end(
    north: float, given: bool
) -> None:
    views, lines = lines_north(WIDE, 0, north)
    animals = seen(views, [(x, y) for x in WIDE for y in range(50, int(north), 150)])
    found = estimates(*animals, views, [area("plain", 0, 0, 3000, 3000)], lines, [0])[-1].estimate
    assert (found.estimate is not None) == given
    assert ("lies before their beginning or behind their end" in str(found.refusal)) != given
    sample = sample_survey(*animals, views, [area("plain", 0, 0, 3000, 3000)], lines)
    # where there is no number, none is said to be doubtful
    assert {caution.kind for caution in coverage(sample.strata)} == ({"far", "short"} if given else set())


def test_lines_of_another_stratum_that_only_nick_this_one_are_no_sample_of_it() -> None:
    views, lines = lines_north(WIDE, 0, 1100)
    strata = [area("south", 0, 0, 3000, 1000), area("north", 0, 1000, 3000, 3000)]
    animals = seen(views, [(x, y) for x in WIDE for y in (200, 800, 1050)])
    of_strata = {one.stratum: one.estimate for one in estimates(*animals, views, strata, lines, [0])}
    assert of_strata["south"].estimate is not None
    assert of_strata["north"].estimate is None
    assert "the transects through north" in str(of_strata["north"].refusal)


def test_a_line_in_two_pieces_does_not_stop_short() -> None:
    first, lines = lines_north(WIDE, 0, 1450)
    second, _ = lines_north(WIDE, 1550, 3000)
    views = Views(first.projection, [*first.views, *second.views])
    named = tuple(
        Transect(f"{transect.name}{piece}", tuple(row + at for row in transect.views))
        for piece, at in (("a", 0), ("b", len(first.views)))
        for transect in lines
    )
    stratum = area("plain", 0, 0, 3000, 3000)
    sample = sample_survey(*seen(views, []), views, [stratum], Transects(named, (), "table"))
    reach = sample.strata[0].reach
    assert reach is not None
    assert (reach.far_share, reach.short) == (0, ())
    assert reach.unflown_share == pytest.approx(0, abs=0.05)


def test_plots_spread_over_a_stratum_leave_nothing_far() -> None:
    points = np.array([(x, y) for x in range(100, 2000, 400) for y in range(100, 2000, 400)], np.float64)
    each = Transects(tuple(Transect(f"P{row}", (row,)) for row in range(len(points))), (), "table")
    views = views_at(points, yaw=0.0)
    sample = sample_survey(*seen(views, []), views, [area("plots", 0, 0, 1900, 1900)], each)
    reach = sample.strata[0].reach
    assert reach is not None
    assert reach.spacing_km == pytest.approx(0.4)
    assert reach.far_share == 0
