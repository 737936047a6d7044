"""census_report.html: well-formed, closed to the network, and it says what census.json says."""

from __future__ import annotations

import base64
import hashlib
import html
import itertools
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from tests.census.conftest import Surveyed, plan_of, written
from tests.html_elements import Elements

from wildetect.census.estimates.corrected import CorrectedEstimate
from wildetect.census.estimates.records import Estimate
from wildetect.census.output.charts import confidence_chart, whiskers
from wildetect.census.output.drawing import census_map
from wildetect.census.output.pairs import doubtful_pairs
from wildetect.census.output.parts import CountAtConfidence, DetectorRecord, EstimateRecord
from wildetect.census.output.record import read_census_file
from wildetect.census.output.report import distinct_estimates
from wildetect.census.survey import survey
from wildetect.evaluation.reviewed_sample import CorrectedNumber
from wildetect.imagery.camera.camera import read_camera
from wildetect.registry.evaluations import MeasuredQuality, Quality


@pytest.fixture
def page(surveyed: Surveyed) -> str:
    return (surveyed.folder / "census_report.html").read_text(encoding="utf-8")


def test_well_formed_and_closed(page: str) -> None:
    for tag, attributes in Elements(page).found:
        assert tag != "script"
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href"):
            address = attributes.get(name) or "#"
            assert address.startswith(("data:", "#")) or re.fullmatch(r"[\w.]+", address), address
    assert "://" not in re.sub(r"data:image/jpeg;base64,[^\"]*", "", page)


def test_the_policy_allows_the_style_alone(page: str) -> None:
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1])  # type: ignore[index]
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "script-src 'none'" in policy


def test_names_are_escaped(page: str) -> None:
    text = Elements(page).text
    assert "Census Kwando <1>" in text
    assert "gnu, <blue>" in text
    assert "hills <north>" in text
    assert "<blue>" not in page
    assert "<north>" not in page


def test_the_number_with_its_limits_comes_first(surveyed: Surveyed, page: str) -> None:
    (total,) = [
        one for one in surveyed.document["estimates"] if one["species"] is None and one["stratum"] == "all"
    ]
    text = Elements(page).text
    answer = text[text.index("How many animals") : text.index("Map")]
    for number in (total["detected"], total["estimate"]):
        assert f" {number:,.0f} " in answer
    assert f"{total['lower']:,.0f} to {total['upper']:,.0f}" in answer
    assert "Jolly's method 2" in answer
    first = answer[: answer.index("Species")]
    assert "No person has checked these numbers." in first
    assert "sampling error only, as if the detector were perfect, and that are in doubt themselves" in first
    assert (
        text.index("How many animals") < text.index("By species and stratum") < text.index("Detected twice")
    )


def test_a_refused_estimate_says_why(surveyed: Surveyed, tmp_path: Path) -> None:
    census = survey(plan_of(surveyed.run, keys={"tolerance": 1.0}))
    written(census, surveyed.run, tmp_path)
    text = Elements((tmp_path / "census_report.html").read_text(encoding="utf-8")).text
    answer = text[text.index("Animals that a detector found") : text.index("By species")]
    assert "This is not a population." in answer
    assert "The detector was never measured" in answer
    assert answer.count("no estimate") == 4  # three species and all of them
    assert "No estimate: the area that a number would stand for is unknown" in answer
    assert "Jolly" not in answer


def test_pairs_are_the_farthest_apart(surveyed: Surveyed) -> None:
    pairs = doubtful_pairs(surveyed.census, most=5)
    metres = sorted((merge.metres for merge in surveyed.census.animals.merges), reverse=True)
    assert [pair.metres for pair in pairs] == metres[:5]
    for pair in pairs:
        for shot in pair.shots:
            assert shot.crop is not None
            assert shot.crop.jpeg.startswith(b"\xff\xd8")
        assert pair.shots[0].file != pair.shots[1].file


def test_the_map_holds_everything(surveyed: Surveyed) -> None:
    drawn = census_map(surveyed.census)
    assert len(drawn.footprints) == len(surveyed.flight.names)
    assert sum(dots.path.count("M") for dots in drawn.dots) == len(surveyed.census.animals.class_id)
    assert drawn.transects.count("M") == 6
    assert [label.text for label in drawn.stratum_names] == ["river & plain", "hills <north>"]
    places = [
        float(number)
        for path in (*drawn.footprints, drawn.strata, drawn.transects, *(dots.path for dots in drawn.dots))
        for place in re.findall(r"[ML](-?[\d.]+ -?[\d.]+)", path)
        for number in place.split()
    ]
    assert min(places) >= 0
    assert max(places) <= max(1000, drawn.height)
    assert drawn.bar_text == "500 m"
    # the survey is 2.4 km wide: the bar is as long as it says
    assert drawn.bar == pytest.approx(500 / 2400 * 920, rel=0.02)


