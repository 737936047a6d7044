"""Detections and photographs as a GeoPackage: one SQLite file, two layers, for QGIS and other GIS.

Standard: OGC 12-128r18, GeoPackage 1.3.1; the tables are those of its annex C. A layer of points needs
six tables and a header of eight bytes before each point, so that no library of many megabytes is asked
for what Python's own sqlite3 does; the tests open the file with GDAL.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from wildetect.results.files import replacing
from wildetect.results.records import ImageResult
from wildetect.results.rows import position_of, rows

__all__ = ["write_geopackage"]

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
CREATE TABLE detections (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  geom POINT,
  image TEXT NOT NULL,
  class TEXT NOT NULL,
  confidence DOUBLE NOT NULL,
  x_min DOUBLE NOT NULL, y_min DOUBLE NOT NULL, x_max DOUBLE NOT NULL, y_max DOUBLE NOT NULL,
  position_of TEXT
);
CREATE TABLE photographs (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  geom POINT,
  image TEXT NOT NULL,
  detections INTEGER,
  failure TEXT
);
"""

_SYSTEMS = (
    ("WGS 84 geodetic", _WGS84, "EPSG", _WGS84, _DEFINITION, "longitude and latitude in degrees"),
    ("Undefined Cartesian SRS", -1, "NONE", -1, "undefined", "undefined Cartesian coordinates"),
    ("Undefined geographic SRS", 0, "NONE", 0, "undefined", "undefined geographic coordinates"),
)

_LAYERS = {
    "detections": "One point for each detection; position_of says whose position it is.",
    "photographs": "One point for each image, the position of the camera.",
}


def write_geopackage(
    path: Path, results: Iterable[ImageResult], class_names: Sequence[str], *, changed: datetime
) -> None:
    """Write detections.gpkg. What has no position is a row without a point.

    Args:
        path: The file.
        results: Gone through twice.
        class_names: By class id.
        changed: The time that the file gives as that of its last change.

    Raises:
        InputError: The file cannot be written.
    """
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {_VERSION}")
        database.executescript(_TABLES)
        with database:
            database.executemany("INSERT INTO gpkg_spatial_ref_sys VALUES (?,?,?,?,?,?)", _SYSTEMS)
            detections, photographs = _Extent(), _Extent()
            database.executemany(
                "INSERT INTO detections VALUES (NULL,?,?,?,?,?,?,?,?,?)",
                _detections(results, class_names, detections),
            )
            database.executemany(
                "INSERT INTO photographs VALUES (NULL,?,?,?,?)", _photographs(results, photographs)
            )
            for (name, text), extent in zip(_LAYERS.items(), (detections, photographs), strict=True):
                _announce(database, name, text, extent, changed)
        content = database.serialize()
    with replacing(path) as file:
        file.write(content)


class _Extent:
    """The smallest rectangle around all points."""

    def __init__(self) -> None:
        self.lowest: tuple[float, float] | None = None
        self.highest: tuple[float, float] | None = None

    def add(self, x: float, y: float) -> None:
        low, high = self.lowest or (x, y), self.highest or (x, y)
        self.lowest = min(low[0], x), min(low[1], y)
        self.highest = max(high[0], x), max(high[1], y)

    @property
    def edges(self) -> tuple[float | None, ...]:
        """min_x, min_y, max_x, max_y; None where there is no point."""
        return (*(self.lowest or (None, None)), *(self.highest or (None, None)))


def _announce(database: sqlite3.Connection, name: str, text: str, extent: _Extent, changed: datetime) -> None:
    moment = changed.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{changed.microsecond // 1000:03}Z"
    database.execute(
        "INSERT INTO gpkg_contents VALUES (?,'features',?,?,?,?,?,?,?,?)",
        (name, name, text, moment, *extent.edges, _WGS84),
    )
    database.execute("INSERT INTO gpkg_geometry_columns VALUES (?,'geom','POINT',?,0,0)", (name, _WGS84))


def _detections(
    results: Iterable[ImageResult], class_names: Sequence[str], extent: _Extent
) -> Iterator[tuple[object, ...]]:
    for result in results:
        whose = position_of(result)
        for row in rows(result):
            point = _point(row.position, extent)
            yield point, _text(result.name), class_names[row.class_id], row.confidence, *row.xyxy, whose


def _photographs(results: Iterable[ImageResult], extent: _Extent) -> Iterator[tuple[object, ...]]:
    for result in results:
        known = result.longitude is not None and result.latitude is not None
        point = _point((result.longitude or 0.0, result.latitude or 0.0) if known else None, extent)
        count = None if result.detections is None else len(result.detections)
        yield point, _text(result.name), count, result.failure


def _point(position: tuple[float, float] | None, extent: _Extent) -> bytes | None:
    """A point as GeoPackage has it (clause 2.1.3): its header without envelope, then little-endian WKB."""
    if position is None:
        return None
    extent.add(*position)
    return struct.pack("<2sBBiBIdd", b"GP", 0, 1, _WGS84, 1, 1, *position)


def _text(name: str) -> str:
    """A name that UTF-8 can hold: Linux allows bytes in file names that are no letters."""
    return name.encode("utf-8", errors="backslashreplace").decode("utf-8")
