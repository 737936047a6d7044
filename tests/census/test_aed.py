"""Numbers for the African Elephant Database, against published rows, and the citation."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.census.conftest import Surveyed

from wildetect.census.exports.aed import NOT_REVIEWED, AedRow, added, aed_rows, categories, write_aed
from wildetect.census.exports.citation import citation_of, digest_of
from wildetect.census.output.record import CensusRecord, read_census_file, record_from
from wildetect.errors import ConfigurationError


def rounded(estimate: float, half: float, seen: float) -> tuple[int, int, int]:
    found = categories(estimate, (estimate - half, estimate + half), seen)
    return round(found.definite), round(found.probable), round(found.possible)


def test_burkina_faso_2015_two_surveys_added() -> None:
    # aerial sample 5,952 +- 2,063 and ground sample 893 +- 507
    estimate, half = added([(5952, 2063), (893, 507)])
    assert half == pytest.approx(2124.4, abs=0.05)
    assert rounded(estimate, half, 0) == (4721, 2124, 2124)


def test_southern_africa_2015() -> None:
    assert rounded(270_769, 16_683, 0) == (254_086, 16_683, 16_683)


def test_total_counts_samples_and_counts_without_limits() -> None:
    assert categories(321, None, None).definite == 321
    # more seen than the lower limit says
    found = categories(500, (100, 900), 180)
    assert (found.definite, found.probable, found.possible) == (180, 320, 400)
    lone = categories(500, None, 180)
    assert (lone.definite, lone.probable, lone.possible) == (180, 0, 320)


def one_census(zone: str, **values: Any) -> dict[str, Any]:
    limits = [
        {
            "spread": "random lines",
            "shape": "log-normal",
            "chosen": True,
            "upper": 950.0,
            "lower": 250.0,
            "standard_error": 180.0,
            "degrees_of_freedom": 9.0,
        },
        {
            "spread": "random lines",
            "shape": "t",
            "chosen": False,
            "upper": 900.0,
            "lower": 250.0,
            "standard_error": 180.0,
            "degrees_of_freedom": 9.0,
        },
    ]
    plain = {
        "species": "elephant",
        "stratum": "all",
        "method": "Jolly 2",
        "detected": 110,
        "counted": 110,
        "estimate": 500.0,
        "lower": 250.0,
        "upper": 950.0,
        "refusal": None,
        "doubt": None,
        "area_km2": 80.0,
        "limits": limits,
    }
    return {
        "campaign": {"id": zone},
        "estimates": [{**plain, **values}],
        "photographs": [
            {"file": "a.jpg", "longitude": 23.5, "latitude": -19.25, "taken": "2026-08-14T07:00:00"}
        ],
        "transects": [],
        "strata": [],
        "summary": {"elephant": {"detected": 110, "reviewed": 120}},
    }


def test_a_row_with_a_review() -> None:
    (row,) = aed_rows([record_from(one_census("Kwando"))], None)
    assert (row.input_zone, row.survey_type, row.reliability, row.year) == ("Kwando", "AS", "B", 2026)
    assert (row.estimate, row.limits_95, row.lower, row.upper, row.seen) == (500, 400, 250, 950, 120)
    assert (row.definite, row.probable, row.possible) == (250, 250, 450)
    assert (row.cause_of_change, row.source, row.remark) == (None, None, "")


def test_what_a_review_set_right_is_the_estimate() -> None:
    document = one_census("Kwando")
    document["summary"]["elephant"]["corrected"] = {
        "value": 620.0,
        "lower": 300.0,
        "upper": 1100.0,
        "standard_error": 200.0,
        "holds": ["sampling", "detector"],
    }
    (row,) = aed_rows([record_from(document)], None)
    assert (row.estimate, row.lower, row.upper, row.limits_95) == (620, 300, 1100, 400)
    assert (row.definite, row.probable, row.possible) == (300, 320, 480)
    assert row.remark.startswith("corrected by the review")


def test_without_a_review_nothing_is_definite_and_the_row_says_why() -> None:
    (row,) = aed_rows([record_from({**one_census("Kwando"), "summary": {}})], None)
    assert (row.definite, row.probable, row.possible, row.seen) == (None, None, None, None)
    assert row.remark == NOT_REVIEWED
    lone: dict[str, Any] = {
        "estimate": None,
        "lower": None,
        "upper": None,
        "limits": [],
        "refusal": "one transect",
    }
    (refused,) = aed_rows([record_from(one_census("Kwando", **lone))], None)
    assert (refused.reliability, refused.remark) == (None, "one transect")


def test_several_censuses_are_added() -> None:
    *_, total = aed_rows([record_from(one_census(name)) for name in ("Kwando", "Linyanti")], None)
    assert (total.input_zone, total.estimate, total.limits_95) == ("all areas", 1000, 566)
    assert (total.definite, total.probable, total.possible) == (434, 566, 566)
    assert total.area_km2 == 160
    lone: dict[str, Any] = {"estimate": None, "lower": None, "upper": None, "limits": []}
    *_, none = aed_rows(
        [record_from(one_census("Kwando")), record_from(one_census("Linyanti", **lone))], None
    )
    assert (none.estimate, none.remark) == (
        None,
        "no sum, as there is no estimate with limits for Linyanti",
    )


def test_a_class_that_was_not_counted_is_an_error_that_names_the_others() -> None:
    with pytest.raises(ConfigurationError, match=r"no rhino was looked for; the classes are elephant"):
        list(aed_rows([record_from(one_census("Kwando"))], "rhino"))


def without_elephants(zone: str, **model: Any) -> CensusRecord:
    """A survey that found zebras alone."""
    zebras = {**one_census(zone)["estimates"][0], "species": "zebra"}
    return record_from({**one_census(zone), "summary": {}, "estimates": [zebras], **model})


def test_an_area_without_elephants_is_a_row_with_zero_and_not_left_out() -> None:
    knowing = {"model": {"name": "herd", "class_names": ["zebra", "elephant"]}}
    empty = without_elephants("Linyanti", **knowing)
    assert [one.area_km2 for one in aed_rows([empty], None)] == [80]
    first, second, total = aed_rows([record_from(one_census("Kwando")), empty], None)
    assert (first.estimate, second.estimate, second.survey_type) == (500, 0, "AS")
    assert (second.lower, second.upper, second.definite) == (None, None, None)
    assert "no elephant was detected, which does not mean that there is none" in second.remark
    assert (total.estimate, total.area_km2) == (None, 160)
    assert "no estimate with limits for Linyanti" in total.remark
    # all of it searched: zero is a count
    (counted,) = aed_rows(
        [
            record_from(
                {
                    **one_census("Kwando"),
                    **knowing,
                    "estimates": [
                        {**one_census("")["estimates"][0], "species": "zebra", "method": "total count"}
                    ],
                }
            )
        ],
        None,
    )
    assert (counted.estimate, counted.definite, counted.reliability) == (0, 0, "A")


def test_a_detector_that_does_not_know_the_class_leaves_a_row_that_says_so() -> None:
    other = without_elephants("Linyanti", model={"name": "herd", "class_names": ["zebra"]})
    _, second, total = aed_rows([record_from(one_census("Kwando")), other], None)
    assert (second.input_zone, second.estimate) == ("Linyanti", None)
    assert "does not know the class" in second.remark
    assert total.estimate is None


def test_the_file_of_a_real_census(surveyed: Surveyed, tmp_path: Path) -> None:
    record, document = read_census_file(surveyed.folder), surveyed.document
    rows = list(aed_rows([record], None))
    write_aed(tmp_path / "aed.csv", [*rows, *aed_rows([record_from(one_census("=cmd()"))], None)])
    with (tmp_path / "aed.csv").open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert list(first) == list(AedRow.__slots__)
    (total,) = [
        one for one in document["estimates"] if one["species"] == "elephant" and one["stratum"] == "all"
    ]
    assert int(first["estimate"]) == round(total["estimate"])
    assert int(first["upper"]) == round(total["upper"])
    assert second["input_zone"] == "'=cmd()"


def test_a_citation_names_method_versions_and_data(surveyed: Surveyed) -> None:
    record = read_census_file(surveyed.folder)
    text = citation_of(record, digest_of(record))
    assert "Jolly's method 2 (Jolly 1969); standard errors by estimator O2" in text
    assert record.model.sha256 in text
    assert "sampling error only, as if the detector were perfect" in text
    assert digest_of(record) in text
    assert digest_of(replace(record, animals=record.animals[1:])) != digest_of(record)
