"""The pictures of the page: crops of detections, and photographs as large as a screen can use."""

from __future__ import annotations

import io
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wildetect.geometry import Window
from wildetect.imagery.damage import read_around_damage
from wildetect.imagery.raster import RasterSource
from wildetect.imagery.reading import AS_IT_IS, Reading
from wildetect.imagery.source import ImageSource, Pixels, UnreadableImageError
from wildetect.results.pictures.sight import open_seen, unseen
from wildetect.results.records import ImageResult
from wildetect.results.report.crops import cut
from wildetect.review.page.likeness import look_of

__all__ = ["DETAIL_SIDE", "LONGEST_SIDE", "Pictures", "scaled"]

DETAIL_SIDE = 512
"""Side in px of a detail as it is sent."""

LONGEST_SIDE = 4000
"""Longest side in px of a whole photograph as it is sent; details show the rest when one zooms in."""

_CROP_SIDE = 320  # px
_CROP_MARGIN = 2.4  # in longer sides of the box: as much surroundings as tells an animal from a stone
_STRIP = 512  # rows of the scaled picture that are made at a time
_QUALITY = 85
_MOST_CROP_BYTES = 256_000_000
_MOST_OPEN = 2  # images: the one that is looked at, and the next one
_MOST_PHOTOGRAPH_BYTES = 64_000_000


class _Kept:
    """Pictures in memory, those that were asked for last; each is made once.

    Args:
        most: Bytes of them that are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[int, list[bytes]] = OrderedDict()
        self._size = 0

    def get(self, key: int, make: Callable[[], list[bytes]]) -> list[bytes]:
        """Those of an image."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        made = make()
        self._kept[key] = made
        self._size += sum(map(len, made))
        while self._size > self._most and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._size -= sum(map(len, dropped))
        return made


class Pictures:
    """Makes the pictures of a run when they are asked for.

    Crops one image at a time: decoding takes all cores by itself, and the memory of one image. Whole
    photographs one at a time, too; details of the one that is looked at do not wait for the next one, which
    may be a mosaic of many gigabytes.

    Args:
        reading: How the run read bands and values.
    """

    def __init__(self, reading: Reading = AS_IT_IS) -> None:
        self._reading = reading
        self._turn = threading.Lock()
        self._crops = _Kept(_MOST_CROP_BYTES)
        self._photographs = _Kept(_MOST_PHOTOGRAPH_BYTES)
        self._whole = threading.Lock()
        self._opening = threading.Lock()
        self._open: OrderedDict[int, ImageSource] = OrderedDict()
        self._readers: Counter[int] = Counter()

    def crop(self, image: int, result: ImageResult, row: int) -> bytes:
        """A detection with its surroundings, as JPEG. The others of its image are made with it.

        Args:
            image: Number of the image in its run.
            result: The image; it has detections.
            row: Row of the detection.

        Raises:
            UnreadableImageError: The image is gone or another one, or cannot be read.
        """

        def make() -> list[bytes]:
            count = 0 if result.detections is None else len(result.detections)
            source = open_seen(result, self._reading)
            try:
                return [
                    cut(source, result, one, margin=_CROP_MARGIN, most=_CROP_SIDE).jpeg
                    for one in range(count)
                ]
            finally:
                source.close()

        with self._turn:
            _refuse_another(result)
            return self._crops.get(image, make)[row]

    def looks(self, result: ImageResult) -> NDArray[np.float32] | None:
        """How each detection of an image looks, shape (n, d); None where the image cannot be read."""
        boxes = np.zeros((0, 4), np.float32) if result.detections is None else result.detections.xyxy
        with self._turn:
            try:
                with closing(open_seen(result, self._reading)) as source:
                    found = [look_of(read_around_damage(source, _inner(source, box))) for box in boxes]
            except UnreadableImageError:
                return None
        return np.array(found)

    def photograph(self, image: int, result: ImageResult) -> bytes:
        """A whole image, as JPEG.

        Raises:
            UnreadableImageError: The image is gone or another one, or cannot be read.
        """

        def make() -> list[bytes]:
            with self._source(image, result) as source:
                return [scaled(source)]

        with self._whole:
            _refuse_another(result)
            return self._photographs.get(image, make)[0]

    def detail(self, image: int, result: ImageResult, level: int, place: tuple[int, int]) -> bytes | None:
        """A part of an image, of which a px stands for 2^level of the image in each direction, as JPEG.

        Args:
            image: Number of the image in its run.
            result: The image.
            level: 0: as it is.
            place: Column and row of the part.

        Returns:
            At most `DETAIL_SIDE` px a side; None where the image has no such part.

        Raises:
            UnreadableImageError: The image is gone or another one, or cannot be read.
        """
        _refuse_another(result)
        side = DETAIL_SIDE << level
        x, y = (number * side for number in place)
        with self._source(image, result) as source:
            if x >= source.width or y >= source.height:
                return None
            window = Window(x, y, min(side, source.width - x), min(side, source.height - y))
            return scaled(source, max(1, max(window.width, window.height) >> level), window)

    @contextmanager
    def _source(self, image: int, result: ImageResult) -> Iterator[ImageSource]:
        """An image that stays open: who zooms in asks for many parts, and the next one is made meanwhile."""
        with self._opening:
            if image not in self._open:
                self._open[image] = open_seen(result, self._reading)
            source = self._open[image]
            self._open.move_to_end(image)
            self._readers[image] += 1
        try:
            yield source
        finally:
            with self._opening:
                self._readers[image] -= 1
                idle = [one for one in self._open if not self._readers[one]]
                for one in idle[: max(len(self._open) - _MOST_OPEN, 0)]:
                    self._open.pop(one).close()


