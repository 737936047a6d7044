"""How long a camera's focal length is in px: what turns px and height into metres on the ground."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

from wildetect.imagery.camera.camera import CameraTags
from wildetect.imagery.camera.makers import sensor_width
from wildetect.imagery.camera.optics import FILM_DIAGONAL, plausible_height

__all__ = ["FlightLike", "GroundResolution", "Lens", "film_px", "ground_resolution", "is_cut", "lens_of"]

FROM_SETTINGS = "flight_specs"
_SAME_SHAPE = 0.01  # of the ratio of the sides
_SHORTEST, _LONGEST = 0.2, 50.0  # focal length in long sides of the picture: from fisheye to telescope


class FlightLike(Protocol):
    """Camera and flight as settings give them; class Flight in optics names the attributes."""

    @property
    def sensor_height(self) -> float:
        """Shorter side of the sensor in mm."""

    @property
    def focal_length(self) -> float:
        """In mm."""

    @property
    def flight_height(self) -> float:
        """Above ground in m."""

    @property
    def gsd(self) -> float | None:
        """In cm/px; overrides all others."""


class Lens(NamedTuple):
    """A focal length and who says so.

    Attributes:
        px: Focal length in px of the picture.
        source: "XMP", "EXIF" or "flight_specs".
        cut: Whether the picture was cut out of a larger one, so that its middle is not the lens's.
    """

    px: float
    source: str
    cut: bool = False


class GroundResolution(NamedTuple):
    """How large a pixel is on the ground, straight below the camera.

    Attributes:
        gsd: Ground sampling distance in m/px.
        assumed: Whether height or lens come from the settings, as the photograph does not tell.
    """

    gsd: float
    assumed: bool


def ground_resolution(tags: CameraTags, size: tuple[int, int], specs: FlightLike) -> GroundResolution:
    """Ground sampling distance of a photograph taken straight down: height over focal length in px.

    The census places photographs by the same lens and height. Source: Pix4D, "How to calculate the GSD".

    Args:
        tags: Tags of the photograph.
        size: Width and height in px.
        specs: What counts where the photograph does not tell; its `gsd` overrides all.
    """
    if specs.gsd is not None:
        return GroundResolution(specs.gsd / 100, assumed=False)
    height, lens = plausible_height(tags.height), lens_of(tags, size, specs)
    assumed = height is None or lens.source == FROM_SETTINGS
    return GroundResolution((specs.flight_height if height is None else height) / lens.px, assumed)


def lens_of(tags: CameraTags, size: tuple[int, int], specs: FlightLike) -> Lens:
    """The focal length of a picture, from the most exact source that there is.

    That is what the maker measured; else focal length and sensor of a known model; else the focal length "in
    35 mm film", which has the same field of view along the diagonal (CIPA DC-008); else focal length and
    resolution in the focal plane; else the settings.

    Args:
        tags: Tags of the photograph.
        size: Width and height in px.
        specs: What counts where the photograph does not tell.
    """
    long_side = max(size)
    cut = is_cut(tags, size)
    model = (tags.camera or "").split(" ")[-1]
    sensor, focal_length = sensor_width(model), tags.focal_length
    found: list[tuple[float, str]] = []
    if tags.focal_length_px is not None and tags.full_size is not None:
        scale = 1.0 if cut else long_side / max(tags.full_size)
        found.append((tags.focal_length_px * scale, "XMP"))
    if sensor is not None and focal_length is not None:
        found.append((focal_length / sensor * long_side * (tags.zoom or 1.0), "EXIF"))
    film = film_px(tags, size)
    if film is not None:
        found.append((film, "EXIF"))
    if tags.sensor_width is not None and focal_length is not None:
        found.append((focal_length / tags.sensor_width * long_side, "EXIF"))
    found = [(px, source) for px, source in found if _SHORTEST <= px / long_side <= _LONGEST]
    found.append((specs.focal_length / specs.sensor_height * min(size), FROM_SETTINGS))
    return Lens(*found[0], cut)


def film_px(tags: CameraTags, size: tuple[int, int]) -> float | None:
    """The focal length in px by that "in 35 mm film" alone; null where no tag tells it."""
    if tags.focal_length_35 is None:
        return None
    return tags.focal_length_35 / FILM_DIAGONAL * math.hypot(*size)


def is_cut(tags: CameraTags, size: tuple[int, int]) -> bool:
    """Whether the sides have another ratio than those of the full picture that the maker notes."""
    if tags.full_size is None:
        return False
    ratio, full = (max(sides) / min(sides) for sides in (size, tags.full_size))
    return abs(ratio / full - 1) > _SAME_SHAPE
