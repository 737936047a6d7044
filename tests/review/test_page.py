"""The review page, asked over HTTP as a browser, and as a stranger."""

from __future__ import annotations

import http.client
import io
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.enums import Resampling
from rasterio.transform import from_origin
from tests.census.flights import NAMES, write_run

from wildetect.detections import Detections
from wildetect.errors import ConfigurationError
from wildetect.geometry import Window
from wildetect.imagery.opening import open_image
from wildetect.imagery.raster import RasterSource
from wildetect.imagery.source import ArraySource, ImageSource
from wildetect.results.finished_run import FinishedRun, read_finished_run
from wildetect.results.records import ImageResult
from wildetect.review.page.pictures import Pictures, scaled
from wildetect.review.page.serving import ReviewPage, open_page
from wildetect.review.page.session import Session
from wildetect.review.verdict_file import read_verdicts

NASTY = "<img src=x onerror=alert(1)>.jpg"
BOXES = np.array([[10, 20, 60, 80], [100, 100, 140, 150]], np.float32)


@pytest.fixture
def run(tmp_path: Path) -> FinishedRun:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    results = []
    for name in (NASTY, "gone.jpg"):
        found = Detections(BOXES, [0.9, 0.8], [0, 1])
        results.append(ImageResult(name=name, path=pictures / name, detections=found, width=400, height=300))
    Image.new("RGB", (400, 300), (90, 120, 60)).save(pictures / NASTY)
    write_run(tmp_path / "run", results)
    return read_finished_run(tmp_path / "run")


@dataclass
class Visitor:
    """Asks the page; by itself it knows the address and the token."""

    page: ReviewPage
    cookie: str = ""

    @property
    def host(self) -> str:
        return urlsplit(self.page.url).netloc

    def ask(self, method: str, path: str, body: Any = None, **changes: str | None) -> tuple[int, bytes]:
        headers: dict[str, str | None] = {"Host": self.host, "Cookie": self.cookie}
        if body is not None:
            headers |= {"Origin": f"http://{self.host}", "Content-Type": "application/json"}
        headers |= {name.replace("_", "-"): value for name, value in changes.items()}
        connection = http.client.HTTPConnection(self.host, timeout=30)
        try:
            connection.request(
                method,
                path,
                None if body is None else json.dumps(body),
                {name: value for name, value in headers.items() if value is not None},
            )
            answer = connection.getresponse()
            if answer.status == 303:
                self.cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
            assert "default-src 'none'" in (answer.getheader("Content-Security-Policy") or "")
            return answer.status, answer.read()
        finally:
            connection.close()

    def say(self, **body: Any) -> Any:
        status, answer = self.ask("POST", "/api/verdict", body)
        return json.loads(answer) | {"status": status}


@pytest.fixture
def visitor(run: FinishedRun) -> Iterator[Visitor]:
    with open_page(run, "Ann") as page:
        serving = threading.Thread(target=page.serve)
        serving.start()
        until = time.monotonic() + 20
        while not page.server.started and time.monotonic() < until:
            time.sleep(0.01)
        made = Visitor(page)
        parts = urlsplit(page.url)
        assert made.ask("GET", f"{parts.path}?{parts.query}")[0] == 303
        try:
            yield made
        finally:
            page.server.should_exit = True
            serving.join(20)


