"""What a photograph says of the camera that took it: where it was, where it looked, and its lens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

import wildetect.imagery.limits  # noqa: F401 - sets Pillow up
from wildetect.imagery.camera.edited import edited
from wildetect.imagery.camera.makers import direction_of
from wildetect.imagery.camera.tags import above_zero, coordinate, first, number, read_xmp, text
from wildetect.imagery.positions.metadata import Position, position_problem, read_position
from wildetect.remote.place import Place, for_pillow

__all__ = ["CameraTags", "camera_of", "read_camera"]

_UPRIGHT = 1
_BELOW = (1, 3)  # GPSAltitudeRef: below the sea, and below the ellipsoid (EXIF 3.0)
_TRUE_NORTH = "T"  # GPSImgDirectionRef; M is magnetic north, which is degrees away
_RTK_ERRORS = {50: 0.05, 34: 0.5}  # m by RtkFlag: a fixed and a floating solution
_RTK_FIXED = 50
_LATITUDES = ("GPSLatitude", "GpsLatitude", "skydio:Latitude")
_LONGITUDES = ("GPSLongitude", "GpsLongitude", "GPSLongtitude", "GpsLongtitude", "skydio:Longitude")
_NO_PLACE = (
    "XMP tags of a position that are no place on Earth (0, 0, out of range, not numbers, or one alone)"
)
_VOID = "V"  # GPSStatus of a receiver that had no fix
_TURN = 10.0  # degrees: gimbals follow the drone more closely
_NO_ZOOM = 1.01
_PER_INCH = {2: 25.4, 3: 10.0, 4: 1.0}  # mm by FocalPlaneResolutionUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraTags:
    """What a photograph says of its camera; null where it does not, or says what cannot be.

    Attributes:
        position: Position of the camera, WGS 84.
        position_problem: Why the GPS tags that are there tell none, for a person.
        altitude: Above sea in m, in whatever system the drone uses: ellipsoid, geoid or air pressure.
        height: Above the place of take-off in m, as written: DJI writes 0 where it does not know.
        yaw: Direction of the sensor's upper edge, in degrees clockwise from north: that of the gimbal, or
            else of the drone.
        yaw_from_nose: Whether the yaw is exactly 0 while the drone's is another, as of gimbals that seem to
            count from its nose.
        pitch: Pitch of the gimbal in degrees: -90 looks straight down, 0 at the horizon.
        roll: Roll of the gimbal about its line of sight in degrees, clockwise.
        focal_length: Focal length of the lens in mm.
        focal_length_35: Focal length in mm, as if on 35 mm film.
        zoom: How many times a digital zoom enlarged the picture, which the focal length in mm leaves out;
            null for none.
        focal_length_px: Focal length in px of the full picture, as the maker measured it.
        full_size: Width and height in px of the picture that `focal_length_px` is for.
        sensor_width: Longer side of the sensor in mm, from the resolution in its focal plane.
        orientation: EXIF's: how the stored picture is turned to stand upright, 1 to 8.
        camera: Maker and model.
        taken: When, by the camera's clock, without time zone.
        position_error: Horizontal error of the position in m, as stated.
        rtk: Whether the position is a fixed RTK solution.
        edited: Why it seems to have been edited after the flight; null where nothing tells so.
    """

    position: Position | None = None
    position_problem: str | None = None
    altitude: float | None = None
    height: float | None = None
    yaw: float | None = None
    yaw_from_nose: bool = False
    pitch: float | None = None
    roll: float | None = None
    focal_length: float | None = None
    focal_length_35: float | None = None
    zoom: float | None = None
    focal_length_px: float | None = None
    full_size: tuple[float, float] | None = None
    sensor_width: float | None = None
    orientation: int = _UPRIGHT
    camera: str | None = None
    taken: datetime | None = None
    position_error: float | None = None
    rtk: bool | None = None
    edited: str | None = None


def read_camera(path: Place) -> CameraTags:
    """What a photograph's EXIF and XMP tags say; nothing for a file that is none or is damaged."""
    try:
        with Image.open(for_pillow(path)) as image:
            return camera_of(image)
    except Exception:  # noqa: BLE001 - broken files raise nearly anything; whoever reads the pixels says why
        return CameraTags()


