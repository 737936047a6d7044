"""The lines of a journal: one image's result each, as JSON with every digit.

Single-precision numbers are written with the digits that bring the very same number back, so that
exports made from a journal are those made from the results themselves, byte by byte. Each line carries
its checksum (module sealed).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wildetect.detections import Detections
from wildetect.errors import ConfigurationError
from wildetect.geometry import Window
from wildetect.remote.place import Place, place_of_text
from wildetect.results.files import along, way_from
from wildetect.results.pictures.stamps import Stamp, stamp_of
from wildetect.results.records import COUNTED, PLAIN, ImageResult, Tally, TileResult

__all__ = [
    "Entry",
    "document_of",
    "place_document",
    "place_from",
    "result_from",
    "tally_from",
    "tiles_document",
    "tiles_from",
]

# facts of an image that earlier versions wrote always, and look for; others where they say something
_ALWAYS = frozenset(
    ("failure", "width", "height", "tiles", "seconds", "longitude", "latitude", "tiles_empty")
)
# what older journals say of a tile, whether it is almost black, as its lowest and highest value
_OLDER: dict[bool | None, tuple[int, int] | None] = {True: (0, 0), False: (0, 255), None: None}
_DEFAULTS = {one.name: one.default for one in fields(ImageResult)}


class Entry(NamedTuple):
    """What is kept in memory of a line.

    Attributes:
        offset: Offset of the line in bytes.
        stamp: Stamp of the image's file before it was read.
        tally: Counts.
        seconds: What the image added to the time that the run worked.
    """

    offset: int
    stamp: Stamp | None
    tally: Tally
    seconds: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the image failed."""
        return self.tally.failure is None and not self.tally.tiles_failed


def document_of(result: ImageResult, stamp: Stamp | None, folder: Path | None = None) -> dict[str, Any]:
    """What the line of a result says.

    Args:
        result: The result.
        stamp: Stamp of the image's file, taken before it was read.
        folder: Folder of the journal: where the image lies from there is kept, too.
    """
    document: dict[str, Any] = {
        "image": result.name,
        **place_document(result.path, folder),
        "stamp": stamp and stamp.document,
    }
    for name in PLAIN:
        value = getattr(result, name)
        if name in _ALWAYS or value != _DEFAULTS[name]:
            document[name] = value
    if result.detections is not None:
        document["xyxy"] = result.detections.xyxy.tolist()
        document["confidence"] = result.detections.confidence.tolist()
        document["class_id"] = result.detections.class_id.tolist()
        if result.detections.corners is not None:
            document["corners"] = result.detections.corners.tolist()
    if result.positions is not None:
        document["positions"] = result.positions.tolist()
    if result.outlines is not None:
        document["outlines"] = result.outlines.tolist()
    return document


def tiles_document(name: str, stamp: Stamp | None, tiles: Sequence[TileResult]) -> dict[str, Any]:
    """What a line says of some tiles of an image that is not done."""
    found = Detections.concatenate([tile.detections for tile in tiles if tile.detections is not None])
    corners = {} if found.corners is None else {"corners": found.corners.tolist()}
    return {
        "part_of": name,
        "stamp": stamp and stamp.document,
        "windows": [[tile.window.x, tile.window.y, tile.window.width, tile.window.height] for tile in tiles],
        # number of detections; null for a tile without any because it holds no data or was not read
        "counts": [None if tile.detections is None else len(tile.detections) for tile in tiles],
        "failures": [tile.failure for tile in tiles],
        "levels": [tile.levels for tile in tiles],
        "full": [tile.full for tile in tiles],
        "xyxy": found.xyxy.tolist(),
        "confidence": found.confidence.tolist(),
        "class_id": found.class_id.tolist(),
        **corners,
    }


def tiles_from(document: dict[str, Any]) -> Iterator[TileResult]:
    """The tiles that a line holds."""
    found = _detections(document)
    start = 0
    windows = document["windows"]
    levels = document.get("levels") or [_OLDER[dark] for dark in document.get("dark", [False] * len(windows))]
    full = document.get("full", [False] * len(windows))  # older journals do not say
    columns = (document["counts"], document["failures"], levels, full)
    for window, count, failure, bounds, is_full in zip(windows, *columns, strict=True):
        part = None if count is None else found.select(slice(start, start + count))
        start += count or 0
        range_of_values = None if bounds is None else (bounds[0], bounds[1])
        yield TileResult(Window(*window), part, failure, range_of_values, is_full)


def _detections(document: dict[str, Any]) -> Detections:
    """The detections that a line holds; only those of oriented boxes have corners."""
    boxes = document["xyxy"], document["confidence"], document["class_id"]
    return Detections(*boxes, document.get("corners"))


def tally_from(document: dict[str, Any]) -> Tally:
    """The counts that a line holds."""
    return Tally(class_ids=tuple(document.get("class_id", ())), **_facts(document, COUNTED))


def _facts(document: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Facts of an image; those that a line does not say have their defaults."""
    found = {name: document.get(name, _DEFAULTS[name]) for name in names}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}


def place_document(path: Place, folder: Path | None = None) -> dict[str, str]:
    """Say where an image lies, and where that is from the folder of the journal: both may be moved together.

    Args:
        path: Path of the image.
        folder: Folder of the journal; on another drive there is no way from the one to the other.
    """
    document = {"path": str(path)}
    if folder is not None and isinstance(path, Path) and (way := way_from(folder, path)):
        document["from_here"] = way
    return document


def place_from(document: dict[str, Any], folder: Path | None = None) -> Place:
    """Say where an image lies now: where it lay from the journal, if both were moved, else where it lay.

    Args:
        document: Its place, and the stamp that its file had.
        folder: Folder of the journal, as it is called now.
    """
    text, from_here = document["path"], document.get("from_here")
    for name, value in (("path", text), ("from_here", from_here or "")):
        if not isinstance(value, str):
            raise TypeError(f"{name}: expected str, not {type(value).__name__}")
    try:
        there = place_of_text(text)
    except ConfigurationError as error:  # of a kind that is not read
        raise ValueError(error.message) from None
    if folder is None or from_here is None:
        return there
    here = along(folder, from_here)
    if here == there:
        return there
    now, then = stamp_of(here), document.get("stamp")
    another = now is not None and then and Stamp(*then).contradicts(now)
    # who looks at it says of another picture that it is one
    return there if now is None or (another and stamp_of(there) is not None) else here


def result_from(
    document: dict[str, Any], path: Place | None = None, folder: Path | None = None
) -> ImageResult:
    """The result that a line holds.

    Args:
        document: The parsed line.
        path: Where the image lies now; by default as the line says.
        folder: Folder of the journal, for images that were moved with it.
    """
    found = None
    if document["failure"] is None:
        found = _detections(document)
    positions, outlines = document.get("positions"), document.get("outlines")
    return ImageResult(
        name=document["image"],
        path=path or place_from(document, folder),
        detections=found,
        positions=None if positions is None else np.array(positions, np.float64).reshape(-1, 2),
        outlines=None if outlines is None else np.array(outlines, np.float64).reshape(-1, 8),
        stamp=Stamp(*document["stamp"]) if document.get("stamp") else None,
        **_facts(document, PLAIN),
    )
