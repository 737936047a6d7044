from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.html_elements import Elements
from tests.results.samples import NAMES, NASTY, document_of, found, run_of, survey

from wildetect.results.records import ImageResult
from wildetect.results.report.crops import Crop
from wildetect.results.report.map import survey_map
from wildetect.results.report.numbers import Histogram, bin_of, numbers_of
from wildetect.results.report.report import write_report
from wildetect.results.run_file import run_from

VOID = {"input", "use"}  # besides those of all pages


def page(folder: Path, results: list[ImageResult], **changes: Any) -> str:
    run = run_from(document_of(results) | changes)
    crop = Crop(image=NASTY, class_id=1, confidence=0.9, jpeg=b"\xff\xd8\xff\xd9", box=(10, 10, 80, 80))
    write_report(folder / "report.html", run, results, crops=[crop], files={"detections.csv"})
    return (folder / "report.html").read_text(encoding="utf-8")


def test_well_formed_and_self_contained(tmp_path: Path) -> None:
    elements = Elements(page(tmp_path, survey()), void=VOID).found
    for tag, attributes in elements:
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
        assert "style" not in attributes
        assert tag not in {"iframe", "object", "embed", "base"}
        for name in ("src", "srcset", "action", "poster", "data"):
            assert (attributes.get(name) or "data:").startswith("data:")
        if tag in {"link", "use"}:
            assert (attributes["href"] or "").startswith(("data:", "#"))
        if tag == "script":
            assert attributes in ({}, {"type": "application/json", "id": "photographs-data"})
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_the_policy_lets_nothing_in_but_its_own_style_and_script(tmp_path: Path) -> None:
    text = page(tmp_path, survey())
    found_policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert found_policy is not None
    policy = html.unescape(found_policy[1])
    assert policy.startswith("default-src 'none'; img-src data:;")
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_names_are_text(tmp_path: Path) -> None:
    results = [*survey(), ImageResult(name='"><script>alert(2)</script>', path=Path("x"), failure="<b>&")]
    text = page(tmp_path, results)
    assert NASTY not in text
    assert html.escape(NASTY) in text
    assert "<script>alert" not in text
    assert "&lt;b&gt;&amp;" in text
    assert "gnu, &lt;blue&gt;" in text


@pytest.mark.parametrize("state", ["interrupted", "stopped"])
def test_a_run_that_is_not_finished_says_so(tmp_path: Path, state: str) -> None:
    results = survey()
    text = page(tmp_path, results, **document_of(results, state=state, expected=50))
    assert f"This run is not finished: it was {state}" in text
    assert "45 of 50 images are left" in text
    assert "This run is not finished" not in page(tmp_path, results)


def test_what_it_tells(tmp_path: Path) -> None:
    text = page(tmp_path, survey())
    for told in ("0123456789abcdef" * 4, "version 3", "the file is cut short (truncated)", "1 h 6 min"):
        assert told in text
    assert "1 of 4 detections, spread evenly" in text
    assert "2026-11-23 04:12 UTC" in text
    parts = [{"file": "map/ortho.tif", "tiles": ["640 x 640 px at 0, 0: damaged"]}]
    assert "640 x 640 px at 0, 0: damaged" in page(tmp_path, survey(), tiles_failed=parts)


def test_almost_black_images_are_named(tmp_path: Path) -> None:
    names = [f"<b>{number}.tif" for number in range(9)]
    told = Elements(page(tmp_path, survey(), dark_images=names), void=VOID).text
    assert "9 images are almost black. Animals there can hardly be seen: <b>0.tif" in told
    assert "and 4 more, named in run.json" in told
    assert "1 image is almost black." in page(tmp_path, survey(), dark_images=names[:1])
    assert "almost black" not in page(tmp_path, survey())


def test_where_the_photographs_lie_and_how_pixels_are_read(tmp_path: Path) -> None:
    sources = ["/survey/flight_1/<b>", *(f"/survey/{number}.jpg" for number in range(9))]
    text = page(
        tmp_path, survey(), dataset={"sources": sources}, pixel_scaling="16-bit values come out as they are"
    )
    told = Elements(text, void=VOID).text.replace(" ,", ",")
    assert "photographs: / survey/ flight_ 1/ <b>, / survey/ 0.jpg" in told
    assert "and 5 more, named in run.json" in told
    assert "16-bit values come out as they are" in told
    assert "photographs:" not in page(tmp_path, survey())


def test_a_caption_names_the_file_not_its_folders(tmp_path: Path) -> None:
    crop = Crop(image="a/long/way/DJI_0005.JPG", class_id=1, confidence=0.9, jpeg=b"\xff", box=(1, 1, 8, 8))
    write_report(tmp_path / "report.html", run_of(survey()), survey(), crops=[crop])
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert 'class="caption" title="a/long/way/DJI_0005.JPG"' in text
    assert '<span class="file"><span class="head">DJ</span><span>I_0005.JPG</span></span>' in text


