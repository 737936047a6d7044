"""Strata and transects read from GeoJSON, GeoPackage, Shapefile, KML and CSV."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import shapely

from wildetect.census.design.vector_features import (
    Feature,
    Features,
    Mistake,
    in_degrees,
    in_one_piece,
    overlap_mistakes,
    raise_mistakes,
    shape_mistake,
)
from wildetect.census.ground.projection import in_degrees_already
from wildetect.errors import ConfigurationError, InputError
from wildetect.imagery.positions.heads import PHOTOGRAPH_COLUMNS
from wildetect.local_files import follows_others, keep_local
from wildetect.tables.numbers import number_of
from wildetect.tables.sheet import Line as SheetLine
from wildetect.tables.sheet import read_sheet
from wildetect.wording import listed

__all__ = ["Area", "Line", "read_areas", "read_layer", "read_lines", "read_table"]

_SAVE_AGAIN = "Save it as GeoPackage, in QGIS with Export > Save Features As."


def read_layer(path: Path, kind: Literal["polygon", "line"]) -> Features:
    """The features of the one layer of a file that may hold polygons or lines.

    Args:
        path: A file that is there.
        kind: Which layer is meant where a file has several.

    Raises:
        InputError: The file cannot be read, has no such layer or several, no features or no coordinate
            system.
    """
    if follows_others(path):
        raise InputError(
            f"{path} cannot be read: it is not a {path.suffix.lower()} file inside", hint=_SAVE_AGAIN
        )
    keep_local()
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError

    try:
        layers = pyogrio.list_layers(path)
        layer = _layer(path, layers.tolist(), kind)
        meta, _, shapes, values = pyogrio.raw.read(path, layer=layer)
        found = [_of_one_kind(shape) for shape in shapely.force_2d(shapely.from_wkb(shapes))]
    except (DataSourceError, DataLayerError, shapely.errors.ShapelyError) as error:
        raise InputError(f"{path} cannot be read: {_first_line(error)}", hint=_SAVE_AGAIN) from error
    if not found:
        raise InputError(f"{path} has no features", hint=f"Draw a {kind} for each, and save.")
    if not meta["crs"]:
        raise InputError(
            f"{path} does not say which coordinate system it is in",
            hint="Set it in QGIS (Layer > Set CRS) and save; a Shapefile needs its .prj file beside it.",
        )
    columns = tuple(str(name) for name in meta["fields"])
    rows = [
        dict(zip(columns, row, strict=True)) for row in zip(*(each.tolist() for each in values), strict=True)
    ]
    features = (
        Feature(f"feature {number}", shape, rows[number - 1] if rows else {})
        for number, shape in enumerate(found, 1)
    )
    return Features(path, columns, tuple(features), str(meta["crs"]))


def _of_one_kind(shape: Any) -> Any:
    """A collection of polygons as the multi-polygon that it is, one of lines as a multi-line."""
    if shape is None or shape.geom_type != "GeometryCollection":
        return shape
    parts = [each for part in shapely.get_parts(shape) for each in shapely.get_parts(part)]
    kinds = {part.geom_type for part in parts}
    if kinds == {"Polygon"}:
        return shapely.MultiPolygon(parts)
    return shapely.MultiLineString(parts) if kinds == {"LineString"} else shape


def _layer(path: Path, layers: list[list[Any]], kind: str) -> str:
    """The name of the layer that holds the kind, or may hold it."""
    sure = [name for name, holds in layers if kind in str(holds).lower()]
    open_to_all = [name for name, holds in layers if holds in {"Unknown", "GeometryCollection"}]
    fitting = sure or open_to_all
    if len(fitting) == 1:
        return str(fitting[0])
    if not fitting and len(layers) == 1:
        return str(layers[0][0])  # what is wrong with its shapes is said feature by feature
    names = listed((name for name, _ in layers), none="none")
    many = "several layers" if fitting else "no layer"
    raise InputError(
        f"{path} has {many} of {kind}s; its layers: {names}",
        hint=f"Save the one layer of {kind}s into a file of its own.",
    )


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0].partition(";")[0] if lines else type(error).__name__


SHAPE_COLUMNS = ("wkt", "geometry", "geom", "the_geom")


def read_table(path: Path) -> Features:
    """The rows of a CSV file, with the shape of each where a column holds it as WKT in degrees.

    Raises:
        InputError: The file is empty, no text, has neither shapes nor photographs, or a shape that is no WKT.
    """
    sheet = read_sheet(path, str(path), hint="Check the file, or save it as GeoPackage instead.")
    header = sheet.head
    table = Features(path, header, ())
    shapes = table.column(*SHAPE_COLUMNS)
    if shapes is None and table.column(*PHOTOGRAPH_COLUMNS) is None:
        raise InputError(
            f"{path} has no column of outlines (wkt) and none of photographs (photograph); its columns: "
            + listed(header, none="none"),
            hint="Name the columns: name and wkt, or photograph and transect.",
        )
    if not sheet.lines:
        raise InputError(f"{path} has a header only", hint="Write one line for each stratum or photograph.")
    mistakes: list[Mistake] = []
    features = [_feature(line, header, shapes, mistakes) for line in sheet.lines]
    raise_mistakes(path, mistakes)
    return Features(path, header, tuple(features))


def _feature(line: SheetLine, header: Sequence[str], shapes: str | None, mistakes: list[Mistake]) -> Feature:
    place = f"line {line.number}"
    if line.surplus is not None:
        hint = "put values that hold the delimiter into double quotes"
        mistakes.append(Mistake(f"{place}: {line.surplus}", hint))
    fields: dict[str, Any] = dict(zip(header, line.cells, strict=False))
    shape = None
    if shapes is not None and fields.get(shapes):
        try:
            shape = _of_one_kind(shapely.force_2d(shapely.from_wkt(fields.pop(shapes))))
        except shapely.errors.ShapelyError as error:
            hint = "write it as WKT, e.g. POLYGON ((36.1 -1.2, 36.2 -1.2, 36.2 -1.3, 36.1 -1.2))"
            mistakes.append(Mistake(f"{place}: {str(error).splitlines()[0]}", hint))
    return Feature(place, shape, fields)


FORMATS = (".geojson", ".json", ".gpkg", ".shp", ".kml", ".csv")


_POSSIBLE = ("possible", "possible_transects", "n_possible")


_STRATUM = ("stratum", "region.label", "region", "block")


_TRANSECT = ("transect", "sample.label", "line", "strip")


_NAME = ("name", "label", "id")


@dataclass(frozen=True, slots=True)
class Area:
    """A stratum as a file gives it.

    Attributes:
        name: Name as the file calls it.
        polygon: shapely Polygon or MultiPolygon in degrees, WGS 84 (longitude, latitude).
        possible: Number of possible transects, where the file says it.
    """

    name: str
    polygon: Any
    possible: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A transect as a file gives it: a line, or the photographs that belong to it.

    Attributes:
        name: Name as the file calls it.
        line: shapely LineString or MultiLineString in degrees, WGS 84; null if photographs are listed.
        photographs: Their file names, as the table has them.
        stratum: The stratum that it belongs to, where the file says it.
    """

    name: str
    line: Any = None
    photographs: tuple[str, ...] = ()
    stratum: str | None = None


