"""animals.geojson and animals.gpkg: animals, photographs, transects and strata for QGIS and other GIS."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from wildetect.census.design.sampling import SampledStratum
from wildetect.census.output.rows import AREA_DIGITS, AnimalRow
from wildetect.census.result import Census
from wildetect.results.exports.geopackage_layers import Layer, Shape, plain, point, write_layers
from wildetect.results.files import write_text
from wildetect.results.rows import DEGREE_DIGITS

__all__ = ["Ground", "ground_of", "write_geojson", "write_geopackage"]

_ANIMALS = {
    "animal": "INTEGER NOT NULL",
    "species": "TEXT NOT NULL",
    "confidence": "DOUBLE NOT NULL",
    "stratum": "TEXT",
    "transect": "TEXT",
    "boxes": "INTEGER NOT NULL",
    "apart_m": "DOUBLE",
    "photographs": "TEXT NOT NULL",
}
_FOOTPRINTS = {"photograph": "TEXT NOT NULL", "transect": "TEXT", "boxes": "INTEGER NOT NULL"}
_STRATA = {
    "stratum": "TEXT NOT NULL",
    "area_km2": "DOUBLE NOT NULL",
    "searched_km2": "DOUBLE NOT NULL",
    "animals": "INTEGER NOT NULL",
}


_Polygons = Sequence[tuple[Any, dict[str, Any]]]


class Ground(NamedTuple):
    """What is drawn beneath the animals, in degrees, each with what is known of it.

    Attributes:
        photographs: The ground that each shows.
        strata: The parts of the survey area; none without a file of them.
    """

    photographs: _Polygons
    strata: _Polygons


def ground_of(census: Census) -> Ground:
    """The polygons of a census, turned into degrees once for all files."""
    strata = [stratum for stratum in census.sample.strata if stratum.polygon is not None]
    footprints = [shapely.Polygon(view.footprint) for view in census.views.views]
    outlines = [stratum.polygon for stratum in strata]
    return Ground(
        list(zip(_degrees(census, footprints), _photographs(census), strict=True)),
        list(zip(_degrees(census, outlines), map(_stratum, strata), strict=True)),
    )


def write_geojson(path: Path, ground: Ground, animals: Sequence[AnimalRow]) -> None:
    """Write animals.geojson as RFC 7946 has it; `kind` tells animals, photographs and strata apart.

    Raises:
        InputError: The file cannot be written.
    """
    write_text(path, _pieces(ground, animals))


def write_geopackage(path: Path, ground: Ground, animals: Sequence[AnimalRow], *, changed: datetime) -> None:
    """Write animals.gpkg with a layer for each kind.

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
        ),
        Layer(
            "photographs",
            "The ground that each photograph shows.",
            "POLYGON",
            _FOOTPRINTS,
            ((_shape(polygon), *about.values()) for polygon, about in ground.photographs),
        ),
    ]
    if ground.strata:
        strata = ((_shape(_multi(polygon)), *about.values()) for polygon, about in ground.strata)
        layers.append(Layer("strata", "The parts of the survey area.", "MULTIPOLYGON", _STRATA, strata))
    write_layers(path, layers, changed=changed)


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
    for kind, polygons in (("photograph", ground.photographs), ("stratum", ground.strata)):
        for polygon, about in polygons:
            yield _feature(kind, shapely.geometry.mapping(polygon), about)


def _feature(kind: str, geometry: dict[str, Any], about: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": {"kind": kind, **about}}


def _animal(row: AnimalRow) -> dict[str, Any]:
    return {
        "animal": row.animal,
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


def _stratum(stratum: SampledStratum) -> dict[str, Any]:
    return {
        "stratum": stratum.name,
        "area_km2": round(stratum.area_km2 or 0.0, AREA_DIGITS),
        "searched_km2": round(stratum.searched_km2, AREA_DIGITS),
        "animals": len(stratum.animals),
    }


def _degrees(census: Census, polygons: Sequence[Any]) -> Sequence[Any]:
    """Polygons of the survey's plane in degrees, outer rings counterclockwise as RFC 7946 asks for."""

    def turned(metres: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(census.views.projection.to_degrees(metres)).round(DEGREE_DIGITS)

    return list(shapely.orient_polygons(shapely.transform(np.array(polygons, object), turned)))


def _multi(polygon: Any) -> Any:
    return polygon if polygon.geom_type == "MultiPolygon" else shapely.MultiPolygon([polygon])


def _shape(polygon: Any) -> Shape:
    return Shape(shapely.to_wkb(polygon, byte_order=1), tuple(polygon.bounds))
