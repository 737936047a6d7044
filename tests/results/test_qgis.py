"""GeoPackages and projects opened and drawn by QGIS's own library, where it is installed."""

from __future__ import annotations

import functools
import json
import os
import shutil
import sqlite3
import subprocess
import xml.etree.ElementTree as ET
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.census.conftest import Surveyed
from tests.census.conftest import surveyed as surveyed  # noqa: PLC0414 - a fixture

from wildetect.results.exports.folder import Wanted
from wildetect.results.exports.later import export_again
from wildetect.results.report.numbers import colour_code

SCRIPT = Path(__file__).parents[1] / "qgis_look.py"


@functools.cache
def python_of_qgis() -> str | None:
    """A Python that has QGIS's library; that of the tests has not."""
    for name in ("/usr/bin/python3", shutil.which("python3"), shutil.which("python-qgis")):
        if name and Path(name).exists():
            words = [name, "-c", "import qgis.core"]
            if subprocess.run(words, capture_output=True, check=False, env=quiet()).returncode == 0:
                return name
    return None


def quiet() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL"))}
    return {**kept, "QT_QPA_PLATFORM": "offscreen"}


def opened(path: Path, picture: Path) -> list[dict[str, Any]]:
    """What QGIS makes of a file."""
    python = python_of_qgis()
    if python is None:
        pytest.skip("QGIS is not installed (Debian: python3-qgis)")
    words = [python, str(SCRIPT), str(path), str(picture)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, env=quiet(), timeout=120)
    assert ended.returncode == 0, ended.stderr
    document: list[dict[str, Any]] = json.loads(ended.stdout.strip().splitlines()[-1])
    return document


def colours_in(picture: Path) -> set[str]:
    pixels = np.asarray(Image.open(picture).convert("RGB")).reshape(-1, 3)
    return {f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in np.unique(pixels, axis=0).tolist()}


@pytest.mark.parametrize("name", ["animals.gpkg", "census.qgs"])
def test_qgis_opens_and_draws_a_census(surveyed: Surveyed, tmp_path: Path, name: str) -> None:
    found = {one["name"]: one for one in opened(surveyed.folder / name, tmp_path / "drawn.png")}
    assert {one["crs"] for one in found.values()} == {"EPSG:4326"}
    assert all(one["valid"] and one["index"] and one["features"] > 0 for one in found.values())
    assert found.keys() >= {"animals", "photographs", "transects", "strata"}
    species = list(surveyed.record.counts.per_class)
    assert found["animals"]["renderer"] == "categorizedSymbol"
    assert found["animals"]["categories"] == species
    assert found["animals"]["lists"] == {"species": species}
    assert [found[layer]["label"] for layer in ("transects", "strata")] == ["transect", "stratum"]
    seen = colours_in(tmp_path / "drawn.png")
    drawn = {surveyed.record.model.class_names.index(one.species) for one in surveyed.record.animals}
    assert {colour_code(number) for number in drawn} <= seen


def test_qgis_opens_and_draws_detections(surveyed: Surveyed, tmp_path: Path) -> None:
    run = Path(surveyed.record.detections.folder)
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    export_again(folder, Wanted(exports=("gpkg",)))
    found = {one["name"]: one for one in opened(folder / "detections.gpkg", tmp_path / "drawn.png")}
    assert found["detections"]["categories"] == list(surveyed.record.model.class_names)
    assert found["detections"]["lists"] == {"verdict": ["(none)", "right", "wrong", "unsure"]}
    assert found["photographs"]["lists"] == {"verdict": ["(none)", "nothing-here"]}
    assert all(one["valid"] and one["index"] for one in found.values())


def test_styles_are_stored_as_qgis_looks_for_them(surveyed: Surveyed) -> None:
    with closing(sqlite3.connect(surveyed.folder / "animals.gpkg")) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(layer_styles)")]
        styles = database.execute(
            "SELECT f_table_name, f_geometry_column, useAsDefault, styleQML FROM layer_styles"
        ).fetchall()
        layers = {row[0] for row in database.execute("SELECT table_name FROM gpkg_geometry_columns")}
        indexed = {
            row[0]
            for row in database.execute(
                "SELECT table_name FROM gpkg_extensions WHERE extension_name = 'gpkg_rtree_index'"
            )
        }
    assert columns == [
        *("id", "f_table_catalog", "f_table_schema", "f_table_name", "f_geometry_column", "styleName"),
        *("styleQML", "styleSLD", "useAsDefault", "description", "owner", "ui", "update_time"),
    ]
    assert {name for name, *_ in styles} == layers == indexed
    assert {(geometry, default) for _, geometry, default, _ in styles} == {("geom", 1)}
    for *_, qml in styles:
        assert ET.fromstring(qml).find("renderer-v2") is not None  # noqa: S314 - our own file
    project = ET.parse(surveyed.folder / "census.qgs").getroot()  # noqa: S314 - our own file
    sources = {one.findtext("datasource") for one in project.iter("maplayer")}
    assert sources == {f"./animals.gpkg|layername={name}" for name in layers}