def camera_of(image: Image.Image) -> CameraTags:
    """What the EXIF and XMP tags of an image opened with Pillow say."""
    main, exif, gps = _exif(image)
    xmp = read_xmp(image.info.get("xmp"))
    position = read_position(image)
    if position is None and text(gps.get(GPS.GPSStatus)).upper() != _VOID:
        position = _xmp_position(xmp)
    rtk = number(xmp.get("RtkFlag"))
    direction = direction_of(text(main.get(Base.Make)), xmp)
    return CameraTags(
        position=position,
        position_problem=_position_problem(image, xmp) if position is None else None,
        altitude=first(_altitude(gps), number(xmp.get("AbsoluteAltitude"))),
        height=first(number(xmp.get("RelativeAltitude")), number(xmp.get("AboveGroundAltitude"))),
        yaw=_yaw(direction.yaw, gps, xmp),
        yaw_from_nose=direction.yaw == 0 and _turned(number(xmp.get("FlightYawDegree"))),
        pitch=direction.pitch,
        roll=direction.roll,
        focal_length=above_zero(exif.get(Base.FocalLength)),
        focal_length_35=above_zero(exif.get(Base.FocalLengthIn35mmFilm)),
        zoom=_zoom(exif),
        focal_length_px=above_zero(xmp.get("CalibratedFocalLength")),
        full_size=_full_size(xmp),
        sensor_width=_sensor_width(exif, image.size),
        orientation=_orientation(main),
        camera=_camera(main),
        taken=_taken(main, exif),
        position_error=_position_error(gps, xmp),
        rtk=None if rtk is None else int(rtk) == _RTK_FIXED,
        edited=edited(main, exif, xmp, image.size),
    )


def _exif(image: Image.Image) -> tuple[Mapping[int, Any], Mapping[int, Any], Mapping[int, Any]]:
    """The main, the Exif and the GPS tags; each empty where it is broken."""
    parts: list[Mapping[int, Any]] = []
    for part in (None, IFD.Exif, IFD.GPSInfo):
        try:
            tags = image.getexif()
            parts.append(dict(tags) if part is None else tags.get_ifd(part))
        except Exception:  # noqa: BLE001 - broken EXIF raises nearly anything, and must not cost the photograph
            parts.append({})
    return parts[0], parts[1], parts[2]


def _xmp_position(xmp: Mapping[str, str]) -> Position | None:
    """The makers' degrees, or EXIF's as XMP has them; some models write the longitude as GPSLongtitude."""
    latitude = _told(xmp, *_LATITUDES)
    longitude = _told(xmp, *_LONGITUDES)
    if (latitude is None or longitude is None) and xmp.get("exif:GPSStatus", "").upper() != _VOID:
        latitude = coordinate(xmp.get("exif:GPSLatitude"), "NS")
        longitude = coordinate(xmp.get("exif:GPSLongitude"), "EW")
    return None if longitude is None or latitude is None else Position.checked(longitude, latitude)


def _position_problem(image: Image.Image, xmp: Mapping[str, str]) -> str | None:
    """Why there is no position, though EXIF or XMP have tags of one; None where neither has."""
    there = any(name in xmp for name in (*_LATITUDES, *_LONGITUDES, "exif:GPSLatitude", "exif:GPSLongitude"))
    return position_problem(image) or (_NO_PLACE if there else None)


def _told(xmp: Mapping[str, str], *names: str) -> float | None:
    """The first of these properties that is a number."""
    return next((value for name in names if (value := number(xmp.get(name))) is not None), None)


