"""Decode a photograph into upright RGB.

Pillow reads them all. The pixels of a plain JPEG come from simplejpeg: the same values, bit for bit, as both
ask libjpeg-turbo, in a third of the time and less than half of the memory; and it tells what libjpeg finds
wrong with the data, which Pillow passes over.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Final

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.ExifTags import Base
from PIL.ImageFile import ImageFile

from wildetect.imagery.camera.camera import camera_of
from wildetect.imagery.camera.preview import turned_since
from wildetect.imagery.kinds import HEIF, holds_temperatures, pages_of
from wildetect.imagery.limits import MAX_PIXELS
from wildetect.imagery.pixel_memory import empty_pixels
from wildetect.imagery.placement import georeference_beside
from wildetect.imagery.source import (
    ArraySource,
    HeaderFacts,
    Pixels,
    UnreadableImageError,
    check_size,
)
from wildetect.remote.failures import RemoteError
from wildetect.remote.place import Place, for_pillow
from wildetect.wording import with_extra

__all__ = [
    "BACKDROP",
    "DAMAGED",
    "FILM",
    "decode",
    "ends_whole",
    "facts_of",
    "look_at",
    "upright",
    "wrong_in",
]

BACKDROP: Final = 114
"""Grey that stands for "nothing here" behind transparent pixels: the border detectors are trained with."""

# an MPO is opened as the JPEG that it begins with
_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "AVIF", "BMP", "GIF")
_FRAMES = ("PNG", "WEBP", "GIF", "AVIF", "HEIF")  # of which several are a film or a burst
_OTHER_VIEWS = ("Panorama", "Multi-Angle")  # in an MPO; its others are previews, or the other eye's
FILM: Final = "it holds several pictures: the first alone is read, and animals in the others are not counted"
_THERMAL = "thermal picture (R-JPEG): the colours that its camera made of the temperatures, not these"
DAMAGED: Final = (
    "damaged: what could be decoded is used, and animals in the missing part are not counted "
    "(processing.on_damage)"
)
_SURPLUS = (
    "its JPEG data hold bytes that belong to nothing, as damaged files do and those of some cameras: parts "
    "may be shown wrongly; look at it in an image viewer"
)
_CLEAR = "it is transparent everywhere, so that nothing of it is seen: save it without transparency"
_VEIL = (
    "it is half transparent nearly everywhere, and its colours are mixed with grey: if its last band is no "
    "opacity (near infrared?), save it without that band"
)
_VEILED = 0.5  # of the pixels that are seen
_SHORT = re.compile("premature end of (?:JPEG )?file", re.IGNORECASE)
_CORRUPT = "Corrupt JPEG data"
_EXTRANEOUS = "extraneous bytes"
_COLOURS = {"RGB": "RGB", "L": "RGB", "CMYK": "CMYK"}  # by Pillow's mode, as simplejpeg is asked for them
_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_PNG_START, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND"
_TAIL = 4096  # bytes: some programs fill up the last block with zeros
_STRIP_PIXELS = 4_000_000
_HEIF_BRANDS = (b"heic", b"heix", b"hevc")
_MP_ENTRIES = 0xB002  # CIPA DC-007, "MP Entry"
_PLAIN = 1  # orientation
_TURNED = (
    "a world file beside a photograph that its orientation tag turns: not placed on the map; "
    "save it upright before it is given a place"
)

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


def decode(path: Place, *, use_damaged: bool = False) -> ArraySource:
    """Decode a photograph: first frame, upright by EXIF orientation, 8-bit RGB.

    Transparent pixels come out grey (`BACKDROP`). Values of 16 bits are those of module opening.

    Args:
        path: The file.
        use_damaged: Take of a damaged picture what can be decoded; the rest is of one colour.

    Raises:
        UnreadableImageError: The file is damaged, too large or of another kind.
    """
    with _opened(path) as image:
        pixels, doubt = _decoded(path, image, use_damaged=use_damaged)
        facts = facts_of(path, image)  # later: Pillow reads the pixels of a PNG for its tags, and is silent
        found = tuple(filter(None, (doubt, turned_since(image, pixels))))
        facts = replace(facts, doubts=(*facts.doubts, *found))
        return ArraySource(upright(pixels, image), facts)


def look_at(path: Place) -> HeaderFacts:
    """What the header of a photograph says, without decoding it: much is broken behind good headers.

    Raises:
        UnreadableImageError: The file is too large or of another kind, or its header is damaged.
    """
    with _opened(path) as image:
        return facts_of(path, image)


def facts_of(path: Place, image: Image.Image) -> HeaderFacts:
    """Gather what tags and files beside a photograph say; its size is that before it is turned upright."""
    tags = camera_of(image)
    place = georeference_beside(path)
    unplaced = f"no position: {tags.position_problem}" if tags.position_problem else None
    film = FILM if _holds_others(path, image) else None
    thermal = holds_temperatures(getattr(image, "applist", ()), image.info.get("xmp"))
    turned = tags.orientation != _PLAIN and place.georeference is not None
    return HeaderFacts(
        *image.size,
        position=tags.position,
        camera=tags,
        georeference=None if turned else place.georeference,
        read_as=tuple(filter(None, (None if turned else place.why, _THERMAL if thermal else None))),
        doubts=tuple(filter(None, (place.doubt, _TURNED if turned else None, unplaced, film))),
    )


def _holds_others(path: Place, image: Image.Image) -> bool:
    """Whether a file holds further pictures, which may show other animals."""
    if image.format == "TIFF":
        return pages_of(path) > 1
    if image.format == "MPO":
        entries: Any = getattr(image, "mpinfo", {}).get(_MP_ENTRIES, ())
        kinds = [str(entry.get("Attribute", {}).get("MPType", "")) for entry in entries]
        return any(view in kind for view in _OTHER_VIEWS for kind in kinds)
    return image.format in _FRAMES and getattr(image, "n_frames", 1) > 1


def _formats_for(path: Place) -> tuple[str, ...]:
    suffix = path.suffix.lower()
    if suffix not in HEIF and not _begins_as_heif(path):
        return ("DIB", *_FORMATS) if suffix == ".dib" else _FORMATS  # a bitmap without its file header
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise UnreadableImageError(path, f"HEIC files need the extra: {with_extra('raw')}") from None
    register_heif_opener()
    return ("HEIF", *_FORMATS)


def _begins_as_heif(path: Place) -> bool:
    """Whether a file of another name is a telephone's HEIC picture (ISO 23008-12, brands)."""
    with path.open("rb") as file:
        start = file.read(12)
    return start[4:8] == b"ftyp" and start[8:] in _HEIF_BRANDS


