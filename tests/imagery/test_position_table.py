"""CSV files with positions, as field people keep them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wildetect.errors import InputError
from wildetect.imagery.positions.matching import rows_for
from wildetect.imagery.positions.metadata import Position
from wildetect.imagery.positions.table import TableRow, read_position_table
from wildetect.settings.detection import PositionTable

HERE = TableRow(Position(23.5, -19.25))


def read(tmp_path: Path, text: str | bytes, **keys: Any) -> dict[str, TableRow]:
    path = tmp_path / "positions.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return read_position_table(PositionTable(csv_path=path, **keys))


@pytest.mark.parametrize(
    "text",
    [
        "filename,latitude,longitude,altitude\nA/DJI_1.JPG,-19.25,23.5,1120\n",
        "filename;latitude;longitude;altitude\r\nA\\DJI_1.JPG;-19,25;23,5;1120,0\r\n",
        "filename\tlatitude\tlongitude\taltitude\n./A/DJI_1.JPG\t-19.25\t23.5\t1120\n",
        "\ufeffLatitude,Longitude,Altitude,Filename,pilot\n-19.25,23.5,1120,a/dji_1.jpg,Zoë\n\n,,,,\n",
        'filename,latitude,longitude,altitude\n"A/DJI_1.JPG","-19.25","23.5","1120"\n',
    ],
    ids=["commas", "semicolons and decimal commas", "tabs", "byte order mark", "quotes"],
)
def test_however_it_is_written(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == {"a/dji_1.jpg": TableRow(Position(23.5, -19.25), altitude=1120.0)}


def test_excel_on_windows(tmp_path: Path) -> None:
    text = "filename;latitude;longitude\nGnu_Zoë.JPG;-19,25;23,5\n".encode("cp1252")
    assert read(tmp_path, text) == {"gnu_zoë.jpg": HERE}


def test_lines_before_the_header_and_other_names_of_columns(tmp_path: Path) -> None:
    text = "Camp 23\n\nPhoto | Lat | Lon | Height above take-off\nDJI_1.JPG | -19.25 | 23.5 | 92.5\n"
    keys = {"filename_col": "photo", "lat_col": "lat", "lon_col": "lon", "alt_col": "height above take-off"}
    found = read(tmp_path, text, skip_rows=2, delimiter="|", **keys)
    assert found == {"dji_1.jpg": TableRow(Position(23.5, -19.25), height=92.5)}


def test_lines_without_a_position_are_left_out(tmp_path: Path) -> None:
    text = "filename,latitude,longitude\na.jpg,,\nb.jpg,0,0\nc.jpg,-19.25,23.5\nc.jpg,-19.25,23.5\n,1,2\n"
    assert read(tmp_path, text) == {"c.jpg": HERE}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("filename,latitude\na.jpg,1\n", "no column longitude; its columns are filename, latitude"),
        ("filename,latitude,lng\na.jpg,1,2\n", "no column longitude"),
        ("filename,latitude,longitude\na.jpg,1,2\nb.jpg,x,2\n", "line 3: could not convert"),
        ("filename,latitude,longitude\na.jpg,1,\n", "line 2"),
        ("filename,latitude,longitude\na.jpg,nan,2\n", "line 2: 'nan' is not a number"),
        ("filename,latitude,longitude\na.jpg,-19,181\n", "longitude 181 is not a place on Earth"),
        ("filename,latitude,longitude\na.jpg,1,2\nA.JPG,1,3\n", "line 3: A.JPG has another position"),
        ("filename,latitude,longitude\na,x,1\nb,x,1\nc,x,1\n", "(and 2 more)"),
        ("", "no lines"),
    ],
)
def test_what_makes_no_sense_is_told_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert says in caught.value.message
    assert "positions.csv" in caught.value.message
    assert caught.value.hint


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_position_table(PositionTable(csv_path=tmp_path / "absent.csv"))


@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("DJI_1.JPG", "dji_1.jpg"),
        ("2024/A/DJI_1.JPG", "dji_1.jpg"),
        ("2024/A/DJI_1.JPG", "a/dji_1.jpg"),
        ("DJI_1.JPG", "c:/flights/a/dji_1.jpg"),
    ],
)
def test_names_fit_with_folders_and_without(file: str, key: str) -> None:
    assert rows_for([file, "other.jpg"], {key: HERE}) == {file: HERE}


def test_a_name_in_two_folders_takes_the_line_of_its_own() -> None:
    there = TableRow(Position(1.0, 2.0))
    table = {"a/dji_1.jpg": HERE, "b/dji_1.jpg": there}
    assert rows_for(["A/DJI_1.JPG", "B/DJI_1.JPG"], table) == {"A/DJI_1.JPG": HERE, "B/DJI_1.JPG": there}
    assert rows_for(["xa/DJI_1.JPG"], table) == {}


def test_what_fits_twice_is_refused() -> None:
    with pytest.raises(InputError, match=r"fits A/DJI_1[.]JPG and B/DJI_1[.]JPG"):
        rows_for(["A/DJI_1.JPG", "B/DJI_1.JPG"], {"dji_1.jpg": HERE})
    with pytest.raises(InputError, match=r"2 lines of the table of positions fit DJI_1[.]JPG"):
        rows_for(["DJI_1.JPG"], {"a/dji_1.jpg": HERE, "b/dji_1.jpg": HERE})