def _altitude(gps: Mapping[int, Any]) -> float | None:
    altitude = number(gps.get(GPS.GPSAltitude))
    reference = gps.get(GPS.GPSAltitudeRef)
    if isinstance(reference, bytes):
        reference = reference[0] if len(reference) == 1 else None
    below = number(reference) in _BELOW
    return -altitude if altitude is not None and altitude > 0 and below else altitude


def _yaw(camera: float | None, gps: Mapping[int, Any], xmp: Mapping[str, str]) -> float | None:
    yaw = _told(xmp, "FlightYawDegree", "DroneYawDegree") if camera is None else camera
    if yaw is None and text(gps.get(GPS.GPSImgDirectionRef)).upper() == _TRUE_NORTH:
        yaw = number(gps.get(GPS.GPSImgDirection))
    return yaw


def _zoom(exif: Mapping[int, Any]) -> float | None:
    zoom = above_zero(exif.get(Base.DigitalZoomRatio))  # 0: not used
    return zoom if zoom is not None and zoom > _NO_ZOOM else None


def _turned(yaw: float | None) -> bool:
    """Whether a direction in degrees is clearly another than north."""
    return yaw is not None and _TURN <= yaw % 360 <= 360 - _TURN


def _full_size(xmp: Mapping[str, str]) -> tuple[float, float] | None:
    """The maker notes the middle of the full picture."""
    x, y = (above_zero(xmp.get(f"CalibratedOpticalCenter{axis}")) for axis in "XY")
    return None if x is None or y is None else (2 * x, 2 * y)


def _sensor_width(exif: Mapping[int, Any], size: tuple[int, int]) -> float | None:
    """The longer side in mm: px of the picture as it was taken, over px per mm on the sensor."""
    per_unit = above_zero(exif.get(Base.FocalPlaneXResolution))
    millimetres = _PER_INCH.get(exif.get(Base.FocalPlaneResolutionUnit, 2))
    if per_unit is None or millimetres is None:
        return None
    taken = [above_zero(exif.get(tag)) for tag in (Base.ExifImageWidth, Base.ExifImageHeight)]
    px = max([side for side in taken if side is not None] or size)
    width = px / per_unit * millimetres
    return width if 1 < width < 100 else None  # noqa: PLR2004 - mm; from a telephone to medium format


def _orientation(main: Mapping[int, Any]) -> int:
    value = main.get(Base.Orientation)
    return value if isinstance(value, int) and 1 <= value <= 8 else _UPRIGHT  # noqa: PLR2004 - as EXIF has it


def _camera(main: Mapping[int, Any]) -> str | None:
    maker, model = (text(main.get(tag)) for tag in (Base.Make, Base.Model))
    return (model if model.startswith(maker) else f"{maker} {model}").strip() or None


def _taken(main: Mapping[int, Any], exif: Mapping[int, Any]) -> datetime | None:
    """The time of the shot, else that of the file; programs change the latter when they turn a picture."""
    for value in (exif.get(Base.DateTimeOriginal), exif.get(Base.DateTimeDigitized), main.get(Base.DateTime)):
        try:
            taken = datetime.strptime(text(value), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - EXIF has no zone
        except ValueError:
            continue
        part = text(exif.get(Base.SubsecTimeOriginal))
        return taken.replace(microsecond=int(float(f"0.{part}") * 1e6)) if part.isdecimal() else taken
    return None


def _position_error(gps: Mapping[int, Any], xmp: Mapping[str, str]) -> float | None:
    """Root of the squared standard deviations, as RTK drones note them; else EXIF's; else by the RTK flag."""
    east, north = (above_zero(xmp.get(name)) for name in ("RtkStdLon", "RtkStdLat"))
    if east is not None and north is not None:
        return math.hypot(east, north)
    accuracies = (
        gps.get(GPS.GPSHPositioningError),
        *(xmp.get(name) for name in ("GPSXYAccuracy", "GpsHorizontalAccuracy")),
    )
    stated = first(*map(above_zero, accuracies))
    if stated is not None:
        return float(stated)
    flag = number(xmp.get("RtkFlag"))
    return None if flag is None else _RTK_ERRORS.get(int(flag))
