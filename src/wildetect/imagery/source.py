"""What an image is to the pipeline: upright RGB behind one small interface, whatever wrote it.

The pipeline sees an `ImageSource` only: its size, its position, and `read(window)`. A photograph is
decoded whole into an `ArraySource`; a GeoTIFF is read window by window (module raster).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wildetect.errors import InputError
from wildetect.geometry import Window
from wildetect.imagery.camera.camera import CameraTags
from wildetect.imagery.georeference import Georeference
from wildetect.imagery.limits import MAX_PIXELS
from wildetect.imagery.positions.metadata import Position
from wildetect.remote.place import Place

__all__ = [
    "ArraySource",
    "HeaderFacts",
    "ImageFacts",
    "ImageSource",
    "Pixels",
    "UnreadableImageError",
    "check_size",
]

Pixels = NDArray[np.uint8]


class UnreadableImageError(InputError):
    """An image that cannot be decoded.

    Args:
        path: The file.
        reason: Why, for a person, without the file's name.
    """

    def __init__(self, path: Place, reason: str) -> None:
        super().__init__(
            f"cannot read {path.name}: {reason}",
            hint="Open the file in an image viewer; copy it again from the camera's card if it is damaged",
        )
        self.path = path
        self.reason = reason


class ImageFacts(Protocol):
    """What is known of an image before its pixels are read."""

    @property
    def width(self) -> int:
        """Width in px."""

    @property
    def height(self) -> int:
        """Height in px."""

    @property
    def position(self) -> Position | None:
        """Where the photograph was taken from, if it says so."""

    @property
    def camera(self) -> CameraTags | None:
        """What a photograph says of its camera; None for what is not a photograph."""

    @property
    def georeference(self) -> Georeference | None:
        """Its place on the map; None for a photograph, and for a raster without one."""

    @property
    def read_as(self) -> tuple[str, ...]:
        """How bands and values are read and where it is placed, where that is not plain."""

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why what is read may be wrong, for a person."""

    @property
    def deep(self) -> bool:
        """Whether its values have more than 8 bits."""

    @property
    def swath(self) -> int | None:
        """Width in px of the swaths in which windows are best read, row by row; None: any order."""


class ImageSource(ImageFacts, Protocol):
    """An upright RGB image that can be read in windows, from several threads."""

    camera: CameraTags | None

    def read(self, window: Window) -> Pixels:
        """Pixels of a window that lies inside the image, shape (height, width, 3), RGB."""

    def tile(self, window: Window) -> Pixels | None:
        """As `read`; None where the image has no data in the whole window."""

    def close(self) -> None:
        """Let go of the file or the pixels."""


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """What a file's header says; `ImageFacts` names the attributes."""

    width: int
    height: int
    position: Position | None = None
    camera: CameraTags | None = None
    georeference: Georeference | None = None
    swath: int | None = None
    read_as: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    deep: bool = False


class ArraySource:
    """An image in memory.

    Args:
        pixels: Upright RGB, shape (height, width, 3).
        facts: What else is known of it; its size is that of the pixels.
    """

    swath: int | None = None

    def __init__(self, pixels: Pixels, facts: HeaderFacts | None = None) -> None:
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:  # noqa: PLR2004 - RGB
            raise ValueError(f"expected uint8 pixels of shape (h, w, 3), got {pixels.dtype} {pixels.shape}")
        self.height, self.width = pixels.shape[:2]
        known = facts or HeaderFacts(self.width, self.height)
        self.position = known.position
        self.camera = known.camera
        self.georeference = known.georeference
        self.read_as = known.read_as
        self.doubts = known.doubts
        self.deep = known.deep
        self._pixels = pixels

    def read(self, window: Window) -> Pixels:
        """A view of the window's pixels; not to be written to."""
        return self._pixels[window.y : window.bottom, window.x : window.right]

    def tile(self, window: Window) -> Pixels | None:
        """As `read`: a photograph is full."""
        return self.read(window)

    def close(self) -> None:
        """Let go of the pixels."""
        self._pixels = np.empty((0, 0, 3), np.uint8)


def check_size(path: Place, width: int, height: int) -> None:
    """Refuse a picture that is too large to be read whole, before any memory is spent on it.

    Raises:
        UnreadableImageError: It has more than `MAX_PIXELS`.
    """
    if width * height > MAX_PIXELS:
        raise UnreadableImageError(
            path,
            f"it claims {width} x {height} px ({width * height / 1e6:,.0f} megapixels); "
            f"at most {MAX_PIXELS / 1e6:,.0f} are read whole",
        )
