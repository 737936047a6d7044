"""The review page in a real Chromium, with the keyboard, over a kill."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.census.flights import NAMES, write_run
from tests.workspaces import Workspace

from wildetect.detections import Detections
from wildetect.results.finished_run import read_finished_run
from wildetect.results.records import ImageResult
from wildetect.review.drawing import candidates_of, draw, run_digest
from wildetect.review.plan import write_plan
from wildetect.review.verdict_file import read_verdicts

pytest.importorskip("selenium", reason="selenium is not installed (uv run nox -s browser)")
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

NASTY = "<img src=x onerror=alert(1)>.jpg"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    dice, results = np.random.default_rng(3), []
    for number in range(30):
        path = tmp_path / "pictures" / (NASTY if number == 0 else f"{number:02}.jpg")
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(dice.integers(60, 140, (300, 400, 3), np.uint8)).save(path)
        corners = np.array([[20 + 90 * one, 60] for one in range(4)], np.float32)
        found = Detections(np.hstack([corners, corners + 50]), dice.uniform(0.2, 1, 4), [0, 1, 0, 1])
        results.append(ImageResult(name=path.name, path=path, detections=found, width=400, height=300))
    write_run(tmp_path / "run", results)
    return tmp_path / "run"


@contextmanager
def opened(workspace: Workspace, run: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The page's address and its program, which is killed at the end."""
    words = [sys.executable, "-m", "invoke", "review.open", str(run), "--no-browser", "--reviewer", "Ann"]
    with subprocess.Popen(
        words, cwd=workspace.root, env=workspace.environment, stdout=subprocess.PIPE, text=True
    ) as program:
        try:
            assert program.stdout is not None
            yield program.stdout.readline().strip(), program
        finally:
            program.kill()


def wait(browser: webdriver.Chrome, until: Callable[[], Any]) -> None:
    drawn_again = [StaleElementReferenceException]  # the page put another one in its place meanwhile
    WebDriverWait(browser, 60, 0.02, drawn_again).until(lambda _: until())


@pytest.fixture(autouse=True)
def laptop(browser: webdriver.Chrome) -> None:
    browser.set_window_size(1366, 900)


def text(browser: webdriver.Chrome, query: str) -> str:
    return browser.find_element(By.CSS_SELECTOR, query).text


def wait_for_text(browser: webdriver.Chrome, query: str, wanted: str) -> None:
    wait(browser, lambda: wanted in text(browser, query))


def keys(browser: webdriver.Chrome, *typed: str) -> None:
    ActionChains(browser).send_keys(*typed).perform()


@contextmanager
def slow_network(browser: webdriver.Chrome) -> Iterator[None]:
    """Each answer takes a second, as from a computer that has other work."""
    browser.set_network_conditions(latency=1000, download_throughput=-1, upload_throughput=-1)
    try:
        yield
    finally:
        browser.delete_network_conditions()


def hold(browser: webdriver.Chrome, key: str, times: int) -> None:
    """Hold a key down: the browser sends it again and again."""
    press = {"type": "keyDown", "key": key, "text": key}
    for number in range(times):
        browser.execute_cdp_cmd("Input.dispatchKeyEvent", {**press, "autoRepeat": number > 0})
    browser.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyUp", "key": key})


