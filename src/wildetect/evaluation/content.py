"""What a picture shows, as digests: the same picture is known under any name, with any tags, in any format.

The digest of its pixels is the same for a copy without loss. The look is nearly the same where a copy was
compressed again or made smaller: of each of 32 x 32 fields it says whether it is lighter than the fields
around it, once the light that a lens gives to all of its pictures (dark corners) is taken out.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from wildetect.geometry import Window
from wildetect.imagery.opening import open_image
from wildetect.imagery.reading import Reading
from wildetect.remote.place import Place

__all__ = ["Content", "content_of", "looks_alike"]

_STRIP = 512  # rows that are read at a time
_FIELDS = 32  # along each side
_AROUND = 5  # fields along each side of what a field is compared with
_LENS = 4  # degree of the polynomial that takes the lens's light out
_ALIKE = 128  # bits of 1024 by which a copy may differ; those of other pictures differ by about 512


@dataclass(frozen=True, slots=True)
class Content:
    """A picture.

    Attributes:
        sha256: SHA-256 of its size and its upright RGB values.
        look: Fingerprint of its fields, 256 hexadecimal digits; empty: it is smaller than they are many.
        width: Width in px.
        height: Height in px.
    """

    sha256: str
    look: str
    width: int
    height: int


def content_of(path: Place, reading: Reading) -> Content:
    """Read a picture once, strip by strip.

    Args:
        path: The file.
        reading: How values become 8 bits.

    Raises:
        UnreadableImageError: It cannot be read.
    """
    source = open_image(path, reading)
    try:
        width, height = source.width, source.height
        digest = hashlib.sha256(f"{width} {height}\n".encode())
        sums = np.zeros((_FIELDS, _FIELDS))
        columns = np.arange(_FIELDS) * width // _FIELDS
        for top in range(0, height, _STRIP):
            rows = source.read(Window(0, top, width, min(_STRIP, height - top)))
            digest.update(rows.tobytes())
            if width >= _FIELDS:
                light = np.add.reduceat(rows.reshape(len(rows), -1), 3 * columns, axis=1, dtype=np.int64)
                np.add.at(sums, np.arange(top, top + len(rows)) * _FIELDS // height, light)
    finally:
        source.close()
    look = _look(sums, width, height) if min(width, height) >= _FIELDS else ""
    return Content(digest.hexdigest(), look, width, height)


def _look(sums: NDArray[np.float64], width: int, height: int) -> str:
    across = np.diff(np.append(np.arange(_FIELDS) * width // _FIELDS, width))
    of_row = np.arange(height) * _FIELDS // height
    down = np.bincount(of_row, minlength=_FIELDS)
    light = sums / np.outer(down, across)
    x = np.linspace(-1, 1, _FIELDS)
    smooth = np.polynomial.polynomial.polyvander2d(*np.meshgrid(x, x), (_LENS, _LENS))
    lens = smooth.reshape(_FIELDS**2, -1)
    rest = light - (lens @ np.linalg.lstsq(lens, light.ravel())[0]).reshape(light.shape)
    lighter = rest > uniform_filter(rest, _AROUND, mode="nearest")
    return np.packbits(lighter.ravel()).tobytes().hex()


def looks_alike(one: str, other: str) -> bool:
    """Whether two looks are those of one picture."""
    if not one or not other:
        return False
    return (int(one, 16) ^ int(other, 16)).bit_count() <= _ALIKE