def test_names_of_strata_stand_apart_and_whole_on_the_map(surveyed: Surveyed) -> None:
    sample = surveyed.census.sample
    edges = np.linspace(-4000, 4000, 7)
    names = ["Selous-Mikumi corridor, wet season block", *(f"long-grass block {n}" for n in range(5))]
    strata = [
        replace(sample.strata[0], name=name, polygon=shapely.box(west, 0, east, 300))
        for name, west, east in zip(names, edges[:-1], edges[1:], strict=True)
    ]
    drawn = census_map(replace(surveyed.census, sample=replace(sample, strata=tuple(strata))))
    labels = drawn.stratum_names
    assert [label.text for label in labels] == ["Selous-Mikumi corridor, w\u2026", *names[1:]]
    phone, letter = 36, 0.6  # size of the letters there in units of the map, and their usual width in it
    halves = [len(label.text) * phone * letter / 2 for label in labels]
    for label, half in zip(labels, halves, strict=True):
        assert half <= label.x <= 1000 - half
        assert phone / 2 <= label.y <= drawn.height - phone / 2
    for (one, half), (other, its) in itertools.combinations(zip(labels, halves, strict=True), 2):
        assert abs(one.x - other.x) >= half + its or abs(one.y - other.y) >= phone


def test_the_limits_made_in_other_ways_stand_side_by_side(surveyed: Surveyed, page: str) -> None:
    table = page.partition("The limits made in other ways")[2].partition("</table>")[0]
    ways = [{each.spread for each in one.limits} for one in distinct_estimates(surveyed.record.estimates)]
    assert table.count("<tr>") == 1 + sum(map(len, ways))
    assert table.count(" chosen") == sum(map(bool, ways)) > 1
    first = next(one for one in surveyed.record.estimates if one.limits)
    for limits in first.limits:
        assert f"{limits.lower:,.0f} to {limits.upper:,.0f}" in table