@pytest.mark.parametrize(
    ("confidence", "lowest", "begins"),
    [
        (0.03, 0.0, "0.03"),
        (0.025, 0.0, "0.025"),
        (0.1, 0.1, "0.10"),
        (0.12, 0.1, "0.12"),
        (0.25, 0.1, "0.10"),  # 0.123456 was found all the same
        (1, 0.1, "0.10"),
        (None, 0.0, "0.00"),
    ],
)
def test_where_the_slider_begins(
    tmp_path: Path, confidence: float | None, lowest: float, begins: str
) -> None:
    (slider,) = [
        attributes
        for _, attributes in Elements(
            page(tmp_path, survey(), settings={"confidence": confidence}), void=VOID
        ).found
        if attributes.get("id") == "threshold"
    ]
    assert (slider["min"], slider["value"], slider["data-begins"]) == (str(lowest), str(lowest), begins)


def data_of(text: str) -> dict[str, Any]:
    (block,) = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text, flags=re.DOTALL)
    data: dict[str, Any] = json.loads(block)
    return data


def test_the_page_holds_every_photograph_with_its_boxes(tmp_path: Path) -> None:
    doubt = {"what": "its bands <are> odd", "files": ["empty.jpg"]}
    run = run_of(survey(), doubts=[doubt], dark_images=["map/ortho.tif"])
    write_report(tmp_path / "report.html", run, survey(), files={"overlays/empty.jpg"})
    data = data_of((tmp_path / "report.html").read_text(encoding="utf-8"))
    rows = {row[0]: row[1:] for row in data["rows"]}
    assert list(rows) == [result.name for result in survey()]
    reasons = data["reasons"]
    assert rows[NASTY] == [0, 2, 200, 100, "", [], [10, 20, 20, 40, 0.9, 1, 0, 0, 200, 100, 0.35, 0]]
    assert rows["empty.jpg"][:5] == [1, 0, 200, 100, "overlays/empty.jpg"]
    assert [reasons[place] for place in rows["empty.jpg"][5]] == ["its bands <are> odd"]
    assert rows["map/ortho.tif"][0] == 1
    assert [reasons[place] for place in rows["broken.jpg"][5]] == ["the file is cut short (truncated)"]
    assert rows["broken.jpg"][:4] == [2, 0, 0, 0]
    assert [name for name, _ in data["classes"]] == list(NAMES)


def test_no_name_ends_the_block_of_data(tmp_path: Path) -> None:
    names = [
        "</script><script>alert(1)</script>",
        "<!-- <script>",
        "a\udce9.jpg",
        "R&D \u2028.jpg",
        'q"\\.jpg',
    ]
    results = [ImageResult(name=name, path=tmp_path, failure=f"in {name}") for name in names]
    text = page(tmp_path, results)
    shown = [name.encode("utf-8", errors="backslashreplace").decode() for name in names]
    assert [row[0] for row in data_of(text)["rows"]] == shown
    assert text.count("<script") == text.count("</script>") == 2


def test_of_very_many_boxes_the_page_holds_the_surest_of_each_photograph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wildetect.results.report.report._MOST_BOXES", 3)
    data = data_of(page(tmp_path, survey()))
    nasty = data["rows"][0]
    assert (nasty[2], nasty[7][4::6]) == (2, [0.9])
    assert all(len(row[7]) <= 6 for row in data["rows"])


def test_a_detection_is_not_called_an_animal(tmp_path: Path) -> None:
    assert "A detection is not an animal: where photographs overlap" in page(tmp_path, survey())
    assert "A detection is not an animal" not in page(tmp_path, survey()[:1])
    assert "A detection is not an animal" not in page(tmp_path, survey()[2:3])


