"""Animals that no photograph can show: the formula, and how often its limits hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wildetect.census.output.document import with_availability
from wildetect.evaluation.reviewed_sample import CorrectedNumber
from wildetect.settings.census import Availability


def photographed(value: float, error: float) -> CorrectedNumber:
    lower, upper = value - 1.96 * error, value + 1.96 * error
    return CorrectedNumber(value=value, lower=lower, upper=upper, standard_error=error, holds=("detector",))


def test_numbers_and_errors_are_those_of_the_formula() -> None:
    there = with_availability(photographed(100.0, 10.0), Availability(p=0.85, se=0.05))
    assert there.value == pytest.approx(100 / 0.85)
    assert there.standard_error == pytest.approx(100 / 0.85 * math.sqrt(0.1**2 + (0.05 / 0.85) ** 2))
    assert there.holds == ("detector", "availability")
    # log-normal: the limits lie around the value by one factor
    assert there.value / there.lower == pytest.approx(there.upper / there.value)
    certain = with_availability(photographed(100.0, 10.0), Availability(p=1.0, se=0.0))
    assert (certain.value, certain.standard_error) == pytest.approx((100.0, 10.0))


def test_the_limits_hold_the_truth_as_often_as_they_say() -> None:
    """2,000 surveys: of 600 animals each is to be seen with p = 0.7; p is known from a study, +-0.06."""
    dice = np.random.default_rng(16)
    held, surveys, animals, share = 0, 2000, 600, 0.7
    for _ in range(surveys):
        seen = dice.binomial(animals, share)
        counted = seen + dice.normal(0, 30)
        studied = Availability(p=float(np.clip(dice.normal(share, 0.06), 0.3, 1.0)), se=0.06)
        error = math.hypot(30, math.sqrt(animals * share * (1 - share)))
        there = with_availability(photographed(counted, error), studied)
        held += there.lower <= animals <= there.upper
    assert 0.93 <= held / surveys <= 0.97
