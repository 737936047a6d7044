"""Open images of any kind: photographs are decoded whole, rasters read window by window.

Raw files of cameras are developed by LibRaw (extra `raw`), with the camera's white balance.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image
from PIL.ExifTags import Base

from wildetect.geometry import Window
from wildetect.imagery import photograph, raster
from wildetect.imagery.camera.camera import CameraTags, read_camera
from wildetect.imagery.camera.optics import plausible_height
from wildetect.imagery.discovery import ImageFile
from wildetect.imagery.georeference import Georeference
from wildetect.imagery.kinds import RAW
from wildetect.imagery.placement import beside
from wildetect.imagery.reading import AS_IT_IS, Reading
from wildetect.imagery.source import (
    ArraySource,
    HeaderFacts,
    ImageFacts,
    ImageSource,
    UnreadableImageError,
    check_size,
)
from wildetect.remote.failures import RemoteError
from wildetect.remote.place import Place, for_pillow, trouble_with
from wildetect.wording import with_extra

__all__ = ["georeference_of", "look_at", "look_at_file", "look_well", "open_file", "open_image"]

_TURNED: Final = (5, 6)  # LibRaw's flip: by 90 degrees, to either side
_READ_AS: Final = "developed from a raw file with the white balance of the camera"


def develop(path: Place) -> ArraySource:
    """Decode a raw file whole; LibRaw turns it upright.

    Raises:
        UnreadableImageError: It is damaged, of an unknown camera, or the extra is not installed.
    """
    with _opened(path) as raw:
        facts = _facts(path, raw)
        pixels = raw.postprocess(use_camera_wb=True, output_bps=8)
    return ArraySource(np.ascontiguousarray(pixels), facts)


def look_at_raw(path: Place) -> HeaderFacts:
    """What the header of a raw file says, without developing it.

    Raises:
        UnreadableImageError: It is damaged, of an unknown camera, or the extra is not installed.
    """
    with _opened(path) as raw:
        return _facts(path, raw)


def _facts(path: Place, raw: Any) -> HeaderFacts:
    sizes = raw.sizes
    width, height = sizes.width, sizes.height
    if sizes.flip in _TURNED:
        width, height = height, width
    check_size(path, width, height)
    tags = read_camera(path)
    problem = f"no position: {tags.position_problem}" if tags.position_problem else None
    return HeaderFacts(
        width,
        height,
        position=tags.position,
        camera=tags,
        read_as=(_READ_AS,),
        doubts=() if problem is None else (problem,),
    )


@contextmanager
def _opened(path: Place) -> Iterator[Any]:
    try:
        import rawpy
    except ImportError:
        raise UnreadableImageError(path, f"raw files need the extra: {with_extra('raw')}") from None
    try:
        with rawpy.imread(str(path) if isinstance(path, Path) else path.open()) as raw:
            yield raw
    except rawpy.LibRawError as error:
        said = error.args[0] if error.args else error
        text = said.decode(errors="replace") if isinstance(said, bytes) else said
        raise UnreadableImageError(path, f"it cannot be developed ({text})") from error


_PIECES = (7, 50001)  # compression of a TIFF by JPEG, by WebP
_SIXTEEN = 16  # bits a colour, of which Pillow takes the upper 8


def open_image(path: Place, reading: Reading = AS_IT_IS) -> ImageSource:
    """Open a file of any of the kinds in module discovery.

    Args:
        path: The file.
        reading: What the settings say of bands and values.

    Raises:
        UnreadableImageError: The file is missing, damaged, too large or of another kind.
    """
    with _files_explained(path):
        if path.suffix.lower() in RAW:
            return develop(path)
        if raster.is_raster(path):
            return raster.RasterSource(path, reading)
        if _is_for_gdal(path):
            return _decode_by_gdal(path, reading)
        return photograph.decode(path, use_damaged=reading.use_damaged)


def open_file(file: ImageFile, reading: Reading = AS_IT_IS) -> ImageSource:
    """Open an image of a run; its camera knows the height of a table where the photograph tells none.

    Raises:
        UnreadableImageError: As for `open_image`.
    """
    source = open_image(file.path, reading)
    source.camera = _at_height(source.camera, file.above_ground)
    return source


def look_at_file(file: ImageFile, reading: Reading = AS_IT_IS) -> ImageFacts:
    """As `look_well`, for an image of a run; its camera knows what that of `open_file` knows.

    Raises:
        UnreadableImageError: As for `open_image`.
    """
    facts = look_well(file.path, reading)
    if isinstance(facts, HeaderFacts):
        return replace(facts, camera=_at_height(facts.camera, file.above_ground))
    facts.camera = _at_height(facts.camera, file.above_ground)
    return facts


def _at_height(tags: CameraTags | None, above_ground: float | None) -> CameraTags | None:
    """The tags with the height of a table, as the census takes it: where they tell no plausible one."""
    if tags is None or above_ground is None or plausible_height(tags.height) is not None:
        return tags
    return replace(tags, height=above_ground)


def look_well(path: Place, reading: Reading = AS_IT_IS) -> HeaderFacts | ImageSource:
    """As `look_at`, and decode a JPEG or PNG that does not end as these do: it may be cut short.

    Raises:
        UnreadableImageError: As for `open_image`.
    """
    facts = look_at(path, reading)
    with _files_explained(path):
        if photograph.ends_whole(path):
            return facts
        source = open_image(path, reading)
        source.close()
        return source


def look_at(path: Place, reading: Reading = AS_IT_IS) -> HeaderFacts | ImageSource:
    """Read the header of an image alone: quick, and good enough to plan by.

    Args:
        path: The file.
        reading: What the settings say of bands and values; a stretch by percentiles takes a look at pixels.

    Raises:
        UnreadableImageError: The file is missing, too large or of another kind, or its header is damaged.
    """
    with _files_explained(path):
        if path.suffix.lower() in RAW:
            return look_at_raw(path)
        if raster.is_raster(path):
            return raster.look_at(path, reading)
        facts = photograph.look_at(path)
        return _with_depth(facts, raster.look_at(path, reading)) if _is_for_gdal(path) else facts


def georeference_of(path: Place) -> Georeference | None:
    """Where on the map an image lies, as `look_at` finds it; None for one that lies at no place of its own.

    Most photographs are told apart by their first bytes, and by the names of the files beside them.
    """
    try:
        with _files_explained(path):
            placed = raster.is_raster(path) or beside(path)
        return look_at(path).georeference if placed else None
    except UnreadableImageError:
        return None


def _is_for_gdal(path: Place) -> bool:
    """Whether a photograph has 16 bits a colour (PNG, TIFF), or is a TIFF of JPEGs or WebPs.

    Pillow passes over what is wrong with these JPEGs, and its libtiff knows no WebP.
    """
    try:
        with Image.open(for_pillow(path), formats=("PNG", "TIFF")) as image:
            if image.format == "PNG":
                return image.mode.startswith("I") or _png_bits(path) == _SIXTEEN
            tags: Any = getattr(image, "tag_v2", {})
            bits = tags.get(Base.BitsPerSample)
            pieces = tags.get(Base.Compression) in _PIECES and image.mode in {"L", "RGB", "RGBA"}
            return pieces or _SIXTEEN in (bits if isinstance(bits, tuple) else (bits,))
    except Exception:  # noqa: BLE001 - not such a file; who decodes it says what is wrong
        return False


def _png_bits(path: Place) -> int:
    """Bits a colour, from the header (PNG specification, IHDR)."""
    with path.open("rb") as file:
        return file.read(25)[-1]


def _decode_by_gdal(path: Place, reading: Reading) -> ArraySource:
    """Decode a photograph whole by GDAL, upright."""
    photograph.look_at(path)  # refuses what is too large
    source = raster.RasterSource(path, reading)
    try:
        pixels, _ = source.what_there_is(Window(0, 0, source.width, source.height))
    finally:
        source.close()
    with Image.open(for_pillow(path), formats=("PNG", "TIFF")) as image:
        facts = _with_depth(photograph.facts_of(path, image), source)
        return ArraySource(photograph.upright(pixels, image), facts)


def _with_depth(facts: HeaderFacts, deep: ImageFacts) -> HeaderFacts:
    """What tags say of a photograph, and how its values are read."""
    doubts = dict.fromkeys((*deep.doubts, *facts.doubts))
    doubts.pop(raster.NOT_TURNED, None)  # in pieces it is not, but whole
    return replace(facts, read_as=deep.read_as, doubts=tuple(doubts), deep=deep.deep)


@contextmanager
def _files_explained(path: Place) -> Iterator[None]:
    trouble_with(path)  # of another look at it
    try:
        if path.stat().st_size == 0:
            raise UnreadableImageError(path, "the file is empty (0 bytes)")
        yield
        # what is passed over, as broken tags are, may be a position that the network lost
        trouble = trouble_with(path)
        if trouble is not None:
            raise trouble
    except RemoteError as error:
        raise UnreadableImageError(path, error.reason) from None
    except FileNotFoundError:
        raise UnreadableImageError(path, "the file does not exist (any more)") from None
    except PermissionError:
        raise UnreadableImageError(path, "no permission to read the file") from None
