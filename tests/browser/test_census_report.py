"""census_report.html in a real Chromium: quiet, closed, readable on a phone and on paper."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from tests.census.conftest import plan_of, written
from tests.census.flights import make_run, two_strata

from wildetect.census.survey import survey

pytest.importorskip("selenium", reason="selenium is not installed (uv run nox -s browser)")
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait
from tests.browser.test_report import PHONE, open_page, texts


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("census")
    strata, flight, herd = two_strata(root)
    run = make_run(root, flight, herd, drift=1.0)
    written(survey(plan_of(run, keys={"strata": strata})), run, root / "census")
    return root / "census" / "census_report.html"


def test_quiet_and_closed(browser: webdriver.Chrome, report: Path) -> None:
    open_page(browser, report)
    assert texts(browser, "h1") == ["Census Kwando <1>"]
    pictures = browser.find_elements(By.CSS_SELECTOR, ".pairs img")
    assert pictures
    browser.execute_script("arguments[0].scrollIntoView()", pictures[-1])
    loaded = "return arguments[0].complete && arguments[0].naturalWidth > 0"
    WebDriverWait(browser, 20).until(lambda shown: shown.execute_script(loaded, pictures[-1]))
    assert browser.execute_script("return document.styleSheets.length") == 1


def test_the_style_is_in_force(browser: webdriver.Chrome, report: Path) -> None:
    open_page(browser, report)
    answer = browser.find_element(By.CSS_SELECTOR, ".answer")
    assert answer.value_of_css_property("border-top-width") == "2px"
    assert answer.location["y"] < 200  # the number comes first


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)], ids=["laptop", "phone"])
def test_the_first_screen_says_what_the_numbers_are(
    browser: webdriver.Chrome, report: Path, width: int, height: int
) -> None:
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < height}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    try:
        open_page(browser, report)
        status = browser.find_element(By.CSS_SELECTOR, ".answer .status")
        count = browser.find_element(By.CSS_SELECTOR, ".numbers td.seen")
        assert "No person has checked these numbers." in status.text
        assert "not a population" in status.text
        assert status.rect["y"] + status.rect["height"] <= count.rect["y"] < height
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_on_a_phone_nothing_is_cut_off(browser: webdriver.Chrome, report: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    try:
        open_page(browser, report)
        width = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert browser.execute_script(width) == 0
        labels = browser.find_elements(By.CSS_SELECTOR, ".numbers td.seen")
        assert labels[0].is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_in_the_dark(browser: webdriver.Chrome, report: Path) -> None:
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    try:
        open_page(browser, report)
        ground = browser.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
        assert ground == "rgba(18, 23, 21, 1)"
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_on_paper(browser: webdriver.Chrome, report: Path) -> None:
    open_page(browser, report)
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    pdf = base64.b64decode(printed["data"])
    assert pdf.startswith(b"%PDF")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        cut = """
            return [...document.querySelectorAll(".scroll")]
              .filter(one => one.scrollWidth > one.clientWidth + 1).length
        """
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": 718, "height": 1050, "deviceScaleFactor": 1, "mobile": False},  # A4 with 1 cm margins
        )
        assert browser.execute_script(cut) == 0
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_on_paper_long_tables_break_between_rows_and_nothing_stays_folded(
    browser: webdriver.Chrome, report: Path
) -> None:
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        open_page(browser, report)
        tables = browser.execute_script("""
            return [...document.querySelectorAll("table")].map(one => [
              one.tBodies[0].rows.length,
              getComputedStyle(one).breakInside,
              getComputedStyle(one.tHead).display,
              [...one.rows].every(row => getComputedStyle(row).breakInside === "avoid"),
            ])
        """)
        assert {rows > 6 for rows, *_ in tables} == {True, False}
        for rows, whole, head, row_is_whole in tables:
            assert (whole == "avoid") == (rows <= 6)  # a short table moves whole, a long one breaks
            assert head == "table-header-group"  # which repeats on each page
            assert row_is_whole
        panels = """
            return [...document.querySelectorAll(".panel")]
              .filter(one => getComputedStyle(one).breakInside !== "auto").length
        """
        assert browser.execute_script(panels) == 0  # or the page before one is left half empty
        folded = """
            return [...document.querySelectorAll("details > :not(summary)")].map(one => one.checkVisibility())
        """
        shown = browser.execute_script(folded)
        assert shown
        assert all(shown)  # nobody can unfold paper
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_the_legend_of_the_limits_stands_on_one_line_on_a_laptop(
    browser: webdriver.Chrome, report: Path
) -> None:
    laptop = {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", laptop)
    try:
        open_page(browser, report)
        entries = browser.find_elements(By.CSS_SELECTOR, ".numbers thead .wide .entry")
        assert [entry.text for entry in entries] == ["detected", "estimated, with its limits"]
        assert len({entry.location["y"] for entry in entries}) == 1
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
