"""Read rasters window by window, with memory that does not grow with them.

GDAL keeps decoded blocks in a cache. Tiles of neighbouring rows share blocks, so that it should hold
the blocks of a row of tiles; in a wide raster these would be too many. So a raster is read in swaths
that are as wide as the cache allows, one after the other, each from top to bottom (`swath`).
"""

from __future__ import annotations

import contextvars
import re
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from PIL import Image
from PIL.ExifTags import Base

from wildetect.geometry import Window
from wildetect.imagery import bands
from wildetect.imagery.camera.camera import CameraTags, read_camera
from wildetect.imagery.damage import read_around_damage
from wildetect.imagery.jpeg_blocks import JpegBlocks
from wildetect.imagery.kinds import pages_of
from wildetect.imagery.limits import MAX_PIXELS
from wildetect.imagery.photograph import BACKDROP, DAMAGED, FILM, ends_whole
from wildetect.imagery.placement import beside, place_of
from wildetect.imagery.positions.metadata import Position
from wildetect.imagery.reading import AS_IT_IS, Reading
from wildetect.imagery.source import Pixels, UnreadableImageError, check_size
from wildetect.imagery.stretch import PLAIN, NoPictureError, is_opacity, levels_of
from wildetect.local_files import open_raster, raster_kind, said_by_gdal
from wildetect.remote.failures import RemoteError
from wildetect.remote.place import Place, for_pillow, trouble_with
from wildetect.wording import commas

__all__ = ["NOT_TURNED", "RasterSource", "is_raster", "look_at"]

# tie points, transformation matrix, GeoTIFF keys, GDAL's metadata (names of bands), RPCs
_GEO_TAGS: Final = (33922, 34264, 34735, 42112, 50844)
_SAMPLE_FORMAT: Final = 339
_EXTRA_SAMPLES: Final = 338
_UNSIGNED: Final = 1
_INKS: Final = 5  # photometric interpretation: cyan, magenta, yellow, black
_PILLOW_BITS: Final = (1, 2, 4, 8, 16)
_MOST_UNFOLDED: Final = 1032  # times: what deflate can do at the most
_UPRIGHT: Final = 1  # EXIF's orientation
NOT_TURNED: Final = (
    "its orientation tag says that it is to be turned, which is not done with pictures read in pieces: boxes "
    "are those of the picture as it is stored"
)
_UNKNOWN_CODEC: Final = re.compile(r"missing codec (?:of code )?(\w+)")
_NO_CODEC: Final = (
    "it is compressed in a way that is not read here ({codec}): save it with LZW, deflate or JPEG compression"
)
_NO_OPACITY: Final = (
    "its last band is marked as opacity but holds values of a picture (near infrared?): it is not used as "
    "opacity"
)
_NO_END: Final = (
    "it does not end as JPEGs do: it may be cut short, and animals in the missing part are not counted"
)
_CACHE_BYTES: Final = 64 << 20
_MOST_CACHE_BYTES: Final = 512 << 20
_ROWS_OF_TILE: Final = 1024  # px: rows of blocks that a row of tiles of usual size touches


def is_raster(path: Place) -> bool:
    """Whether rasterio is to read a file window by window.

    That is any JPEG 2000, a TIFF with a position on the map, with named bands, or beyond Pillow, and any
    TIFF, JPEG or PNG that is too large to be read whole.
    """
    kind = raster_kind(path)
    if kind is None or not kind.pillow:
        return kind is not None
    is_tiff = kind.driver == "GTiff"
    try:
        with Image.open(for_pillow(path), formats=("TIFF", "JPEG", "PNG")) as image:
            if image.width * image.height > MAX_PIXELS:
                return is_tiff or _is_plausible(path, image)
            if not is_tiff:
                return False
            tags = getattr(image, "tag_v2", {})
            return any(tag in tags for tag in _GEO_TAGS) or _is_beyond_pillow(tags) or beside(path)
    except Exception:  # noqa: BLE001 - what Pillow cannot even identify, rasterio may read, or say why not
        return is_tiff


def _is_plausible(path: Place, image: Image.Image) -> bool:
    """Whether a file can unfold to so many pixels: a few bytes that claim to are a bomb."""
    return image.width * image.height < path.stat().st_size * _MOST_UNFOLDED


