"""A herd on the ground, a camera that flies over it, and the boxes that it sees: no pixels.

Everything is told apart from the code under test: places are laid out with geodesics, a camera is turned
by three rotations one after the other, and a box is what the eight corners of a block on the ground span.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
import pyproj
from numpy.typing import NDArray

from wildetect.census.ground.photographs import Photograph
from wildetect.detections import Detections
from wildetect.imagery.camera.camera import CameraTags
from wildetect.imagery.positions.metadata import Position

GEOD = pyproj.Geod(ellps="WGS84")
START = datetime(2026, 8, 14, 7)  # noqa: DTZ001 - as EXIF has it
SECONDS = 3  # from one photograph to the next
FILM_DIAGONAL = math.hypot(36, 24)


@dataclass(frozen=True)
class Herd:
    """Animals on the ground: places in m east and north of the origin, shape (n, 2), and classes (n,)."""

    places: NDArray[np.float64]
    class_id: NDArray[np.int64]

    @classmethod
    def at(cls, places: Sequence[Sequence[float]] | NDArray[np.float64]) -> Herd:
        """Animals of class 0."""
        found = np.asarray(places, np.float64).reshape(-1, 2)
        return cls(found, np.zeros(len(found), np.int64))

    @classmethod
    def apart(cls, metres: float, width: float, depth: float, number: int, seed: int) -> Herd:
        """At random, none nearer to another than `metres`, in an area around the origin."""
        dice = np.random.default_rng(seed)
        found: list[NDArray[np.float64]] = []
        cells: dict[tuple[int, int], list[int]] = {}
        for _ in range(200 * number):
            place = dice.uniform((-width / 2, -depth / 2), (width / 2, depth / 2))
            column, row = (int(part) for part in place // metres)
            near = [
                found[other]
                for x in range(column - 1, column + 2)
                for y in range(row - 1, row + 2)
                for other in cells.get((x, y), ())
            ]
            if all(math.dist(place, other) >= metres for other in near):
                cells.setdefault((column, row), []).append(len(found))
                found.append(place)
                if len(found) == number:
                    break
        return cls.at(np.array(found))


@dataclass(frozen=True)
class Shot:
    """A photograph as it really was.

    Attributes:
        place: Place of the camera in m east and north of the origin.
        yaw: Direction of its upper edge, degrees clockwise from north.
        pitch: -90 straight down.
        roll: About the line of sight.
        climb: Above the survey's height, in m.
        day: On which it was taken, from 0.
    """

    place: tuple[float, float]
    yaw: float = 0.0
    pitch: float = -90.0
    roll: float = 0.0
    climb: float = 0.0
    day: int = 0


@dataclass(frozen=True)
class Survey:
    """A camera and where it is.

    Attributes:
        origin: Longitude and latitude.
        size: Size of a photograph in px.
        height: Above flat ground in m.
        film: Focal length in mm as on 35 mm film.
        shots: The photographs as they really were.
        position_error: Standard deviation in each direction of the positions that are noted, in m.
        yaw_error: Standard deviation of the yaws that are noted, in degrees.
        jitter: Standard deviation of the middles of boxes in each direction, in m.
        recall: Part of the animals in a photograph that is found.
        stated_error: Error that the tags tell; None: nothing.
        height_factor: Factor between the true height and the one that the tags tell.
        yaw_bias: Degrees that are added to the yaw that the tags tell.
        tilt: Standard deviation in degrees, in each direction, of a tilt that the tags do not tell.
        slope: Metres that the ground rises for each metre east; the tags tell the height above the origin.
        walking: m/s at which every animal walks, each in a direction of its own.
        tells_yaw: Whether the tags tell it.
        doubled: Part of the boxes of which the detector draws a second one.
    """

    origin: tuple[float, float] = (23.41, -19.23)
    size: tuple[int, int] = (4000, 3000)
    height: float = 100.0
    film: float = 35.0
    shots: tuple[Shot, ...] = ()
    position_error: float = 0.0
    yaw_error: float = 0.0
    jitter: float = 0.0
    recall: float = 1.0
    stated_error: float | None = None
    height_factor: float = 1.0
    yaw_bias: float = 0.0
    tilt: float = 0.0
    slope: float = 0.0
    walking: float = 0.0
    tells_yaw: bool = True
    doubled: float = 0.0

    @property
    def focal_px(self) -> float:
        return self.film / FILM_DIAGONAL * math.hypot(*self.size)

    @property
    def ground(self) -> tuple[float, float]:
        """Width and height of a photograph on the ground in m, when it looks straight down."""
        width, height = self.size
        return width * self.height / self.focal_px, height * self.height / self.focal_px

    def mown(
        self,
        lines: int,
        photographs: int,
        *,
        ahead: float,
        aside: float,
        heading: float = 0.0,
        wind: float = 0.0,
    ) -> Survey:
        """The same with shots in lines to and fro around the origin.

        Args:
            lines: How many.
            photographs: On each.
            ahead: Overlap along a line, 0 to 1.
            aside: Overlap of neighbouring lines.
            heading: Heading of the first line.
            wind: Degrees by which the camera is turned against the direction of flight.
        """
        width, height = self.ground
        along = np.arange(photographs) - (photographs - 1) / 2
        across = np.arange(lines) - (lines - 1) / 2
        turn = math.radians(heading)
        shots = []
        for number, line in enumerate(across * width * (1 - aside)):
            back = number % 2 == 1
            for step in (along[::-1] if back else along) * height * (1 - ahead):
                east = line * math.cos(turn) + step * math.sin(turn)
                north = -line * math.sin(turn) + step * math.cos(turn)
                shots.append(Shot((east, north), heading + (180 if back else 0) + wind))
        return replace(self, shots=tuple(shots))


@dataclass(frozen=True)
class Flown:
    """What a survey brings home.

    Attributes:
        photographs: Photographs with boxes and tags.
        animals: Rows of the herd that each photograph's boxes show.
    """

    photographs: list[Photograph]
    animals: list[NDArray[np.intp]] = field(default_factory=list)

    @property
    def seen(self) -> set[int]:
        """Rows of all animals that were seen at all."""
        return {int(row) for rows in self.animals for row in rows}


def fly(survey: Survey, herd: Herd, seed: int = 1) -> Flown:
    """Take the photographs: an animal is found where its middle lies in the picture."""
    dice = np.random.default_rng(seed)
    photographs, animals = [], []
    ways = np.random.default_rng((seed, 1)).uniform(0, 2 * math.pi, len(herd.places))
    ways = survey.walking * np.column_stack([np.cos(ways), np.sin(ways)])
    for number, shot in enumerate(survey.shots):
        tilts = dice.normal(0, survey.tilt, 2).tolist() if survey.tilt else (0.0, 0.0)
        true = replace(shot, pitch=shot.pitch + tilts[0])
        true = _leaning(true, tilts[1])
        stand = herd.places + ways * (SECONDS * (number - len(survey.shots) / 2))
        middles = to_pixels(survey, true, stand + dice.normal(0, survey.jitter, herd.places.shape))
        inside = np.asarray(((middles >= 0) & (middles <= survey.size)).all(axis=1))
        rows = np.flatnonzero(inside & (dice.random(len(inside)) < survey.recall))
        boxes = np.array([_box(survey, true, stand[row], middles[row]) for row in rows]).reshape(-1, 4)
        if survey.doubled:
            rows, boxes = _doubled(survey, rows, boxes, dice)
        found = Detections(boxes, dice.uniform(0.4, 1, len(rows)), herd.class_id[rows])
        photographs.append(
            Photograph(
                file=f"DJI_{number + 1:05}.JPG",
                path=None,
                width=survey.size[0],
                height=survey.size[1],
                tags=_tags(survey, shot, number, dice),
                detections=found,
            )
        )
        animals.append(rows)
    return Flown(photographs, animals)


def _leaning(shot: Shot, degrees: float) -> Shot:
    """A camera that looks almost straight down, leaning to its right: all three angles change."""
    if not degrees:
        return shot
    yaw, pitch, roll = (math.radians(angle) for angle in (shot.yaw, shot.pitch, shot.roll))
    about = math.radians(degrees)
    ahead = np.array(
        [math.sin(yaw) * math.cos(pitch), math.cos(yaw) * math.cos(pitch), math.sin(pitch)],
    )
    right = np.array([math.cos(yaw), -math.sin(yaw), 0.0])
    ahead, right = (
        math.cos(about) * ahead + math.sin(about) * right,
        math.cos(about) * right - math.sin(about) * ahead,
    )
    # back to yaw, pitch, roll: the level right side of the new line of sight, and the angle to it
    pitch = math.asin(ahead[2])
    yaw = math.atan2(ahead[0], ahead[1])
    level = np.array([math.cos(yaw), -math.sin(yaw), 0.0])
    under = np.cross(ahead, level)
    roll += math.atan2(float(right @ under), float(right @ level))
    return replace(shot, yaw=math.degrees(yaw), pitch=math.degrees(pitch), roll=math.degrees(roll))


def _doubled(
    survey: Survey, rows: NDArray[np.intp], boxes: NDArray[np.float64], dice: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Some boxes twice, the second a little beside the first."""
    twice = np.flatnonzero(dice.random(len(rows)) < survey.doubled)
    beside = dice.uniform(0, 2 * math.pi, len(twice))
    step = 1.2 * survey.focal_px / survey.height  # m on the ground
    moved = boxes[twice] + np.tile(np.column_stack([np.cos(beside), np.sin(beside)]) * step, 2)
    return np.concatenate([rows, rows[twice]]), np.concatenate([boxes, moved])


