"""What the settings say of camera and flight, and what is plausible of either."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FILM_DIAGONAL", "LOWEST", "Flight", "plausible_height"]

FILM_DIAGONAL = 43.267  # mm: a focal length "in 35 mm film" has the same field of view along the diagonal
LOWEST, HIGHEST = 2.0, 10_000.0
"""Heights of a camera above the ground in m; drones write 0 and less where they do not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """What the settings say of camera and flight, for photographs that do not.

    Attributes:
        sensor_height: Shorter side of the sensor in mm.
        focal_length: Focal length in mm, as the lens has it.
        flight_height: Above ground in m.
        gsd: Ground sampling distance in cm/px; overrides all others.
    """

    sensor_height: float = 24.0
    focal_length: float = 35.0
    flight_height: float = 180.0
    gsd: float | None = None


def plausible_height(height: float | None) -> float | None:
    """Take a stated height in m, or None where no camera flies so high or low."""
    return height if height is not None and LOWEST <= height <= HIGHEST else None
