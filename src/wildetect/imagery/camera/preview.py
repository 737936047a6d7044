"""How a photograph lies against the small preview that its camera wrote into the same file.

Programs that turn a JPEG without loss change neither its times nor its Software tag, and many leave the
preview as it was: then it alone tells that the direction in the tags is that of another picture.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.ExifTags import IFD, Base

__all__ = ["turned_since"]

_Grey = npt.NDArray[np.float32]

_SIDE = 48  # px: both are compared as squares of so many cells
_BLUR = 6  # cells: brightness that changes more slowly is light, not ground
_FEWEST = 40  # px of a preview's shorter side
_SAMPLES = 400  # px along the shorter side of the picture, from which its cells are means
_ALIKE = 0.7  # correlation of a picture with its own preview: 0.9 and more in real ones
_UNLIKE = 0.35  # with one that is turned
_MARGIN = 0.4
_ASPECT = 0.02
_TURNS = ("turned by 90 degrees", "turned by 180 degrees", "turned by 270 degrees", "mirrored")
_SAID = (
    "{} after it was taken, as its preview in the file shows: its tags of direction are those of another "
    "picture, its animals lie elsewhere on the map, and those in overlaps count twice; put the camera's own "
    "file in its place"
)


def turned_since(image: Image.Image, pixels: npt.NDArray[np.uint8]) -> str | None:
    """What is wrong with a picture that was turned after its preview was made; None where nothing is sure.

    Args:
        image: The photograph, opened with Pillow, for its tags.
        pixels: Its pixels as they are stored, before its orientation turns them.
    """
    try:
        preview = _preview(image)
    except Exception:  # noqa: BLE001 - broken tags raise nearly anything, and must not cost the photograph
        return None
    if preview is None or min(preview.size) < _FEWEST or min(pixels.shape[:2]) < _FEWEST:
        return None
    height, width = pixels.shape[:2]
    step = max(1, min(height, width) // _SAMPLES)
    picture = _cells(Image.fromarray(np.ascontiguousarray(pixels[::step, ::step, 1])))
    as_it_is, exchanged = [*_windows(preview, width / height)], [*_windows(preview, height / width)]
    same = _likeness([picture, -picture], as_it_is)  # a negative of it lies as it does, too
    back = (
        _likeness([np.rot90(picture, 1)], exchanged),
        _likeness([np.rot90(picture, 2)], as_it_is),
        _likeness([np.rot90(picture, 3)], exchanged),
        _likeness([np.fliplr(picture), np.flipud(picture)], as_it_is),
    )
    best = max(back)
    if best < _ALIKE or same > _UNLIKE or best - same < _MARGIN:
        return None
    several = sum(best - one < _MARGIN for one in back) > 1
    return _SAID.format("turned or mirrored" if several else _TURNS[back.index(best)])


def _preview(image: Image.Image) -> Image.Image | None:
    """The preview in EXIF; None where there is none, or where its own orientation is another."""
    exif: Any = image.getexif()
    tags, block = exif.get_ifd(IFD.IFD1), image.info.get("exif")
    start, length = tags.get(Base.JpegIFOffset), tags.get(Base.JpegIFByteCount)
    if not start or not length or not block:
        return None
    main = exif.get(Base.Orientation)
    if tags.get(Base.Orientation, main) != main:
        return None
    begins = len(b"Exif\0\0") + start
    preview = Image.open(io.BytesIO(block[begins : begins + length]), formats=["JPEG"])
    return preview.convert("RGB").getchannel("G")


def _windows(preview: Image.Image, aspect: float) -> Iterator[_Grey]:
    """The whole preview, and its part without bars if the picture, of this width over height, has some."""
    width, height = preview.size
    yield _cells(preview)
    if abs(width / height / aspect - 1) > _ASPECT:
        across, down = min(width, height * aspect), min(height, width / aspect)
        left, top = (width - across) / 2, (height - down) / 2
        yield _cells(preview, (left, top, left + across, top + down))


def _cells(grey: Image.Image, box: tuple[float, float, float, float] | None = None) -> _Grey:
    """Mean brightness of each cell, less that of the ground around it."""
    size = (_SIDE, _SIDE)
    cells = grey.convert("F").resize(size, Image.Resampling.BOX, box=box)
    around = cells.resize((_SIDE // _BLUR, _SIDE // _BLUR), Image.Resampling.BOX)
    rest: _Grey = np.asarray(cells) - np.asarray(around.resize(size, Image.Resampling.BICUBIC))
    return rest


def _likeness(pictures: list[_Grey], windows: list[_Grey]) -> float:
    """The best correlation of any of these with any of those; 0 where one has nothing to see."""
    found = [0.0]
    for one in pictures:
        for other in windows:
            spread = float(one.std() * other.std())
            if spread > 0:
                found.append(float((one * other).mean() - one.mean() * other.mean()) / spread)
    return max(found)
