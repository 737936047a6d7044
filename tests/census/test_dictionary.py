"""The data dictionary knows every column of every table that is written, and no other."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import openpyxl
import pyogrio
import pytest
from tests.census.conftest import Surveyed
from tests.results.samples import run_of, survey
from tests.workspaces import REPOSITORY

from wildetect.detections import Detections
from wildetect.evaluation.areas import BOXES, boxes_table
from wildetect.evaluation.paired import PICTURES, pictures_table
from wildetect.evaluation.record import ClassMeasures
from wildetect.results.exports.folder import Wanted, write_exports
from wildetect.results.records import ImageResult
from wildetect.results.reviewed import ReviewedBox
from wildetect.review.drawing import candidates_of, draw
from wildetect.review.plan import write_plan
from wildetect.tables.dictionary import TABLES, column_of, columns_of
from wildetect.workflows.publishing import PublishRequest, publish

NOT_FOR_PEOPLE = {"columns.csv", "results.csv"}  # the dictionary, and what another's trainer writes


def head_of(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def properties_of(path: Path) -> list[str]:
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    return list(dict.fromkeys(name for one in features for name in one["properties"]))


def turned_on_a_map() -> ImageResult:
    """An oriented box on a raster, whose outline on the ground is known."""
    corners = [[10, 20, 30, 10, 40, 30, 20, 40]]
    return ImageResult(
        name="map/turned.tif",
        path=Path("/survey/flight/map/turned.tif"),
        detections=Detections([[10, 10, 40, 40]], [0.8], [0], corners),
        width=200,
        height=100,
        tiles=1,
        positions=np.array([[34.75, -2.5]]),
        outlines=np.array([[34.75, -2.5, 34.751, -2.5, 34.751, -2.499, 34.75, -2.499]]),
    )


def detected(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The tables of a run, of its review and of an evaluation."""
    results = [*survey(), turned_on_a_map()]
    run = run_of(results)
    seen = {results[0].name: [ReviewedBox("kudu", (1, 2, 3, 4), id="a1")]}
    write_exports(folder, run, results, Wanted(exports=("csv", "geojson", "gpkg", "wisdam")), seen)
    plan = draw(candidates_of(results), 2, 1, "0" * 64)
    write_plan(folder, plan)
    write_plan(folder, replace(plan, purpose="training"))
    tables = ("detections.csv", "reviewed.csv", "wisdam.csv", "review/plan.csv", "review/training.csv")
    for name in tables:
        yield Path(name).name, head_of(folder / name)
    for name in ("detections.geojson", "reviewed.geojson"):
        yield name, properties_of(folder / name)
    for name, pieces in ((PICTURES, pictures_table([])), (BOXES, boxes_table([]))):
        yield name, next(csv.reader(pieces))
    yield "classes.csv", ClassMeasures.columns()


@pytest.fixture(scope="module")
def written(surveyed: Surveyed, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The columns of each table, as the program writes them."""
    folder = tmp_path_factory.mktemp("tables")
    tables = dict(detected(folder))
    out = folder / "out"
    publish(
        PublishRequest(folders=(surveyed.folder,), formats=("aed", "xlsx"), output=out, species="elephant")
    )
    publish(PublishRequest(folders=(surveyed.folder,), formats=("xlsx",), output=out / "coarse", blur="10"))
    for path in (surveyed.folder / "animals.csv", surveyed.folder / "transects.csv", out / "aed.csv"):
        tables[path.name] = head_of(path)
    tables["animals.geojson"] = properties_of(surveyed.folder / "animals.geojson")
    for path in (folder / "detections.gpkg", surveyed.folder / "animals.gpkg"):
        for layer, kind in pyogrio.list_layers(path):
            if kind is not None:
                fields = pyogrio.read_info(path, layer=layer)["fields"].tolist()
                tables[f"{path.name}: {layer}"] = fields
    for sheet in openpyxl.load_workbook(out / "census.xlsx"):
        if sheet.title != "columns":
            tables[f"census.xlsx: {sheet.title}"] = [one.value for one in next(sheet.iter_rows())]
    return tables


def test_every_column_is_explained_and_every_explanation_is_of_a_column(
    written: dict[str, list[str]],
) -> None:
    assert written.keys() == TABLES.keys() - {"animals.gpkg: cells"}  # which only coarsened files have
    for table, head in written.items():
        assert [name for name in head if column_of(table, name) is None] == [], table
        gone = [one for one in TABLES[table] if not any(fnmatchcase(name, one) for name in head)]
        assert set(gone) <= {"reach"}, table  # a block that is null in some censuses is one column


def test_no_table_is_written_without_an_explanation() -> None:
    source = REPOSITORY / "src" / "wildetect"
    named = {
        found.group(1)
        for path in source.rglob("*.py")
        for found in re.finditer(r'"(?:[a-z]+/)?([a-z]+\.csv)"', path.read_text(encoding="utf-8"))
    }
    assert named >= {"detections.csv", "animals.csv", "plan.csv"}
    assert named - NOT_FOR_PEOPLE <= TABLES.keys()


def test_explanations_hold_a_unit_where_a_name_has_one(written: dict[str, list[str]]) -> None:
    units = {"_km2": "km²", "_m": "m", "_km": "km", "_cm": "cm/px"}
    for table, column in columns_of():
        assert column.meaning
        for ending, unit in units.items():
            if column.name.endswith(ending) and not column.name.endswith("per_km2"):
                assert column.unit == unit, (table, column)


def test_a_census_carries_its_dictionary(surveyed: Surveyed) -> None:
    with (surveyed.folder / "columns.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [row["column"] for row in rows if row["table"] == "transects.csv"]
    assert names == head_of(surveyed.folder / "transects.csv")
    assert next(row for row in rows if row["column"] == "Effort")["unit"] == "km"