def test_many_footprints_are_drawn_as_one(surveyed: Surveyed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wildetect.census.output.drawing._MOST_SINGLE", 10)
    assert len(census_map(surveyed.census).footprints) == 1


def test_whiskers() -> None:
    drawn = whiskers(
        [
            Estimate(method="Jolly 2", detected=10, counted=10, estimate=50.0, lower=20.0, upper=80.0),
            Estimate(method="none", detected=40, counted=40),
        ]
    )
    assert drawn == [(12.5, 62.5, 25.0, 100.0), (50.0, None, None, None)]
    nothing = whiskers([Estimate(method="none", detected=0, counted=0)])
    assert nothing == [(0.0, None, None, None)]


def test_the_chart_of_confidence() -> None:
    names = ["zebra", "gnu"]
    numbers = [
        CountAtConfidence(0.2, 9, 9, {"zebra": 6, "gnu": 3}),
        CountAtConfidence(0.6, 4, 4, {"zebra": 4, "gnu": 0}),
    ]
    chart = confidence_chart(numbers, names, 0.2)
    assert chart is not None
    assert [line.name for line in chart.lines] == ["all species", "zebra", "gnu"]
    assert chart.ticks[-1][0] == 10
    assert chart.chosen == pytest.approx(62 + 0.2 * 564)
    first, second = (place.split() for place in chart.lines[0].path[1:].split("L"))
    assert float(first[1]) < float(second[1])  # fewer animals lie lower
    only = [replace(one, per_class={"zebra": one.animals}) for one in numbers]
    alone = confidence_chart(only, names, None)
    assert alone is not None
    assert [line.name for line in alone.lines] == ["zebra"]
    assert confidence_chart(numbers[:1], names, 0.2) is None


def test_no_row_says_what_another_says() -> None:
    def row(species: str | None, stratum: str) -> EstimateRecord:
        return EstimateRecord(species=species, stratum=stratum, method="none", detected=1, counted=1)

    one = [row(species, stratum) for species in (None, "kudu") for stratum in ("n", "all")]
    assert distinct_estimates(one) == [row("kudu", "n")]
    two = [row(name, place) for name in (None, "kudu", "oryx") for place in ("n", "s", "all")]
    assert distinct_estimates(two) == two
    unknown = [row(name, "all") for name in (None, "kudu", "oryx")]
    assert distinct_estimates(unknown) == unknown


def test_what_is_known_of_the_detector_stands_beside_the_number(surveyed: Surveyed, tmp_path: Path) -> None:
    measured = MeasuredQuality(
        dataset="camp 23",
        at="2026-11-02T10:00:00+00:00",
        pictures=40,
        tile_size=640,
        gsd_cm=2.14,
        confidence=0.35,
        overall=Quality(0.981, 0.93),
        classes={"elephant": Quality(0.99, 0.95)},
    )
    written(surveyed.census, surveyed.run, tmp_path, detector=DetectorRecord(measured=(measured,)))
    text = Elements((tmp_path / "census_report.html").read_text(encoding="utf-8")).text
    where = "camp 23 (40 pictures, 2026-11-02, 2.1 cm/px, tiles of 640 px, confidence 0.35)"
    assert f"measured on {where}: recall 0.93, precision 0.98" in text
    answer = " ".join(text[text.index("How many animals") : text.index("Before you use")].split())
    assert "elephant 32 0.95 / 0.99 115" in answer
    assert "zebra 87 not measured 314" in answer
    assert read_census_file(tmp_path).detector == DetectorRecord(measured=(measured,))


def test_a_species_of_several_classes_shows_what_was_measured_of_each(
    surveyed: Surveyed, tmp_path: Path
) -> None:
    measured = MeasuredQuality(
        dataset="camp 23",
        at="2026-11-02T10:00:00+00:00",
        overall=Quality(0.98, 0.93),
        classes={"cow": Quality(0.99, 0.95), "calf": Quality(0.9, 0.7), "zebra": Quality(1.0, 0.8)},
    )
    written(
        surveyed.census,
        surveyed.run,
        tmp_path,
        detector=DetectorRecord(measured=(measured,)),
        settings={"roll_up": {"elephant": ["cow", "calf"]}},
    )
    text = Elements((tmp_path / "census_report.html").read_text(encoding="utf-8")).text
    answer = " ".join(text[text.index("How many animals") : text.index("Before you use")].split())
    assert "elephant 32 0.95 / 0.99 cow 0.70 / 0.90 calf 115" in answer
    assert "zebra 87 0.80 / 1.00 314" in answer


def test_species_stand_in_the_same_order_in_all_tables(surveyed: Surveyed, tmp_path: Path) -> None:
    names = [one.species for one in surveyed.record.headlines]
    reviewed = [
        CorrectedEstimate(species=name, stratum="all", detected=9, reviewed=9, corrected=None, reason="why")
        for name in sorted(names, key=str)
    ]
    census = replace(surveyed.census, corrected=reviewed)
    written(census, surveyed.run, tmp_path)
    page = (tmp_path / "census_report.html").read_text(encoding="utf-8")
    tables = [part.partition("</table>")[0] for part in page.split('<table class="numbers">')[1:]]
    orders = [re.findall(r'<th scope="row"[^>]*>.*?([^<>]+)(?:</b>)?</th>', table) for table in tables]
    assert len(orders) == 2
    assert orders[0] == orders[1] == ["zebra", "elephant", "gnu, &lt;blue&gt;", "all species"]


def test_what_a_review_set_right_comes_first(surveyed: Surveyed, tmp_path: Path) -> None:
    number = CorrectedNumber(
        value=601.0, lower=402.0, upper=903.0, standard_error=120.0, holds=("sampling", "detector")
    )
    reviewed = [
        CorrectedEstimate(species=name, stratum="all", detected=9, reviewed=8, corrected=number, reason=None)
        for name in ("zebra", "oryx", None)  # people named one that the detector does not know
    ]
    written(replace(surveyed.census, corrected=reviewed), surveyed.run, tmp_path)
    text = " ".join(Elements((tmp_path / "census_report.html").read_text(encoding="utf-8")).text.split())
    status = text.index("A person has looked at a part of the photographs.")
    assert "No person has checked" not in text
    assert status < text.index("601 402 to 903") < text.index("As if the detector were perfect")
    assert text.index("As if the detector were perfect") < text.index("245 to 967")
    assert "hold the error of the flight's sample and the errors of the detector" in text
    assert "oryx 0 8 601" in text


def test_each_error_is_named_with_its_direction(page: str) -> None:
    text = " ".join(Elements(page).text.split())
    low, high = text.index("Too low:"), text.index("Too high:")
    assert low < text.index("detector missed, and animals hidden under trees, are not in") < high
    assert high < text.index("each wrong box of the detector is counted as an animal; an animal that walked")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (None, "follows from an assumed position error of 3 m: no photograph states its own"),
        (0.04, "follows from the position errors that the photographs state"),
    ],
)
def test_a_position_error_is_stated_or_assumed(
    surveyed: Surveyed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: float | None, says: str
) -> None:
    plan = plan_of(surveyed.run)
    monkeypatch.setattr(
        "wildetect.census.gathering.read_camera",
        lambda path: replace(read_camera(path), position_error=error),
    )
    record = written(survey(plan), surveyed.run, tmp_path)
    assert record.tolerance.source == ("assumed" if error is None else "stated") + " position errors"
    text = " ".join(Elements((tmp_path / "census_report.html").read_text(encoding="utf-8")).text.split())
    assert f"The chosen one {says}" in text