def to_pixels(survey: Survey, shot: Shot, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where places on the ground (n, 2) lie in a photograph, in px; nan behind the camera."""
    below = np.column_stack([places - shot.place, survey.slope * places[:, 0] - _height(survey, shot)])
    # east, north, up -> forward, right, down of a camera that looks north at the horizon, then turned
    points = np.column_stack([below[:, 1], below[:, 0], -below[:, 2]]).T
    yaw, pitch, roll = (math.radians(angle) for angle in (shot.yaw, shot.pitch, shot.roll))
    about_down = np.array([[math.cos(yaw), math.sin(yaw), 0], [-math.sin(yaw), math.cos(yaw), 0], [0, 0, 1]])
    about_right = np.array(
        [[math.cos(pitch), 0, -math.sin(pitch)], [0, 1, 0], [math.sin(pitch), 0, math.cos(pitch)]]
    )
    about_sight = np.array(
        [[1, 0, 0], [0, math.cos(roll), math.sin(roll)], [0, -math.sin(roll), math.cos(roll)]]
    )
    ahead, right, down = about_sight @ about_right @ about_down @ points
    ahead = np.where(ahead > 0, ahead, np.nan)
    seen = np.column_stack([right / ahead, down / ahead]) * survey.focal_px
    return np.asarray(seen + np.array(survey.size) / 2)


def _height(survey: Survey, shot: Shot) -> float:
    return survey.height + shot.climb


def _box(
    survey: Survey, shot: Shot, place: NDArray[np.float64], middle: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A box of 2 m on the ground around the middle."""
    around = place + np.array([(-1, 0), (1, 0), (0, -1), (0, 1)])
    half = np.abs(to_pixels(survey, shot, around) - to_pixels(survey, shot, place[None])).max(axis=0)
    return np.concatenate([middle - half, middle + half])


def _tags(survey: Survey, shot: Shot, number: int, dice: np.random.Generator) -> CameraTags:
    east, north = np.array(shot.place) + dice.normal(0, survey.position_error, 2)
    longitude, latitude, _ = GEOD.fwd(
        *survey.origin, math.degrees(math.atan2(east, north)), math.hypot(east, north)
    )
    yaw = shot.yaw + survey.yaw_bias + dice.normal(0, survey.yaw_error)
    return CameraTags(
        position=Position(float(longitude), float(latitude)),
        height=_height(survey, shot) * survey.height_factor,
        yaw=(yaw + 180) % 360 - 180 if survey.tells_yaw else None,
        pitch=shot.pitch,
        roll=shot.roll,
        focal_length_35=survey.film,
        camera="DJI FC6360",
        taken=START + timedelta(shot.day, SECONDS * number),
        position_error=survey.stated_error,
    )
