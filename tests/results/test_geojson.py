"""detections.geojson against the rules of RFC 7946."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.results.samples import NAMES, NASTY, survey

from wildetect.results.exports.formats.geojson import write_geojson
from wildetect.results.rows import has_positions

GEOJSON_TYPES = {"coordinates", "geometries", "geometry", "features"}


def check_rfc_7946(document: Any) -> None:
    """Raise unless a document is a valid FeatureCollection of points and unlocated features."""
    assert document["type"] == "FeatureCollection"  # section 3.3
    assert isinstance(document["features"], list)
    assert "crs" not in document  # section 4: WGS 84, and nothing else
    assert not GEOJSON_TYPES - {"features"} & document.keys()  # section 7.1
    for feature in document["features"]:
        assert feature["type"] == "Feature"  # section 3.2
        assert {"geometry", "properties"} <= feature.keys()
        assert not {"coordinates", "geometries", "features", "crs"} & feature.keys()
        assert feature["properties"] is None or isinstance(feature["properties"], dict)
        geometry = feature["geometry"]
        if geometry is not None:
            assert geometry["type"] == "Point"  # section 3.1.2
            longitude, latitude = geometry["coordinates"]  # section 3.1.1: longitude first
            assert -180 <= longitude <= 180
            assert -90 <= latitude <= 90
            assert not {"geometry", "properties", "features"} & geometry.keys()


@pytest.fixture
def document(tmp_path: Path) -> Any:
    path = tmp_path / "detections.geojson"
    write_geojson(path, survey(), NAMES)
    return json.loads(path.read_text(encoding="utf-8"))


def test_valid_by_the_rfc(document: Any) -> None:
    check_rfc_7946(document)


def test_each_detection_says_whose_position_it_has(document: Any) -> None:
    camera, _, own, unknown = document["features"]
    assert camera["geometry"]["coordinates"] == [34.75, -2.5]
    assert camera["properties"]["position_of"] == "photograph"
    assert own["geometry"]["coordinates"] == [34.7512346, -2.4987654]
    assert own["properties"]["position_of"] == "detection"
    assert unknown["geometry"] is None
    assert unknown["properties"]["position_of"] is None


def test_properties(document: Any) -> None:
    assert document["features"][0]["properties"] == {
        "image": NASTY,
        "class": "gnu, <blue>",
        "confidence": 0.9,
        "x_min": 10.0,
        "y_min": 20.0,
        "x_max": 30.0,
        "y_max": 60.0,
        "position_of": "photograph",
        "id": "54a51f63da0ce4ca",
    }


def test_whether_positions_are_known() -> None:
    results = survey()
    assert has_positions(results[:1])
    assert has_positions(results[1:2])
    assert not has_positions(results[3:])


def test_without_results(tmp_path: Path) -> None:
    write_geojson(tmp_path / "a", [], NAMES)
    check_rfc_7946(json.loads((tmp_path / "a").read_text()))
