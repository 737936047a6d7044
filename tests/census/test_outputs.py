"""The files of a census: one number in all of them, formats that other programs read."""

from __future__ import annotations

import csv
import errno
import json
import re
import shutil
import signal
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import shapely
from tests.census.conftest import Surveyed, written
from tests.census.flights import degrees

from wildetect.census.counting.animals import count_once
from wildetect.census.design.sampling import sample_survey
from wildetect.census.estimates.class_estimates import estimates_of
from wildetect.census.output.maps import cut_at_180
from wildetect.census.output.outputs import FILES, census_record
from wildetect.census.output.record import read_census_file, record_from, write_census_file
from wildetect.census.output.rows import animal_rows
from wildetect.census.output.tables import TRANSECT_COLUMNS, write_animals
from wildetect.census.result import ToleranceCount
from wildetect.errors import InputError
from wildetect.results.ids import ids_of_boxes
from wildetect.results.run_parts import Logged

pyogrio = pytest.importorskip("pyogrio", reason="pyogrio (GDAL) is not installed")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def layer(path: Path, name: str) -> dict[str, Any]:
    meta, _, geometry, columns = pyogrio.raw.read(path, layer=name)
    return {"geometry": geometry, "crs": meta["crs"], **dict(zip(meta["fields"], columns, strict=True))}


@pytest.fixture
def features(surveyed: Surveyed) -> list[dict[str, Any]]:
    document = json.loads((surveyed.folder / "animals.geojson").read_text(encoding="utf-8"))
    assert document["type"] == "FeatureCollection"
    return list(document["features"])


def test_the_files(surveyed: Surveyed) -> None:
    written_now = {path.name for path in surveyed.folder.iterdir() if not path.name.startswith(".")}
    assert written_now == set(FILES)
    on_disk = json.loads((surveyed.folder / "census.json").read_text(encoding="utf-8"))
    assert on_disk == json.loads(json.dumps(surveyed.document))


def test_one_number_in_every_file(surveyed: Surveyed, features: list[dict[str, Any]]) -> None:
    document, folder = surveyed.document, surveyed.folder
    counts = document["counts"]
    number, per_class = counts["animals"], counts["per_class"]
    assert number == len(surveyed.census.animals.class_id) > 100
    assert sum(per_class.values()) == number
    assert len(document["animals"]) == number
    animals = table(folder / "animals.csv")
    assert Counter(row["species"] for row in animals) == per_class
    seen = [one["properties"]["species"] for one in features if one["properties"]["kind"] == "animal"]
    assert Counter(seen) == per_class
    package = layer(folder / "animals.gpkg", "animals")
    assert Counter(package["species"]) == per_class
    (chosen,) = [one for one in document["tolerance"]["counts"] if one["name"] == "chosen"]
    assert (chosen["animals"], chosen["per_class"]) == (number, per_class)
    # nothing was detected below the run's threshold, and none of it left out above
    assert document["confidence"][0]["animals"] == number
    overall = {one["species"]: one["detected"] for one in document["estimates"] if one["stratum"] == "all"}
    assert overall.pop(None) == number - counts["outside_strata"]
    assert sum(overall.values()) == number - counts["outside_strata"]
    assert counts["on_transects"] + counts["off_transects"] + counts["outside_strata"] == number
    transects = [row for row in table(folder / "transects.csv") if row["object"] != "NA"]
    assert len(transects) == counts["on_transects"]
    assert sum(one["animals"] for one in document["transects"]) == counts["on_transects"]
    boxes = sum(len(one["boxes"]) for one in document["animals"])
    assert boxes == counts["boxes"] == sum(one["boxes"] for one in document["photographs"])
    assert len(document["merges"]) == boxes - number


