"""detections.gpkg, opened by GDAL (through pyogrio), by SQLite and by the rules of the standard."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from tests.results.samples import NAMES, NASTY, survey

from wildetect.results.exports.formats.geopackage import write_geopackage

pyogrio = pytest.importorskip("pyogrio", reason="pyogrio (GDAL) is not installed")
CHANGED = datetime(2026, 11, 23, 4, 12, 9, tzinfo=UTC)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "detections.gpkg"
    write_geopackage(path, survey(), NAMES, changed=CHANGED)
    return path


def test_gdal_lists_the_layers(package: Path) -> None:
    layers = dict(pyogrio.list_layers(package).tolist())
    assert layers == {"detections": "Point", "photographs": "Point", "layer_styles": None}


def test_gdal_reads_the_detections(package: Path) -> None:
    meta, _, geometry, columns = pyogrio.raw.read(package, layer="detections")
    table = dict(zip(meta["fields"], columns, strict=True))
    assert meta["crs"] == "EPSG:4326"
    assert table["image"].tolist() == [NASTY, NASTY, "map/ortho.tif", "ü 1.jpg"]
    assert table["class"].tolist() == ["gnu, <blue>", "plains zebra", "lion", "plains zebra"]
    assert table["confidence"].tolist() == [0.9, 0.35, 0.12346, 0.5]
    assert table["x_max"].tolist() == [30, 200, 60, 3]
    assert table["position_of"].tolist() == ["photograph", "photograph", "detection", None]
    places = [np.frombuffer(point[5:21], "<f8").tolist() for point in geometry[:3]]
    assert places == [[34.75, -2.5], [34.75, -2.5], [34.7512346, -2.4987654]]
    assert geometry[3] is None


def test_gdal_reads_the_photographs(package: Path) -> None:
    meta, _, _, columns = pyogrio.raw.read(package, layer="photographs")
    table = dict(zip(meta["fields"], columns, strict=True))
    assert table["failure"].tolist() == [None, None, None, None, "the file is cut short (truncated)"]
    assert np.array_equal(table["detections"], [2, 1, 0, 1, np.nan], equal_nan=True)


def test_what_the_standard_asks_for(package: Path) -> None:
    content = package.read_bytes()
    assert content[:16] == b"SQLite format 3\0"  # requirement 1
    assert content[68:72] == b"GPKG"  # requirement 2
    assert int.from_bytes(content[60:64], "big") == 10301
    with closing(sqlite3.connect(package)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]  # requirement 6
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []  # requirement 7
        systems = {row[0] for row in database.execute("SELECT srs_id FROM gpkg_spatial_ref_sys")}
        assert systems == {4326, -1, 0}  # requirement 11
        columns = "table_name, last_change, min_x, min_y, max_x, max_y, srs_id"
        contents = database.execute(f"SELECT {columns} FROM gpkg_contents").fetchall()  # noqa: S608 - our own words
    moment = "2026-11-23T04:12:09.000Z"  # requirement 15
    assert contents == [
        ("detections", moment, 34.75, -2.5, 34.7512346, -2.4987654, 4326),
        ("photographs", moment, 34.75, -2.501, 34.751, -2.5, 4326),
        ("layer_styles", moment, None, None, None, None, 0),
    ]


def test_without_positions(tmp_path: Path) -> None:
    write_geopackage(tmp_path / "a.gpkg", survey()[3:], NAMES, changed=CHANGED)
    info = pyogrio.read_info(tmp_path / "a.gpkg", layer="detections")
    assert info["features"] == 1


def test_the_same_results_give_the_same_bytes(package: Path) -> None:
    first = package.read_bytes()
    write_geopackage(package, survey(), NAMES, changed=CHANGED)
    assert package.read_bytes() == first