def test_who_leaves_while_an_answer_is_made_sees_no_traceback(
    run: FinishedRun, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    asked, may_end = threading.Event(), threading.Event()

    def slow(self: Session) -> dict[str, Any]:
        asked.set()
        may_end.wait(60)
        return {}

    monkeypatch.setattr(Session, "state", slow)
    monkeypatch.setattr("wildetect.review.page.serving._PATIENCE", 1)
    with open_page(run, "Ann") as page:
        serving = threading.Thread(target=page.serve)
        serving.start()
        visitor = Visitor(page)
        parts = urlsplit(page.url)
        assert visitor.ask("GET", f"{parts.path}?{parts.query}")[0] == 303
        connection = http.client.HTTPConnection(visitor.host, timeout=60)
        connection.request("GET", "/api/state", headers={"Cookie": visitor.cookie})
        assert asked.wait(60)
        page.server.should_exit = True
        time.sleep(2)  # until its patience is at its end
        may_end.set()
        serving.join(60)
        connection.close()
    assert not serving.is_alive()
    assert capfd.readouterr().err == ""


def test_strangers_are_refused(visitor: Visitor) -> None:
    right = {"verdict": "nothing-here", "image": 0}
    port = visitor.host.partition(":")[2]

    assert visitor.ask("GET", "/")[0] == 200
    assert visitor.ask("GET", "/api/state", Cookie=None)[0] == 403
    assert visitor.ask("GET", "/?token=guess", Cookie=None)[0] == 403
    assert visitor.ask("GET", "/api/state", Cookie=visitor.cookie[:-1])[0] == 403
    assert visitor.ask("GET", "/api/state", Host=f"evil.example:{port}")[0] == 403
    assert visitor.ask("POST", "/api/verdict", right, Origin="http://evil.example")[0] == 403
    assert visitor.ask("POST", "/api/verdict", right, Origin=None)[0] == 403
    assert visitor.ask("POST", "/api/verdict", right, Content_Type="text/plain")[0] == 403
    assert visitor.ask("POST", "/api/verdict", {"verdict": "x" * 30_000})[0] == 413
    assert read_verdicts(visitor.page.session.run.folder).verdicts == ()


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/photograph/..%2f..%2fetc%2fpasswd.jpg",
        "/photograph/2.jpg",
        "/crop/0/2.jpg",
        "/crop/-1/0.jpg",
        "/run.json",
        "/photograph/1.jpg",
        "/detail/0/0/1/0.jpg",
        "/detail/0/99/0/1.jpg",
        "/detail/0/0/-1/0.jpg",
        "/detail/1/0/0/0.jpg",
    ],
)
def test_only_pictures_of_the_run_are_served(visitor: Visitor, path: str) -> None:
    assert visitor.ask("GET", path)[0] in {400, 404}


def test_pictures_are_made_when_they_are_asked_for(visitor: Visitor) -> None:
    for path in ("/photograph/0.jpg", "/crop/0/1.jpg"):
        status, content = visitor.ask("GET", path)
        assert status == 200
        assert Image.open(io.BytesIO(content)).format == "JPEG"


def test_a_verdict_is_on_the_disk_when_the_page_has_its_answer(visitor: Visitor) -> None:
    folder = visitor.page.session.run.folder
    ids = [mark["id"] for mark in json.loads(visitor.ask("GET", "/api/photograph/0")[1])["marks"]]

    said = visitor.say(verdict="wrong", image=0, detection=ids[0])
    assert [mark["standing"] for mark in said["marks"]] == ["wrong", "detected"]
    assert [(one.kind, one.reviewer, one.image) for one in read_verdicts(folder).verdicts] == [
        ("wrong", "Ann", NASTY)
    ]
    said = visitor.say(verdict="class", image=0, detection=ids[1], **{"class": "okapi"})
    assert said["marks"][1]["class"] == "okapi"
    # drawn from the lower right, and over the edge
    said = visitor.say(verdict="added", image=0, xyxy=[500, 290, 350, 250], **{"class": NAMES[0]})
    assert said["marks"][2]["xyxy"] == [350, 250, 400, 290]
    assert visitor.say(verdict="nothing-here", image=0)["complete"]

    undone = [json.loads(visitor.ask("POST", "/api/undo", {})[1]) for _ in range(5)]
    assert [one and one["undone"]["verdict"] for one in undone] == [
        *("nothing-here", "added", "class", "wrong"),
        None,
    ]
    assert [mark["standing"] for mark in undone[3]["marks"]] == ["detected", "detected"]
    kinds = [one.kind for one in read_verdicts(folder).verdicts]
    assert kinds == ["wrong", "class", "added", "nothing-here", *["undo"] * 4]