def test_one_id_of_an_animal_in_every_file_and_of_a_detection_as_its_run_has_it(
    surveyed: Surveyed, features: list[dict[str, Any]]
) -> None:
    of_number = {one["animal"]: one["id"] for one in surveyed.document["animals"]}
    assert len(set(of_number.values())) == len(of_number) > 100
    in_tables = {int(row["animal"]): row["id"] for row in table(surveyed.folder / "animals.csv")}
    package = layer(surveyed.folder / "animals.gpkg", "animals")
    shown = [one["properties"] for one in features if one["properties"]["kind"] == "animal"]
    assert in_tables == dict(zip(package["animal"], package["id"], strict=True)) == of_number
    assert {one["animal"]: one["id"] for one in shown} == of_number
    counted = [row for row in table(surveyed.folder / "transects.csv") if row["object"] != "NA"]
    assert {of_number[int(row["object"])] for row in counted} == {row["id"] for row in counted}
    of_file = {one.file: one.detections for one in surveyed.census.photographs}
    for one in surveyed.document["animals"]:
        surest = max(one["boxes"], key=lambda box: (box["confidence"], box["file"]))
        assert one["id"] == surest["id"]
        for box in one["boxes"]:
            assert box["id"] in set(ids_of_boxes(box["file"], of_file[box["file"]].xyxy.tolist()))


def test_keys_of_the_document(surveyed: Surveyed) -> None:
    document = surveyed.document
    assert list(document) == [
        "state",
        "campaign",
        "summary",
        "not_corrected",
        "counts",
        "tolerance",
        "merging",
        "confidence",
        "estimates",
        "corrected",
        "strata",
        "transects",
        "sampling",
        "cautions",
        "left_out",
        "detections",
        "model",
        "detector",
        "settings",
        "projection",
        "times",
        "versions",
        "mlflow",
        "files",
        "digests",
        "photographs",
        "merges",
        "near_misses",
        "empty_places",
        "overlaps",
        "animals",
        "sensitive",
        "blurred",
        "places_km",
    ]
    assert {
        "method",
        "detected",
        "estimate",
        "lower",
        "upper",
        "refusal",
        "notes",
        "species",
        "stratum",
    } <= set(document["estimates"][0])
    assert set(document["merges"][0]) == {"animal", "metres", "boxes", "told"}
    assert document["photographs"][0]["sources"]["position"] == "EXIF"
    longest = {"photographs", "merges", "near_misses", "empty_places", "overlaps", "animals"}
    assert set(document) - set(surveyed.record.short_document()) == longest


def test_every_merge_can_be_checked(surveyed: Surveyed) -> None:
    by_number = {one["animal"]: one for one in surveyed.document["animals"]}
    for merge in surveyed.document["merges"]:
        first, second = merge["boxes"]
        assert first["file"] != second["file"]
        boxes = by_number[merge["animal"]]["boxes"]
        assert first in boxes
        assert second in boxes
        assert 0 <= merge["metres"] <= surveyed.document["tolerance"]["metres"]


def test_positions_are_those_of_the_herd(surveyed: Surveyed) -> None:
    places = degrees(surveyed.herd.places)
    for row in table(surveyed.folder / "animals.csv"):
        away = np.abs(places - [float(row["longitude"]), float(row["latitude"])]).min(axis=0)
        assert (away < 3e-5).all()  # 3 m: the test's own degrees are rough


def test_transects_as_distance_reads_them(surveyed: Surveyed) -> None:
    rows = table(surveyed.folder / "transects.csv")
    assert tuple(rows[0]) == TRANSECT_COLUMNS
    for row in rows:
        assert (row["object"] == "NA") == (row["distance"] == "NA") == (row["size"] == "NA")
        if row["distance"] != "NA":
            assert 0 <= float(row["distance"]) <= float(row["strip_m"]) / 2 * 1.01
    species = set(surveyed.document["counts"]["per_class"])
    samples = {(row["Region.Label"], row["Sample.Label"]) for row in rows}
    assert len(samples) == 6
    # the rows of each species alone hold the whole effort
    for name in species:
        assert {
            (row["Region.Label"], row["Sample.Label"]) for row in rows if row["species"] == name
        } == samples
    for row in rows:
        searched = float(row["Effort"]) * float(row["strip_m"]) / 1000
        assert searched == pytest.approx(float(row["searched_km2"]), rel=1e-3)


