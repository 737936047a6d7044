"""Strata and transects from files as GIS programs, Google Earth and spreadsheets write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pyproj
import pytest
import shapely

from wildetect.census.design.vector_files import Line, read_areas, read_lines
from wildetect.census.ground.projection import Projection
from wildetect.errors import ConfigurationError, InputError, WildDetectError

NORTH = shapely.box(36.0, -1.0, 36.1, -0.9)
SOUTH = shapely.box(36.0, -1.1, 36.1, -1.0)
DRIVERS = {".gpkg": "GPKG", ".shp": "ESRI Shapefile", ".geojson": "GeoJSON", ".kml": "KML"}


def write(
    path: Path, shapes: list[Any], crs: str | None = "EPSG:4326", layer: str | None = None, **fields: Any
) -> Path:
    """Write shapes that are given in degrees, turned to the coordinate system of the file."""
    if crs not in {None, "EPSG:4326"}:
        there = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
        shapes = [shapely.transform(shape, there.transform, interleaved=False) for shape in shapes]
    kinds = {shape.geom_type for shape in shapes if shape is not None}
    pyogrio.raw.write(
        str(path),
        np.array([None if shape is None else shapely.to_wkb(shape) for shape in shapes], object),
        [np.array(values) for values in fields.values()],
        list(fields),
        geometry_type=kinds.pop() if len(kinds) == 1 else "Unknown",
        crs=crs,
        driver=DRIVERS[path.suffix],
        layer=layer,
        append=path.is_file(),
    )
    return path


def geojson(path: Path, *features: tuple[Any, dict[str, Any]]) -> Path:
    document = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": fields, "geometry": shape and shapely.geometry.mapping(shape)}
            for shape, fields in features
        ],
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def message_of(path: Path, read: Any = read_areas, *arguments: Any) -> tuple[WildDetectError, str]:
    with pytest.raises(WildDetectError) as caught:
        read(path, *arguments)
    error = caught.value
    assert str(path) in error.message
    assert error.hint
    return error, "\n".join((error.message, *error.details))


@pytest.mark.parametrize("suffix", DRIVERS)
def test_strata_of_every_format_come_with_their_names_in_degrees(tmp_path: Path, suffix: str) -> None:
    crs = "EPSG:4326" if suffix == ".kml" else "EPSG:32737"  # KML knows degrees only
    path = write(tmp_path / f"strata{suffix}", [NORTH, SOUTH], crs, name=["Nord", "Süd"])
    north, south = read_areas(path)
    assert (north.name, south.name) == ("Nord", "Süd")
    assert north.polygon.symmetric_difference(NORTH).area < 1e-4 * NORTH.area  # edges bow
    assert south.possible is None


def test_edges_are_straight_in_the_coordinates_of_the_file(tmp_path: Path) -> None:
    # 400 km wide at 60 degrees: a straight edge in UTM bows by kilometres against the parallel
    corners = shapely.box(300_000, 6_600_000, 700_000, 6_700_000)
    path = tmp_path / "wide.gpkg"
    pyogrio.raw.write(
        str(path), np.array([shapely.to_wkb(corners)], object), [], [], geometry_type="Polygon",
        crs="EPSG:32633", driver="GPKG",
    )  # fmt: skip
    (area,) = read_areas(path)
    to_degrees = pyproj.Transformer.from_crs("EPSG:32633", "EPSG:4326", always_xy=True)
    for northing, inside in ((6_599_900, False), (6_600_100, True), (6_699_900, True), (6_700_100, False)):
        assert shapely.contains_xy(area.polygon, *to_degrees.transform(500_000, northing)) == inside


def test_a_csv_holds_outlines_as_wkt_with_any_delimiter(tmp_path: Path) -> None:
    path = tmp_path / "strata.csv"
    for delimiter, encoding in ((",", "utf-8"), (";", "utf-8-sig"), ("\t", "cp1252")):
        rows = [("Stratum", "Possible", "WKT"), ("Süd", "40", f'"{SOUTH.wkt}"'), ("", "", "")]
        text = "\r\n".join(delimiter.join(row) for row in rows)
        path.write_bytes(text.encode(encoding))
        (area,) = read_areas(path)
        assert (area.name, area.possible) == ("Süd", 40)
        assert area.polygon.equals(SOUTH)


def test_polygons_of_one_name_are_one_stratum_and_nameless_ones_are_numbered(tmp_path: Path) -> None:
    far = shapely.transform(SOUTH, lambda points: points - [0, 1])
    path = geojson(
        tmp_path / "s.geojson",
        (NORTH, {"name": "a", "possible": 3}),
        (far, {"name": "a", "possible": 5}),
        (SOUTH, {}),
    )
    first, second = read_areas(path)
    assert (first.name, second.name) == ("a", "stratum 3")
    assert first.polygon.area == pytest.approx(NORTH.area + far.area)
    assert (first.possible, second.possible) == (5, None)


def test_the_column_of_names_can_be_chosen(tmp_path: Path) -> None:
    path = write(tmp_path / "s.gpkg", [NORTH, SOUTH], name=["a", "b"], Code=[7, 8])
    assert [area.name for area in read_areas(path)] == ["a", "b"]
    assert [area.name for area in read_areas(path, "code")] == ["7", "8"]
    error, text = message_of(path, read_areas, "kode")
    assert isinstance(error, ConfigurationError)
    assert 'no column "kode"; its columns: name and Code' in text


def test_transects_and_strata_may_share_a_geopackage(tmp_path: Path) -> None:
    path = tmp_path / "survey.gpkg"
    write(path, [NORTH], layer="strata", name=["N"])
    write(path, [shapely.LineString([(36, -1), (36.1, -1)])], layer="lines", transect=["T1"], stratum=["N"])
    assert [area.name for area in read_areas(path)] == ["N"]
    (line,) = read_lines(path)
    assert (line.name, line.stratum) == ("T1", "N")
    assert shapely.get_coordinates(line.line)[[0, -1]].tolist() == [[36, -1], [36.1, -1]]
    write(path, [SOUTH], layer="old strata", name=["S"])
    _, text = message_of(path)
    assert "several layers of polygons; its layers: strata, lines and old strata" in text


def test_a_table_lists_the_photographs_of_each_transect(tmp_path: Path) -> None:
    path = tmp_path / "transects.csv"
    path.write_text(
        "Transect;Photograph;Stratum\nT1;a.jpg;N\nT1;b.jpg;N\n;turn.jpg;N\nT2;c.jpg;S\nT2;d.jpg;N\n",
        encoding="utf-8",
    )
    assert read_lines(path) == [
        Line("T1", None, ("a.jpg", "b.jpg"), "N"),
        Line("T2", None, ("c.jpg", "d.jpg"), None),
    ]
    assert [line.name for line in read_lines(path, "stratum")] == ["N", "S"]


CROSSED = shapely.Polygon([(36, -1), (36.1, -0.9), (36.1, -1), (36, -0.9)])
LINE = shapely.LineString([(36, -1), (36.1, -1)])


@pytest.mark.parametrize(
    ("features", "words"),
    [
        (
            [(CROSSED, {"name": "kink"})],
            "feature 1 (kink) is not a valid polygon: Self-intersection at 36.05, -0.95",
        ),
        ([(NORTH, {}), (LINE, {})], "feature 2 is a LineString, but a stratum is drawn as a polygon"),
        ([(NORTH, {}), (None, {"name": "x"})], "feature 2 (x) has no shape"),
        ([(shapely.transform(NORTH, lambda p: p * 1e4), {})], "feature 1 lies at"),
        ([(NORTH, {"name": "n", "possible": "many"})], "feature 1: possible is many"),
        ([(NORTH, {"name": "n", "possible": 0})], "feature 1: possible is 0"),
        ([(NORTH, {"name": "n"}), (NORTH.buffer(0.01), {"name": "m"})], "the strata n and m overlap"),
        ([], "has no features"),
    ],
)
def test_mistakes_name_file_feature_and_mend(tmp_path: Path, features: list[Any], words: str) -> None:
    error, text = message_of(geojson(tmp_path / "bad.geojson", *features))
    assert isinstance(error, InputError)
    assert words in text


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    path = geojson(tmp_path / "bad.geojson", *[(LINE, {"name": f"s{number}"}) for number in range(12)])
    error, text = message_of(path)
    assert [f"(s{number})" in text for number in (0, 9, 10)] == [True, True, False]
    assert error.details[-1] == "and 2 more"


def test_strata_that_touch_do_not_overlap(tmp_path: Path) -> None:
    path = write(tmp_path / "s.gpkg", [NORTH, SOUTH], "EPSG:32737", name=["a", "b"])
    assert len(read_areas(path)) == 2


def test_a_file_that_is_not_there_or_of_no_known_kind_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    error, text = message_of(tmp_path / "none.gpkg")
    assert isinstance(error, ConfigurationError)
    assert "there is no file" in text
    other = tmp_path / "strata.xlsx"
    other.write_bytes(b"PK")
    error, text = message_of(other)
    assert isinstance(error, ConfigurationError)
    assert ".geojson" in text


@pytest.mark.parametrize("suffix", DRIVERS)
def test_a_file_that_is_none_of_its_kind_cannot_be_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(b'{"type": "Feature')
    error, text = message_of(path)
    assert isinstance(error, InputError)
    assert "cannot be read" in text


def test_a_shapefile_without_its_prj_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "s.shp", [NORTH], "EPSG:32737", name=["a"])
    path.with_suffix(".prj").unlink()
    error, text = message_of(path)
    assert "does not say which coordinate system" in text
    assert ".prj" in error.hint


def test_coordinates_of_a_building_site_cannot_be_turned(tmp_path: Path) -> None:
    path = write(tmp_path / "s.gpkg", [NORTH], name=["a"])
    wkt = 'ENGCRS["site",EDATUM["here"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]'
    pyogrio.raw.write(
        str(path), np.array([shapely.to_wkb(NORTH)], object), [], [], geometry_type="Polygon", crs=wkt,
        driver="GPKG",
    )  # fmt: skip
    _, text = message_of(path)
    assert "cannot be turned into WGS 84" in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "its columns: none"),
        ("name,area\na,1\n", "its columns: name and area"),
        ("name,wkt\n", "has a header only"),
        ("name,wkt\na,POLYGON ((0 0\n", "line 2"),
        ("name,wkt\na,POLYGON ((0 0, 1 1, 1 0, 0 0))\n", "line 2: 5 values for 2 columns"),
    ],
)
def test_a_csv_that_cannot_be_used_says_why(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "s.csv"
    path.write_text(text, encoding="utf-8")
    _, message = message_of(path)
    assert words in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("photograph\na.jpg\n", "for no photograph which transect"),
        ("photograph,transect\na.jpg,\n", "puts no photograph into a transect"),
        ("photograph,transect\na.jpg,T1\na.jpg,T2\n", "line 3: a.jpg is in transect T1 already"),
    ],
)
def test_a_table_of_photographs_that_cannot_be_used_says_why(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    _, message = message_of(path, read_lines)
    assert words in message


def test_polygons_are_no_transects(tmp_path: Path) -> None:
    _, text = message_of(geojson(tmp_path / "t.geojson", (NORTH, {"name": "a"})), read_lines)
    assert "feature 1 (a) is a Polygon, but a transect is drawn as a line" in text


# A stratum of 0.2 x 0.1 degrees on both sides of the 180th meridian, east of Fiji, as programs draw it
ACROSS = {
    "cut in two (RFC 7946)": shapely.MultiPolygon(
        [shapely.box(179.9, -17, 180, -16.9), shapely.box(-180, -17, -179.9, -16.9)]
    ),
    "cut, as a collection": shapely.GeometryCollection(
        [shapely.box(179.9, -17, 180, -16.9), shapely.box(-180, -17, -179.9, -16.9)]
    ),
    "beyond 180": shapely.box(179.9, -17, 180.1, -16.9),
    "beyond -180": shapely.box(-180.1, -17, -179.9, -16.9),
    "with a leap": shapely.Polygon([(179.9, -17), (-179.9, -17), (-179.9, -16.9), (179.9, -16.9)]),
    "with a leap, from the west": shapely.Polygon(
        [(-179.9, -17), (-179.9, -16.9), (179.9, -16.9), (179.9, -17)]
    ),
}


@pytest.mark.parametrize("drawing", ACROSS)
def test_a_stratum_across_the_180th_meridian_is_one_piece_in_every_drawing(
    tmp_path: Path, drawing: str
) -> None:
    (found,) = read_areas(geojson(tmp_path / "strata.geojson", (ACROSS[drawing], {"name": "reef"})))
    plane = Projection.around([179.95, -179.95], [-16.95, -16.95])
    outline = shapely.transform(found.polygon, plane.to_metres)
    whole = shapely.transform(shapely.box(179.9, -17, 180.1, -16.9), plane.to_metres)
    assert found.polygon.geom_type == "Polygon"
    assert outline.is_valid
    assert outline.symmetric_difference(whole).area < 1e-3 * whole.area


def test_a_stratum_across_it_in_metres_of_a_projection_is_one_piece_too(tmp_path: Path) -> None:
    fiji = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3460", always_xy=True)
    whole = shapely.transform(shapely.box(179.9, -17, 180.1, -16.9), fiji.transform, interleaved=False)
    path = tmp_path / "strata.gpkg"
    pyogrio.raw.write(
        str(path),
        np.array([shapely.to_wkb(whole)], object),
        [np.array(["reef"])],
        ["name"],
        geometry_type="Polygon",
        crs="EPSG:3460",
        driver="GPKG",
    )
    (found,) = read_areas(path)
    assert np.ptp(shapely.get_coordinates(found.polygon)[:, 0]) == pytest.approx(0.2, abs=1e-3)


def test_strata_on_both_sides_of_it_that_overlap_are_a_mistake(tmp_path: Path) -> None:
    path = geojson(
        tmp_path / "strata.geojson",
        (shapely.box(179.9, -17, 180.05, -16.9), {"name": "west"}),
        (shapely.box(-180, -17, -179.9, -16.9), {"name": "east"}),
    )
    _, text = message_of(path)
    assert "the strata west and east overlap" in text


def test_a_line_across_it_is_as_long_as_it_is_on_the_ground(tmp_path: Path) -> None:
    line = shapely.LineString([(179.95, -17), (-179.95, -17)])
    (found,) = read_lines(geojson(tmp_path / "lines.geojson", (line, {"name": "T1"})))
    assert found.line.length == pytest.approx(0.1)


def test_a_collection_of_lines_is_a_line_and_one_of_several_kinds_is_refused(tmp_path: Path) -> None:
    pieces = [[(36.0, -1.0), (36.1, -1.0)], [(36.2, -1.0), (36.3, -1.0)]]
    lines = [shapely.LineString(piece) for piece in pieces]
    path = geojson(tmp_path / "lines.geojson", (shapely.GeometryCollection(lines), {"name": "T1"}))
    (found,) = read_lines(path)
    assert shapely.equals(found.line, shapely.MultiLineString(pieces))
    mixed = shapely.GeometryCollection([NORTH, lines[0]])
    _, text = message_of(geojson(tmp_path / "mixed.geojson", (mixed, {"name": "A"})))
    assert "is a GeometryCollection, but a stratum is drawn as a polygon" in text
