"""CSV files of strata and transects: outlines as WKT, or the photographs of each transect."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import shapely

from wildetect.census.vector_features import Feature, Features, Mistake, raise_mistakes
from wildetect.errors import InputError
from wildetect.imagery.position_table import table_text

__all__ = ["PHOTOGRAPH_COLUMNS", "read_table"]

PHOTOGRAPH_COLUMNS = ("photograph", "photo", "image", "picture", "file", "filename", "file_name")
SHAPE_COLUMNS = ("wkt", "geometry", "geom", "the_geom")


def read_table(path: Path) -> Features:
    """The rows of a CSV file, with the shape of each where a column holds it as WKT in degrees.

    Raises:
        InputError: The file is empty, no text, has neither shapes nor photographs, or a shape that is no WKT.
    """
    text = table_text(path, str(path), hint="Check the file and its folder.")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    try:
        header = [column.strip() for column in next(rows, [])]
        lines = [(rows.line_num, row) for row in rows if any(value.strip() for value in row)]
    except csv.Error as error:
        raise InputError(
            f"{path}: line {rows.line_num}: {error}",
            hint="Save it as GeoPackage instead, in QGIS with Export > Save Features As.",
        ) from error
    table = Features(path, tuple(header), ())
    shapes = table.column(*SHAPE_COLUMNS)
    if shapes is None and table.column(*PHOTOGRAPH_COLUMNS) is None:
        raise InputError(
            f"{path} has no column of outlines (wkt) and none of photographs (photograph); its columns: "
            + (", ".join(header) or "none"),
            hint="Name the columns: name and wkt, or photograph and transect.",
        )
    if not lines:
        raise InputError(f"{path} has a header only", hint="Write one line for each stratum or photograph.")
    mistakes: list[Mistake] = []
    features = [_feature(f"line {number}", header, row, shapes, mistakes) for number, row in lines]
    raise_mistakes(path, mistakes)
    return Features(path, tuple(header), tuple(features))


def _feature(
    place: str, header: list[str], row: list[str], shapes: str | None, mistakes: list[Mistake]
) -> Feature:
    if len(row) > len(header):
        hint = "put values that hold the delimiter into double quotes"
        mistakes.append(Mistake(f"{place} has {len(row)} values for {len(header)} columns", hint))
    fields: dict[str, Any] = dict(zip(header, (value.strip() for value in row), strict=False))
    shape = None
    if shapes is not None and fields.get(shapes):
        try:
            shape = shapely.force_2d(shapely.from_wkt(fields.pop(shapes)))
        except shapely.errors.ShapelyError as error:
            hint = "write it as WKT, e.g. POLYGON ((36.1 -1.2, 36.2 -1.2, 36.2 -1.3, 36.1 -1.2))"
            mistakes.append(Mistake(f"{place}: {str(error).splitlines()[0]}", hint))
    return Feature(place, shape, fields)


def _delimiter(text: str) -> str:
    """The delimiter of the header; outlines hold commas, so the lines below it say nothing."""
    header = text.partition("\n")[0]
    return max(",;\t", key=header.count)
