"""What a GeoPackage may hold besides its layers: an index of places, and how QGIS draws them.

Standard: OGC 12-128r18, GeoPackage 1.3.1, annex F.3 (RTree spatial indexes). The table layer_styles is that
of QGIS, which loads the default style of a layer by itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime

__all__ = ["add_index", "add_styles", "moment_of"]

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
        database: Of the GeoPackage.
        table: Of the layer; a name of ours, never a user's.
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
        database: Of the GeoPackage.
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
