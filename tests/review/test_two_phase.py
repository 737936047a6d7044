import math

import numpy as np
import pytest
from numpy.typing import NDArray

from wildetect.evaluation.reviewed_sample import ReviewedSample, UnitBox, limits_of_total
from wildetect.evaluation.two_phase import Reviewed, correct
from wildetect.review.drawing import Candidate, allocation, draw, error_with_more, expected_error, least_for

Numbers = NDArray[np.float64]


def world(seed: int, units: int = 600) -> tuple[Numbers, Numbers]:
    """Animals of each photograph, in herds, and detections: recall 0.7, 0.1 wrong boxes a photograph."""
    dice = np.random.default_rng(seed)
    herds = dice.random(units) < 0.06
    animals = np.where(herds, dice.negative_binomial(1, 1 / 9, units), 0) + (dice.random(units) < 0.02)
    detected = dice.binomial(animals, 0.7) + dice.poisson(0.1, units)
    return animals.astype(float), detected.astype(float)


def strata_of(detected: Numbers) -> NDArray[np.int64]:
    return np.digitize(detected, [1, 3, 8])


def test_a_total_is_that_of_the_textbook_for_one_stratum() -> None:
    # by hand: b = 9 / 6 = 1.5, residuals 0.5, -1, 0.5; y = 1.5 * 11; s2 = 0.75
    detected, animals = np.array([1.0, 2, 3, 4, 1]), np.array([2.0, 2, 5, 99, 99])
    design = Reviewed(np.zeros(5, np.int64), np.array([True, True, True, False, False]))

    found = correct(design, detected, animals)

    assert found.total() == pytest.approx(16.5)
    assert found.variance() == pytest.approx(25 * (1 - 3 / 5) * 0.75 / 3)
    assert found.freedom() == pytest.approx(2)


def test_everything_reviewed_gives_the_truth_in_each_unit_and_no_variance() -> None:
    animals, detected = world(1)
    design = Reviewed(strata_of(detected), np.full(600, True))

    found = correct(design, detected, animals)

    assert np.abs(found.units - animals).max() < 1e-9
    assert found.variance() == 0


def test_a_perfect_detector_gives_its_own_counts() -> None:
    animals, _ = world(2)
    reviewed = np.random.default_rng(1).random(600) < 0.2
    found = correct(Reviewed(strata_of(animals), reviewed), animals, animals)

    assert np.abs(found.units - animals).max() < 1e-9
    assert found.variance() == pytest.approx(0)


def test_limits_of_a_total_hold_the_truth_about_95_times_in_100_without_bias() -> None:
    held, errors = 0, []
    for seed in range(300):
        animals, detected = world(seed)
        candidates = [Candidate(f"{row:04}.jpg", int(number)) for row, number in enumerate(detected)]
        drawn = {unit.image for unit in draw(candidates, 120, seed, "").to_review}
        reviewed = np.array([one.image in drawn for one in candidates])
        found = limits_of_total(correct(Reviewed(strata_of(detected), reviewed), detected, animals))
        held += found.lower <= animals.sum() <= found.upper
        errors.append(found.value / animals.sum() - 1)

    assert 0.92 <= held / 300 <= 0.985
    assert abs(float(np.mean(errors))) < 0.02


def test_each_stratum_gets_eight_and_a_larger_sample_holds_the_smaller() -> None:
    _, detected = world(3)
    candidates = [Candidate(f"{row:04}.jpg", int(number)) for row, number in enumerate(detected)]
    small, large = draw(candidates, 60, 5, ""), draw(candidates, 90, 5, "")

    assert {unit.image for unit in small.to_review} < {unit.image for unit in large.to_review}
    assert len(small.to_review) == 60
    assert all(one.drawn >= min(8, one.units) for one in small.strata)
    assert draw(candidates, 60, 6, "").to_review != small.to_review


def test_the_plan_says_how_many_are_needed_for_a_precision() -> None:
    _, detected = world(4)
    candidates = [Candidate(f"{row:04}.jpg", int(number)) for row, number in enumerate(detected)]
    number = least_for(candidates, 0.1)
    at, below = expected_error(candidates, number), expected_error(candidates, number - 1)

    assert at is not None
    assert below is not None
    assert at <= 0.1 < below


@pytest.mark.parametrize(
    ("sizes", "photographs", "expected"),
    [([3, 0, 0, 0], 10, [3, 0, 0, 0]), ([100, 20, 9, 5], 10, [8, 8, 8, 5]), ([0, 0, 0, 0], 5, [0, 0, 0, 0])],
)
def test_no_stratum_gives_more_than_it_has(sizes: list[int], photographs: int, expected: list[int]) -> None:
    assert allocation(sizes, photographs) == expected


def test_too_few_reviewed_gives_a_reason() -> None:
    stratum = np.array([0] * 20 + [1] * 3)
    reviewed = np.array([True] * 5 + [False] * 15 + [True] * 3)
    sample = ReviewedSample(
        images=tuple(map(str, range(23))),
        design=Reviewed(stratum, reviewed),
        strata=("0", "1-2"),
        boxes=(UnitBox(0, 1, 1, "zebra", 0.5, None, agreed=True),),
        complete=reviewed,
    )

    assert sample.refusal is not None
    assert "0 detections: 5 of 8" in sample.refusal
    assert "1-2" not in sample.refusal


def test_the_outlook_falls_with_more_photographs_and_is_nothing_once_all_are_reviewed() -> None:
    animals, detected = world(8)
    candidates = [Candidate(f"{row:04}.jpg", int(number)) for row, number in enumerate(detected)]
    drawn = {unit.image for unit in draw(candidates, 100, 1, "").to_review}
    reviewed = np.array([one.image in drawn for one in candidates])
    found = correct(Reviewed(strata_of(detected), reviewed), detected, animals)

    errors = [error_with_more(found, more) for more in (0, 50, 100, 500)]

    assert errors == sorted(errors, reverse=True)
    assert errors[0] >= math.sqrt(found.variance()) * (1 - 1e-12)
    assert errors[-1] == 0