def test_pictures_beside_the_page_are_let_in_where_there_are_some(tmp_path: Path) -> None:
    assert "img-src data:; " in html.unescape(page(tmp_path, survey()))
    write_report(tmp_path / "report.html", run_of(survey()), survey(), files={"overlays/a.jpg"})
    text = html.unescape((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "img-src data: 'self' file:; " in text


def test_nothing_found_and_nothing_known(tmp_path: Path) -> None:
    for results in ([], survey()[2:3], survey()[4:]):
        write_report(tmp_path / "report.html", run_of(results), results)
        text = (tmp_path / "report.html").read_text(encoding="utf-8")
        Elements(text, void=VOID)
        assert "nothing was found" in text
        assert "Gallery" not in text


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    assert page(tmp_path, survey()) == page(tmp_path, survey())


def test_a_threshold_is_the_limit_of_a_bin() -> None:
    confidence = np.array([0, 0.05, 0.0499, 0.35, 0.3, 0.7, 0.95, 1], np.float32)
    assert bin_of(confidence).tolist() == [0, 1, 0, 7, 6, 14, 19, 19]


def test_numbers() -> None:
    numbers = numbers_of(survey(), NAMES)
    assert [(one.name, one.count, one.images) for one in numbers.found] == [
        ("plains zebra", 2, 2),
        ("gnu, <blue>", 1, 1),
        ("lion", 1, 1),
    ]
    assert numbers.absent == []
    twice = ImageResult(
        name="a",
        path=Path("a"),
        detections=found((0, 0, 1, 1, 0.9, 0), (0, 0, 1, 1, 0.2, 0), (0, 0, 1, 1, 0.21, 1)),
    )
    (zebra, gnu) = numbers_of([twice, twice], NAMES).found
    assert {place: count for place, count in enumerate(zebra.image_bins) if count} == {18: 2}
    assert {place: count for place, count in enumerate(gnu.image_bins) if count} == {4: 2}
    assert [image.name for image in numbers.busiest] == [NASTY, "map/ortho.tif", "ü 1.jpg"]
    many = [
        ImageResult(name=str(n), path=Path("a"), detections=found(*[(0, 0, 1, 1, 0.5, 0)] * n))
        for n in range(40)
    ]
    busiest = numbers_of(many, NAMES).busiest
    assert [(image.detections, image.name) for image in busiest] == [(n, str(n)) for n in range(39, 19, -1)]


def test_the_histogram_holds_every_detection() -> None:
    histogram = Histogram.of(numbers_of(survey(), NAMES))
    unit = histogram.ticks[0][1] - histogram.ticks[1][1]
    assert sum(bar.height for bar in histogram.bars) == pytest.approx(4 * unit, abs=0.1)
    assert all(bar.y + bar.height <= histogram.floor + 0.01 for bar in histogram.bars)


def located(*places: tuple[float, float], detections: int = 0) -> list[ImageResult]:
    boxes = [(0.0, 0.0, 1.0, 1.0, 0.5, 0)] * detections
    return [
        ImageResult(name=str(number), path=Path("a"), detections=found(*boxes), longitude=x, latitude=y)
        for number, (x, y) in enumerate(places)
    ]


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"M(-?[\d.]+) (-?[\d.]+)h0", path)]


def test_the_map_has_a_true_scale() -> None:
    # one thousandth of a degree of latitude: 111.2 m; of longitude at 60 degrees: half of it
    drawn = survey_map(located((10, 60), (10.004, 60), (10, 60.001)))
    assert drawn is not None
    west, east, north = points(drawn.photographs)
    metres = float(drawn.bar_text.split()[0])
    per_metre = drawn.bar / metres
    assert math.dist(west, east) / per_metre == pytest.approx(0.004 * 111_195 * 0.5, rel=0.002)
    assert math.dist(west, north) / per_metre == pytest.approx(111.195, rel=0.002)
    assert north[1] < west[1]
    assert west[0] < east[0]


@pytest.mark.parametrize(
    "places", [[(0, 0)], [(179.999, -17), (-179.999, -17)], [(5, 5), (5, 5)], [(-70, 89.9)]]
)
def test_everything_lies_on_the_map(places: list[tuple[float, float]]) -> None:
    drawn = survey_map(located(*places, detections=30))
    assert drawn is not None
    everything = points(drawn.photographs) + [point for dots in drawn.dots for point in points(dots.path)]
    assert len(everything) == 31 * len(places)
    assert all(0 <= x <= 1000 and 0 <= y <= drawn.height for x, y in everything)
    assert "m" in drawn.bar_text
    assert drawn.around


def test_a_large_survey_is_drawn_of_points_not_of_dots(tmp_path: Path) -> None:
    results = located(*((34 + number / 1e4, -2) for number in range(700)), detections=2)
    raster = replace(survey()[1], positions=np.array([[34.01, -2.0]]))
    drawn = survey_map([*results, raster])
    assert drawn is not None
    assert not drawn.dots
    assert (sorted(drawn.classes), len(drawn.points)) == ([0, 2], 701)
    assert drawn.points[-1][2:] == (700, 2, 2)  # number, class and bin of a detection with its own place
    assert data_of(page(tmp_path, [*results, raster]))["map"]["points"][0][2] == 0
    assert "map" not in data_of(page(tmp_path, survey()))
    few = survey_map(located((34, -2), (34.1, -2), detections=2))
    assert few is not None
    assert not few.points
    assert len(few.dots) == 1


def test_across_the_antimeridian_the_map_stays_small() -> None:
    drawn = survey_map(located((179.999, -17), (-179.999, -17)))
    assert drawn is not None
    assert drawn.bar_text == "50 m"
    west, east = points(drawn.photographs)
    assert west[0] < east[0]


def test_a_raster_has_each_detection_in_its_place() -> None:
    raster = survey()[1:2]
    drawn = survey_map(raster)
    assert drawn is not None
    assert not drawn.around
    assert drawn.number == 0
    assert [len(points(dots.path)) for dots in drawn.dots] == [1]


def test_no_map_without_positions() -> None:
    assert survey_map(survey()[3:]) is None
