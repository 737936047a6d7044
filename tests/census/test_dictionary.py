"""The data dictionary knows every column of every table that is written, and no other."""

from __future__ import annotations

import csv
from fnmatch import fnmatchcase
from pathlib import Path

import openpyxl
import pyogrio
import pytest
from tests.census.conftest import Surveyed
from tests.results.samples import run_of, survey

from wildetect.results.exports.folder import Wanted, write_exports
from wildetect.tables.dictionary import TABLES, column_of, columns_of
from wildetect.workflows.publishing import PublishRequest, publish


def head_of(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


@pytest.fixture(scope="module")
def written(surveyed: Surveyed, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The columns of each table, as the program writes them."""
    folder = tmp_path_factory.mktemp("tables")
    results = survey()
    write_exports(folder, run_of(results), results, Wanted(exports=("csv", "gpkg", "wisdam")))
    out = folder / "out"
    publish(
        PublishRequest(folders=(surveyed.folder,), formats=("aed", "xlsx"), output=out, species="elephant")
    )
    publish(PublishRequest(folders=(surveyed.folder,), formats=("xlsx",), output=out / "coarse", blur="10"))
    tables = {
        path.name: head_of(path)
        for path in (
            *(folder / name for name in ("detections.csv", "wisdam.csv")),
            *(surveyed.folder / name for name in ("animals.csv", "transects.csv")),
            out / "aed.csv",
        )
    }
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