@pytest.mark.parametrize(
    "body",
    [
        {"verdict": "right", "image": 0, "detection": "unknown"},
        {"verdict": "undo", "image": 0},
        {"verdict": "nothing-here", "image": 9},
        {"verdict": "added", "image": 0, "xyxy": [10, 10, 11, 11], "class": "zebra"},
        {"verdict": "moved", "image": 0, "detection": "unknown", "xyxy": [10, 10, 90, 90]},
        {"verdict": "added", "image": 0, "xyxy": [10, 10, 90, None], "class": "zebra"},
        {"verdict": "added", "image": 0, "xyxy": [10, 10, 90, 90], "class": " "},
        ["right"],
    ],
)
def test_what_does_not_fit_the_run_is_refused_with_a_reason(visitor: Visitor, body: Any) -> None:
    status, answer = visitor.ask("POST", "/api/verdict", body)
    assert status == 400
    assert json.loads(answer)["error"]
    assert read_verdicts(visitor.page.session.run.folder).verdicts == ()


def test_a_run_has_one_page_and_a_port_one_program(visitor: Visitor, run: FinishedRun) -> None:
    with pytest.raises(ConfigurationError, match="another program is writing verdicts"), open_page(run, "Bo"):
        pass
    port = int(visitor.host.partition(":")[2])
    other = FinishedRun(run.folder.parent / "other", run.record, run.results)
    other.folder.mkdir()
    with pytest.raises(ConfigurationError, match=f"port {port} cannot be used"), open_page(other, "Bo", port):
        pass


