"""summary.html: what it says, and that it is one page on paper."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.census.conftest import Surveyed

from wildetect.census.cautions.caution import Caution
from wildetect.census.exports.form import Identified, Publication
from wildetect.census.exports.sheet import write_summary
from wildetect.census.output.blurring import blurred
from wildetect.census.output.record import CensusRecord, read_census_file
from wildetect.results.blurring import Grid


def page_of(path: Path, record: CensusRecord, **changes: object) -> str:
    given = {"taxa": {}, "identified": {}, **changes}
    write_summary(path, Publication(record, **given))  # type: ignore[arg-type]
    return path.read_text(encoding="utf-8")


def test_the_page_has_the_numbers_of_the_census_and_what_their_limits_hold(
    surveyed: Surveyed, tmp_path: Path
) -> None:
    record = read_census_file(surveyed.folder)
    text = page_of(tmp_path / "a.html", record)
    for one in record.headlines:
        assert f'{one.estimate:,.0f}</td><td class="number">{one.lower:,.0f} to {one.upper:,.0f}</td>' in text
    assert "sampling error only, as if the detector were perfect" in text
    assert "never measured" in text
    assert "Not reviewed by people" in text
    assert "Kwando &lt;1&gt;" in text
    assert text.count("<circle") >= len(record.animals)


def test_it_says_who_reviewed_and_hides_the_map_of_coarse_places(surveyed: Surveyed, tmp_path: Path) -> None:
    record = read_census_file(surveyed.folder)
    said = {1: Identified(("Ann",), "elephant"), 2: Identified(("Ann",), None)}
    text = page_of(tmp_path / "a.html", record, identified=said)
    assert f"People looked at 2 of {len(record.animals):,} animals (Ann: 2); in 1 they saw no animal" in text
    coarse = page_of(tmp_path / "b.html", blurred(record, Grid(10)), grid=Grid(10))
    assert "<circle" not in coarse
    assert "Not drawn: coordinates are the middle of a cell" in coarse


@pytest.mark.parametrize("number", [0, 12])
def test_long_cautions_are_cut_and_the_rest_is_counted(
    surveyed: Surveyed, tmp_path: Path, number: int
) -> None:
    doubts = tuple(Caution("a", "What is the matter. " * 40, "Fix it.") for _ in range(number))
    text = page_of(tmp_path / "a.html", replace(read_census_file(surveyed.folder), cautions=doubts))
    assert ("9 more in census_report.html" in text) == (number == 12)
    assert ("The program found none" in text) == (number == 0)


def test_words_from_right_to_left_keep_to_themselves(surveyed: Surveyed, tmp_path: Path) -> None:
    record = read_census_file(surveyed.folder)
    named = replace(record, campaign=replace(record.campaign, id="פרה גדולה 2"))
    text = page_of(tmp_path / "a.html", named)
    assert "the area of \u2068פרה גדולה\u2069 2?" in text  # else 2 would stand on their left


def test_a_census_without_an_estimate_names_no_method_and_what_was_looked_for(
    surveyed: Surveyed, tmp_path: Path
) -> None:
    record = read_census_file(surveyed.folder)
    refused = tuple(replace(one, method="none", estimate=None, limits=()) for one in record.estimates)
    text = page_of(tmp_path / "a.html", replace(record, estimates=refused))
    assert "Nothing follows for the area" in text
    assert "Limits are not given." in text
    assert "searched them for elephant, zebra and gnu, &lt;blue&gt;;" in text