def test_detections_by_keyboard_outlive_a_kill(
    browser: webdriver.Chrome, folder: Path, tmp_path: Path
) -> None:
    workspace = Workspace.make(tmp_path / "project")
    with opened(workspace, folder) as (url, program):
        browser.get(url)
        wait(browser, lambda: text(browser, "#left") == "120 of 120 detections left")
        assert "token" not in browser.current_url
        loaded = (
            "const one = document.querySelector('.card img'); return one.complete && one.naturalWidth > 0"
        )
        wait(browser, lambda: browser.execute_script(loaded))
        keys(browser, Keys.ENTER, "x", "u", "2", "x")
        ActionChains(browser).key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()
        keys(browser, *[Keys.ENTER] * 50)
        wait(browser, lambda: text(browser, "#left") == "66 of 120 detections left")
        assert re.fullmatch(r"[\d,]+ verdicts a minute", text(browser, "#pace"))
        os.kill(program.pid, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
        program.wait(20)
        keys(browser, "x")
        wait(browser, lambda: "was not kept" in text(browser, "#alarm"))
    kinds = [one.kind for one in read_verdicts(folder).verdicts]
    assert kinds == ["right", "wrong", "unsure", "class", "wrong", "undo", *["right"] * 50]

    with opened(workspace, folder) as (url, _):
        browser.get(url)
        wait(browser, lambda: text(browser, "#left") == "66 of 120 detections left")
        assert browser.find_elements(By.CSS_SELECTOR, "img[src='x']") == []


def test_photographs_of_the_plan_get_missed_animals_and_are_done(
    browser: webdriver.Chrome, folder: Path, tmp_path: Path
) -> None:
    run = read_finished_run(folder)
    write_plan(folder, draw(candidates_of(run.results), 10, 1, run_digest(run.results)))
    workspace = Workspace.make(tmp_path / "project")
    with opened(workspace, folder) as (url, _):
        browser.get(url)
        wait(browser, lambda: text(browser, "#left") == "10 of 10 photographs of the plan left")
        wait(browser, lambda: browser.execute_script("return document.images[0].naturalWidth") == 400)
        stage = browser.find_element(By.ID, "stage")
        wait(browser, lambda: browser.switch_to.active_element == stage)
        middle = ActionChains(browser).move_to_element_with_offset(stage, -20, 60)
        middle.click_and_hold().move_by_offset(40, 30).release().perform()
        wait(browser, lambda: len(browser.find_elements(By.CSS_SELECTOR, "#marks button")) == 5)
        keys(browser, "2", "+", Keys.ARROW_LEFT, "0", "a", "d")
        wait(browser, lambda: text(browser, "#left") == "9 of 10 photographs of the plan left")
        wait(browser, lambda: text(browser, "#photograph-name").startswith("2 of 10"))
    given = read_verdicts(folder).verdicts
    assert [one.kind for one in given] == ["added", "class", "added", "nothing-here"]
    first = given[0].after
    assert first is not None
    assert given[1].after is not None
    assert given[1].after.class_name == NAMES[1]
    assert len({one.image for one in given}) == 1
    left, top, right, bottom = first.xyxy
    assert abs((right - left) / (bottom - top) - 40 / 30) < 0.1
    assert 0 <= left < right <= 400


def test_boxes_are_moved_and_resized_by_mouse_and_by_keyboard(
    browser: webdriver.Chrome, folder: Path, tmp_path: Path
) -> None:
    run = read_finished_run(folder)
    write_plan(folder, draw(candidates_of(run.results), 10, 1, run_digest(run.results)))
    workspace = Workspace.make(tmp_path / "project")
    with opened(workspace, folder) as (url, _):
        browser.get(url)
        wait(browser, lambda: len(browser.find_elements(By.CSS_SELECTOR, "#marks button")) == 4)
        stage = browser.find_element(By.ID, "stage")
        wait(browser, lambda: browser.execute_script("return document.images[0].naturalWidth") == 400)
        scale = browser.execute_script(
            "return document.getElementById('sheet').getBoundingClientRect().width / 400"
        )

        def on_stage(x: float, y: float) -> ActionChains:
            """The mouse over a point of the photograph, whose middle is the middle of the stage."""
            return ActionChains(browser).move_to_element_with_offset(
                stage, round((x - 200) * scale), round((y - 150) * scale)
            )

        def drag(start: tuple[float, float], end: tuple[float, float]) -> None:
            far = [round((there - here) * scale) for here, there in zip(start, end, strict=True)]
            on_stage(*start).click_and_hold().move_by_offset(*far).release().perform()

        on_stage(45, 85).click().perform()
        wait(browser, lambda: len(browser.find_elements(By.CSS_SELECTOR, "#grips circle")) == 8)
        drag((45, 85), (65, 95))
        wait(browser, lambda: "moved" in text(browser, "#marks [aria-pressed='true']"))
        drag((90, 120), (110, 140))
        wait(browser, lambda: len(read_verdicts(folder).verdicts) == 2)
        keys(browser, "b", Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
        ActionChains(browser).key_down(Keys.SHIFT).send_keys(Keys.ARROW_UP).key_up(Keys.SHIFT).perform()
        keys(browser, Keys.ENTER)
        wait(browser, lambda: len(read_verdicts(folder).verdicts) == 3)
        keys(browser, "b", Keys.ARROW_DOWN, Keys.ESCAPE, "b", Keys.ARROW_LEFT)
        ActionChains(browser).key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()
        keys(browser, "d")
        wait(browser, lambda: text(browser, "#left") == "9 of 10 photographs of the plan left")
    *changes, done = read_verdicts(folder).verdicts
    assert [one.kind for one in changes] == ["moved"] * 3
    assert done.kind == "nothing-here"
    moved, larger, nudged = (one.after.xyxy for one in changes if one.after is not None)
    step = max(1, 3 / scale)
    assert moved == pytest.approx((40, 70, 90, 120), abs=1)
    assert larger == pytest.approx((40, 70, 110, 140), abs=1)
    left, top, right, bottom = larger
    assert nudged == pytest.approx((left + 2 * step, top, right + 2 * step, bottom - step), abs=0.1)


def test_zooming_into_a_large_photograph_shows_it_as_sharp_as_it_is(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    path = tmp_path / "pictures" / "large.jpg"
    path.parent.mkdir()
    fine = np.indices((4000, 6000)).sum(axis=0) % 2  # one px black, one white: any smaller picture is grey
    Image.fromarray((255 * fine).astype(np.uint8)).convert("RGB").save(path, quality=95)
    found = Detections(np.array([[3000, 2000, 3100, 2100]], np.float32), [0.9], [0])
    write_run(
        tmp_path / "run",
        [ImageResult(name=path.name, path=path, detections=found, width=6000, height=4000)],
    )
    with opened(Workspace.make(tmp_path / "project"), tmp_path / "run") as (url, _):
        browser.get(url)
        browser.find_element(By.ID, "to-photographs").click()
        wait(
            browser,
            lambda: (
                browser.execute_script("return document.getElementById('photograph').naturalWidth") == 4000
            ),
        )
        assert browser.find_elements(By.CSS_SELECTOR, "#details img") == []
        keys(browser, *["+"] * 6)
        loaded = (
            "return [...document.querySelectorAll('#details img')].map((one) => [one.naturalWidth, one.src])"
        )
        wait(browser, lambda: [512, 0] in [[one[0], 0] for one in browser.execute_script(loaded)])
        wait(browser, lambda: all(one[0] for one in browser.execute_script(loaded)))
        parts = browser.execute_script(loaded)
        assert all("/detail/0/0/" in one[1] for one in parts)
        contrast = """
            const part = document.querySelector('#details img'), made = document.createElement('canvas');
            made.width = made.height = 8;
            made.getContext('2d').drawImage(part, 100, 100, 8, 8, 0, 0, 8, 8);
            const { data } = made.getContext('2d').getImageData(0, 0, 8, 8);
            const values = data.filter((_, at) => at % 4 === 0);
            return Math.max(...values) - Math.min(...values);"""
        assert browser.execute_script(contrast) > 150
        shown = browser.execute_script(
            "const one = document.querySelector('#details img').getBoundingClientRect();"
            "const sheet = document.getElementById('sheet').getBoundingClientRect();"
            "return [one.width / sheet.width * 6000, (one.left - sheet.left) / sheet.width * 6000];"
        )
        assert shown[0] == pytest.approx(512, abs=1)
        assert shown[1] % 512 == pytest.approx(0, abs=1)


def test_cards_that_look_alike_stand_together_and_one_alone_is_large(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    dice, results = np.random.default_rng(4), []
    for number in range(9):
        path = tmp_path / "pictures" / f"{number:02}.jpg"
        path.parent.mkdir(exist_ok=True)
        pixels = dice.integers(120, 160, (300, 400, 3), np.uint8)
        colour = np.uint8((90, 30, 200)[number % 3])
        pixels[60:110, 20:360] = dice.integers(0, 30, (50, 340, 3), np.uint8) + colour
        Image.fromarray(pixels).save(path)
        corners = np.array([[20 + 90 * one, 60] for one in range(4)], np.float32)
        found = Detections(
            np.hstack([corners, corners + 50]), dice.uniform(0.2, 1, 4), dice.integers(0, 2, 4)
        )
        results.append(ImageResult(name=path.name, path=path, detections=found, width=400, height=300))
    write_run(tmp_path / "run", results)
    with opened(Workspace.make(tmp_path / "project"), tmp_path / "run") as (url, _):
        browser.get(url)
        wait(browser, lambda: text(browser, "#left") == "36 of 36 detections left")
        Select(browser.find_element(By.ID, "sort")).select_by_value("likeness")
        wait(browser, lambda: text(browser, "#where") == "1 to 36 of 36")
        names = [one.text for one in browser.find_elements(By.CSS_SELECTOR, ".card span:last-child")]
        kinds = [int(name[:2]) % 3 for name in names]
        assert sum(one != other for one, other in pairwise(kinds)) == 2
        keys(browser, Keys.ENTER, "g")  # from the list of orders to the cards
        width = browser.find_element(By.CSS_SELECTOR, ".card[aria-current='true']").size["width"]
        assert width > 400
        shown = [one for one in browser.find_elements(By.CSS_SELECTOR, ".card") if one.is_displayed()]
        assert len(shown) == 1
        keys(browser, "x")
        wait(browser, lambda: text(browser, "#left") == "35 of 36 detections left")
        keys(browser, "r", Keys.ARROW_DOWN, Keys.ENTER, Keys.ENTER)  # another class; the next one is right
        wait(browser, lambda: text(browser, "#left") == "33 of 36 detections left")
    given = read_verdicts(tmp_path / "run").verdicts
    assert [one.kind for one in given] == ["wrong", "class", "right"]
    assert [one.image for one in given] == names[:3]
    assert given[1].after is not None
    assert given[1].after.class_name == NAMES[1]


def test_a_way_that_is_chosen_before_the_run_is_there_is_taken_and_nothing_is_judged_until_then(
    browser: webdriver.Chrome, folder: Path, tmp_path: Path
) -> None:
    with opened(Workspace.make(tmp_path / "project"), folder) as (url, _):
        with slow_network(browser):
            browser.get(url)
            assert text(browser, "#left") == "Reading the run"
            keys(browser, Keys.ENTER, "d")
            browser.find_element(By.ID, "to-photographs").click()
            wait(browser, lambda: text(browser, "#left") == "30 of 30 photographs left")
            wait(browser, lambda: text(browser, "#photograph-name").startswith("1 of 30"))
        wait(browser, lambda: browser.execute_script("return document.images[0].naturalWidth") == 400)
    assert read_verdicts(folder).verdicts == ()


def test_nothing_can_be_said_of_what_nobody_saw(
    browser: webdriver.Chrome, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "pictures" / "03.jpg").unlink()
    Image.new("RGB", (400, 300)).save(tmp_path / "pictures" / "04.jpg")  # another card's, by that name
    gone, another = (
        "03.jpg cannot be judged: its file is not there",
        "04.jpg cannot be judged: another picture",
    )
    with opened(Workspace.make(tmp_path / "project"), folder) as (url, _):
        browser.get(url)
        wait(browser, lambda: text(browser, "#left") == "112 of 120 detections left; 8 cannot be judged")
        browser.find_element(By.ID, "to-photographs").click()
        shown = "return document.getElementById('photograph').naturalWidth"
        wait(browser, lambda: browser.execute_script(shown) == 400)
        with slow_network(browser):
            keys(browser, "d", "d", "d")  # two were said of photographs that did not stand there yet
            wait(browser, lambda: "not shown yet" in text(browser, "#told"))
        assert text(browser, "#left") == "27 of 30 photographs left; 2 cannot be judged"
        wait(browser, lambda: browser.execute_script(shown) == 400)
        hold(browser, "d", times=9)
        for place, reason in ((3, gone), (4, another)):
            wait_for_text(browser, "#photograph-name", f"{place} of 30")
            wait_for_text(browser, "#alarm", reason)
            assert not any(browser.find_element(By.ID, one).is_enabled() for one in ("right", "done", "add"))
            assert browser.execute_script(shown) == 0
            keys(browser, "d", "a", "n")
        wait(browser, lambda: text(browser, "#photograph-name").startswith("5 of 30"))
        assert text(browser, "#alarm") == ""
        assert browser.find_element(By.ID, "done").is_enabled()

        browser.find_element(By.ID, "to-detections").click()
        Select(browser.find_element(By.ID, "sort")).select_by_value("image")
        Select(browser.find_element(By.ID, "which")).select_by_value("unseen")
        wait(browser, lambda: len(browser.find_elements(By.CSS_SELECTOR, ".card img[data-unreadable]")) == 8)
        for card, reason in ((0, gone), (7, another)):
            browser.find_elements(By.CSS_SELECTOR, ".card")[card].click()
            keys(browser, Keys.ENTER, "x", "2")
            wait_for_text(browser, "#alarm", reason)
            assert not browser.find_element(By.ID, "right").is_enabled()
        Select(browser.find_element(By.ID, "which")).select_by_value("all")
        browser.find_element(By.CSS_SELECTOR, ".card").click()
        hold(browser, "x", times=9)
        wait(browser, lambda: text(browser, "#left") == "111 of 120 detections left; 8 cannot be judged")
    assert [(one.kind, one.image) for one in read_verdicts(folder).verdicts] == [
        ("nothing-here", "01.jpg"),
        ("nothing-here", "02.jpg"),
        ("wrong", "01.jpg"),
    ]
