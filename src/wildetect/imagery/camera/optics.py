"""How large a pixel of a photograph is on the ground: from the camera's height and its lens."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["FILM_DIAGONAL", "Flight", "Optics", "photograph_gsd"]

FILM_DIAGONAL = 43.267  # mm: a focal length "in 35 mm film" has the same field of view along the diagonal
_LOWEST, _HIGHEST = 2.0, 10_000.0  # m: DJI writes 0 and less where it does not know
_SHORTEST, _LONGEST = 4.0, 2000.0  # mm


class Optics(NamedTuple):
    """What a photograph says of its camera.

    Attributes:
        height: Above the place of take-off in m, as DJI notes it; None if unknown. Over hilly ground it is
            not the height above what is seen.
        focal_length: In mm, as if on 35 mm film; None if unknown.
    """

    height: float | None = None
    focal_length: float | None = None

    @classmethod
    def of(cls, height: float | None, focal_length: float | None) -> Optics:
        """What is plausible of a height and a focal length that a photograph states."""
        return cls(_within(height, _LOWEST, _HIGHEST), _within(focal_length, _SHORTEST, _LONGEST))


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """What the settings say of camera and flight, for photographs that do not.

    Attributes:
        sensor_height: Shorter side of the sensor in mm.
        focal_length: In mm, as the lens has it.
        flight_height: Above ground in m.
        gsd: Ground sampling distance in cm/px; overrides all others.
    """

    sensor_height: float = 24.0
    focal_length: float = 35.0
    flight_height: float = 180.0
    gsd: float | None = None


def photograph_gsd(size: tuple[int, int], optics: Optics, flight: Flight) -> float:
    """Ground sampling distance of a photograph taken straight down, in m/px.

    GSD = sensor side * height / (focal length * side in px) (Pix4D: "How to calculate the GSD").

    Args:
        size: Width and height in px.
        optics: What the photograph says.
        flight: What counts where it does not.
    """
    if flight.gsd is not None:
        return flight.gsd / 100
    height = optics.height or flight.flight_height
    if optics.focal_length is not None:
        return FILM_DIAGONAL / optics.focal_length * height / math.hypot(*size)
    return flight.sensor_height / flight.focal_length * height / min(size)


def _within(value: float | None, lowest: float, highest: float) -> float | None:
    return value if value is not None and lowest <= value <= highest else None
