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
    assert found == {"dji_1.jpg": TableRow(Position(23.5, -19.25), None, 92.5, "Height above take-off")}


def test_lines_without_a_position_are_left_out(tmp_path: Path) -> None:
    text = "filename,latitude,longitude\na.jpg,,\nb.jpg,0,0\nc.jpg,-19.25,23.5\nc.jpg,-19.25,23.5\n,1,2\n"
    assert read(tmp_path, text) == {"c.jpg": HERE}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("filename,latitude\na.jpg,1\n", "no column longitude; its columns are filename and latitude"),
        ("filename,latitude,across\na.jpg,1.5,2.5\n", "no column longitude"),
        ("filename,latitude,longitude\na.jpg,1,2\nb.jpg,x,2\n", "line 3: 'x' is not an angle"),
        ("filename,latitude,longitude\na.jpg,1,\n", "line 2"),
        ("filename,latitude,longitude\na.jpg,nan,2\n", "line 2: 'nan' is not an angle"),
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


METRES_PER_FOOT = 0.3048


@pytest.mark.parametrize(
    ("head", "cell", "row"),
    [
        ("height_ft", "300", {"height": 300 * METRES_PER_FOOT}),
        ("agl (m)", "91.5", {"height": 91.5}),
        ("altitude_feet", "3674", {"altitude": 3674 * METRES_PER_FOOT}),
        ("HeightFt", "300", {"height": 300 * METRES_PER_FOOT}),
        ("height_above_takeoff(feet)", "300", {"height": 300 * METRES_PER_FOOT}),
        ("altitude_above_seaLevel(feet)", "3674", {"altitude": 3674 * METRES_PER_FOOT}),
        ("OSD.height [ft]", "300", {"height": 300 * METRES_PER_FOOT}),
        ("RelativeAltitude", "+92.50", {"height": 92.5}),
        ("GPSAltitude", "1120.5 m Above Sea Level", {"altitude": 1120.5}),
        ("GPSAltitude", "12 m Below Sea Level", {"altitude": -12.0}),
        ("altitude", "3674 ft", {"altitude": 3674 * METRES_PER_FOOT}),
        ("altitude", "1120", {"altitude": 1120.0}),
        ("Ellipsoidal height (m)", "1135", {"altitude": 1135.0}),
        ("heightft", "300", {"height": 300 * METRES_PER_FOOT}),
        ("AGLm", "91.5", {"height": 91.5}),
        ("relaltfeet", "300", {"height": 300 * METRES_PER_FOOT}),
        ("elev_m", "1120", {"altitude": 1120.0}),
        ("drone-dji:RelativeAltitude", "+92.50", {"height": 92.5}),
        ("XMP:AbsoluteAltitude", "1120", {"altitude": 1120.0}),
        ("height (US survey feet)", "300", {"height": 300 * METRES_PER_FOOT}),
        ("Ground elevation (m)", "1030", {}),
        ("image_height", "3648", {}),
        ("pilot", "12", {}),
    ],
)
def test_heights_have_the_unit_of_their_head_or_cell(
    tmp_path: Path, head: str, cell: str, row: dict[str, float]
) -> None:
    found = read(tmp_path, f"filename,latitude,longitude,{head}\na.jpg,-19.25,23.5,{cell}\n")
    assert found["a.jpg"].altitude == pytest.approx(row.get("altitude"))
    assert found["a.jpg"].height == pytest.approx(row.get("height"))


def test_altitude_and_height_beside_each_other_are_both_read(tmp_path: Path) -> None:
    text = "filename,latitude,longitude,altitude,height_ft\na.jpg,-19.25,23.5,1120,300\n"
    assert read(tmp_path, text)["a.jpg"] == TableRow(
        Position(23.5, -19.25), 1120.0, 300 * METRES_PER_FOOT, "height_ft"
    )


