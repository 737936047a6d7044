"""From what photographs say, and what a table and settings add, to where each of them looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wildetect.census.ground.corrections import corrected, corrected_degrees, corrected_metres
from wildetect.census.ground.headings import headings, mounting
from wildetect.census.ground.heights import above_flat_ground, above_terrain
from wildetect.census.ground.projection import Projection
from wildetect.census.ground.raster_views import RasterView, outline
from wildetect.census.ground.views import STEEPEST, View, lowest_corner
from wildetect.detections import Detections
from wildetect.how_far import doing
from wildetect.imagery.camera.camera import CameraTags
from wildetect.imagery.camera.lens import FlightLike, lens_of
from wildetect.imagery.camera.optics import LOWEST, plausible_height
from wildetect.imagery.georeference import Georeference
from wildetect.imagery.positions.matching import rows_for
from wildetect.imagery.positions.metadata import Position
from wildetect.imagery.positions.table import TableRow
from wildetect.remote.remote_file import RemoteFile
from wildetect.settings.census import Corrections

__all__ = ["USUAL_ERROR", "Photograph", "Place", "Placed", "Views", "make_views", "raster_of", "view_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Photograph:
    """A photograph, or a raster, and what was detected in it.

    Attributes:
        file: Its name in the run.
        path: Where it lies; null if it is no longer there.
        width: Width of the upright picture in px.
        height: Height of the upright picture in px.
        tags: What it says of its camera.
        detections: Detections in px of the upright picture.
        georeference: Place on the map of a raster; null for a photograph.
        dark: Whether it is almost black.
    """

    file: str
    path: Path | RemoteFile | None
    width: int
    height: int
    tags: CameraTags
    detections: Detections
    georeference: Georeference | None = None
    dark: bool = False


USUAL_ERROR = 3.0


"""Error of a position in m, where none is stated: a receiver without corrections."""


_STRAIGHT_DOWN = -90.0


class Placed(NamedTuple):
    """A photograph that has a position, and its line of the table."""

    photograph: Photograph
    position: Position
    row: TableRow | None


class Place(NamedTuple):
    """Where a photograph was taken.

    Attributes:
        position: Position in degrees.
        x: Place to the east in m.
        y: Place to the north in m.
        north: Direction of true north in the projection.
        heading: Direction of flight in the projection; None if unknown.
        mounted: Degrees clockwise by which the camera is turned against it, as other photographs tell.
    """

    position: Position
    x: float
    y: float
    north: float
    heading: float | None
    mounted: float = 0.0


def view_of(placed: Placed, place: Place, specs: FlightLike) -> View:
    """The view of a photograph, above flat ground."""
    photograph, tags = placed.photograph, placed.photograph.tags
    height, height_source = above_flat_ground(tags, placed.row, specs.flight_height)
    lens = lens_of(tags, (photograph.width, photograph.height), specs)
    focal_px, lens_source = lens.px, lens.source
    if specs.gsd is not None:
        focal_px, lens_source = height / (specs.gsd / 100), "flight_specs"
    yaw, yaw_source = _yaw(tags.yaw, place)
    column = None if placed.row is None else placed.row.height_column
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
            **({"height column": column} if column is not None and height_source == "CSV" else {}),
            "yaw": yaw_source,
            **({"mounting": f"{place.mounted:.0f}"} if yaw_source == "flight track" else {}),
            "pitch": "none" if tags.pitch is None else "XMP",
            "position error": "assumed" if tags.position_error is None else "stated",
            "lens": lens_source,
        },
        taken=tags.taken,
    )


def _yaw(told: float | None, place: Place) -> tuple[float, str]:
    """Degrees clockwise from true north, and who says so."""
    if told is not None:
        return told, "XMP"
    if place.heading is not None:
        return (place.heading + place.mounted - place.north + 180) % 360 - 180, "flight track"
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


@dataclass(frozen=True, slots=True)
class Views:
    """Where the photographs of a survey look.

    Attributes:
        projection: Projection of all metres.
        views: One for each photograph that has a place, in their order.
        left_out: Why each other photograph has none, by its name.
    """

    projection: Projection
    views: list[View | RasterView]
    left_out: dict[str, str] = field(default_factory=dict)


@doing("photographs are laid on the ground")
def make_views(
    photographs: Sequence[Photograph],
    specs: FlightLike,
    table: Mapping[str, TableRow] | None = None,
    terrain: Path | None = None,
    projection: Projection | None = None,
    corrections: Corrections | None = None,
) -> Views:
    """Find out where each photograph looks.

    What a photograph says counts first, then the table of positions, then the settings; only the settings'
    `gsd` overrides what a photograph says. A camera that does not tell its yaw points where the drone flew,
    turned against it as photographs that tell theirs are;
    one that does not tell its pitch looks straight down.

    Args:
        photographs: Photographs in any order.
        specs: Camera and flight, where a photograph does not tell.
        table: Outcome of `read_position_table`.
        terrain: Heights of the ground, a GeoTIFF; null: it is as flat as the place of take-off.
        projection: Null: around the survey.
        corrections: Corrections of what all photographs say alike; null: none.

    Returns:
        The views; each photograph is among them or among those left out.

    Raises:
        ConfigurationError: The photographs cannot be corrected so.
        InputError: The terrain, or the table, cannot be used.
    """
    placed, left_out = _place(photographs, table or {})
    corrections = corrections or Corrections()
    projection, places = _places(placed, corrections, projection)
    views: list[View | RasterView] = []
    for one, place in zip(placed, places, strict=True):
        if one.photograph.georeference is not None:
            views.append(raster_of(one.photograph, one.photograph.georeference, place, projection))
        else:
            views.append(view_of(one, place, specs))
    if terrain is not None:
        views = _over(terrain, placed, views, projection)
    views = [corrected(view, corrections) if isinstance(view, View) else view for view in views]
    left_out |= {view.file: reason for view in views if (reason := _useless(view)) is not None}
    return Views(projection, [view for view in views if view.file not in left_out], left_out)


def _place(
    photographs: Sequence[Photograph], table: Mapping[str, TableRow]
) -> tuple[list[Placed], dict[str, str]]:
    """Photographs with their places, and why others have none."""
    unsure = [
        one.file
        for one in photographs
        if one.georeference is None
        and (one.tags.position is None or plausible_height(one.tags.height) is None)
    ]
    rows = rows_for(unsure, table)
    placed: list[Placed] = []
    left_out: dict[str, str] = {}
    for one in photographs:
        row = rows.get(one.file)
        position = one.tags.position or (row.position if row is not None else None)
        if one.georeference is not None:
            middle = one.georeference.positions(np.array([(one.width / 2, one.height / 2)]))
            position = None if middle is None else Position(*middle[0].tolist())
        if not one.width or not one.height:
            left_out[one.file] = "its width and height are not known"
        elif position is None:
            left_out[one.file] = (
                "its coordinate system cannot be turned into degrees"
                if one.georeference is not None
                else "it has no position: no GPS tags, and no line in a table of positions"
            )
        else:
            placed.append(Placed(one, position, row))
    return placed, left_out


def _places(
    placed: Sequence[Placed], corrections: Corrections, projection: Projection | None
) -> tuple[Projection, list[Place]]:
    """Where photographs were taken, with what is corrected, and the projection of all metres."""
    degrees = np.array([one.position for one in placed], np.float64).reshape(-1, 2)
    shots = np.array([one.photograph.georeference is None for one in placed], bool)
    degrees[shots] = corrected_degrees(degrees[shots], corrections)
    if projection is None:
        projection = Projection.around(*degrees.T)
    metres = projection.to_metres(degrees)
    times = [(one.photograph.file, one.photograph.tags.taken) for one in placed]
    if corrections.clock:
        timed = [time for time, shot in zip(times, shots.tolist(), strict=True) if shot]
        metres[shots] = corrected_metres(timed, metres[shots], corrections)
        degrees[shots] = projection.to_degrees(metres[shots])
    north = projection.convergence(degrees)
    errors = [one.photograph.tags.position_error or USUAL_ERROR for one in placed]
    flown = headings(times, metres, float(np.median(errors)) if errors else 0.0)
    told = [one.photograph.tags.yaw for one in placed]
    mounted = mounting(
        flown, [None if yaw is None else yaw + up for yaw, up in zip(told, north.tolist(), strict=True)]
    )
    rows = zip(degrees.tolist(), metres.tolist(), north.tolist(), flown, strict=True)
    return projection, [Place(Position(*at), x, y, up, heading, mounted) for at, (x, y), up, heading in rows]


def _over(
    terrain: Path, placed: Sequence[Placed], views: Sequence[View | RasterView], projection: Projection
) -> list[View | RasterView]:
    """The views above terrain, as far as they can look at it."""
    altitudes: list[float | None] = []
    rows: list[int] = []
    seen: list[View] = []
    for row, (one, view) in enumerate(zip(placed, views, strict=True)):
        if isinstance(view, View) and _useless(view) is None:
            rows.append(row)
            seen.append(view)
            from_table = one.row.altitude if one.row is not None else None
            altitudes.append(
                from_table if one.photograph.tags.altitude is None else one.photograph.tags.altitude
            )
    found = list(views)
    for row, view in zip(rows, above_terrain(seen, altitudes, terrain, projection), strict=True):
        found[row] = view
    return found


def _useless(view: View | RasterView) -> str | None:
    """Why a view tells nothing of the ground; None if it does."""
    if isinstance(view, RasterView):
        return None
    if view.height_above_ground < LOWEST:
        return f"the terrain reaches up to the camera ({view.height_above_ground:.0f} m above the ground)"
    if lowest_corner(view) < STEEPEST:
        return (
            f"the camera was tilted so far that it sees the horizon (gimbal pitch {view.pitch:.0f} degrees)"
        )
    return None