def test_geojson(surveyed: Surveyed, features: list[dict[str, Any]]) -> None:
    kinds = Counter(one["properties"]["kind"] for one in features)
    assert kinds == {
        "animal": surveyed.document["counts"]["animals"],
        "photograph": len(surveyed.flight.names),
        "stratum": 2,
        "transect": 6,
    }
    for feature in features:
        if feature["geometry"]["type"] == "Polygon":
            ring = np.array(feature["geometry"]["coordinates"][0])
            assert (ring[0] == ring[-1]).all()
            x, y = ring.T
            assert (x[:-1] * y[1:] - x[1:] * y[:-1]).sum() > 0  # counterclockwise


def test_geopackage(surveyed: Surveyed) -> None:
    path = surveyed.folder / "animals.gpkg"
    assert pyogrio.list_layers(path).tolist() == [
        ["animals", "Point"],
        ["photographs", "MultiPolygon"],
        ["transects", "MultiLineString"],
        ["strata", "MultiPolygon"],
        ["layer_styles", None],
    ]
    assert layer(path, "transects")["animals"].sum() == surveyed.document["counts"]["on_transects"]
    strata = layer(path, "strata")
    assert strata["crs"] == "EPSG:4326"
    assert strata["stratum"].tolist() == ["river & plain", "hills <north>"]
    assert layer(path, "photographs")["boxes"].sum() == surveyed.document["counts"]["boxes"]


def test_qgis_finds_a_style_and_an_index_for_each_layer(surveyed: Surveyed, tmp_path: Path) -> None:
    path = Path(shutil.copy(surveyed.folder / "animals.gpkg", tmp_path))
    with closing(sqlite3.connect(path)) as database:
        styles = dict(
            database.execute("SELECT f_table_name, styleQML FROM layer_styles WHERE useAsDefault = 1")
        )
        indexed = {row[0] for row in database.execute("SELECT table_name FROM gpkg_extensions")}
        places = database.execute("SELECT COUNT(*) FROM rtree_animals_geom").fetchone()[0]
    assert set(styles) == indexed == {"animals", "photographs", "transects", "strata"}
    assert places == surveyed.document["counts"]["animals"]
    named = ET.fromstring(styles["animals"].partition("\n")[2])  # noqa: S314 - written by ourselves
    species = [one.get("value") for one in named.iter("category")]
    assert set(species) == set(surveyed.document["counts"]["per_class"])
    # GDAL asks the index, and keeps it right when somebody edits the layer
    info = pyogrio.read_info(path, layer="animals")
    assert info["capabilities"]["fast_spatial_filter"]
    west, south, east, north = info["total_bounds"]
    half = pyogrio.raw.read(path, layer="animals", bbox=(west, south, (west + east) / 2, north))[2]
    assert 0 < len(half) < places


def test_what_lies_across_the_180th_meridian_is_cut_there() -> None:
    whole = shapely.box(179.9, -17, 180.3, -16.9)
    for drawn in (whole, shapely.transform(whole, lambda places: places - [360, 0])):
        cut = cut_at_180(drawn)
        assert cut.geom_type == "MultiPolygon"
        assert sorted(part.bounds for part in cut.geoms) == [
            pytest.approx((-180, -17, -179.7, -16.9)),
            pytest.approx((179.9, -17, 180, -16.9)),
        ]
    here = shapely.box(36, -1, 36.1, -0.9)
    assert cut_at_180(here) is here
    line = cut_at_180(shapely.LineString([(179.9, -17), (180.1, -17)]))
    assert (line.geom_type, line.length) == ("MultiLineString", pytest.approx(0.2))


