"""Jolly's formulas by hand, their refusals, and what a reader is told."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wildetect.census.estimates.limits import refused
from wildetect.census.estimates.methods.jolly import jolly2
from wildetect.census.estimates.methods.total_count import total_count
from wildetect.census.estimates.records import Estimate, SampleUnit, Stratum
from wildetect.census.estimates.sums import combine
from wildetect.census.selftest.vectors import moose_h


def stratum(
    counts: list[int],
    areas: list[float] | None = None,
    *,
    area_km2: float = 100.0,
    possible: float | None = 50.0,
    detected_elsewhere: int = 0,
) -> Stratum:
    sizes = areas or [2.0] * len(counts)
    units = tuple(
        SampleUnit(f"T{number}", counted, size)
        for number, (counted, size) in enumerate(zip(counts, sizes, strict=True), 1)
    )
    return Stratum("north", area_km2, possible, units, detected_elsewhere)


def test_method_2_by_hand() -> None:
    # R = 12 / 6 = 2 a km²; residuals y - 2 z: 4-2, 2-4, 6-6 = 2, -2, 0: s² = 8 / 2 = 4
    # Var = 20 * 17 / 3 * 4 = 453.33; t(2, 0.975) = 4.302653
    found = jolly2(stratum([4, 2, 6], [1.0, 2.0, 3.0], area_km2=40, possible=20))
    assert found.estimate == pytest.approx(80)
    assert found.standard_error == pytest.approx(math.sqrt(20 * 17 / 3 * 4))
    assert found.degrees_of_freedom == 2
    # the log-normal limits are 80 / C and 80 C with C = exp(4.302653 * sqrt(ln(1 + 453.33 / 80²)))
    factor = math.exp(4.3026527 * math.sqrt(math.log(1 + 453.3333 / 6400)))
    assert found.lower == pytest.approx(80 / factor)
    assert found.upper == pytest.approx(80 * factor)
    by_t = found.limits[1]
    assert (by_t.spread, by_t.shape, by_t.chosen) == ("random lines", "t", False)
    assert by_t.upper == pytest.approx(80 + 4.3026527 * math.sqrt(453.3333))
    assert by_t.lower == 0  # 80 - 91.6
    assert found.density_per_km2 == pytest.approx(2)
    assert found.fraction == pytest.approx(6 / 40)
    assert (found.detected, found.counted, found.sampled, found.possible) == (12, 12, 3, 20)


def test_the_published_limits_of_moose_are_wider_than_by_the_normal_distribution() -> None:
    by_t = jolly2(moose_h()).limits[1]
    assert by_t.lower == pytest.approx(1886.9214 - 2.1314495 * 253.17705, abs=1e-3)
    assert by_t.upper == pytest.approx(1886.9214 + 2.1314495 * 253.17705, abs=1e-3)


def test_lines_in_a_pattern_are_judged_by_their_neighbours_and_both_are_told() -> None:
    found = jolly2(moose_h(), systematic=True)
    assert [(one.spread, one.shape, one.chosen) for one in found.limits] == [
        ("neighbouring lines", "log-normal", True),
        ("neighbouring lines", "t", False),
        ("random lines", "log-normal", False),
        ("random lines", "t", False),
    ]
    # varn of mrds: 0.11822 against 0.13989 animals per km²
    assert (found.standard_error or 0) / 253.17705 == pytest.approx(0.118224 / 0.139893, abs=1e-5)
    assert found.degrees_of_freedom == pytest.approx(2 * 15**2 / 44)
    assert (found.lower, found.upper) == (found.limits[0].lower, found.limits[0].upper)


def test_a_slope_across_the_stratum_is_no_error_of_lines_in_a_pattern() -> None:
    slope = stratum([10, 20, 30, 40, 50, 60, 70, 80])
    steep, random = jolly2(slope, systematic=True), jolly2(slope)
    # differences of 10 against a spread of 600: 10² / 2 = 50
    assert (steep.standard_error or 0) / (random.standard_error or 0) == pytest.approx(math.sqrt(50 / 600))


def test_without_the_number_possible_it_is_the_area_by_the_mean_transect() -> None:
    given_, made = jolly2(stratum([2, 4, 6])), jolly2(stratum([2, 4, 6], possible=None))
    assert made.possible == pytest.approx(50)
    assert made.standard_error == pytest.approx(given_.standard_error)


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        (stratum([]), "no transect was flown in north"),
        (stratum([7]), "only one transect (T1) was flown in north"),
        (stratum([7, 8], [60.0, 50.0]), "110 km², but it has 100 km²"),
        (stratum([7, 8, 9], possible=3.0), "3 transects were flown in north, but only 3 are possible"),
        (stratum([7, 8, 9], possible=2.0), "only 2 are possible"),
    ],
)
def test_a_sample_that_carries_no_estimate_is_refused_with_the_reason(sample: Stratum, words: str) -> None:
    found = jolly2(sample)
    assert found.refusal is not None
    assert words in found.refusal
    assert (found.method, found.estimate, found.standard_error, found.lower, found.upper) == (
        "none",
        *[None] * 4,
    )
    assert found.detected == sum(unit.counted for unit in sample.units)
    if sample.units:
        assert found.density_per_km2 == pytest.approx(found.detected / found.searched_km2)


def test_none_detected_is_no_certainty() -> None:
    found = jolly2(stratum([0, 0, 0, 0, 0]))
    assert (found.estimate, found.standard_error, found.lower, found.upper) == (0, None, None, None)
    assert found.refusal is not None
    assert "0 ± 0" in found.refusal
    # 10% searched: M animals are all missed with 0.9^M, which is 5% at 28.4
    assert "10.0% of north searched, up to 29 animals" in found.notes[0]
    assert 0.9**29 < 0.05 < 0.9**28


def test_corrected_counts_that_come_to_less_than_none_carry_no_limits() -> None:
    units = (SampleUnit("T1", -2.5, 2.0), SampleUnit("T2", 1.0, 2.0), SampleUnit("T3", 0.5, 2.0))
    found = jolly2(Stratum("north", 100.0, 50.0, units), systematic=True)
    assert (found.standard_error, found.lower, found.upper) == (None, None, None)
    assert found.refusal is not None


def test_transects_that_are_all_alike_carry_no_limits() -> None:
    found = jolly2(stratum([3, 6, 9], [1.0, 2.0, 3.0]))
    assert found.estimate == pytest.approx(300)
    assert (found.standard_error, found.lower, found.upper) == (None, None, None)
    assert "same density" in str(found.refusal)


def test_animals_seen_off_the_transects_raise_neither_estimate_nor_limits() -> None:
    plain, more = jolly2(stratum([2, 4, 6])), jolly2(stratum([2, 4, 6], detected_elsewhere=150))
    assert (more.estimate, more.lower, more.upper) == (plain.estimate, plain.lower, plain.upper)
    assert (more.detected, more.counted) == (162, 12)
    assert any("150 more animals" in note for note in more.notes)


def test_notes_tell_of_patterns_few_transects_and_lone_herds() -> None:
    found = jolly2(stratum([0, 40, 0]), systematic=True)
    text = " ".join(found.notes)
    assert "regular pattern" in text
    assert "Only 3 transects in north" in text
    assert "100% of the animals counted in north are on one transect of 3 (T2)" in str(found.doubt)
    assert "regular pattern" not in " ".join(jolly2(stratum([1, 2, 3])).notes)


@pytest.mark.parametrize(
    ("counts", "doubtful"),
    [
        ([10, 12, 9, 11], False),
        ([51, 10, 20, 19], True),  # more than half on one
        ([50, 25, 25, 0], True),  # as much as 2.7 transects
        ([30, 30, 30, 0, 0, 0, 0, 0], True),  # 3 of 8
        ([30, 30, 30, 30, 0, 0, 0], False),  # 4 of 7
    ],
)
def test_limits_of_few_herds_are_in_doubt(counts: list[int], *, doubtful: bool) -> None:
    assert (jolly2(stratum(counts)).doubt is not None) is doubtful


def test_the_sum_is_in_doubt_where_most_of_its_variance_is() -> None:
    firm, lone = jolly2(stratum([100, 120, 90, 110])), jolly2(stratum([0, 400, 0]))
    assert combine([firm, firm]).doubt is None
    assert "north, whose limits are in doubt themselves" in str(combine([firm, lone]).doubt)
    little = jolly2(stratum([0, 3, 0]))
    assert combine([firm, little]).doubt is None


def test_a_total_count_has_no_sampling_error() -> None:
    found = total_count(321, 10.0, 9.7, "pan")
    assert (found.estimate, found.standard_error, found.lower, found.upper) == (321, 0, None, None)
    assert found.fraction == pytest.approx(0.97)
    assert "97.0% of the area was searched" in found.notes[0]
    assert "Nothing is added" in found.notes[1]
    assert total_count(3, 10.0, 10.0).notes[0].startswith("Everything was searched")


def test_strata_add_up_with_the_degrees_of_freedom_of_satterthwaite() -> None:
    parts = [jolly2(stratum([2, 4, 6])), jolly2(stratum([10, 30, 20, 25]))]
    found = combine(parts)
    variances = [(part.standard_error or 0) ** 2 for part in parts]
    assert found.estimate == pytest.approx(sum(part.estimate or 0 for part in parts))
    assert found.standard_error == pytest.approx(math.sqrt(sum(variances)))
    freedom = sum(variances) ** 2 / (variances[0] ** 2 / 2 + variances[1] ** 2 / 3)
    assert found.degrees_of_freedom == pytest.approx(freedom)
    assert 2 < freedom < 5
    assert (found.area_km2, found.detected, found.sampled) == (200, 97, 7)
    assert found.fraction == pytest.approx(14 / 200)
    assert found.density_per_km2 == pytest.approx((found.estimate or 0) / 200)


def test_a_total_count_adds_no_variance_and_takes_no_degrees_of_freedom() -> None:
    sampled = jolly2(stratum([2, 4, 6]))
    found = combine([sampled, total_count(500, 10.0, 10.0, "pan")])
    assert found.standard_error == pytest.approx(sampled.standard_error)
    assert found.degrees_of_freedom == pytest.approx(2)
    assert found.upper == pytest.approx((sampled.upper or 0) + 500)
    assert found.lower == pytest.approx((sampled.lower or 0) + 500)
    together = combine([total_count(5, 1.0, 1.0), total_count(7, 1.0, 1.0)])
    assert (together.method, together.estimate, together.lower, together.upper) == (
        "total count",
        12,
        None,
        None,
    )


def test_a_stratum_without_a_number_leaves_no_sum() -> None:
    lone = jolly2(stratum([7]))
    found = combine([jolly2(stratum([2, 4, 6])), lone])
    assert (found.estimate, found.upper, found.detected) == (None, None, 19)
    assert found.refusal == f"no sum over all strata, as there is no estimate for north: {lone.refusal}"


def test_a_stratum_where_none_was_seen_narrows_the_limits_and_says_so() -> None:
    sampled, empty = jolly2(stratum([2, 4, 6])), jolly2(stratum([0, 0, 0]))
    found = combine([sampled, empty])
    assert found.standard_error == pytest.approx(sampled.standard_error)
    assert any("too narrow" in note for note in found.notes)
    nowhere = combine([empty, empty])
    assert (nowhere.estimate, nowhere.upper) == (0, None)
    assert nowhere.refusal == f"no stratum carries limits: {empty.refusal}; {empty.refusal}"
    assert combine([empty, total_count(3, 1.0, 1.0)]).refusal == f"no stratum carries limits: {empty.refusal}"


def test_one_stratum_is_its_own_sum() -> None:
    sampled = jolly2(stratum([2, 4, 6]))
    assert combine([sampled]) is sampled


def test_a_refusal_keeps_what_was_seen() -> None:
    found = refused("why", 12, 4.0)
    assert (found.detected, found.density_per_km2, found.area_km2, found.fraction) == (12, 3, None, None)
    assert refused("why", 0, 0.0).density_per_km2 is None


@pytest.mark.parametrize(("counted", "area"), [(math.nan, 1.0), (math.inf, 1.0), (1, 0.0), (1, math.inf)])
def test_units_of_no_sense_do_not_exist(counted: float, area: float) -> None:
    with pytest.raises(ValueError, match="T1"):
        SampleUnit("T1", counted, area)


@given(
    st.lists(st.tuples(st.integers(0, 500), st.floats(0.01, 5)), max_size=12),
    st.floats(0.1, 500),
    st.none() | st.floats(1, 500),
    st.integers(0, 50),
)
def test_every_number_is_finite_and_in_order_whatever_the_sample(
    units: list[tuple[int, float]], area: float, possible: float | None, elsewhere: int
) -> None:
    sample = stratum(
        [y for y, _ in units],
        [z for _, z in units],
        area_km2=area,
        possible=possible,
        detected_elsewhere=elsewhere,
    )
    for found in (
        jolly2(sample, systematic=True),
        combine([jolly2(sample), total_count(3, 1.0, 1.0)]),
    ):
        check(found)


def check(found: Estimate) -> None:
    numbers = [found.estimate, found.standard_error, found.lower, found.upper, found.density_per_km2]
    assert all(math.isfinite(number) for number in numbers if number is not None)
    assert (found.lower is None) == (found.upper is None) == (found.standard_error is None)
    assert (found.refusal is None) == (found.lower is not None)
    if found.lower is not None and found.upper is not None:
        assert 0 <= found.lower <= found.upper
        assert found.estimate is not None
        assert found.estimate <= found.upper
