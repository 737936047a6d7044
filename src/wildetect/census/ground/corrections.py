"""Corrections of what all photographs say alike, as the settings ask for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wildetect.census.ground.headings import Shot
from wildetect.census.ground.moved import at_other_time, other_positions
from wildetect.census.ground.views import View
from wildetect.errors import ConfigurationError
from wildetect.settings.census import Corrections
from wildetect.wording import listed

__all__ = ["corrected", "corrected_degrees", "corrected_metres", "told"]

_POSITIONS = {
    "latitude": "latitudes with the other sign",
    "longitude": "longitudes with the other sign",
    "both": "latitudes and longitudes with the other sign",
    "swapped": "latitudes and longitudes swapped",
}


def corrected_degrees(degrees: NDArray[np.float64], corrections: Corrections) -> NDArray[np.float64]:
    """Positions with signs and order put right.

    Args:
        degrees: Longitude and latitude of all photographs, shape (n, 2).
        corrections: Corrections of the settings.

    Raises:
        ConfigurationError: A longitude that would be a latitude lies beyond the poles.
    """
    if corrections.positions is None:
        return degrees
    found = other_positions(degrees, corrections.positions)
    if np.abs(found[:, 1]).max(initial=0.0) > 90:  # noqa: PLR2004 - degrees of latitude
        raise ConfigurationError(
            f"survey.corrections: latitude and longitude cannot be swapped: {np.abs(found[:, 1]).max():g} "
            "is no latitude",
            hint="Remove survey.corrections.positions from configs/census.yaml.",
        )
    return found


def corrected_metres(
    shots: Sequence[Shot], metres: NDArray[np.float64], corrections: Corrections
) -> NDArray[np.float64]:
    """Places as the camera's clock would have them, shape (n, 2).

    Args:
        shots: File and time of each photograph.
        metres: Their places as they say, shape (n, 2).
        corrections: Corrections of the settings.

    Raises:
        ConfigurationError: A photograph does not tell its time.
    """
    if not corrections.clock:
        return metres
    timed = [(file, taken) for file, taken in shots if taken is not None]
    if len(timed) < len(shots):
        missing = next(file for file, taken in shots if taken is None)
        raise ConfigurationError(
            f"survey.corrections.clock: not all photographs tell when they were taken ({missing} does not)",
            hint="Remove survey.corrections.clock from configs/census.yaml, or join their positions again.",
        )
    return at_other_time(timed, metres, corrections.clock)


def corrected(view: View, corrections: Corrections) -> View:
    """A view with direction and height put right; what else is corrected is noted, too."""
    what = listed(told(corrections))
    if not what:
        return view
    yaw = view.yaw if corrections.fixed_yaw is None else corrections.fixed_yaw
    if corrections.yaw_reversed:
        yaw = -yaw
    return replace(
        view,
        yaw=(yaw + corrections.yaw + 180) % 360 - 180,
        height_above_ground=view.height_above_ground * corrections.scale,
        sources={**view.sources, "correction": what},
    )


def told(corrections: Corrections) -> Iterator[str]:
    """What is corrected, for people; nothing where nothing is."""
    if corrections.positions is not None:
        yield _POSITIONS[corrections.positions]
    if corrections.clock:
        yield f"positions {abs(corrections.clock):g} s {'later' if corrections.clock > 0 else 'earlier'}"
    if corrections.fixed_yaw is not None:
        yield f"all have a yaw of {corrections.fixed_yaw:g} degrees"
    if corrections.yaw_reversed:
        yield "yaws with the other sign"
    if corrections.yaw:
        yield f"{corrections.yaw:+g} degrees of yaw"
    if corrections.scale != 1:
        yield f"heights times {corrections.scale:g}"
