"""The pictures of the page: crops of detections, and photographs as large as a screen can use."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from PIL import Image

from wildetect.geometry import Window
from wildetect.imagery.damage import read_around_damage
from wildetect.imagery.opening import open_image
from wildetect.imagery.reading import AS_IT_IS, Reading
from wildetect.imagery.source import ImageSource
from wildetect.results.records import ImageResult
from wildetect.results.report.crops import cut

__all__ = ["Pictures", "scaled"]

_CROP_SIDE = 320  # px
_CROP_MARGIN = 2.4  # in longer sides of the box: as much surroundings as tells an animal from a stone
_LONGEST_SIDE = 4000  # px: a photograph of 20 MP keeps two thirds of its resolution
_STRIP = 512  # rows of the scaled picture that are made at a time
_QUALITY = 85
_MOST_CROP_BYTES = 256_000_000
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

    One at a time: decoding takes all cores by itself, and the memory of one image.

    Args:
        reading: How the run read bands and values.
    """

    def __init__(self, reading: Reading = AS_IT_IS) -> None:
        self._reading = reading
        self._turn = threading.Lock()
        self._crops = _Kept(_MOST_CROP_BYTES)
        self._photographs = _Kept(_MOST_PHOTOGRAPH_BYTES)

    def crop(self, image: int, result: ImageResult, row: int) -> bytes:
        """A detection with its surroundings, as JPEG. The others of its image are made with it.

        Args:
            image: Number of the image in its run.
            result: The image; it has detections.
            row: Of the detection.

        Raises:
            UnreadableImageError: The image is gone, or cannot be read.
        """

        def make() -> list[bytes]:
            count = 0 if result.detections is None else len(result.detections)
            source = open_image(result.path, self._reading)
            try:
                return [
                    cut(source, result, one, margin=_CROP_MARGIN, most=_CROP_SIDE).jpeg
                    for one in range(count)
                ]
            finally:
                source.close()

        with self._turn:
            return self._crops.get(image, make)[row]

    def photograph(self, image: int, result: ImageResult) -> bytes:
        """A whole image, as JPEG.

        Raises:
            UnreadableImageError: The image is gone, or cannot be read.
        """

        def make() -> list[bytes]:
            source = open_image(result.path, self._reading)
            try:
                return [scaled(source)]
            finally:
                source.close()

        with self._turn:
            return self._photographs.get(image, make)[0]


def scaled(source: ImageSource, longest: int = _LONGEST_SIDE) -> bytes:
    """A whole image with at most `longest` px a side, as JPEG.

    It is read in strips: a mosaic of many gigabytes takes the memory of one strip.
    """
    factor = max(1.0, max(source.width, source.height) / longest)
    width, height = max(1, round(source.width / factor)), max(1, round(source.height / factor))
    picture = Image.new("RGB", (width, height))
    strip = max(1, round(_STRIP / factor))
    for top in range(0, height, strip):
        bottom = min(top + strip, height)
        first = round(top * source.height / height)
        last = max(first + 1, round(bottom * source.height / height))
        pixels = read_around_damage(source, Window(0, first, source.width, last - first))
        part = Image.fromarray(np.ascontiguousarray(pixels))
        if part.size != (width, bottom - top):
            part = part.resize((width, bottom - top), Image.Resampling.BOX)
        picture.paste(part, (0, top))
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=_QUALITY)
    return buffer.getvalue()
