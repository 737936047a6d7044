"""How values of more than 8 bits become 8: by one rule for a whole raster, never tile by tile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wildetect.imagery.reading import Stretch

__all__ = ["PLAIN", "Levels", "NoPictureError", "is_opacity", "levels_of"]

_PERCENTILES: Final = (2.0, 98.0)
_WHITE: Final = 255
_VEILED: Final = 0.5  # of the pixels that are seen: more are half transparent in no mosaic
_MARKS: Final = (-999.0, -9999.0, -10_000.0, -32_767.0, -32_768.0, -99_999.0, -2_147_483_648.0)
_LEAST_FLOAT: Final = -1e30  # GIS programs write the least number of 32 bits, -3.4e38, or -1e32
_SAMPLES: Final = 8  # windows along each side, spread evenly
_SAMPLE_SIDE: Final = 256  # px
_SMALL: Final = 2048  # px: shorter sides than this are read whole


class NoPictureError(ValueError):
    """Values of which nobody can say what black and white are."""


@dataclass(frozen=True, slots=True)
class Levels:
    """The values that become black and white; those between lie evenly.

    Attributes:
        black: Becomes 0, and so does all below.
        white: Becomes 255, and so does all above.
        why: What decided, for a person; None for plain values of 8 bits.
        doubt: Why it may be wrong, for a person.
        mark: The value that stands for no data though the file does not say so; null: none.
    """

    black: float
    white: float
    why: str | None = None
    doubt: str | None = None
    mark: float | None = None

    @property
    def text(self) -> str | None:
        """What is recorded of a run."""
        if self.why is None:
            return None
        marked = "" if self.mark is None else f"; {self.mark:.6g} is no data, though the file does not say so"
        return f"values {self.black:.6g} to {self.white:.6g} as black to white ({self.why}){marked}"

    def holds_data(self, values: NDArray[Any]) -> NDArray[np.bool_] | None:
        """Which pixels are numbers and no mark, shape (height, width); null: nothing tells that some are not.

        Args:
            values: Shape (bands, height, width); those made smaller may be a mixture of marks and others.
        """
        if values.dtype.kind != "f" and self.mark is None:
            return None
        numbers = np.isfinite(values)
        if self.mark is not None:
            numbers &= values > self.mark / 2
        return numbers.all(axis=0)  # type: ignore[no-any-return]

    def apply(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """8 bits of values of any kind, rounded to the nearest; no number (NaN) becomes 0."""
        if values.dtype == np.uint8 and (self.black, self.white) == (0, _WHITE):
            return values
        if values.dtype == np.uint16 and (self.black, self.white) == (0, np.iinfo(np.uint16).max):
            return ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
        # a table would be quicker for integers and say the same; the model takes a hundred times as long
        scaled = (values.astype(np.float64) - self.black) * (_WHITE / (self.white - self.black))
        return np.rint(np.clip(np.nan_to_num(scaled, nan=0.0), 0, _WHITE)).astype(np.uint8)


PLAIN: Final = Levels(0, _WHITE)
"""Levels of plain values of 8 bits."""


def levels_of(dataset: Any, bands: Sequence[int], stretch: Stretch) -> Levels:
    """The levels of an open rasterio dataset, one pair for all of its bands, so that colours stay.

    Args:
        dataset: The raster.
        bands: Bands that are read; all of one type.
        stretch: `processing.stretch`.

    Raises:
        NoPictureError: Its values may be anything, such as heights, and nobody says how to read them.
    """
    dtype = np.dtype(dataset.dtypes[bands[0] - 1])
    if dtype.kind not in "uif":
        raise NoPictureError(f"it holds {dtype} values, not a picture's")
    full = _full_range(dataset, bands, dtype)
    inverted = dataset.tags(ns="IMAGE_STRUCTURE").get("MINISWHITE") == "YES"
    if full == _WHITE:
        return Levels(_WHITE, 0, "0 is white in the file") if inverted else PLAIN
    sample = _sample(dataset, bands) if full is None or stretch == "percentiles" else np.zeros(0)
    mark = None if full is not None else _mark_in(sample)
    if mark is not None:
        sample = sample[sample > mark]
    if not isinstance(stretch, str):
        levels = Levels(*stretch, "processing.stretch")
    elif stretch == "percentiles":
        levels = _by_percentiles(sample, None)
    elif full is not None:
        levels = Levels(0, full, f"the full range of {int(full).bit_length()} bits")
    else:
        levels = _of_unlimited(sample, bands, dtype)
    if inverted and isinstance(stretch, str):
        levels = replace(levels, black=levels.white, white=levels.black)
    return replace(levels, mark=mark)


def _mark_in(sample: NDArray[Any]) -> float | None:
    """The value that programs write where there is no data, where a raster holds it and nothing near it.

    A negative one that they use, as the least of all values, with half of the way to 0 free above it.
    """
    least = float(sample.min()) if len(sample) else 0.0
    if least > _LEAST_FLOAT and least not in _MARKS:
        return None
    rest = sample[sample > least]
    return least if not len(rest) or float(rest.min()) > least / 2 else None


def _full_range(dataset: Any, bands: Sequence[int], dtype: np.dtype[Any]) -> float | None:
    """The largest value that the file can hold, by its NBITS if it says them; None for other types."""
    if dtype.kind != "u" or dtype.itemsize > np.dtype(np.uint16).itemsize:
        return None
    most = int(np.iinfo(dtype).max)
    stated = [dataset.tags(band, ns="IMAGE_STRUCTURE").get("NBITS", "") for band in bands]
    bits = [int(text) for text in stated if text.isdigit() and int(text) > 0]
    return float(min((1 << max(bits)) - 1, most)) if bits else float(most)


def _of_unlimited(sample: NDArray[Any], bands: Sequence[int], dtype: np.dtype[Any]) -> Levels:
    """Signed, long or floating-point values: they say nothing of black and white."""
    if dtype.kind in "iu" and (not len(sample) or (sample.min() >= 0 and sample.max() <= _WHITE)):
        return Levels(0, _WHITE, f"8 bits, stored as {dtype}")
    if len(bands) == 1:
        what = "floating point" if dtype.kind == "f" else "signed or long"
        raise NoPictureError(
            f"one band of {what} ({dtype}) values (elevations? temperatures?): not a picture as it is; set "
            "processing.stretch to percentiles, or to the two values that are black and white, if it is one"
        )
    return _by_percentiles(
        sample,
        f"{dtype} values, which say nothing of black and white: each raster is stretched by its own "
        "percentiles, so that equal values differ between rasters; set processing.stretch to two values, "
        "such as [0, 0.3], for one rule",
    )


def _by_percentiles(sample: NDArray[Any], doubt: str | None) -> Levels:
    if not len(sample):
        return Levels(0, 1, "no values at all", doubt)
    low, high = (float(value) for value in np.percentile(sample, _PERCENTILES))
    if high <= low:
        low, high = float(sample.min()), float(sample.max())
    if high <= low:
        high = low + 1
    return Levels(low, high, f"percentiles {_PERCENTILES[0]:g} and {_PERCENTILES[1]:g} of the raster", doubt)


def is_opacity(dataset: Any, band: int) -> bool:
    """Whether the values of a band that is marked as opacity are that: all or nothing, but at edges."""
    dtype = np.dtype(dataset.dtypes[band - 1])
    sample = _sample(dataset, [band])  # without those of 0
    return dtype.kind != "u" or not len(sample) or float(np.mean(sample < np.iinfo(dtype).max)) < _VEILED


def _sample(dataset: Any, bands: Sequence[int]) -> NDArray[Any]:
    """Values of all bands, of the same places at each start; without nodata."""
    parts = []
    for window in _windows(dataset.width, dataset.height):
        values = dataset.read(list(bands), window=window)
        valid = dataset.dataset_mask(window=window) != 0
        if values.dtype.kind == "f":
            valid &= np.isfinite(values).all(axis=0)
        parts.append(values[:, valid].ravel())
    return np.concatenate(parts) if parts else np.zeros(0)


def _windows(width: int, height: int) -> Iterator[Any]:
    from rasterio.windows import Window

    if max(width, height) <= _SMALL:
        yield Window(0, 0, width, height)
        return
    for top in _starts(height):
        for left in _starts(width):
            yield Window(left, top, min(_SAMPLE_SIDE, width), min(_SAMPLE_SIDE, height))


def _starts(length: int) -> list[int]:
    last = max(length - _SAMPLE_SIDE, 0)
    return sorted({round(last * part / (_SAMPLES - 1)) for part in range(_SAMPLES)})
