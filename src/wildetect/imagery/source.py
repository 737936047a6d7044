"""Open images as upright RGB, behind one small interface, whatever camera or program wrote them.

The pipeline sees an `ImageSource` only: its size, its position, and `read(window)`. A photograph is
decoded whole into an `ArraySource`; a GeoTIFF is read window by window (module geotiff).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wildetect.errors import InputError
from wildetect.geometry import Window
from wildetect.imagery.camera.optics import Optics
from wildetect.imagery.georeference import Georeference
from wildetect.imagery.positions.metadata import Position

__all__ = [
    "MAX_PIXELS",
    "ArraySource",
    "HeaderFacts",
    "ImageFacts",
    "ImageSource",
    "Pixels",
    "UnreadableImageError",
    "check_size",
    "look_at",
    "open_image",
]

Pixels = NDArray[np.uint8]

MAX_PIXELS = 250_000_000
"""Largest picture read whole: 200-megapixel cameras pass, and it costs 1.8 GB at the worst moment."""


class UnreadableImageError(InputError):
    """An image that cannot be decoded.

    Args:
        path: The file.
        reason: Why, for a person, without the file's name.
    """

    def __init__(self, path: Path, reason: str) -> None:
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
    def optics(self) -> Optics | None:
        """What a photograph says of its camera; None for what is none."""

    @property
    def georeference(self) -> Georeference | None:
        """Its place on the map; None for a photograph, and for a raster without one."""

    @property
    def swath(self) -> int | None:
        """Width in px of the swaths in which windows are best read, row by row; None: any order."""


class ImageSource(ImageFacts, Protocol):
    """An upright RGB image that can be read in windows, from several threads."""

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
    optics: Optics | None = None
    georeference: Georeference | None = None
    swath: int | None = None


class ArraySource:
    """An image in memory.

    Args:
        pixels: Upright RGB, shape (height, width, 3).
        position: Where the photograph was taken from.
        optics: What it says of its camera.
    """

    georeference: Georeference | None = None
    swath: int | None = None

    def __init__(
        self, pixels: Pixels, position: Position | None = None, optics: Optics | None = None
    ) -> None:
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:  # noqa: PLR2004 - RGB
            raise ValueError(f"expected uint8 pixels of shape (h, w, 3), got {pixels.dtype} {pixels.shape}")
        self.height, self.width = pixels.shape[:2]
        self.position = position
        self.optics = optics
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


def check_size(path: Path, width: int, height: int) -> None:
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


def open_image(path: Path) -> ImageSource:
    """Open a JPEG (also DJI's MPO), PNG, TIFF, WebP or AVIF file.

    Raises:
        UnreadableImageError: The file is missing, damaged, too large or of another kind.
    """
    # both import this module for the error and the array source
    from wildetect.imagery import photograph
    from wildetect.imagery import raster as geotiff

    with _files_explained(path):
        return geotiff.RasterSource(path) if geotiff.is_raster(path) else photograph.decode(path)


def look_at(path: Path) -> ImageFacts:
    """Read the header of an image alone: quick, and good enough to plan by.

    Raises:
        UnreadableImageError: The file is missing, too large or of another kind, or its header is damaged.
    """
    from wildetect.imagery import photograph
    from wildetect.imagery import raster as geotiff

    with _files_explained(path):
        return geotiff.look_at(path) if geotiff.is_raster(path) else photograph.look_at(path)


@contextmanager
def _files_explained(path: Path) -> Iterator[None]:
    try:
        if path.stat().st_size == 0:
            raise UnreadableImageError(path, "the file is empty (0 bytes)")
        yield
    except FileNotFoundError:
        raise UnreadableImageError(path, "the file does not exist (any more)") from None
    except PermissionError:
        raise UnreadableImageError(path, "no permission to read the file") from None