@contextmanager
def _opened(path: Place) -> Iterator[Image.Image]:
    """A photograph whose header is read; an error on the way becomes a reason for a person."""
    try:
        with Image.open(for_pillow(path), formats=_formats_for(path)) as image:
            check_size(path, *image.size)
            yield image
    except (UnreadableImageError, FileNotFoundError, PermissionError, RemoteError):
        raise
    except Exception as error:  # decoders of broken files raise nearly anything: one image, one reason
        raise UnreadableImageError(path, _reason(error)) from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        backdrop = Image.new("RGBA", image.size, (BACKDROP, BACKDROP, BACKDROP, 255))
        backdrop.alpha_composite(image.convert("RGBA"))
        return backdrop.convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def ends_whole(path: Place) -> bool:
    """Whether a JPEG or PNG ends as these do; one that does not may be cut short, or hold more behind it."""
    with path.open("rb") as file:
        start = file.read(len(_PNG_START))
        if not start.startswith(_JPEG_START) and start != _PNG_START:
            return True
        file.seek(0, os.SEEK_END)
        file.seek(max(file.tell() - _TAIL, 0))
        tail = file.read()
    return _PNG_END in tail if start == _PNG_START else tail.rstrip(b"\0").endswith(_JPEG_END)


def _decoded(path: Place, image: Image.Image, *, use_damaged: bool) -> tuple[Pixels, str | None]:
    """Pixels as they are stored, and what is doubtful about them.

    Raises:
        Exception: Any kind, as decoders raise them: a part is missing or wrong and is not to be used.
    """
    doubt = None
    try:
        if (pixels := _jpeg(path, image)) is not None:
            return pixels, None
    except ValueError as error:
        doubt = wrong_in(str(error))
        if doubt == DAMAGED:
            if not use_damaged:
                raise
            pixels = _jpeg(path, image, strict=False)
            return _left_of(image) if pixels is None else pixels, DAMAGED
    except MemoryError:  # Pillow needs less at once
        pass
    try:
        image.load()
    except RemoteError:
        raise
    except Exception:
        if not use_damaged:
            raise
        return _left_of(image), DAMAGED
    return _pixels(_rgb(image)), doubt or _hidden(image)


def _hidden(image: Image.Image) -> str | None:
    """Say so where nothing of a picture is seen, though it has colours, or all of it through a veil."""
    if not image.has_transparency_data:
        return None
    opacity = (image if "A" in image.getbands() else image.convert("RGBA")).getchannel("A")
    if opacity.getextrema() == (0, 0):
        return _CLEAR
    counts = opacity.histogram()
    return _VEIL if sum(counts[1:-1]) > _VEILED * sum(counts[1:]) else None


def wrong_in(warning: str) -> str | None:
    """What a warning of libjpeg means; None for one that says nothing of the data."""
    if _EXTRANEOUS in warning:
        return _SURPLUS
    return DAMAGED if _SHORT.search(warning) or warning.startswith(_CORRUPT) else None


def _left_of(image: Image.Image) -> Pixels:
    """Pixels that Pillow had decoded when it met the damage.

    Raises:
        OSError: There are none.
    """
    with suppress(Exception):  # libjpeg's warnings stop nothing here
        image.load()
    if isinstance(image, ImageFile):
        image.tile = []  # else it would begin again, and fail again
    pixels = _pixels(_rgb(image))
    if (pixels == pixels[0, 0]).all():
        raise OSError("nothing of it can be decoded")
    return pixels


def _jpeg(path: Place, image: Image.Image, *, strict: bool = True) -> Pixels | None:
    """As libjpeg-turbo decodes it; None for what is no plain JPEG."""
    colours = _COLOURS.get(image.mode)
    if image.format not in {"JPEG", "MPO"} or colours is None:
        return None
    import simplejpeg

    memory = empty_pixels(image.height, image.width) if colours == "RGB" else None
    pixels: Pixels = simplejpeg.decode_jpeg(path.read_bytes(), colours, buffer=memory, strict=strict)
    return pixels if memory is not None and pixels.shape == memory.shape else None


def upright(pixels: Pixels, image: Image.Image) -> Pixels:
    """Pixels of a photograph turned as its orientation tag says, shape (height, width, 3)."""
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
            "it is not a JPEG, PNG, TIFF, WebP, AVIF, BMP or GIF image, whatever its name says, "
            "or its beginning is damaged"
        )
    if "truncated" in text.lower() or _SHORT.search(text):
        return "the file is cut short (truncated)"
    if "too large" in text.lower():
        return "a few bytes of it unfold to far too many (a decompression bomb)"
    if isinstance(error, Image.DecompressionBombError):
        return f"it claims more than {2 * MAX_PIXELS / 1e6:,.0f} megapixels"
    if isinstance(error, MemoryError):
        return "there is not enough memory to decode it"
    return f"the file is damaged ({text or type(error).__name__})"
