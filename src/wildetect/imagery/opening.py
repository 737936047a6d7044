"""Open images of any kind: photographs are decoded whole, rasters read window by window."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wildetect.imagery import photograph, raster
from wildetect.imagery.source import ImageFacts, ImageSource, UnreadableImageError

__all__ = ["look_at", "open_image"]


def open_image(path: Path) -> ImageSource:
    """Open a JPEG (also DJI's MPO), PNG, TIFF, WebP or AVIF file.

    Raises:
        UnreadableImageError: The file is missing, damaged, too large or of another kind.
    """
    with _files_explained(path):
        return raster.RasterSource(path) if raster.is_raster(path) else photograph.decode(path)


def look_at(path: Path) -> ImageFacts:
    """Read the header of an image alone: quick, and good enough to plan by.

    Raises:
        UnreadableImageError: The file is missing, too large or of another kind, or its header is damaged.
    """
    with _files_explained(path):
        return raster.look_at(path) if raster.is_raster(path) else photograph.look_at(path)


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
