"""Makers of cameras and drones: how each writes the direction of the camera, and its sensors.

A maker is one table. Directions come out as DJI writes them: yaw clockwise from north, pitch -90 straight
down and 0 at the horizon, roll about the line of sight.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

import numpy as np

from wildetect.imagery.camera.tags import number

__all__ = ["MAKERS", "Direction", "direction_of", "sensor_width"]

Convention = Literal["gimbal", "mapping"]
"""gimbal: the camera in north, east, down, as of a drone that flies where it looks: pitch -90 is straight
down. mapping: the aircraft above a camera that looks straight down at 0 (Pix4D, "Yaw, Pitch, Roll and Omega,
Phi, Kappa angles"), so that pitch leans forward and roll sideways."""


class Direction(NamedTuple):
    """Where a camera looks, in degrees; null where its maker does not say.

    Attributes:
        yaw: Direction of the sensor's upper edge (at a pitch of -90), clockwise from north.
        pitch: -90 straight down, 0 at the horizon.
        roll: About the line of sight, clockwise.
    """

    yaw: float | None = None
    pitch: float | None = None
    roll: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """What a maker writes.

    Attributes:
        name: Name in lower case, as EXIF's Make begins; "" where only the names of the tags tell.
        angles: Names of yaw, pitch and roll in XMP; with the prefix where others use the name differently.
        convention: What the angles mean; null: the maker's files disagree, so that they are not used.
        sensors: Longer side of the sensor in mm by EXIF's Model, as its maker states it.
    """

    name: str
    angles: tuple[str, str, str] | None = None
    convention: Convention | None = "gimbal"
    sensors: Mapping[str, float] = field(default_factory=dict)


_PIX4D: Final = ("Camera:Yaw", "Camera:Pitch", "Camera:Roll")
_GIMBAL: Final = ("GimbalYawDegree", "GimbalPitchDegree", "GimbalRollDegree")

# Sensors by the format that the maker states: 6.17 x 4.63 mm for 1/2.3 inch, 13.2 x 8.8 for 1 inch, 17.3 x 13
# for four thirds. Pictures of another shape are cut from it above and below.
MAKERS: Final = (
    Maker(
        name="dji",  # namespace drone-dji; manuals of Mavic 3E and others: NED, rotation order ZYX
        angles=_GIMBAL,
        sensors={
            "FC220": 6.17,  # Mavic Pro
            "FC300S": 6.17,  # Phantom 3 Professional and Advanced
            "FC300X": 6.17,
            "FC330": 6.17,  # Phantom 4
            "FC350": 6.17,  # Inspire 1
            "FC550": 17.3,  # Inspire 1, X5
            "FC3411": 13.2,  # Air 2S
            "FC6310": 13.2,  # Phantom 4 Pro
            "FC6310R": 13.2,  # Phantom 4 RTK
            "FC6310S": 13.2,
            "FC6510": 13.2,  # Inspire 2, X4S
            "FC6520": 17.3,  # Inspire 2, X5S
            "L1D-20c": 13.2,  # Mavic 2 Pro
            "L2D-20c": 17.3,  # Mavic 3
            "M3E": 17.3,  # Mavic 3 Enterprise
            "M3M": 17.3,  # Mavic 3 Multispectral, colour camera
            "ZenmuseP1": 35.9,
        },
    ),
    # namespace drone, as DJI's names; its "Camera:Pitch" is not that of Pix4D (66 for 66 below the horizon)
    Maker(name="autel", angles=_GIMBAL, sensors={"XT705": 13.2}),  # EVO II Pro
    Maker(name="autel", angles=_PIX4D, convention=None),
    # developer.parrot.com, "Embedded Photo Metadata": NED in drone-parrot, Pix4D's convention in Camera
    Maker(name="parrot", angles=("CameraYawDegree", "CameraPitchDegree", "CameraRollDegree")),
    Maker(name="skydio", angles=("skydio:Yaw", "skydio:Pitch", "skydio:Roll")),
    Maker(name="sensefly", angles=_PIX4D, convention="mapping", sensors={"S.O.D.A.": 12.75}),
    Maker(
        name="sony",  # carried by Wingtra, which writes Pix4D's tags
        angles=_PIX4D,
        convention="mapping",
        sensors={"DSC-RX1RM2": 35.9, "ILCE-6100": 23.5},
    ),
    Maker(
        name="phase one",
        angles=_PIX4D,
        convention="mapping",
        sensors={"iXM-50": 43.9, "iXM-100": 43.9, "iXM-RS100F": 53.4, "iXM-RS150F": 53.4},
    ),
    # whoever else writes these names means them as their owners do
    Maker(name="", angles=_GIMBAL),
    Maker(name="", angles=_PIX4D, convention="mapping"),
)


def direction_of(make: str, xmp: Mapping[str, str]) -> Direction:
    """Where the camera of a photograph looks.

    Args:
        make: EXIF's Make; "" if unknown.
        xmp: Outcome of `read_xmp`.
    """
    told = make.casefold()
    # its own maker's table first: a name may mean something else there
    own = [maker for maker in MAKERS if maker.name and told.startswith(maker.name)]
    for maker in [*own, *(one for one in MAKERS if one.convention is not None)]:
        if maker.angles is None or maker.angles[1] not in xmp:
            continue
        yaw, pitch, roll = (number(xmp.get(name)) for name in maker.angles)
        if pitch is None:
            continue
        if maker.convention is None:
            return Direction(yaw)
        turn = _from_mapping if maker.convention == "mapping" else Direction
        return turn(yaw, pitch, roll)
    yaws = (number(xmp.get(name)) for name in _YAWS)
    return Direction(next((yaw for yaw in yaws if yaw is not None), None))


_YAWS: Final = tuple(dict.fromkeys(maker.angles[0] for maker in MAKERS if maker.angles))


def sensor_width(model: str) -> float | None:
    """Longer side of the sensor of a model in mm; null for one that no table names."""
    return next((maker.sensors[model] for maker in MAKERS if model in maker.sensors), None)


def _from_mapping(yaw: float | None, pitch: float, roll: float | None) -> Direction:
    """Turn the angles of an aircraft above a camera that looks straight down into those of a gimbal.

    Rotation of the aircraft: yaw about down, then pitch about its right, then roll about its nose (NED).
    """
    if not roll:
        return Direction(yaw, pitch - 90, 0.0)
    psi, theta, phi = (math.radians(angle) for angle in (yaw or 0.0, pitch, roll))
    turned = _about(2, psi) @ _about(1, theta) @ _about(0, phi)
    sight, right = turned[:, 2], turned[:, 1]  # the camera looks out of the belly, its top towards the nose
    lift = -float(sight[2])
    azimuth = math.atan2(sight[1], sight[0])
    level = np.array([-math.sin(azimuth), math.cos(azimuth), 0.0])  # right of one that does not roll
    down = np.cross(sight, level)
    leaned = math.atan2(float(right @ down), float(right @ level))
    return Direction(
        math.degrees(azimuth) if yaw is not None else None,
        math.degrees(math.asin(max(-1.0, min(1.0, lift)))),
        math.degrees(leaned),
    )


def _about(axis: int, angle: float) -> np.ndarray:
    """Rotation about an axis of north, east, down (0, 1, 2), in radians."""
    cosine, sine = math.cos(angle), math.sin(angle)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cosine
    matrix[first, second], matrix[second, first] = -sine, sine
    return matrix
