"""How many transects a wanted precision takes: by hand, and in simulated surveys."""

from __future__ import annotations

import json
import math
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wildetect.census.estimates.effort import PilotStratum, effort_for
from wildetect.census.estimates.methods.jolly import jolly2
from wildetect.census.estimates.records import SampleUnit, Stratum
from wildetect.census.output.record import read_census_file
from wildetect.census.planning import plans_of
from wildetect.errors import InputError


def pilot(
    name: str, estimate: float, error: float, *, flown: int = 10, possible: float = 100.0, km: float = 2.0
) -> PilotStratum:
    return PilotStratum(name, flown, possible, estimate, error, flown - 1.0, km)


def test_one_stratum_by_hand() -> None:
    # s² = SE² n / (N (N - n)) = 300² * 10 / 9000 = 100; n = N² s² / (c² Y² + N s²) = 10⁶ / (40000 + 10⁴) = 20
    found = effort_for([pilot("plain", 1000, 300)], 0.2)
    assert found.cv == pytest.approx(0.3)
    assert (found.needed, found.km) == (20, 40)
    assert found.safe > found.needed
    # chi²(9) is below 5.380 one time in five
    safe = 1e6 * 9 / 5.380 / (4e4 + 1e4 * 9 / 5.380)
    assert found.safe == math.ceil(safe)
    (stratum,) = found.strata
    assert stratum.one_more_cv == pytest.approx(math.sqrt(100 * 89 / 11 * 100) / 1000)
    steps = {step.transects: step.cv for step in found.steps}
    assert steps[10] == pytest.approx(0.3)
    assert steps[20] == pytest.approx(0.2)
    assert steps[40] == pytest.approx(math.sqrt(100 * 60 / 40 * 100) / 1000)


def test_no_other_sharing_out_of_as_few_transects_does_it() -> None:
    strata = [
        pilot("low", 200, 90, possible=40),
        pilot("high", 3000, 900, possible=30, flown=6),
        pilot("none", 0, 0, possible=20),
    ]
    found = effort_for(strata, 0.12)
    needed = [each.needed for each in found.strata]
    assert needed[2] == 5
    target = (0.12 * 3200) ** 2
    assert sum(one.variance(n) for one, n in zip(strata, needed, strict=True)) <= target
    fewer = [
        one
        for one in product(range(5, 41), range(5, 31))
        if sum(one) < needed[0] + needed[1]
        and strata[0].variance(one[0]) + strata[1].variance(one[1]) <= target
    ]
    assert fewer == []


def test_what_was_counted_wholly_needs_no_transects() -> None:
    assert effort_for([pilot("plain", 500, 300)], 0.3, known=500).cv == pytest.approx(0.3)


def test_where_no_number_of_transects_is_enough_all_are_flown() -> None:
    assert effort_for([pilot("plain", 1000, 300, possible=12.4)], 0.001).needed == 12


def test_surveys_with_the_planned_number_of_transects_have_the_wanted_precision() -> None:
    random = np.random.default_rng(1977)
    there = random.negative_binomial(2, 0.05, 200)  # animals on each of 200 transects

    def surveyed(flown: int) -> Any:
        rows = random.choice(200, flown, replace=False)
        units = tuple(SampleUnit(str(row), int(there[row]), 1.0) for row in rows.tolist())
        return jolly2(Stratum("plain", 200.0, 200, units))

    first = surveyed(60)
    found = effort_for([PilotStratum("plain", 60, 200, first.estimate, first.standard_error, 59, 1.0)], 0.15)
    estimates = [surveyed(found.needed).estimate for _ in range(400)]
    assert np.std(estimates) / there.sum() == pytest.approx(0.15, rel=0.15)


@pytest.mark.parametrize(("estimate", "cv"), [(0.0, 0.2), (100.0, 0.0)])
def test_effort_without_animals_or_aim_is_none(estimate: float, cv: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        effort_for([pilot("plain", estimate, 1)], cv)


def row(species: str | None, stratum: str, **values: Any) -> dict[str, Any]:
    plain = {
        "method": "Jolly 2",
        "estimate": 1000.0,
        "standard_error": 300.0,
        "degrees_of_freedom": 9.0,
        "sampled": 10,
        "possible": 100.0,
        "detected": 10,
        "counted": 10,
        "refusal": None,
        "doubt": None,
    }
    return {"species": species, "stratum": stratum, **plain, **values}


def test_a_plan_for_each_species_or_why_there_is_none(tmp_path: Path) -> None:
    lone = {"estimate": None, "standard_error": None, "refusal": "only one transect", "method": "none"}
    whole = {"method": "total count", "standard_error": 0.0}
    document = {
        "estimates": [
            row(None, "plain", doubt="few herds"),
            row(None, "all", doubt="few herds"),
            row("zebra", "plain", **lone),
            row("zebra", "all", **lone),
            row("kudu", "plain", **whole),
            row("kudu", "all", **whole),
            row("oryx", "all", estimate=None, refusal="no strata"),
        ],
        "transects": [
            {"name": "T1", "stratum": "plain", "length_km": 3.0},
            {"name": "T2", "stratum": "plain", "length_km": 5.0},
        ],
        "strata": [],
    }
    (tmp_path / "census.json").write_text(json.dumps(document), encoding="utf-8")
    every, zebra, kudu, oryx = plans_of(read_census_file(tmp_path), 0.2)
    assert every.effort is not None
    assert (every.effort.needed, every.effort.km, every.doubt) == (20, 80, "few herds")
    assert (zebra.effort, zebra.refusal) == (None, "only one transect")
    assert "everything was searched" in str(kudu.refusal)
    assert oryx.refusal == "no strata"


@pytest.mark.parametrize("content", [None, "{", "[]", "{}"])
def test_what_is_no_census_is_an_error_that_says_what_to_do(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "census.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_census_file(tmp_path)
    assert "uv run invoke census.run" in str(caught.value.hint)