def read_areas(path: Path, name_column: str | None = None) -> list[Area]:
    """The strata of a file; polygons of one name are one stratum.

    Args:
        path: The file; a GeoPackage may hold lines besides.
        name_column: Column of the names; without it a usual one ("name", "stratum", ...), else they are
            numbered. A column "possible" says how many transects would cover a stratum.

    Raises:
        ConfigurationError: There is no such file, format or column.
        InputError: The file has no usable polygons, or two that overlap; all mistakes are listed.
    """
    table = _features(path, "polygon")
    column = table.name_column(name_column, *_STRATUM, *_NAME)
    mistakes = _shape_mistakes(table, column, "polygon")
    pieces = _by_name(table, column, "stratum")
    possible = {name: _possible(features, table, mistakes) for name, features in pieces.items()}
    raise_mistakes(path, mistakes)
    pieces = _by_name(in_degrees(table, column), column, "stratum")
    outlines = {name: shapely.union_all([piece.shape for piece in some]) for name, some in pieces.items()}
    areas = [Area(name, outline, possible[name]) for name, outline in outlines.items()]
    raise_mistakes(path, overlap_mistakes([area.name for area in areas], [area.polygon for area in areas]))
    return areas


def read_lines(path: Path, name_column: str | None = None) -> list[Line]:
    """The transects of a file: lines, or a table of photographs; lines of one name are one transect.

    Args:
        path: The file; in a table a photograph without a transect belongs to none.
        name_column: Column of the names; without it a usual one ("transect", "name", ...), else they are
            numbered. A column "stratum" says which stratum a transect belongs to.

    Raises:
        ConfigurationError: There is no such file, format or column.
        InputError: The file has no usable lines, or a photograph twice; all mistakes are listed.
    """
    table = _features(path, "line")
    stratum = table.column(*_STRATUM)
    photographs = table.column(*PHOTOGRAPH_COLUMNS)
    if path.suffix.lower() == ".csv" and photographs and all(each.shape is None for each in table.features):
        return _listed(table, table.name_column(name_column, *_TRANSECT), photographs, stratum)
    column = table.name_column(name_column, *_TRANSECT, *_NAME)
    raise_mistakes(path, _shape_mistakes(table, column, "line"))
    pieces = _by_name(in_degrees(table, column), column, "transect")
    return [
        Line(name, shapely.union_all([piece.shape for piece in features]), (), _one_of(features, stratum))
        for name, features in pieces.items()
    ]