@pytest.mark.parametrize(
    ("head", "cell", "says"),
    [
        ("height (rods)", "18", "the unit of the column height (rods) is not known"),
        ("altitude_cubits", "18", "the unit of the column altitude_cubits is not known"),
        ("height", "18 rods", "'18 rods' has a unit that is not known"),
        ("height (m)", "300 ft", "is in ft under a head that says m"),
        ("height", "92..5", "is not a number"),
        ("height_m,agl_m", "92,91", "height_m and agl_m may all be meant"),
        ("altitude (hft)", "3", "the unit of the column altitude (hft) is not known"),
        ("height (')", "300", "the unit of the column height (') is not known"),
        ("height (m or ft)", "300", "the unit of the column height (m or ft) is not known"),
        ("height", "300'", '"300\'" is not a number with m or ft, or nothing, behind it'),
        ("height", "1 120", "'1 120' is not a number"),
        ("height", "1\u202f120 m", "is not a number"),
        ("height", "90-100", "'90-100' is not a number"),
        ("Hoehe m", "92", "Hoehe m may be heights, and does not say from where they count"),
        ("Flugh\u00f6he (m)", "92", "may be heights, and does not say"),
        ("Altura (m)", "92", "may be heights, and does not say"),
        ("H_m", "92", "may be heights, and does not say"),
        ("FL", "15", "FL may be heights, and does not say"),
        ("Flight level", "15", "Flight level may be heights, and does not say"),
        ("altitude,FlightLevel", "1120,15", "FlightLevel may be heights, and does not say"),
        ("height (FL)", "15", "the unit of the column height (FL) is not known"),
        ("GPSAltitude,GPSAltitudeRef", "12,7", "does not say whether an altitude is above or below the sea"),
        ("altitude,Z", "1120,92", "Z may be heights, and does not say"),
    ],
)
def test_a_unit_that_is_not_known_is_refused(tmp_path: Path, head: str, cell: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, f"filename,latitude,longitude,{head}\na.jpg,-19.25,23.5,{cell}\n")
    assert says in caught.value.message


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("Image;Lat;Lon", "a.jpg;19 15.0 S;23 30.0 E"),
        ("Photo,Latitude,Long", "a.jpg,S 19.25,E 23.5"),
        ("file name;lat;lng", "a.jpg;19,25S;23,5E"),
        ("Label;Y/Latitude;X/Longitude", "a.jpg;-19\u00b015'00\";23\u00b030'0\""),
        ("#Label;LATITUDE;LONGITUDE", "a.jpg;19\u00b015\u203200\u2033S;23\u00b030\u203200\u2033E"),
        ("SourceFile;GPSLatitude;GPSLongitude", "./a.jpg;19 deg 15' 0.00\" S;23 deg 30' 0.00\" E"),
        ("SourceFile,GPSLatitude,GPSLatitudeRef,GPSLongitude,GPSLongitudeRef", "a.jpg,19.25,S,23.5,East"),
        ("filename,latitude,longitude", "a.jpg,19:15:00S,23:30:00E"),
        ("filename,lat (S),lon (E)", "a.jpg,19.25,23.5"),
        ("Name;Lat;Lon", "a.jpg;-19.25;23.5"),
        ("image_path;decimalLatitude;decimalLongitude", "a.jpg;-19.25;23.5"),
        ("Photo ID;Latitud;Longitud", "a.jpg;-19.25;23.5"),
        ("FileName;GPSLatitude;GPSLongtitude", "a.jpg;-19.25;23.5"),
        ("Name;Image;latitude_dms;longitude_dms", "camp;a.jpg;19 15 0 S;23 30 0 E"),
        ("filename,latitude,longitude", "a.jpg,\u221219.25,23.5"),
        ("filename,latitude,longitude", 'a.jpg,"-19,25","23,5"'),
    ],
)
def test_heads_and_degrees_as_receivers_and_programs_write_them(tmp_path: Path, head: str, line: str) -> None:
    assert read(tmp_path, f"{head}\n{line}\n") == {"a.jpg": HERE}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("A.JPG,-2,4,34,8", "line 2: 5 values for 3 columns; numbers with a decimal comma need quotes"),
        ("A.JPG,-2,34", "all positions are whole degrees"),
        ("A.JPG,-19.25 S,23.5", "has a minus and a direction"),
        ("A.JPG,19.25 E,23.5 S", "is not a latitude: E is a direction of the other axis"),
        ("A.JPG,19 75 0 S,23.5 E", "minutes and seconds are 0 up to 60"),
        ("A.JPG,19.5 30 S,23.5 E", "is not an angle"),
        ("A.JPG,1915.00 S,23.5 E", "is not a place on Earth"),
        ('A.JPG,-19.25,"23,5"', "have different decimal marks"),
    ],
)
def test_positions_that_would_quietly_be_wrong_are_refused(tmp_path: Path, line: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, f"filename,latitude,longitude\n{line}\n")
    assert says in caught.value.message
    assert "filename,latitude,longitude,height (m)" in caught.value.hint


@pytest.mark.parametrize("heads", ["x,y", "Easting,Northing", "POINT_X,POINT_Y", "utm_e,utm_n"])
def test_metres_of_a_map_are_refused_and_the_hint_says_what_to_do(tmp_path: Path, heads: str) -> None:
    with pytest.raises(InputError, match="no column latitude") as caught:
        read(tmp_path, f"filename,{heads}\na.jpg,764000.5,7871000.5\n")
    assert "may be metres of a map. Positions are wanted in degrees" in caught.value.hint


@pytest.mark.parametrize(
    ("reference", "altitude"),
    [
        ("0", 12.5),
        ("1", -12.5),
        ("3", -12.5),
        ("Below Sea Level", -12.5),
        ("Above Sea Level", 12.5),
        ("", 12.5),
    ],
)
def test_altitudes_below_the_sea_are_known_by_their_reference(
    tmp_path: Path, reference: str, altitude: float
) -> None:
    head = "SourceFile,GPSLatitude,GPSLongitude,GPSAltitude,GPSAltitudeRef"
    assert read(tmp_path, f"{head}\na.jpg,-19.25,23.5,12.5,{reference}\n")["a.jpg"].altitude == altitude


def test_an_unclear_column_beside_a_clear_one_is_passed_over(tmp_path: Path) -> None:
    text = "filename,latitude,longitude,height_ft,Z\na.jpg,-19.25,23.5,300,1211\n"
    assert read(tmp_path, text)["a.jpg"].height == pytest.approx(300 * METRES_PER_FOOT)


def test_empty_cells_beyond_the_head_are_no_surplus(tmp_path: Path) -> None:
    assert read(tmp_path, "filename,latitude,longitude\na.jpg,-19.25,23.5,,\n") == {"a.jpg": HERE}
