"""Decode a photograph into upright RGB.

Pillow reads them all. The pixels of a plain colour JPEG come from simplejpeg: the same values, bit for
bit, as both ask libjpeg-turbo, in a third of the time and less than half of the memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.ExifTags import Base

from wildetect.imagery.camera.camera import camera_of
from wildetect.imagery.limits import MAX_PIXELS
from wildetect.imagery.pixel_memory import empty_pixels
from wildetect.imagery.source import (
    ArraySource,
    HeaderFacts,
    ImageFacts,
    Pixels,
    UnreadableImageError,
    check_size,
)

__all__ = ["BACKDROP", "decode", "from_16_bit", "look_at"]

BACKDROP: Final = 114
"""Grey that stands for "nothing here" behind transparent pixels: the border detectors are trained with."""

_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "AVIF")  # an MPO is opened as the JPEG that it begins with
_STRIP_PIXELS = 4_000_000

# From EXIF's orientation (CIPA DC-008, "Orientation"): whether rows and columns are exchanged first, and
# the order in which rows and columns are then taken.
_UPRIGHT = {
    2: (False, 1, -1),
    3: (False, -1, -1),
    4: (False, -1, 1),
    5: (True, 1, 1),
    6: (True, 1, -1),
    7: (True, -1, -1),
    8: (True, -1, 1),
}


def decode(path: Path) -> ArraySource:
    """Decode a photograph: first frame, upright by EXIF orientation, 8-bit RGB.

    Transparent pixels come out grey (`BACKDROP`); 16-bit values are scaled by their full range, so
    that equal values stay equal in all pictures of a survey. Of 16 bits a colour Pillow takes the upper 8.

    Raises:
        UnreadableImageError: The file is damaged, too large or of another kind.
    """
    with _opened(path) as image:
        pixels = _fast(path, image)
        if pixels is None:
            image.load()
            pixels = _pixels(_rgb(image, path))
        tags = camera_of(image)
        return ArraySource(_upright(pixels, image), tags.position, tags)


def look_at(path: Path) -> ImageFacts:
    """What the header of a photograph says, without decoding it: much is broken behind good headers.

    Raises:
        UnreadableImageError: The file is too large or of another kind, or its header is damaged.
    """
    with _opened(path) as image:
        tags = camera_of(image)
        return HeaderFacts(*image.size, position=tags.position, camera=tags)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """A photograph whose header is read; an error on the way becomes a reason for a person."""
    try:
        with Image.open(path, formats=_FORMATS) as image:
            check_size(path, *image.size)
            yield image
    except (UnreadableImageError, FileNotFoundError, PermissionError):
        raise
    except Exception as error:  # decoders of broken files raise nearly anything: one image, one reason
        raise UnreadableImageError(path, _reason(error)) from error


def from_16_bit(values: np.ndarray) -> Pixels:
    """16-bit values to 8 bits by their full range (65535 becomes 255), rounded."""
    return ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


def _rgb(image: Image.Image, path: Path) -> Image.Image:
    if image.mode in {"I", "I;16", "I;16B", "I;16L", "I;16N"}:
        values = np.asarray(image)
        if values.size and not 0 <= int(values.min()) <= int(values.max()) <= np.iinfo(np.uint16).max:
            raise UnreadableImageError(path, "its values need more than 16 bits; it is not a photograph")
        return Image.fromarray(from_16_bit(values)).convert("RGB")
    if image.mode == "F":
        raise UnreadableImageError(path, "it holds floating point values (elevations?), not a photograph")
    if image.has_transparency_data:
        backdrop = Image.new("RGBA", image.size, (BACKDROP, BACKDROP, BACKDROP, 255))
        backdrop.alpha_composite(image.convert("RGBA"))
        return backdrop.convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _fast(path: Path, image: Image.Image) -> Pixels | None:
    """Pixels of a plain colour JPEG (the first picture of an MPO); None where Pillow must look itself."""
    if image.format not in {"JPEG", "MPO"} or image.mode != "RGB":
        return None
    import simplejpeg

    try:
        memory = empty_pixels(image.height, image.width)
        pixels: Pixels = simplejpeg.decode_jpeg(path.read_bytes(), "RGB", buffer=memory)
    except (ValueError, MemoryError):  # damaged: Pillow says how, and shows what can be shown
        return None
    return pixels if pixels.shape == memory.shape else None


def _upright(pixels: Pixels, image: Image.Image) -> Pixels:
    try:
        orientation = image.getexif().get(Base.Orientation)
    except Exception:  # noqa: BLE001 - broken EXIF raises nearly anything, and must not cost the photograph
        return pixels
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    if turn is None:
        return pixels
    exchanged, rows, columns = turn
    if exchanged:
        pixels = pixels.transpose(1, 0, 2)
    return np.ascontiguousarray(pixels[::rows, ::columns])


def _pixels(rgb: Image.Image) -> Pixels:
    """Copy in strips: all at once costs twice the picture on top of the picture."""
    width, height = rgb.size
    pixels = empty_pixels(height, width)
    rows = max(_STRIP_PIXELS // width, 1)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        pixels[top:bottom] = np.asarray(rgb.crop((0, top, width, bottom)))
    return pixels


def _reason(error: Exception) -> str:
    text = str(error)
    if isinstance(error, UnidentifiedImageError):
        return (
            "it is not a JPEG, PNG, TIFF, WebP or AVIF image, whatever its name says, "
            "or its beginning is damaged"
        )
    if "truncated" in text.lower():
        return "the file is cut short (truncated)"
    if "too large" in text.lower():
        return "a few bytes of it unfold to far too many (a decompression bomb)"
    if isinstance(error, Image.DecompressionBombError):
        return f"it claims more than {2 * MAX_PIXELS / 1e6:,.0f} megapixels"
    if isinstance(error, MemoryError):
        return "there is not enough memory to decode it"
    return f"the file is damaged ({text or type(error).__name__})"
