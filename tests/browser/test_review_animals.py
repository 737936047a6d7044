"""Animals of a census on the review page, judged with the keyboard, and counted so in the next census."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.browser.test_review_page import keys, opened, text, wait
from tests.census.flights import Flight, Herd, make_run, write_run
from tests.workspaces import Workspace

from wildetect.results.finished_run import read_finished_run
from wildetect.review.verdict_file import read_verdicts

pytest.importorskip("selenium", reason="selenium is not installed (uv run nox -s browser)")
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

PLACES = [(-40.0, 24.0), (-30.0, 20.0), (30.0, 24.0), (0.0, 20.0), (9.0, 27.0)]


@pytest.fixture
def walked(tmp_path: Path) -> Path:
    """Two photographs show three animals both; the fourth walked 11 m from the one to the other."""
    flight = Flight()
    flight.line("L", (0.0, 0.0), 0.0, 2, 48.0)
    whole = make_run(tmp_path / "flown", flight, Herd(np.array(PLACES), np.array([0, 0, 1, 0, 0])))
    results = []
    for number, result in enumerate(read_finished_run(whole).results):
        assert result.detections is not None
        assert len(result.detections) == 5
        shown = [0, 1, 2, 3 if number == 0 else 4]
        results.append(replace(result, detections=result.detections.select(np.array(shown))))
    write_run(tmp_path / "run", results)
    return tmp_path / "run"


def census(workspace: Workspace, run: Path, folder: Path) -> dict[str, Any]:
    ended = workspace.invoke("census.run", "--detections", str(run), "--output", str(folder))
    assert ended.returncode == 0, ended.stderr
    read: dict[str, Any] = json.loads((folder / "census.json").read_text(encoding="utf-8"))
    return {**read, "said": ended.stdout}


def test_animals_are_joined_and_parted_over_a_kill_and_counted_so_in_the_next_census(
    browser: webdriver.Chrome, walked: Path, tmp_path: Path
) -> None:
    workspace, folder = Workspace.make(tmp_path / "project"), tmp_path / "census"
    before = census(workspace, walked, folder)
    assert (before["counts"]["animals"], before["merging"]["said"]) == (5, None)
    with opened(workspace, folder) as (url, program):
        browser.get(url)
        wait(browser, lambda: text(browser, "#left") == "8 of 8 detections left")
        browser.find_element(By.ID, "to-animals").click()
        wait(browser, lambda: text(browser, "#left") == "5 of 5 animals left")
        assert "in one photograph" in text(browser, "#animal-name")
        loaded = "return [...document.querySelectorAll('#animal img')].every((one) => one.naturalWidth > 0)"
        wait(browser, lambda: browser.execute_script(loaded))
        assert "m away" in text(browser, "#neighbours [aria-current='true']")
        keys(browser, Keys.ENTER)  # the animal that walked is one
        wait(browser, lambda: text(browser, "#left") == "3 of 5 animals left")
        keys(browser, Keys.ENTER)
        wait(browser, lambda: text(browser, "#left") == "2 of 5 animals left")
        keys(browser, "x")
        wait(browser, lambda: text(browser, "#left") == "1 of 5 animals left")
        ActionChains(browser).key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()
        wait(browser, lambda: text(browser, "#left") == "2 of 5 animals left")
        keys(browser, "x")
        wait(browser, lambda: text(browser, "#left") == "1 of 5 animals left")
        os.kill(program.pid, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
        program.wait(20)
    kinds = [one.kind for one in read_verdicts(walked).verdicts]
    assert kinds == ["same", "same", "not-same", "undo", "not-same"]

    after = census(workspace, walked, folder)
    assert after["merging"]["said"] == {"same": 2, "apart": 1, "unused": 0, "animals_without": 5}
    assert after["counts"]["animals"] == 5
    far = [one for one in after["merges"] if one["told"] and one["metres"] > 8]
    assert len(far) == 1
    assert "2 are one, 1 are two" in after["said"]
    assert after["summary"]["all"]["reviewed"] is None

    # a better detector places other boxes: what was said finds them again
    again = [
        replace(one, detections=replace(one.detections, xyxy=one.detections.xyxy + np.float32(1.5)))
        for one in read_finished_run(walked).results
        if one.detections is not None
    ]
    write_run(tmp_path / "better", again)
    (walked / "review").rename(tmp_path / "better" / "review")
    better = census(workspace, tmp_path / "better", tmp_path / "census of the better one")
    assert better["merging"]["said"] == after["merging"]["said"]
    with opened(workspace, tmp_path / "census of the better one") as (url, _):
        browser.get(url)
        wait(browser, lambda: text(browser, "#left") == "8 of 8 detections left")
        browser.find_element(By.ID, "to-animals").click()
        wait(browser, lambda: text(browser, "#left") == "1 of 5 animals left")
