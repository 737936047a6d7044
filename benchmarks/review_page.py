"""How quick the review page is with 10,000 detections, in a real Chromium driven by keyboard.

    uv run --group browser python -m benchmarks.review_page [detections]

Each line is a measured time, its limit, and the ratio of both. The run has photographs of 27 MP with 200
detections each. The page must show its first card within 2 s, and a person who gives 20 verdicts a minute
must never wait for it: a verdict, which is on the disk by then, takes 3 s at the very most.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from tests.browser.conftest import CHROMIUM, DRIVER, SWITCHES
from tests.census.flights import write_run

from wildetect.detections import Detections
from wildetect.results.finished_run import read_finished_run
from wildetect.results.records import ImageResult
from wildetect.review.page.serving import open_page

ON_EACH, VERDICTS, TURNS = 200, 200, 10
WIDTH, HEIGHT, SIDE = 6000, 4500, 40
LIKENESS = 120.0  # s: all photographs are read for it, once
FIRST_CARD, A_PAGE, A_VERDICT, A_PHOTOGRAPH, A_ZOOM = 2.0, 2.0, 3.0, 3.0, 2.0  # s

_SHOWN = "return [...document.querySelectorAll('.card img')].filter((one) => one.naturalWidth > 0).length"
_WHERE = "return document.getElementById('where').textContent"
_SHOWN_AT = f"return [{_WHERE.removeprefix('return ')}, {_SHOWN.removeprefix('return ')}]"
_LEFT = "return document.getElementById('left').textContent"
_PARTS = "[...document.querySelectorAll('#details img')]"
_SHARP = f"return {_PARTS}.length > 0 && {_PARTS}.every((one) => one.naturalWidth > 0)"


def make_run(folder: Path, detections: int) -> Path:
    """Photographs with as many boxes each, and the run that found them."""
    dice, results = np.random.default_rng(5), []
    noise = Image.fromarray(dice.integers(60, 160, (HEIGHT // 8, WIDTH // 8, 3), np.uint8))
    ground = np.asarray(noise.resize((WIDTH * 5 // 4, HEIGHT * 5 // 4), Image.Resampling.BICUBIC))
    for number in range(detections // ON_EACH):
        path = folder / "pictures" / f"{number:04}.jpg"
        path.parent.mkdir(exist_ok=True)
        x, y = (int(dice.integers(0, most)) for most in (WIDTH // 4, HEIGHT // 4))
        Image.fromarray(ground[y : y + HEIGHT, x : x + WIDTH]).save(path, quality=85)
        corners = dice.uniform((0, 0), (WIDTH - SIDE, HEIGHT - SIDE), (ON_EACH, 2))
        found = Detections(
            np.hstack([corners, corners + SIDE]), dice.uniform(0.2, 1, ON_EACH), dice.integers(0, 2, ON_EACH)
        )
        results.append(ImageResult(name=path.name, path=path, detections=found, width=WIDTH, height=HEIGHT))
    write_run(folder / "run", results)
    return folder / "run"


class Page:
    """A Chromium at the page.

    Args:
        folder: For its profile.
    """

    def __init__(self, folder: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for switch in [*SWITCHES.split(), f"--user-data-dir={folder / 'profile'}"]:
            options.add_argument(switch)
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
        self.driver.set_window_size(1366, 900)

    def timed(self, act: Callable[[], Any], script: str, wanted: Callable[[Any], bool]) -> float:
        """Seconds from an action until the page is as wanted."""
        begun = time.perf_counter()
        act()
        while not wanted(self.driver.execute_script(script)):
            time.sleep(0.002)
        return time.perf_counter() - begun

    def press(self, *keys: str) -> None:
        """Press keys."""
        ActionChains(self.driver, duration=0).send_keys(*keys).perform()


def _after(page: Page, script: str) -> Callable[[Any], bool]:
    """Whether a text is another one than now, and something is shown where that is counted, too."""
    before = page.driver.execute_script(script)

    def changed(now: Any) -> bool:
        text, shown = (now, 1) if isinstance(now, str) else now
        return text != before and shown > 0

    return changed


def measured(page: Page, url: str) -> dict[str, tuple[float, float]]:
    """Seconds and limits by what was measured."""
    first = page.timed(lambda: page.driver.get(url), _SHOWN, lambda shown: shown > 0)
    turns = [
        page.timed(lambda: page.press(Keys.PAGE_DOWN), _SHOWN_AT, _after(page, _WHERE)) for _ in range(TURNS)
    ]
    verdicts = [
        page.timed(lambda: page.press(Keys.ENTER), _LEFT, _after(page, _LEFT)) for _ in range(VERDICTS)
    ]
    pace = statistics.mean(verdicts)
    likeness = page.timed(
        lambda: Select(page.driver.find_element("id", "sort")).select_by_value("likeness"),
        _SHOWN_AT,
        lambda now: now[0].startswith("1 to") and now[1] > 0,
    )
    photograph = page.timed(
        page.driver.find_element("id", "to-photographs").click,
        "return document.getElementById('photograph').naturalWidth",
        lambda width: width > 0,
    )
    sharp = page.timed(lambda: page.press(*["+"] * 6), _SHARP, bool)
    return {
        "first card": (first, FIRST_CARD),
        "next page of cards, median": (statistics.median(turns), A_PAGE),
        "verdict on the disk and next card, median": (statistics.median(verdicts), A_VERDICT),
        "verdict on the disk and next card, slowest of 200": (max(verdicts), A_VERDICT),
        f"a verdict, mean of {VERDICTS} ({60 / pace:.0f} a minute; 20 are asked for)": (pace, A_VERDICT),
        "all compared and ordered by likeness": (likeness, LIKENESS),
        "photograph of 27 MP whole": (photograph, A_PHOTOGRAPH),
        "zoomed in until sharp": (sharp, A_ZOOM),
    }


def main() -> int:
    """Print the table; 1 if a limit is broken."""
    detections = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = read_finished_run(make_run(folder, detections))
        page = Page(folder)
        try:
            with open_page(run, "Ann") as served:
                thread = Thread(target=served.serve)
                thread.start()
                times = measured(page, served.url)
                served.server.should_exit = True
                thread.join()
        finally:
            page.driver.quit()
    for what, (seconds, limit) in times.items():
        print(f"{what}: {seconds:.3f} s, {seconds / limit:.2f} of {limit:g} s")
    return int(any(seconds > limit for seconds, limit in times.values()))


if __name__ == "__main__":
    sys.exit(main())
