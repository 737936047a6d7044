"""The one module that knows pyogrio: features of GeoJSON, GeoPackage, Shapefile and KML."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import shapely

from wildetect.census.design.vector_features import Feature, Features
from wildetect.errors import InputError

__all__ = ["read_layer"]

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
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError

    try:
        layers = pyogrio.list_layers(path)
        layer = _layer(path, layers.tolist(), kind)
        meta, _, shapes, values = pyogrio.raw.read(path, layer=layer)
        found = shapely.force_2d(shapely.from_wkb(shapes))
    except (DataSourceError, DataLayerError, shapely.errors.ShapelyError) as error:
        raise InputError(f"{path} cannot be read: {_first_line(error)}", hint=_SAVE_AGAIN) from error
    if not len(found):
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


def _layer(path: Path, layers: list[list[Any]], kind: str) -> str:
    """The name of the layer that holds the kind, or may hold it."""
    sure = [name for name, holds in layers if kind in str(holds).lower()]
    open_to_all = [name for name, holds in layers if holds in {"Unknown", "GeometryCollection"}]
    fitting = sure or open_to_all
    if len(fitting) == 1:
        return str(fitting[0])
    if not fitting and len(layers) == 1:
        return str(layers[0][0])  # what is wrong with its shapes is said feature by feature
    names = ", ".join(str(name) for name, _ in layers) or "none"
    many = "several layers" if fitting else "no layer"
    raise InputError(
        f"{path} has {many} of {kind}s; its layers: {names}",
        hint=f"Save the one layer of {kind}s into a file of its own.",
    )


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0].partition(";")[0] if lines else type(error).__name__
