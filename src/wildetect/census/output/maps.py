"""animals.geojson and animals.gpkg: animals, photographs, transects and strata for QGIS and other GIS."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from wildetect.census.design.vector_features import in_one_piece
from wildetect.census.estimates.sample_records import SampledStratum
from wildetect.census.output.rows import AREA_DIGITS, AnimalRow
from wildetect.census.result import Census
from wildetect.results.exports.geopackage_layers import Layer, Shape, plain, point, write_layers
from wildetect.results.exports.qgis import (
    ProjectLayer,
    animals_style,
    line_style,
    polygon_style,
    write_project,
)
from wildetect.results.files import write_text
from wildetect.results.rows import DEGREE_DIGITS

__all__ = ["PROJECT", "Ground", "cut_at_180", "ground_of", "write_geojson", "write_geopackage"]

_ANIMALS = {
    "animal": "INTEGER NOT NULL",
    "id": "TEXT NOT NULL",
    "species": "TEXT NOT NULL",
    "confidence": "DOUBLE NOT NULL",
    "stratum": "TEXT",
    "transect": "TEXT",
    "boxes": "INTEGER NOT NULL",
    "apart_m": "DOUBLE",
    "photographs": "TEXT NOT NULL",
}
_FOOTPRINTS = {"photograph": "TEXT NOT NULL", "transect": "TEXT", "boxes": "INTEGER NOT NULL"}
_TRANSECTS = {"transect": "TEXT NOT NULL", "photographs": "INTEGER NOT NULL", "animals": "INTEGER NOT NULL"}
_STRATA = {
    "stratum": "TEXT NOT NULL",
    "area_km2": "DOUBLE NOT NULL",
    "searched_km2": "DOUBLE NOT NULL",
    "animals": "INTEGER NOT NULL",
}

_CELLS = {"photographs": "INTEGER NOT NULL", "animals": "INTEGER NOT NULL"}

_Shapes = Sequence[tuple[Any, dict[str, Any]]]


PROJECT = "census.qgs"
"""Opens all layers in QGIS; beside the GeoPackage."""

_SHAPES_OF = {"POINT": "Point", "MULTILINESTRING": "Line", "MULTIPOLYGON": "Polygon"}
_HALF = 180.0
_PARTS = {"Polygon": shapely.MultiPolygon, "LineString": shapely.MultiLineString}


class Ground(NamedTuple):
    """What is drawn beneath the animals, in degrees, each with what is known of it.

    Attributes:
        photographs: The ground that each shows.
        transects: The lines through the photographs of each; of single photographs there is none.
        strata: The parts of the survey area; none without a file of them.
        cells: Cells of a grid, where places are coarsened to it.
    """

    photographs: _Shapes
    transects: _Shapes
    strata: _Shapes
    cells: _Shapes = ()


def ground_of(census: Census) -> Ground:
    """The shapes of a census, turned into degrees once for all files."""
    strata = [stratum for stratum in census.sample.strata if stratum.polygon is not None]
    footprints = [shapely.Polygon(view.footprint) for view in census.views.views]
    outlines = [stratum.polygon for stratum in strata]
    lines = list(_transects(census))
    return Ground(
        list(zip(_degrees(census, footprints), _photographs(census), strict=True)),
        list(zip(_degrees(census, [line for line, _ in lines]), [about for _, about in lines], strict=True)),
        list(zip(_degrees(census, outlines), map(_stratum, strata), strict=True)),
    )


def write_geojson(path: Path, ground: Ground, animals: Sequence[AnimalRow]) -> None:
    """Write animals.geojson as RFC 7946 has it; `kind` tells animals, photographs and strata apart.

    Raises:
        InputError: The file cannot be written.
    """
    write_text(path, _pieces(ground, animals))


def write_geopackage(
    path: Path,
    ground: Ground,
    animals: Sequence[AnimalRow],
    *,
    colours: Mapping[str, str],
    title: str,
    changed: datetime,
) -> None:
    """Write animals.gpkg with a layer for each kind, coloured and indexed for QGIS, and a project of all.

    Args:
        path: The file.
        ground: Outcome of `ground_of`.
        animals: Outcome of `animal_rows`.
        colours: Colour of each species, as #rrggbb.
        title: Name of the survey.
        changed: The time that the file gives as that of its last change.

    Raises:
        InputError: The file cannot be written.
    """
    layers = [
        Layer(
            "animals",
            "One point for each animal, counted once.",
            "POINT",
            _ANIMALS,
            ((point(row.longitude, row.latitude), *_animal(row).values()) for row in animals),
            animals_style(colours),
        ),
        *_layers_beneath(ground),
    ]
    extents = write_layers(path, layers, changed=changed)
    drawn = [ProjectLayer(one.name, _SHAPES_OF[one.kind], one.style) for one in layers]
    edges = [extent for extent in extents.values() if extent is not None]
    west, south = (min(edge[side] for edge in edges) for side in (0, 1))
    east, north = (max(edge[side] for edge in edges) for side in (2, 3))
    title = f"{title}: animals counted once"
    write_project(path.with_name(PROJECT), path.name, drawn, title=title, extent=(west, south, east, north))


def _layers_beneath(ground: Ground) -> Iterator[Layer]:
    """The layers of what is drawn beneath the animals, as far as there is any."""
    photographs = polygon_style(fill="27,107,74,40", outline="27,107,74,120", width=0.1)
    strata = polygon_style(fill="0,0,0,0", outline="20,28,24,255", width=0.6, label="stratum")
    cells = polygon_style(fill="0,0,0,0", outline="120,120,120,255", width=0.3, label="animals")
    lines = line_style(width=0.4, label="transect")
    area, line = "MULTIPOLYGON", "MULTILINESTRING"
    of_cells = "Cells of the grid that all places of this file are coarsened to."
    for name, text, kind, columns, shapes, style in (
        (
            "photographs",
            "The ground that each photograph shows.",
            area,
            _FOOTPRINTS,
            ground.photographs,
            photographs,
        ),
        ("transects", "The lines that were flown.", line, _TRANSECTS, ground.transects, lines),
        ("strata", "The parts of the survey area.", area, _STRATA, ground.strata, strata),
        ("cells", of_cells, area, _CELLS, ground.cells, cells),
    ):
        if shapes or name == "photographs":
            rows = ((_shape(_multi(shape)), *about.values()) for shape, about in shapes)
            yield Layer(name, text, kind, columns, rows, style)


def _pieces(ground: Ground, animals: Sequence[AnimalRow]) -> Iterator[str]:
    yield '{"type": "FeatureCollection", "features": ['
    comma = ""
    for feature in _features(ground, animals):
        yield f"{comma}\n{json.dumps(feature, ensure_ascii=False, allow_nan=False)}"
        comma = ","
    yield "\n]}\n"


def _features(ground: Ground, animals: Sequence[AnimalRow]) -> Iterator[dict[str, Any]]:
    for row in animals:
        place = {"type": "Point", "coordinates": [row.longitude, row.latitude]}
        yield _feature("animal", place, _animal(row))
    for kind, shapes in (
        ("photograph", ground.photographs),
        ("transect", ground.transects),
        ("stratum", ground.strata),
        ("cell", ground.cells),
    ):
        for shape, about in shapes:
            yield _feature(kind, None if shape is None else shapely.geometry.mapping(shape), about)


def _feature(kind: str, geometry: dict[str, Any] | None, about: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": {"kind": kind, **about}}


def _animal(row: AnimalRow) -> dict[str, Any]:
    return {
        "animal": row.animal,
        "id": row.id,
        "species": row.species,
        "confidence": row.confidence,
        "stratum": row.stratum,
        "transect": row.transect,
        "boxes": len(row.boxes),
        "apart_m": row.apart_m,
        "photographs": plain("; ".join(row.photographs)),
    }


def _photographs(census: Census) -> Iterator[dict[str, Any]]:
    held = np.bincount(census.boxes.view, minlength=len(census.views.views)).tolist()
    transects = {
        view: transect.name
        for stratum in census.sample.strata
        for transect in stratum.transects
        for view in transect.views
    }
    for number, view in enumerate(census.views.views):
        yield {"photograph": plain(view.file), "transect": transects.get(number), "boxes": held[number]}


def _transects(census: Census) -> Iterator[tuple[Any, dict[str, Any]]]:
    held: dict[str, int] = defaultdict(int)
    for stratum in census.sample.strata:
        for one in stratum.transects:
            held[one.name] += len(one.animals)
    for transect in census.transects:
        if len(transect.views) > 1:
            views = [census.views.views[row] for row in transect.views]
            line = shapely.LineString([(view.x, view.y) for view in views])
            about = {"photographs": len(views), "animals": held[transect.name]}
            yield line, {"transect": plain(transect.name), **about}


def _stratum(stratum: SampledStratum) -> dict[str, Any]:
    return {
        "stratum": stratum.name,
        "area_km2": round(stratum.area_km2 or 0.0, AREA_DIGITS),
        "searched_km2": round(stratum.searched_km2, AREA_DIGITS),
        "animals": len(stratum.animals),
    }


def _degrees(census: Census, shapes: Sequence[Any]) -> Sequence[Any]:
    """Shapes of the survey's plane in degrees, as RFC 7946 asks for.

    Outer rings run counterclockwise, and what lies across the 180th meridian is cut in two there.
    """

    def turned(metres: NDArray[np.float64]) -> NDArray[np.float64]:
        return in_one_piece(np.asarray(census.views.projection.to_degrees(metres)).round(DEGREE_DIGITS))

    found = shapely.transform(np.array(shapes, object), turned)
    return list(shapely.orient_polygons([cut_at_180(shape) for shape in found]))


def cut_at_180(shape: Any) -> Any:
    """A shape whose longitudes run on beyond 180 or -180 degrees, in parts on both sides of them."""
    west, _, east, _ = shape.bounds
    if west >= -_HALF and east <= _HALF:
        return shape
    edge = _HALF if east > _HALF else -_HALF
    parts = []
    for low in (edge - 2 * _HALF, edge):
        part = shapely.intersection(shape, shapely.box(low, -90, low + 2 * _HALF, 90))
        shift = np.array([-2 * _HALF * np.sign(edge) if (low == edge) == (edge > 0) else 0.0, 0.0])
        pieces = shapely.get_parts(shapely.transform(part, lambda places, by=shift: places + by))
        parts += [piece for piece in pieces if not piece.is_empty and piece.geom_type in _PARTS]
    return shapely.union_all(parts) if len(parts) == 1 else _PARTS[parts[0].geom_type](parts)


def _multi(shape: Any) -> Any:
    """The same as one of several parts, which layers of such hold."""
    known = shape is not None and shape.geom_type in _PARTS
    return _PARTS[shape.geom_type]([shape]) if known else shape


def _shape(shape: Any) -> Shape | None:
    return None if shape is None else Shape(shapely.to_wkb(shape, byte_order=1), tuple(shape.bounds))