def test_what_a_spreadsheet_would_take_for_a_formula(surveyed: Surveyed, tmp_path: Path) -> None:
    rows = [
        row._replace(species="=cmd|' /C calc'!A0", photographs=("@x.jpg",))
        for row in animal_rows(surveyed.census)
    ]
    write_animals(tmp_path / "animals.csv", rows[:2])
    (first, _) = table(tmp_path / "animals.csv")
    assert first["species"] == "'=cmd|' /C calc'!A0"
    assert first["photographs"] == "'@x.jpg"


def test_an_earlier_census_of_mlflow_is_known_again(surveyed: Surveyed, tmp_path: Path) -> None:
    first = written(surveyed.census, surveyed.run, tmp_path)
    assert first.mlflow is None
    write_census_file(tmp_path, replace(first, mlflow=Logged("http://x", "7")))
    again = written(surveyed.census, surveyed.run, tmp_path)
    assert again.mlflow == Logged("http://x", "7")
    write_census_file(tmp_path, again)
    other = written(surveyed.census, surveyed.run, tmp_path, settings={"tolerance": 2.0})
    assert other.mlflow is None


def test_a_folder_that_cannot_be_written(surveyed: Surveyed, tmp_path: Path) -> None:
    (tmp_path / "animals.csv").mkdir()
    with pytest.raises(InputError, match=r"animals\.csv"):
        written(surveyed.census, surveyed.run, tmp_path)
    assert not (tmp_path / "census.json").exists()
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []


def test_a_map_that_was_drawn_on_is_kept_beside_the_new_one(surveyed: Surveyed, tmp_path: Path) -> None:
    written(surveyed.census, surveyed.run, tmp_path)
    own = (tmp_path / "census.qgs").read_text(encoding="utf-8")
    (tmp_path / "census.qgs").write_text(f"{own}<!-- my layers -->", encoding="utf-8")
    written(surveyed.census, surveyed.run, tmp_path)
    written(surveyed.census, surveyed.run, tmp_path)
    assert (tmp_path / "census.qgs").read_text(encoding="utf-8") == own
    assert [path.name for path in tmp_path.glob("*.edited*")] == ["census.edited.qgs"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits on files are Unix's")
def test_a_census_that_cannot_be_written_leaves_the_earlier_one(surveyed: Surveyed, tmp_path: Path) -> None:
    """The disk takes the small files and not the large ones: none takes the place of another's."""
    import resource

    written(surveyed.census, surveyed.run, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name != ".lock"}
    limit = len(before["census_report.html"]) // 2
    assert len(before["animals.csv"]) < limit
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(
            InputError, match=re.escape(f"cannot write {tmp_path / 'animals.gpkg'}: ")
        ) as refused:
            written(surveyed.census, surveyed.run, tmp_path, settings={"tolerance": 2.0})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert "another drive" in refused.value.hint
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name != ".lock"} == before


@pytest.mark.parametrize("name", ["animals.csv", "census_report.html", "census.json"])
@pytest.mark.parametrize("refused", ["moved away", "replaced"])
def test_a_census_whose_file_another_program_has_open_stays_whole(
    surveyed: Surveyed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, refused: str
) -> None:
    """Windows refuses to rename what Excel or QGIS has open: all files of before stay, census.json, too."""
    written(surveyed.census, surveyed.run, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name != ".lock"}
    rename = Path.replace

    def as_windows(path: Path, target: Path) -> Path:
        if (
            path if refused == "moved away" else target
        ) == tmp_path / name and path.parent.name != "replaced":
            raise PermissionError(errno.EACCES, "The file is being used by another process", str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", as_windows)
    with pytest.raises(InputError, match=re.escape(f"cannot write {tmp_path / name}: The file is")) as told:
        written(surveyed.census, surveyed.run, tmp_path, settings={"tolerance": 2.0})
    assert "Close it in other programs" in told.value.hint
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name != ".lock"} == before


