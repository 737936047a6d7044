"""The view of one photograph, from its place and its camera's tags."""

from __future__ import annotations

from typing import NamedTuple

from wildetect.census.heights import above_flat_ground
from wildetect.census.photograph import Photograph
from wildetect.census.projection import Projection
from wildetect.census.raster_views import RasterView, outline
from wildetect.census.views import View
from wildetect.imagery.georeference import Georeference
from wildetect.imagery.lens import FlightLike, lens_of
from wildetect.imagery.metadata import Position
from wildetect.imagery.position_table import TableRow

__all__ = ["USUAL_ERROR", "Place", "Placed", "raster_of", "view_of"]

USUAL_ERROR = 3.0
"""Of a position in m, where none is stated: a receiver without corrections."""

_STRAIGHT_DOWN = -90.0


class Placed(NamedTuple):
    """A photograph that has a position, and its line of the table."""

    photograph: Photograph
    position: Position
    row: TableRow | None


class Place(NamedTuple):
    """Where a photograph was taken.

    Attributes:
        position: In degrees.
        x: In m.
        y: In m.
        north: Direction of true north in the projection.
        heading: Of flight in the projection; None if unknown.
    """

    position: Position
    x: float
    y: float
    north: float
    heading: float | None


def view_of(placed: Placed, place: Place, specs: FlightLike) -> View:
    """The view of a photograph, above flat ground."""
    photograph, tags = placed.photograph, placed.photograph.tags
    height, height_source = above_flat_ground(tags, placed.row, specs.flight_height)
    lens = lens_of(tags, (photograph.width, photograph.height), specs)
    focal_px, lens_source = lens.px, lens.source
    if specs.gsd is not None:
        focal_px, lens_source = height / (specs.gsd / 100), "flight_specs"
    yaw, yaw_source = _yaw(tags.yaw, place)
    return View(
        file=photograph.file,
        width=photograph.width,
        height=photograph.height,
        x=place.x,
        y=place.y,
        longitude=place.position.longitude,
        latitude=place.position.latitude,
        height_above_ground=height,
        yaw=yaw,
        pitch=_STRAIGHT_DOWN if tags.pitch is None else tags.pitch,
        roll=tags.roll or 0.0,
        focal_px=focal_px,
        position_error=tags.position_error or USUAL_ERROR,
        orientation=tags.orientation,
        convergence=place.north,
        sources={
            "position": "EXIF" if tags.position is not None else "CSV",
            "height": height_source,
            "yaw": yaw_source,
            "pitch": "none" if tags.pitch is None else "XMP",
            "lens": lens_source,
        },
        taken=tags.taken,
    )


def _yaw(told: float | None, place: Place) -> tuple[float, str]:
    """Degrees clockwise from true north, and who says so."""
    if told is not None:
        return told, "XMP"
    if place.heading is not None:
        return (place.heading - place.north + 180) % 360 - 180, "flight track"
    return 0.0, "none"


def raster_of(
    photograph: Photograph, georeference: Georeference, place: Place, projection: Projection
) -> RasterView:
    """The view of a raster."""
    width, height = photograph.width, photograph.height
    return RasterView(
        file=photograph.file,
        width=width,
        height=height,
        georeference=georeference,
        projection=projection,
        outline=outline(photograph.path, width, height),
        x=place.x,
        y=place.y,
        longitude=place.position.longitude,
        latitude=place.position.latitude,
        gsd=georeference.gsd(width / 2, height / 2) or 0.0,
        position_error=USUAL_ERROR,
    )