def _refuse_another(result: ImageResult) -> None:
    """What is in memory may be older than the file: nobody is to judge what lies there no more.

    Raises:
        UnreadableImageError: Another picture has its name.
    """
    hidden = unseen(result)
    if hidden is not None and hidden.why == "another":
        raise UnreadableImageError(result.path, hidden.reason)


def _inner(source: ImageSource, box: NDArray[np.float32]) -> Window:
    """What of an image lies in a box: at least a pixel."""
    most = np.array([source.width, source.height] * 2)
    x_min, y_min, x_max, y_max = np.round(box).clip(0, most).astype(int).tolist()
    x, y = min(x_min, source.width - 1), min(y_min, source.height - 1)
    return Window(x, y, max(1, x_max - x), max(1, y_max - y))


def _of_overviews(source: ImageSource, window: Window, width: int, height: int) -> Pixels | None:
    """A window of a raster made smaller without decoding all of it; None where that cannot be done."""
    if not isinstance(source, RasterSource) or window.width < 2 * width or window.height < 2 * height:
        return None
    with suppress(UnreadableImageError):
        return source.smaller(window, width, height)
    return None  # what can be read around the damage is shown


def scaled(source: ImageSource, longest: int = LONGEST_SIDE, window: Window | None = None) -> bytes:
    """An image with at most `longest` px a side, as JPEG.

    It is read in strips: a mosaic of many gigabytes takes the memory of one strip.

    Args:
        source: The image.
        longest: Longest side in px.
        window: The part of it that is shown; null: all.
    """
    part_of = Window(0, 0, source.width, source.height) if window is None else window
    factor = max(1.0, max(part_of.width, part_of.height) / longest)
    width, height = max(1, round(part_of.width / factor)), max(1, round(part_of.height / factor))
    picture = Image.new("RGB", (width, height))
    strip = max(1, round(_STRIP / factor))
    for top in range(0, height, strip):
        bottom = min(top + strip, height)
        first = round(top * part_of.height / height)
        last = max(first + 1, round(bottom * part_of.height / height))
        strip_of = Window(part_of.x, part_of.y + first, part_of.width, last - first)
        pixels = _of_overviews(source, strip_of, width, bottom - top)
        if pixels is None:
            pixels = read_around_damage(source, strip_of)
        part = Image.fromarray(np.ascontiguousarray(pixels))
        if part.size != (width, bottom - top):
            part = part.resize((width, bottom - top), Image.Resampling.BOX)
        picture.paste(part, (0, top))
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=_QUALITY)
    return buffer.getvalue()