def _is_beyond_pillow(tags: Mapping[int, Any]) -> bool:
    """Whether a TIFF has more bands than colours and opacity, or values that Pillow does not scale."""
    bits, formats = (_tuple(tags.get(tag)) for tag in (Base.BitsPerSample, _SAMPLE_FORMAT))
    several = int(tags.get(Base.SamplesPerPixel, 1))
    opaque = len(_tuple(tags.get(_EXTRA_SAMPLES)))
    inks = tags.get(Base.PhotometricInterpretation) == _INKS
    return (
        any(value != _UNSIGNED for value in formats)
        or any(value not in _PILLOW_BITS for value in bits)
        or (several - opaque > len("RGB") and not inks)
        or opaque > 1
        or (opaque == 1 and several > len("RGB") and _tuple(tags.get(_EXTRA_SAMPLES)) == (0,))
    )


def _tuple(value: Any) -> tuple[Any, ...]:
    return () if value is None else value if isinstance(value, tuple) else (value,)


def look_at(path: Place, reading: Reading = AS_IT_IS) -> RasterSource:
    """What is known of a raster before its pixels are read.

    Raises:
        UnreadableImageError: The file is damaged or its values are no picture's.
    """
    source = RasterSource(path, reading)
    source.close()
    return source


class RasterSource:
    """A raster on disk, of which windows are read as RGB.

    Colours are taken as the file names its bands. Transparent and nodata pixels come out grey, values of
    more than 8 bits are scaled by one rule for the whole raster (module stretch).

    Args:
        path: The file.
        reading: What the settings say of bands and values.

    Raises:
        UnreadableImageError: The file is damaged or its values are no picture's.
    """

    def __init__(self, path: Place, reading: Reading = AS_IT_IS) -> None:
        import rasterio

        self._path = path
        self._reading = reading
        self._lock = threading.Lock()  # a GDAL dataset serves one thread at a time
        # for us a raster without a place on the map is a picture like others
        warnings.filterwarnings("ignore", category=rasterio.errors.NotGeoreferencedWarning)
        with _damage_explained(path, "the file is damaged ({error})"):
            self._dataset: Any = open_raster(path)
            # rasterio keeps what it opens at addresses in the context of a thread; others may close it
            self._context = contextvars.copy_context()
            try:
                self._look()
            except BaseException:
                self._dataset.close()
                raise

    def _look(self) -> None:
        """Take from the header what is needed."""
        from rasterio.enums import MaskFlags

        self.width: int = self._dataset.width
        self.height: int = self._dataset.height
        place = place_of(self._dataset, self._path)
        self.georeference = place.georeference
        tags = read_camera(self._path) if place.georeference is None else None
        self.camera: CameraTags | None = tags
        self.position: Position | None = tags.position if tags else None  # on the map each pixel has its own
        choice = self._choose_bands()
        unlikely = next((band for band in self._alpha(choice) if not is_opacity(self._dataset, band)), None)
        alpha = choice.alpha and unlikely is None
        self._bands, self._palette = list(choice.bands), self._colour_table(choice)
        # what GDAL takes as opacity, as it is the fourth band, may be near infrared by its name
        self._masked = any(MaskFlags.all_valid not in flags for flags in self._dataset.mask_flag_enums) and (
            alpha or self._dataset.nodata is not None
        )
        try:
            plain = self._palette is not None
            self._levels = PLAIN if plain else levels_of(self._dataset, self._bands, self._reading.stretch)
        except NoPictureError as error:
            raise UnreadableImageError(self._path, str(error)) from None
        self.deep = self._dataset.dtypes[self._bands[0] - 1] != "uint8" and not plain
        taken = f"bands {commas(choice.bands)} {choice.why}" if choice.why else None
        self.read_as = tuple(filter(None, (taken, self._levels.text, place.why)))
        lying = NOT_TURNED if tags and tags.orientation != _UPRIGHT else None
        film = FILM if pages_of(self._path) > 1 else None
        veiled = _NO_OPACITY if unlikely is not None else None
        told = choice.doubt, veiled, self._levels.doubt, place.doubt, lying, film, self._cut_short()
        self.doubts = tuple(filter(None, told))
        self.swath: int | None = self._use_cache()
        self._overviews: list[int] = self._dataset.overviews(self._bands[0])
        in_order = choice.bands == (1, 2, 3)
        self._jpeg_blocks = JpegBlocks.of(self._path, self._dataset, _CACHE_BYTES, in_order=in_order)

    def read(self, window: Window) -> Pixels:
        """Pixels of a window, shape (height, width, 3), RGB."""
        return self._read(window)[0]

    def tile(self, window: Window) -> Pixels | None:
        """As `read`; None where all is transparent or nodata, or of one colour, as outside the flown area."""
        pixels, empty = self.what_there_is(window)
        return None if empty or _is_plain(pixels) else pixels

    def what_there_is(self, window: Window) -> tuple[Pixels, bool]:
        """Pixels of a window, and whether none of them holds data; around damage where that is wished.

        Raises:
            UnreadableImageError: Something of it is damaged, and what is left is not to be used; or all is.
        """
        try:
            return self._read(window)
        except UnreadableImageError:
            if not self._reading.use_damaged:
                raise
        pixels = read_around_damage(self, window)
        self.doubts = tuple(dict.fromkeys((*self.doubts, DAMAGED)))
        return pixels, False

    def _read(self, window: Window) -> tuple[Pixels, bool]:
        """Pixels of a window, and whether none of them holds data."""
        from rasterio.windows import Window as RasterWindow

        check_size(self._path, window.width, window.height)
        place = RasterWindow(window.x, window.y, window.width, window.height)
        with self._lock, _damage_explained(self._path, "the file is damaged"):
            held = self._jpeg_blocks.read(window) if self._jpeg_blocks else None
            values: Any = None if held is not None else self._dataset.read(self._bands, window=place)
            valid = self._dataset.dataset_mask(window=place) if self._masked else None
            if self._jpeg_blocks and self._jpeg_blocks.doubts:
                self.doubts = tuple(dict.fromkeys((*self.doubts, *self._jpeg_blocks.doubts)))
        pixels = self._as_rgb(values) if held is None else held
        valid = self._with_data(values, valid)
        if valid is None:
            return pixels, False
        pixels[valid == 0] = BACKDROP
        return pixels, not valid.any()

    def smaller(self, window: Window, width: int, height: int) -> Pixels | None:
        """A window made smaller from the file's overviews: most mosaics have them, in the file or beside it.

        Args:
            window: Inside the raster.
            width: Wanted, in px, at most half of the window's.
            height: Wanted, in px, at most half of the window's.

        Returns:
            Shape (height, width, 3), RGB; None where there are none, or they hold indices of a colour table.

        Raises:
            UnreadableImageError: Something of the window is damaged.
        """
        from rasterio.enums import Resampling
        from rasterio.windows import Window as RasterWindow

        factor = min(window.width / width, window.height / height)
        if self._palette is not None or not any(one <= factor for one in self._overviews):
            return None
        place = RasterWindow(window.x, window.y, window.width, window.height)
        size = height, width
        with self._lock, _damage_explained(self._path, "the file is damaged"):
            values = self._dataset.read(
                self._bands,
                window=place,
                out_shape=(len(self._bands), *size),
                resampling=Resampling.average,
            )
            valid = self._dataset.dataset_mask(window=place, out_shape=size) if self._masked else None
        pixels = self._as_rgb(values)
        valid = self._with_data(values, valid)
        if valid is not None:
            pixels[valid == 0] = BACKDROP
        return pixels

    def _with_data(self, values: Any, valid: Any) -> Any:
        """Which pixels hold data, by the file's mask and by their values; None where all do."""
        numbers = None if values is None else self._levels.holds_data(values)
        return valid if numbers is None else numbers if valid is None else numbers & (valid != 0)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._context.run(self._dataset.close)
            if self._jpeg_blocks is not None:
                self._jpeg_blocks.close()

    def _use_cache(self) -> int | None:
        """Bound GDAL's cache, for all rasters together; the width of a swath whose blocks fit into it."""
        height, width = self._dataset.block_shapes[0]
        rows = -(-_ROWS_OF_TILE // height) * height + height
        bytes_a_column: int = rows * self._dataset.count * np.dtype(self._dataset.dtypes[0]).itemsize
        if width >= self.width:  # strips: each is decoded in its whole width, whatever the window
            _bound_cache(min(max(bytes_a_column * self.width, _CACHE_BYTES), _MOST_CACHE_BYTES))
            return None
        _bound_cache(_CACHE_BYTES)
        return int(max(_CACHE_BYTES // bytes_a_column - 2 * width, 2 * width))

    def _cut_short(self) -> str | None:
        """Say what a JPEG or PNG read in pieces lacks: GDAL fills up what is missing at its end, silently."""
        kind = self._dataset.driver
        if kind not in {"JPEG", "PNG"} or ends_whole(self._path):
            return None
        if kind == "JPEG":  # whole ones may have something behind them
            return _NO_END
        if not self._reading.use_damaged:
            raise UnreadableImageError(self._path, "the file is cut short (truncated)")
        return DAMAGED

    def _alpha(self, choice: bands.Choice) -> list[int]:
        """The bands that are taken as opacity."""
        from rasterio.enums import ColorInterp

        meanings = enumerate(self._dataset.colorinterp, 1)
        return [band for band, meaning in meanings if meaning == ColorInterp.alpha and choice.alpha]

    def _choose_bands(self) -> bands.Choice:
        try:
            return bands.chosen(self._dataset, self._reading.bands)
        except bands.UnknownBandError as error:
            raise UnreadableImageError(self._path, str(error)) from None

    def _colour_table(self, choice: bands.Choice) -> Pixels | None:
        """The colours of a palette's indices; None where values are colours themselves."""
        from rasterio.enums import ColorInterp

        if choice.bands != (1,) or self._dataset.colorinterp[0] != ColorInterp.palette:
            return None
        colours = self._dataset.colormap(1)
        palette = np.zeros((max(256, *colours) + 1, 3), np.uint8)
        for index, colour in colours.items():
            palette[index] = colour[:3]
        return palette

    def _as_rgb(self, values: np.ndarray) -> Pixels:
        if self._palette is not None:
            return np.ascontiguousarray(self._palette[np.clip(values[0], 0, len(self._palette) - 1)])
        picture = self._levels.apply(values)
        if len(picture) == 1:
            return np.repeat(picture[0][..., None], 3, axis=2)
        return picture.transpose(1, 2, 0)


@contextmanager
def _damage_explained(path: Place, reason: str) -> Iterator[None]:
    """Whatever GDAL finds wrong with a file becomes a reason for a person; `{error}` in it what GDAL says."""
    try:
        yield
    except RemoteError as error:
        trouble_with(path)
        raise UnreadableImageError(path, error.reason) from None
    except (UnreadableImageError, FileNotFoundError, PermissionError, MemoryError):
        raise
    except Exception as error:  # the classes of GDAL's errors are private to rasterio
        if (trouble := trouble_with(path)) is None:
            text = said_by_gdal(path, error)
            codec = _UNKNOWN_CODEC.search(text)
            said = reason.format(error=text) if codec is None else _NO_CODEC.format(codec=codec[1])
            raise UnreadableImageError(path, said) from error
        raise UnreadableImageError(path, trouble.reason) from None
    if (trouble := trouble_with(path)) is not None:
        raise UnreadableImageError(path, trouble.reason)


def _is_plain(pixels: Pixels) -> bool:
    """Whether all pixels have one colour; few are looked at first, as most pictures are not plain."""
    first = pixels[0, 0]
    return bool((pixels[::53, ::47] == first).all() and (pixels == first).all())


_cache_lock = threading.Lock()
_cache_bytes = 0


def _bound_cache(wanted: int) -> None:
    """Give GDAL's block cache at least so many bytes, and no more than the most that was wanted."""
    import rasterio

    global _cache_bytes  # noqa: PLW0603 - the cache is one for the whole process
    with _cache_lock:
        if wanted > _cache_bytes:
            # entered for good: leaving it would bring back GDAL's default, a part of all memory
            rasterio.Env(GDAL_CACHEMAX=wanted).__enter__()
            _cache_bytes = wanted
