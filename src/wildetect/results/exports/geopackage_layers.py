"""Layers of a GeoPackage: one SQLite file for QGIS and other GIS.

Standard: OGC 12-128r18, GeoPackage 1.3.1; the tables are those of its annex C. A layer needs six tables
and a header of eight bytes before each geometry, so that no library of many megabytes is asked for what
Python's own sqlite3 does; the tests open the file with GDAL.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from wildetect.results.files import replacing

__all__ = ["Layer", "Shape", "add_index", "add_styles", "moment_of", "plain", "point", "write_layers"]

_EXTENSIONS = """
CREATE TABLE IF NOT EXISTS gpkg_extensions (
  table_name TEXT,
  column_name TEXT,
  extension_name TEXT NOT NULL,
  definition TEXT NOT NULL,
  scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name)
)
"""
_BOUNDS = "NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom), ST_MinY(NEW.geom), ST_MaxY(NEW.geom)"
_FULL, _EMPTY = "(NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))", "(NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))"
_PUT = f"INSERT OR REPLACE INTO {{index}} VALUES ({_BOUNDS})"  # noqa: S608 - all words are ours
_DROP = "DELETE FROM {index} WHERE id = OLD.fid"
# They keep the index right when somebody edits the layer; whoever edits has the functions ST_...
_TRIGGERS = {
    "insert": ("AFTER INSERT", _FULL, _PUT),
    "update1": ("AFTER UPDATE OF geom", f"OLD.fid = NEW.fid AND {_FULL}", _PUT),
    "update2": ("AFTER UPDATE OF geom", f"OLD.fid = NEW.fid AND {_EMPTY}", _DROP),
    "update3": ("AFTER UPDATE", f"OLD.fid != NEW.fid AND {_FULL}", f"{_DROP}; {_PUT}"),
    "update4": (
        "AFTER UPDATE",
        f"OLD.fid != NEW.fid AND {_EMPTY}",
        "DELETE FROM {index} WHERE id IN (OLD.fid, NEW.fid)",
    ),
    "delete": ("AFTER DELETE", "OLD.geom NOTNULL", _DROP),
}
_STYLES = """
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  f_table_catalog TEXT,
  f_table_schema TEXT,
  f_table_name TEXT,
  f_geometry_column TEXT,
  styleName TEXT,
  styleQML TEXT,
  styleSLD TEXT,
  useAsDefault BOOLEAN,
  description TEXT,
  owner TEXT,
  ui TEXT,
  update_time DATETIME
)
"""


def moment_of(changed: datetime) -> str:
    """A time as GeoPackage writes it, with milliseconds."""
    text = changed.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.")
    return f"{text}{changed.microsecond // 1000:03}Z"


def add_index(
    database: sqlite3.Connection, table: str, edges: Sequence[tuple[int, float, float, float, float]]
) -> None:
    """Add a spatial index to a layer whose column is geom; nothing where SQLite has no R-tree.

    Args:
        database: Database of the GeoPackage.
        table: Table of the layer; a name of ours, never a user's.
        edges: fid, west, east, south and north of each shape, in degrees.
    """
    index = f"rtree_{table}_geom"
    try:
        database.execute(f"CREATE VIRTUAL TABLE {index} USING rtree(id, minx, maxx, miny, maxy)")
    except sqlite3.OperationalError:
        return  # the layer is as good without, only slower
    database.executemany(f"INSERT INTO {index} VALUES (?,?,?,?,?)", edges)  # noqa: S608 - the name is ours
    for name, (when, condition, body) in _TRIGGERS.items():
        database.execute(
            f"CREATE TRIGGER {index}_{name} {when} ON {table} WHEN {condition} "
            f"BEGIN {body.format(index=index)}; END"
        )
    database.execute(_EXTENSIONS)
    database.execute(
        "INSERT INTO gpkg_extensions VALUES (?, 'geom', 'gpkg_rtree_index', ?, 'write-only')",
        (table, "http://www.geopackage.org/spec131/#extension_rtree"),
    )


def add_styles(database: sqlite3.Connection, styles: Sequence[tuple[str, str]], changed: datetime) -> None:
    """Add the default style of each layer, as QGIS keeps them.

    Args:
        database: Database of the GeoPackage.
        styles: Layer and QML.
        changed: The time that the file gives as that of its last change.
    """
    if not styles:
        return
    database.execute(_STYLES)
    database.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change, srs_id) "
        "VALUES ('layer_styles', 'attributes', 'layer_styles', 'How QGIS draws the layers.', ?, 0)",
        (moment_of(changed),),
    )
    database.executemany(
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, "
        "styleName, styleQML, styleSLD, useAsDefault, description, owner, update_time) "
        "VALUES ('', '', ?, 'geom', ?, ?, '', 1, '', '', ?)",
        [(layer, layer, style, moment_of(changed)) for layer, style in styles],
    )


_WGS84 = 4326
_APPLICATION_ID = 0x47504B47  # "GPKG"
_VERSION = 10301  # 1.3.1

_DEFINITION = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],'
    'UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4326"]]'
)

_TABLES = """
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL,
  srs_id INTEGER PRIMARY KEY,
  organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL,
  definition TEXT NOT NULL,
  description TEXT
);
CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY,
  data_type TEXT NOT NULL,
  identifier TEXT UNIQUE,
  description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE,
  srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id)
);
CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL,
  column_name TEXT NOT NULL,
  geometry_type_name TEXT NOT NULL,
  srs_id INTEGER NOT NULL,
  z TINYINT NOT NULL,
  m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id)
);
"""

_SYSTEMS = (
    ("WGS 84 geodetic", _WGS84, "EPSG", _WGS84, _DEFINITION, "longitude and latitude in degrees"),
    ("Undefined Cartesian SRS", -1, "NONE", -1, "undefined", "undefined Cartesian coordinates"),
    ("Undefined geographic SRS", 0, "NONE", 0, "undefined", "undefined geographic coordinates"),
)


class Shape(NamedTuple):
    """A place on Earth, longitude before latitude, in degrees, WGS 84.

    Attributes:
        wkb: Geometry as little-endian well-known binary.
        bounds: min_x, min_y, max_x, max_y.
    """

    wkb: bytes
    bounds: tuple[float, float, float, float]


class Layer(NamedTuple):
    """A table with a place in each row.

    Attributes:
        name: Name of the table.
        text: What it holds, for people.
        kind: POINT, LINESTRING, POLYGON, MULTIPOLYGON or GEOMETRY.
        columns: SQL type of each further column; names and types are ours, never a user's.
        rows: Shape (null where there is none) and values; gone through once.
        style: How QGIS draws it, as QML; empty for QGIS's own choice.
    """

    name: str
    text: str
    kind: str
    columns: Mapping[str, str]
    rows: Iterable[tuple[Shape | None, *tuple[object, ...]]]
    style: str = ""


def point(longitude: float, latitude: float) -> Shape:
    """A point."""
    wkb = struct.pack("<BIdd", 1, 1, longitude, latitude)
    return Shape(wkb, (longitude, latitude, longitude, latitude))


def polygon(outline: Sequence[tuple[float, float]]) -> Shape:
    """A polygon of these corners, longitude and latitude of each; its ring is closed here."""
    ring = [number for corner in (*outline, outline[0]) for number in corner]
    wkb = struct.pack(f"<BIII{len(ring)}d", 1, 3, 1, len(ring) // 2, *ring)
    longitudes, latitudes = ring[::2], ring[1::2]
    return Shape(wkb, (min(longitudes), min(latitudes), max(longitudes), max(latitudes)))


def plain(name: str) -> str:
    """A name that UTF-8 can hold: Linux allows bytes in file names that are no letters."""
    return name.encode("utf-8", errors="backslashreplace").decode("utf-8")


def write_layers(
    path: Path, layers: Sequence[Layer], *, changed: datetime
) -> dict[str, tuple[float, float, float, float] | None]:
    """Write a GeoPackage.

    Args:
        path: The file.
        layers: Its layers, in the order in which programs list them.
        changed: The time that the file gives as that of its last change.

    Returns:
        West, south, east and north of each layer in degrees; null of one without any shape.

    Raises:
        InputError: The file cannot be written.
    """
    extents: dict[str, tuple[float, float, float, float] | None] = {}
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {_VERSION}")
        database.executescript(_TABLES)
        for layer in layers:
            columns = "".join(f", {name} {kind}" for name, kind in layer.columns.items())
            database.execute(
                f"CREATE TABLE {layer.name} (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "
                f"geom {layer.kind}{columns})"
            )
        with database:
            database.executemany("INSERT INTO gpkg_spatial_ref_sys VALUES (?,?,?,?,?,?)", _SYSTEMS)
            for layer in layers:
                extent = _Extent()
                edges: list[tuple[int, float, float, float, float]] = []
                places = ",".join("?" * (1 + len(layer.columns)))
                database.executemany(
                    f"INSERT INTO {layer.name} VALUES (NULL,{places})",  # noqa: S608 - the name is ours
                    _records(layer.rows, extent, edges),
                )
                _announce(database, layer, extent, changed)
                extents[layer.name] = extent.known
                add_index(database, layer.name, edges)
            add_styles(database, [(layer.name, layer.style) for layer in layers if layer.style], changed)
        content = database.serialize()
    with replacing(path) as file:
        file.write(content)
    return extents


class _Extent:
    """The smallest rectangle around all shapes."""

    def __init__(self) -> None:
        self.edges: tuple[float | None, ...] = (None,) * 4

    @property
    def known(self) -> tuple[float, float, float, float] | None:
        """The rectangle; null of no shape."""
        west, south, east, north = self.edges
        if west is None or south is None or east is None or north is None:
            return None
        return west, south, east, north

    def add(self, bounds: tuple[float, float, float, float]) -> None:
        old = [new if edge is None else edge for edge, new in zip(self.edges, bounds, strict=True)]
        low = (min(edge, new) for edge, new in zip(old[:2], bounds[:2], strict=True))
        high = (max(edge, new) for edge, new in zip(old[2:], bounds[2:], strict=True))
        self.edges = (*low, *high)


def _records(
    rows: Iterable[tuple[Shape | None, *tuple[object, ...]]],
    extent: _Extent,
    edges: list[tuple[int, float, float, float, float]],
) -> Iterator[tuple[object, ...]]:
    for fid, (shape, *values) in enumerate(rows, 1):
        if shape is not None:
            extent.add(shape.bounds)
            west, south, east, north = shape.bounds
            edges.append((fid, west, east, south, north))
        # the header without an envelope (clause 2.1.3)
        header = struct.pack("<2sBBi", b"GP", 0, 1, _WGS84)
        yield (None if shape is None else header + shape.wkb, *values)


def _announce(database: sqlite3.Connection, layer: Layer, extent: _Extent, changed: datetime) -> None:
    database.execute(
        "INSERT INTO gpkg_contents VALUES (?,'features',?,?,?,?,?,?,?,?)",
        (layer.name, layer.name, layer.text, moment_of(changed), *extent.edges, _WGS84),
    )
    database.execute(
        "INSERT INTO gpkg_geometry_columns VALUES (?,'geom',?,?,0,0)", (layer.name, layer.kind, _WGS84)
    )
