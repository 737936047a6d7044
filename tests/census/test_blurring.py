"""Coordinates coarsened to a grid, and nothing exact in any file."""

from __future__ import annotations

import csv
import math
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from pyproj import Geod
from tests.census.conftest import Surveyed
from tests.census.flights import LATITUDE, LONGITUDE

from wildetect.errors import ConfigurationError
from wildetect.results.blurring import Grid, grid_of
from wildetect.settings.words import CENSUS_EXPORTS
from wildetect.workflows.publishing import PublishRequest, publish

NUMBER = re.compile(r"-?\d+\.\d+")


def texts_of(folder: Path) -> Iterator[tuple[str, str]]:
    """All that the files of a folder say, members of archives and cells of workbooks included."""
    for path in folder.rglob("*"):
        if path.suffix == ".xlsx":
            for sheet in openpyxl.load_workbook(path):
                for row in sheet.iter_rows(values_only=True):
                    yield f"{path.name}/{sheet.title}", " ".join(map(repr, row))
        if path.suffix in {".xlsx", ".zip"}:
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield f"{path.name}/{name}", archive.read(name).decode("utf-8")
        else:
            yield path.name, path.read_text(encoding="utf-8")


def places_in(folder: Path) -> list[tuple[str, float]]:
    """Numbers that can be a longitude or latitude of the survey."""
    near = (LATITUDE, LONGITUDE)
    found = [(name, float(one)) for name, text in texts_of(folder) for one in NUMBER.findall(text)]
    return [(name, value) for name, value in found if any(abs(value - one) < 0.15 for one in near)]


def test_no_file_holds_a_coordinate_finer_than_the_grid(surveyed: Surveyed, tmp_path: Path) -> None:
    exact, coarse = tmp_path / "exact", tmp_path / "coarse"
    for folder, blur in ((exact, None), (coarse, "10")):
        publish(PublishRequest(folders=(surveyed.folder,), formats=CENSUS_EXPORTS, output=folder, blur=blur))
    # the reader of this test does find exact ones
    finer = [value for _, value in places_in(exact) if not math.isclose(value * 20, round(value * 20))]
    assert len(finer) > 2 * len(surveyed.record.animals)
    found = places_in(coarse)
    assert {name for name, _ in found} >= {"aed.csv", "dwc-archive.zip/event.txt", "census.xlsx/animals"}
    # cells of 0.1 degrees: their middles and sides
    assert [(n, v) for n, v in found if not math.isclose(v * 20, round(v * 20), abs_tol=1e-9)] == []
    with (coarse / "aed.csv").open(encoding="utf-8", newline="") as file:
        (row, *_) = csv.DictReader(file)
    assert "a cell of a grid, at least 10 km wide" in row["remark"]
    with zipfile.ZipFile(coarse / "dwc-archive.zip") as archive:
        head, *rows = archive.read("occurrence.txt").decode("utf-8").splitlines()
    assert len(rows) == len(surveyed.record.animals)
    for line in rows:
        cells = dict(zip(head.split("\t"), line.split("\t"), strict=True))
        assert 7_000 < int(cells["coordinateUncertaintyInMeters"]) < 9_000
        assert cells["dataGeneralizations"]
        assert cells["informationWithheld"]


@pytest.mark.parametrize("km", [0.5, 1, 10, 25, 100])
@pytest.mark.parametrize("place", [(23.41, -19.23), (-0.001, 0.001), (179.99, 64.9), (-100.0, -71.3)])
def test_a_cell_holds_its_place_and_is_large_enough(km: float, place: tuple[float, float]) -> None:
    cell, earth = Grid(km).cell(*place), Geod(ellps="WGS84")
    assert cell.west <= place[0] < cell.east
    assert cell.south <= place[1] < cell.north
    farthest = max(cell.south, cell.north, key=abs)
    assert earth.inv(cell.west, farthest, cell.east, farthest)[2] >= km * 999
    assert earth.inv(cell.west, cell.south, cell.west, cell.north)[2] >= km * 1000
    middle = Grid(km).middle(*place)
    corners = [(x, y) for x in (cell.west, cell.east) for y in (cell.south, cell.north)]
    assert max(earth.inv(*middle, *corner)[2] for corner in corners) <= cell.radius_m
    # the middle says nothing of where in the cell a place lies
    assert Grid(km).middle(*middle) == middle


def test_a_folder_in_which_exact_files_would_stay_is_refused(surveyed: Surveyed, tmp_path: Path) -> None:
    def request(*formats: str, blur: str | None) -> PublishRequest:
        return PublishRequest(folders=(surveyed.folder,), formats=formats, output=tmp_path, blur=blur)

    publish(request("xlsx", "dwc", blur=None))
    before = (tmp_path / "dwc-archive.zip").read_bytes()
    with pytest.raises(ConfigurationError, match=r"holds census\.xlsx, which may hold exact places"):
        publish(request("dwc", blur="10"))
    assert (tmp_path / "dwc-archive.zip").read_bytes() == before
    publish(request("dwc", "xlsx", blur="10"))
    assert (tmp_path / "dwc-archive.zip").read_bytes() != before


def test_half_a_file_of_a_killed_export_does_not_stay(surveyed: Surveyed, tmp_path: Path) -> None:
    left = tmp_path / ".aed.csv.17836.tmp"
    left.write_bytes(b"-12.3456789")
    publish(PublishRequest(folders=(surveyed.folder,), formats=("aed",), output=tmp_path, blur="10"))
    assert not left.exists()


@pytest.mark.parametrize("text", ["0", "-1", "ten", "nan", "inf", "2000"])
def test_a_grid_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a valid grid"):
        grid_of(text)