def test_an_image_that_is_scaled_in_strips_looks_as_one_that_is_scaled_at_once() -> None:
    slope = np.add.outer(np.arange(3000) % 251, np.arange(1700) // 9)
    pixels = np.repeat(np.clip(slope, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    made = Image.open(io.BytesIO(scaled(ArraySource(pixels), longest=1000)))
    assert made.size == (567, 1000)
    whole = Image.fromarray(pixels).resize(made.size, Image.Resampling.BOX)
    assert np.abs(np.asarray(made, int) - np.asarray(whole, int)).mean() < 3


def test_a_box_that_is_moved_keeps_its_class_and_one_of_no_size_is_refused(visitor: Visitor) -> None:
    folder = visitor.page.session.run.folder
    one, other = json.loads(visitor.ask("GET", "/api/photograph/0")[1])["marks"]
    visitor.say(verdict="class", image=0, detection=one["id"], **{"class": "okapi"})

    said = visitor.say(verdict="moved", image=0, detection=one["id"], xyxy=[-5, 30, 90, 100])
    mark = said["marks"][0]
    assert (mark["xyxy"], mark["class"], mark["standing"]) == ([0, 30, 90, 100], "okapi", "moved")
    added = visitor.say(verdict="added", image=0, xyxy=[200, 200, 250, 260], **{"class": NAMES[0]})["marks"][
        2
    ]
    said = visitor.say(verdict="moved", image=0, detection=added["id"], xyxy=[210, 200, 260, 260])
    assert (said["marks"][2]["standing"], said["marks"][2]["xyxy"]) == ("added", [210, 200, 260, 260])
    for xyxy in (None, [10, 10, 11, 90], [10, 10, 90]):
        refused = visitor.say(verdict="moved", image=0, detection=other["id"], xyxy=xyxy)
        assert refused["status"] == 400
    assert len(read_verdicts(folder).verdicts) == 4
    assert json.loads(visitor.ask("POST", "/api/undo", {})[1])["marks"][2]["xyxy"] == [200, 200, 250, 260]


def test_pairs_are_judged_of_boxes_of_the_census_alone(visitor: Visitor) -> None:
    folder = visitor.page.session.run.folder
    assert json.loads(visitor.ask("GET", "/api/state")[1])["missing"].startswith("take a census first")
    ids = [json.loads(visitor.ask("GET", "/api/photograph/0")[1])["marks"][0]["id"], "unknown"]
    bodies: tuple[Any, ...] = (
        {"verdict": "same", "pairs": [ids]},
        {"verdict": "same", "pairs": []},
        {"verdict": "right", "pairs": [ids]},
        {"verdict": "same", "pairs": "x"},
        [],
    )
    for body in bodies:
        assert visitor.ask("POST", "/api/pairs", body)[0] == 400
    assert read_verdicts(folder).verdicts == ()


def test_a_detail_is_its_part_of_the_photograph_as_the_file_has_it() -> None:
    dice = np.random.default_rng(2)
    pixels = np.repeat(np.repeat(dice.integers(0, 256, (70, 90, 3), np.uint8), 8, axis=0), 8, axis=1)
    source = ArraySource(pixels)
    shown = Image.open(io.BytesIO(scaled(source, 512, Window(512, 512, 208, 48))))
    assert shown.size == (208, 48)
    off = np.abs(np.asarray(shown, np.int64) - pixels[512:560, 512:720])
    assert off.mean() < 12  # a neighbouring part is off by 85
    half = Image.open(io.BytesIO(scaled(source, 360, Window(0, 0, 720, 560))))
    assert half.size == (360, 280)


@pytest.mark.parametrize("overviews", [(), (2, 4)])
def test_a_mosaic_is_made_smaller_from_its_overviews(tmp_path: Path, overviews: tuple[int, ...]) -> None:
    path, slope = tmp_path / "mosaic.tif", np.add.outer(np.arange(1024) // 8, np.arange(2048) // 16)
    shape: dict[str, Any] = {"width": 2048, "height": 1024, "count": 3, "dtype": "uint8", "tiled": True}
    place = {"crs": "EPSG:32735", "transform": from_origin(500_000, 7_800_000, 0.05, 0.05)}
    with rasterio.open(path, "w", driver="GTiff", **shape, **place) as file:
        file.write(np.stack([slope, slope // 2, 255 - slope]).astype(np.uint8))
        if overviews:
            file.build_overviews(overviews, Resampling.average)
    source = open_image(path)
    assert isinstance(source, RasterSource)
    made = Image.open(io.BytesIO(scaled(source, longest=512)))
    assert made.size == (512, 256)
    wanted = np.stack([slope, slope // 2, 255 - slope], axis=-1)[2::4, 2::4]
    assert np.abs(np.asarray(made, int) - wanted).mean() < 4
    of_overviews = source.smaller(Window(0, 0, 2048, 1024), 512, 256)
    assert (of_overviews is not None) == bool(overviews)
    assert source.smaller(Window(0, 0, 1024, 512), 1000, 500) is None  # none of them is that fine
    source.close()


def test_details_do_not_wait_for_the_next_photograph_that_is_made(
    run: FinishedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures, begun, go_on = Pictures(), threading.Event(), threading.Event()
    whole = scaled

    def slow(source: ImageSource, longest: int = 4000, window: Window | None = None) -> bytes:
        if window is None:
            begun.set()
            assert go_on.wait(20)
        return whole(source, longest, window)

    monkeypatch.setattr("wildetect.review.page.pictures.scaled", slow)
    thread = threading.Thread(target=lambda: pictures.photograph(1, run.results[0]))
    thread.start()
    assert begun.wait(20)
    assert pictures.detail(0, run.results[0], 0, (0, 0)) is not None
    go_on.set()
    thread.join(20)


def test_details_of_a_photograph_end_with_it(visitor: Visitor) -> None:
    status, content = visitor.ask("GET", "/detail/0/0/0/0.jpg")
    assert (status, Image.open(io.BytesIO(content)).size) == (200, (400, 300))
    status, content = visitor.ask("GET", "/detail/0/1/0/0.jpg")
    assert (status, Image.open(io.BytesIO(content)).size) == (200, (200, 150))