def test_what_mlflow_keeps(surveyed: Surveyed) -> None:
    record = census_record(surveyed.record, surveyed.folder)
    assert record.metrics["animals_detected"] == surveyed.document["counts"]["animals"]
    # MLflow takes no comma and no brackets: a checksum tells the name from others that would look alike
    (spelled,) = [name for name in record.metrics if re.fullmatch(r"detected_gnu_ _blue_-[0-9a-f]{6}", name)]
    assert record.metrics[spelled] == surveyed.document["counts"]["per_class"]["gnu, <blue>"]
    assert record.metrics["lower_all"] <= record.metrics["estimate_all"] <= record.metrics["upper_all"]
    assert record.files
    assert all((surveyed.folder / name).is_file() for name in record.files)
    assert record.model is None  # a weights file, no version
    named = replace(surveyed.record, model=replace(surveyed.record.model, version="3"))
    assert census_record(named, surveyed.folder).model == ("herd", "3")


def test_a_census_without_animals(surveyed: Surveyed, tmp_path: Path) -> None:
    census = surveyed.census
    nothing = np.zeros(len(census.boxes.class_id), bool)
    boxes = census.boxes.select(nothing)

    animals = count_once(boxes, census.views, 1.0)
    sample = sample_survey(animals, boxes, census.views, None, census.transects)
    empty = replace(
        census,
        boxes=boxes,
        animals=animals,
        wanted=(),
        counts=tuple(ToleranceCount.of(one.name, one.metres, animals) for one in census.counts),
        by_confidence=[],
        sample=sample,
        estimates=estimates_of(sample, animals, ()),
    )
    record = written(empty, surveyed.run, tmp_path)
    assert record.counts.animals == 0
    assert table(tmp_path / "animals.csv") == []
    transects = table(tmp_path / "transects.csv")
    assert len(transects) == 6
    assert {row["species"] for row in transects} == {"NA"}
    page = (tmp_path / "census_report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")


def test_what_is_read_is_what_was_written(surveyed: Surveyed) -> None:
    assert read_census_file(surveyed.folder) == surveyed.record


def test_files_of_earlier_versions_are_read(surveyed: Surveyed) -> None:
    old = json.loads(json.dumps(surveyed.document))
    for one in old["estimates"]:
        one["number_seen"] = one.pop("detected")
        del one["limits_hold"]
    for one in old["cautions"]:
        one["message"] = one.pop("what")
    for one in old["summary"].values():
        one["reason"] = "nobody has reviewed the detections"
    del old["not_corrected"]
    for one in old["animals"]:
        del one["id"]
        for box in one["boxes"]:
            del box["id"]
    read = record_from(old)
    assert read.cautions == surveyed.record.cautions
    assert [one.detected for one in read.estimates] == [one.detected for one in surveyed.record.estimates]
    assert [one.longitude for one in read.animals] == [one.longitude for one in surveyed.record.animals]
    contents: tuple[object, ...] = (
        {},
        [],
        {"estimates": 1, "transects": [], "strata": []},
        {**old, "animals": [{"animal": "x"}]},
    )
    for content in contents:
        with pytest.raises(ValueError, match="not the content of a census"):
            record_from(content)


def test_limits_cautions_and_summary_say_what_they_are(surveyed: Surveyed) -> None:
    document = surveyed.document
    for one in document["estimates"]:
        holds = None if one["lower"] is None else "sampling error only, as if the detector were perfect"
        assert one["limits_hold"] == holds
    assert {one["limits_hold"] for one in document["estimates"]} - {None}
    assert document["cautions"]
    assert {tuple(one) for one in document["cautions"]} == {("kind", "what", "files", "fix")}
    assert {tuple(one) for one in document["summary"].values()} == {("detected", "reviewed", "corrected")}
    assert "seen" not in json.dumps({key: document[key] for key in ("estimates", "strata", "summary")})
