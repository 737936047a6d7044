"""summary.html on paper: however much a census says, it is one page."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.census.conftest import Surveyed, surveyed

from wildetect.census.cautions.caution import Caution
from wildetect.census.exports.form import Publication
from wildetect.census.exports.sheet import write_summary

pytest.importorskip("selenium", reason="selenium is not installed (uv run nox -s browser)")
from selenium.webdriver import Chrome
from selenium.webdriver.common.print_page_options import PrintOptions

__all__ = ["surveyed"]  # the fixture
A4, LETTER = (21.0, 29.7), (21.59, 27.94)


@pytest.mark.parametrize("paper", [A4, LETTER])
def test_the_fullest_summary_is_one_page(
    browser: Chrome,
    surveyed: Surveyed,
    tmp_path: Path,
    paper: tuple[float, float],
) -> None:
    record = surveyed.record
    one = record.headlines[0]
    many = [replace(one, species=f"species {number} with a long name") for number in range(20)]
    doubts = [Caution("a", "What is the matter with the numbers. " * 30, "Fix it.") for _ in range(9)]
    full = replace(record, estimates=(*many, record.headlines[-1]), cautions=tuple(doubts))
    write_summary(tmp_path / "summary.html", Publication(full, {}, {}))
    browser.get((tmp_path / "summary.html").as_uri())
    options = PrintOptions()
    options.page_width, options.page_height = paper
    printed = base64.b64decode(browser.print_page(options))
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