def _by_name(table: Features, column: str | None, kind: str) -> dict[str, list[Feature]]:
    pieces: dict[str, list[Feature]] = {}
    for number, feature in enumerate(table.features, 1):
        pieces.setdefault(feature.text(column) or f"{kind} {number}", []).append(feature)
    return pieces


def _features(path: Path, kind: Literal["polygon", "line"]) -> Features:
    suffix = path.suffix.lower()
    if not path.is_file():
        raise ConfigurationError(
            f"there is no file {path}",
            hint="Check survey.strata and survey.transects in configs/census.yaml.",
        )
    if suffix not in FORMATS:
        raise ConfigurationError(
            f"{path} has none of the formats of strata and transects: {listed(FORMATS)}",
            hint="Save it as GeoPackage, in QGIS with Export > Save Features As.",
        )
    table = read_table(path) if suffix == ".csv" else read_layer(path, kind)
    return _in_one_piece(table) if in_degrees_already(table.crs) else table


def _in_one_piece(table: Features) -> Features:
    """The same features where they lie across the 180th meridian, before their shapes are looked at."""
    rows = [row for row, feature in enumerate(table.features) if feature.shape is not None]
    drawn = np.array([table.features[row].shape for row in rows], object)
    moved = shapely.transform(drawn, in_one_piece) if rows else drawn
    features = list(table.features)
    for row, before, after in zip(rows, drawn, moved, strict=True):
        if not shapely.equals_exact(before, after):
            features[row] = replace(features[row], shape=_joined(after))
    return replace(table, features=tuple(features))


def _joined(shape: Any) -> Any:
    """A polygon without the cut along the 180th meridian, where its parts meet now."""
    parts = shapely.get_parts(shape)
    if shape.geom_type == "MultiPolygon" and shapely.is_valid(parts).all():
        return shapely.union_all(parts)
    return shape


def _shape_mistakes(table: Features, column: str | None, kind: Literal["polygon", "line"]) -> list[Mistake]:
    found = ((feature, shape_mistake(feature.shape, kind)) for feature in table.features)
    return [
        Mistake(f"{feature.named(column)} {mistake.text}", mistake.hint)
        for feature, mistake in found
        if mistake
    ]


def _possible(features: Sequence[Feature], table: Features, mistakes: list[Mistake]) -> float | None:
    """Number of possible transects that the features of a stratum say; their largest."""
    column = table.column(*_POSSIBLE)
    numbers = []
    for feature in features:
        text = feature.text(column)
        if not text:
            continue
        try:
            numbers.append(number_of(text))
        except ValueError:
            numbers.append(math.nan)
        if not (math.isfinite(numbers[-1]) and numbers[-1] >= 1):
            hint = "write a whole number of 1 or more, or nothing"
            mistakes.append(Mistake(f"{feature.place}: {column} is {text}", hint))
    return max(numbers, default=None)


def _one_of(features: Sequence[Feature], column: str | None) -> str | None:
    """The value that features of one name have in common; none if they differ."""
    values = {feature.text(column) for feature in features}
    return values.pop() or None if len(values) == 1 else None


def _listed(table: Features, column: str | None, photographs: str, stratum: str | None) -> list[Line]:
    """Transects as a table of photographs gives them."""
    if column is None:
        raise InputError(
            f"{table.path} says for no photograph which transect it belongs to",
            hint="Add a column transect, or name the column in configs/census.yaml: survey.transects_name.",
        )
    of_photograph: dict[str, str] = {}
    members: dict[str, list[Feature]] = {}
    mistakes = []
    for feature in table.features:
        name, photograph = feature.text(column), feature.text(photographs)
        if of_photograph.setdefault(photograph, name) != name:
            text = f"{feature.place}: {photograph} is in transect {of_photograph[photograph]} already"
            mistakes.append(Mistake(text, "leave each photograph in one transect"))
        elif name and photograph:
            members.setdefault(name, []).append(feature)
    raise_mistakes(table.path, mistakes)
    if not members:
        raise InputError(
            f"{table.path} puts no photograph into a transect", hint=f"Fill the column {column}."
        )
    return [
        Line(name, None, tuple(each.text(photographs) for each in rows), _one_of(rows, stratum))
        for name, rows in members.items()
    ]
