"""Where on the map a raster lies, from the file itself or from one beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from wildetect.imagery.georeference import Georeference
from wildetect.local_files import open_raster
from wildetect.remote.place import Place

__all__ = ["Placement", "beside", "georeference_beside", "place_of"]

_ENDS: Final = ("w", "wx", ".wld", ".prj", ".qpj", ".aux.xml", ".rpb", "_rpc.txt", ".tab", ".map")
_FOLDERS: Final = 16
_LONGEST: Final = 1_000_000  # bytes: a .prj has a few hundred
_FEWEST_POINTS: Final = 3
_FAR: Final = 2.0  # px: what a plane may miss control points by
_NO_SYSTEM: Final = (
    "a world file or transformation without a coordinate system: not placed on the map; put a .prj beside it"
)
_CURVED: Final = (
    "placed by ground control points, which one plane misses by more than 2 px: positions are about; "
    "orthorectify it (gdalwarp)"
)
_FEW_POINTS: Final = (
    "fewer than three ground control points, or without a coordinate system: not placed on the map"
)
_RPCS: Final = (
    "placed by rational polynomials (RPCs) alone, which need heights: not placed on the map; "
    "orthorectify it (gdalwarp -rpc)"
)
_OTHERS: Final = (
    "a file of another program beside it ({suffix}) may place it, and is not used: not placed on the map; "
    "export a world file and a .prj"
)
_BROKEN: Final = "its world file ({suffix}) is not six numbers, one a line: not placed on the map"


class Placement(NamedTuple):
    """A place on the map, and who says so.

    Attributes:
        georeference: The place; None where there is none.
        why: What decided, for a person; None where the file says it as usual, or nothing does.
        doubt: Why it may be wrong, or what is not used, for a person.
    """

    georeference: Georeference | None = None
    why: str | None = None
    doubt: str | None = None


def place_of(dataset: Any, path: Place) -> Placement:
    """The place of an open rasterio dataset.

    The transformation and the coordinate system come from the file, from a .aux.xml or world file beside it
    (GDAL reads those), the coordinate system else from a .prj; without a transformation, from its ground
    control points.

    Args:
        dataset: The raster.
        path: The file.
    """
    if not all(map(math.isfinite, dataset.transform)):
        return _by_world_file(path)  # which says so
    if not dataset.transform.is_identity:
        if dataset.crs is not None:
            aside = _world_file(path)
            return Placement(Georeference(dataset.transform, dataset.crs), _used(aside) if aside else None)
        return _with_system_beside(path, dataset.transform)
    points, crs = dataset.gcps
    if points:
        return _by_points(points, crs)
    # that of a picture at an address is not read by GDAL (rasterio 1.4), nor a broken one
    placed = _by_world_file(path)
    return placed if placed != Placement() else Placement(doubt=_not_used(path, dataset))


def _not_used(path: Place, dataset: Any) -> str | None:
    """What may place a raster and is not used."""
    if _has_rpcs(path, dataset):
        return _RPCS
    other = _other_program(path)
    return None if other is None else _OTHERS.format(suffix=other.suffix.lower())


def _has_rpcs(path: Place, dataset: Any = None) -> bool:
    """Whether a raster has rational polynomials, or a file with some beside it."""
    # as satellites' providers spell them, since at an address each spelling is another question
    if _sibling(path, [f"{path.stem}.RPB", f"{path.stem}_RPC.TXT"]) is not None:
        return True  # GDAL raises where that file is broken
    return dataset is not None and dataset.rpcs is not None


def _by_world_file(path: Place) -> Placement:
    """The place that a world file alone gives, with the coordinate system beside it.

    Six numbers, one a line: x and y of a step to the right, of a step down, and of the middle of the first
    pixel (Esri, "World files for raster datasets").
    """
    from rasterio.transform import Affine

    aside = _world_file(path)
    if aside is None:
        return Placement()
    try:
        numbers = aside.read_text(encoding="utf-8", errors="replace").replace(",", ".").split()
        a, d, b, e, x, y = map(float, numbers[:6])
    except (OSError, ValueError):
        return Placement(doubt=_BROKEN.format(suffix=aside.suffix))
    transform = Affine(a, b, x - 0.5 * a - 0.5 * b, d, e, y - 0.5 * d - 0.5 * e)
    if transform.is_degenerate or not all(map(math.isfinite, transform)):
        return Placement(doubt=_BROKEN.format(suffix=aside.suffix))
    return _with_system_beside(path, transform)


def _with_system_beside(path: Place, transform: Any) -> Placement:
    crs = _crs_beside(path)
    if crs is None:
        return Placement(doubt=_NO_SYSTEM)
    return Placement(Georeference(transform, crs), f"{_used(_world_file(path))} with its .prj")


def _used(world_file: Place | None) -> str:
    return f"placed by a world file ({world_file.suffix})" if world_file else "placed by its transformation"


def _by_points(points: Any, crs: Any) -> Placement:
    """The plane through ground control points, by least squares."""
    from rasterio.transform import from_gcps

    if crs is None or len(points) < _FEWEST_POINTS:
        return Placement(doubt=_FEW_POINTS)
    transform = from_gcps(points)
    if transform.is_degenerate:
        return Placement(doubt=_FEW_POINTS)
    a, b, c, d, e, f = (~transform)[:6]
    missed = [
        math.hypot(a * one.x + b * one.y + c - one.col, d * one.x + e * one.y + f - one.row) for one in points
    ]
    return Placement(
        Georeference(transform, crs),
        f"placed by {len(points)} ground control points",
        _CURVED if max(missed) > _FAR else None,
    )


def beside(path: Place) -> bool:
    """Whether a world file, GDAL's .aux.xml, rational polynomials or another program's lie beside a file."""
    return any(one(path) for one in (_world_file, _auxiliary, _has_rpcs, _other_program))


def _other_program(path: Place) -> Place | None:
    """The file of MapInfo or OziExplorer that may place a picture."""
    return _sibling(path, [f"{path.stem}.tab", f"{path.stem}.map"]) if isinstance(path, Path) else None


def _auxiliary(path: Place) -> Place | None:
    return _sibling(path, [f"{path.name}.aux.xml"])


def georeference_beside(path: Place) -> Placement:
    """The place of a photograph that has a world file or an .aux.xml beside it; none without."""
    import rasterio

    if not beside(path):
        return Placement()
    try:
        with open_raster(path) as dataset:
            place = place_of(dataset, path)
    except (rasterio.errors.RasterioError, OSError):  # a kind that GDAL does not read, or a damaged file
        return _by_world_file(path)
    if place.georeference is not None and place.why is None and _auxiliary(path) is not None:
        return place._replace(why="placed by the .aux.xml beside it")
    return place


def _world_file(path: Place) -> Place | None:
    """Named by the suffix of the picture: its first and last letter and w or wx, all of it and w; or .wld."""
    suffix = path.suffix.lstrip(".")
    if not suffix:
        return None
    ends = (f"{suffix[0]}{suffix[-1]}w", f"{suffix}w", "wld", f"{suffix[0]}{suffix[-1]}wx")
    return _sibling(path, [f"{path.stem}.{end}" for end in ends])


def _crs_beside(path: Place) -> Any:
    """The coordinate system of a .prj, as ESRI or others write it; None without one that can be read."""
    import rasterio.errors
    from rasterio.crs import CRS

    prj = _sibling(path, [f"{path.stem}.prj", f"{path.stem}.qpj"])  # the latter: older QGIS
    if prj is None or prj.stat().st_size > _LONGEST:
        return None
    text = prj.read_text(encoding="utf-8", errors="replace").strip("\ufeff\0 \r\n\t")
    for esri in (True, False):
        try:
            return CRS.from_wkt(text, morph_from_esri_dialect=esri)
        except rasterio.errors.CRSError:
            continue
    try:
        return CRS.from_user_input(text)
    except rasterio.errors.CRSError:
        return None


def _sibling(path: Place, names: list[str]) -> Place | None:
    """The first of these files beside another one, in any letter case."""
    if not isinstance(path, Path):
        return path.sibling(names)
    there = _files_of(path.parent)
    found = (there.get(name.casefold()) for name in names)
    return next((path.with_name(name) for name in found if name is not None), None)


def _files_of(folder: Path) -> Mapping[str, str]:
    """Names of the files in a folder that may place a picture, by their lower-case spelling."""
    try:
        return _listed(folder, folder.stat().st_mtime_ns)
    except OSError:
        return {}


@lru_cache(_FOLDERS)
def _listed(folder: Path, changed: int) -> Mapping[str, str]:
    """Asked for each photograph, so that a folder on a network drive is read once, not per photograph."""
    del changed
    names = (place.name for place in folder.iterdir())
    return {name.casefold(): name for name in names if name.casefold().endswith(_ENDS)}
