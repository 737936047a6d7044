"""Open images as upright RGB, behind one small interface, whatever camera or program wrote them.

The pipeline sees an `ImageSource` only: its size, its position, and `read(window)`. A photograph is
decoded whole into an `ArraySource`; a GeoTIFF is read window by window (module geotiff).
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wildetect.errors import InputError
from wildetect.geometry import Window
from wildetect.imagery.metadata import Position

__all__ = [
    "MAX_PIXELS",
    "ArraySource",
    "ImageSource",
    "Pixels",
    "UnreadableImageError",
    "check_size",
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
            hint="open the file in an image viewer; copy it again from the camera's card if it is damaged",
        )
        self.path = path
        self.reason = reason


class ImageSource(Protocol):
    """An upright RGB image that can be read in windows, from several threads."""

    @property
    def width(self) -> int:
        """Width in px."""

    @property
    def height(self) -> int:
        """Height in px."""

    @property
    def position(self) -> Position | None:
        """Where the photograph was taken from, if it says so."""

    def read(self, window: Window) -> Pixels:
        """Pixels of a window that lies inside the image, shape (height, width, 3), RGB."""

    def close(self) -> None:
        """Let go of the file or the pixels."""


class ArraySource:
    """An image in memory.

    Args:
        pixels: Upright RGB, shape (height, width, 3).
        position: Where the photograph was taken from.
    """

    def __init__(self, pixels: Pixels, position: Position | None = None) -> None:
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:  # noqa: PLR2004 - RGB
            raise ValueError(f"expected uint8 pixels of shape (h, w, 3), got {pixels.dtype} {pixels.shape}")
        self.height, self.width = pixels.shape[:2]
        self.position = position
        self._pixels = pixels

    def read(self, window: Window) -> Pixels:
        """A view of the window's pixels; not to be written to."""
        return self._pixels[window.y : window.bottom, window.x : window.right]

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
    """Open a JPEG (also DJI's MPO), PNG, TIFF or WebP file.

    Raises:
        UnreadableImageError: The file is missing, damaged, too large or of another kind.
    """
    # both import this module for the error and the array source
    from wildetect.imagery import geotiff, photograph

    try:
        if path.stat().st_size == 0:
            raise UnreadableImageError(path, "the file is empty (0 bytes)")
        if geotiff.is_raster(path):
            return geotiff.RasterSource(path)
        return photograph.decode(path)
    except FileNotFoundError:
        raise UnreadableImageError(path, "the file does not exist (any more)") from None
    except PermissionError:
        raise UnreadableImageError(path, "no permission to read the file") from None
