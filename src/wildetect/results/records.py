"""What a detection run knows about each image, and about all of them together.

A new fact of an image is a field of `ImageResult`, where `ImageWork` sets it; the journal keeps it by
itself. One that is counted for the whole run is a field of `Tally` and of `RunSummary`, too, and one of
run.json (module run).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wildetect.detections import Detections
from wildetect.geometry import Window
from wildetect.remote.place import Place
from wildetect.results.pictures.stamps import Stamp

__all__ = ["COUNTED", "MANY_CUT", "PLAIN", "CoarseResult", "ImageResult", "RunSummary", "Tally", "TileResult"]

MANY_CUT = 0.05
"""More than this share of all boxes at inner borders of tiles is no accident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageResult:
    """The outcome for one image: detections, or the reason why there are none.

    Attributes:
        name: Path relative to the source folder, with forward slashes; unique in a run.
        path: Where the file lies, or its address.
        detections: Detections in px of the upright image, cut to it; null if the image failed.
        failure: Reason why the image failed, for a person; null if it did not.
        width: Width of the upright image in px; null if it could not be opened.
        height: Height of the upright image in px; null if it could not be opened.
        tiles: Number of tiles run through the model.
        seconds: Seconds from the start of decoding to the stitched result, other images being in work
            meanwhile.
        longitude: Longitude of the camera in degrees, WGS 84; null if unknown.
        latitude: Latitude of the camera in degrees, WGS 84; null if unknown.
        positions: Longitude and latitude of the middle of each detection's box in degrees, WGS 84, shape
            (n, 2); null where the image has no place on the map, as a photograph has not.
        outlines: Longitude and latitude of the corners of each oriented box, one after the other, shape
            (n, 8); null where boxes are upright or the image has no place on the map.
        tiles_empty: Number of tiles that were left out: a raster has no data there.
        tiles_failed: Tiles that could not be read, each as "width x height px at x, y ..." and the
            reason; animals in them are missing from the detections. None of an image that failed as a whole.
        dark: Whether it is almost black: nobody would find animals in it.
        read_as: How its bands and values were read and where it was placed, where that was not plain.
        doubts: Why its detections may be wrong, for a person; the same words for the same reason.
        tiles_full: Number of tiles in which a limit was reached: animals may be missing.
        boxes_cut: Number of its detections that end at an inner border of a tile and were seen whole by no
            tile: each may be a part of an animal that counts more than once.
        boxes_joined: Number of parts of animals that were joined to others across such borders.
        longest_cut: Extent across a border of the longest of both, in px.
        scaled_tile: Side in px of its tiles where they are cut for the scale of the model's training; else 0.
        stamp: Stamp of its file before it was read, as the journal has it; null where that is not known.
        pieces: The sha256 of start, middle and end of its file; null where that is not known, and at an
            address, whose server has a tag for it.
    """

    name: str
    path: Place
    detections: Detections | None = None
    failure: str | None = None
    width: int | None = None
    height: int | None = None
    tiles: int = 0
    seconds: float = 0.0
    longitude: float | None = None
    latitude: float | None = None
    positions: NDArray[np.float64] | None = None
    outlines: NDArray[np.float64] | None = None
    tiles_empty: int = 0
    tiles_failed: tuple[str, ...] = ()
    dark: bool = False
    read_as: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    tiles_full: int = 0
    boxes_cut: int = 0
    boxes_joined: int = 0
    longest_cut: int = 0
    scaled_tile: int = 0
    stamp: Stamp | None = None
    pieces: str | None = None

    def __post_init__(self) -> None:
        if (self.detections is None) == (self.failure is None):
            raise ValueError(f"{self.name}: an image has either detections or a failure")
        if self.positions is not None and (
            self.detections is None or self.positions.shape != (len(self.detections), 2)
        ):
            raise ValueError(f"{self.name}: each detection has one position")
        if self.outlines is not None and (
            self.detections is None or self.outlines.shape != (len(self.detections), 8)
        ):
            raise ValueError(f"{self.name}: each oriented box has one outline")

    @property
    def failed(self) -> bool:
        """Whether the image could not be processed."""
        return self.failure is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class CoarseResult(ImageResult):
    """A result whose places are the middles of the cells of a grid (module blurring)."""


class TileResult(NamedTuple):
    """What is known of one tile of an image.

    Attributes:
        window: Where it lies.
        detections: Detections in px of the image; None if it holds no data or could not be read.
        failure: Why it could not be read.
        levels: Its lowest and highest value of 255, or some that say as much: that it is neither dark nor
            flat; None if that cannot be told.
        full: Whether a limit was reached, so that animals may be missing.
    """

    window: Window
    detections: Detections | None = None
    failure: str | None = None
    levels: tuple[int, int] | None = None
    full: bool = False


class Tally(NamedTuple):
    """What is counted of an image.

    Attributes:
        failure: Reason why the image failed; None if it did not.
        class_ids: Class ids of all detections.
        tiles: Tiles run through the model.
        tiles_empty: Tiles left out.
        tiles_failed: Tiles that could not be read.
        dark: Whether it is almost black.
        read_as: How it was read, where that was not plain.
        doubts: Why its detections may be wrong.
        tiles_full: Tiles in which a limit was reached.
        boxes_cut: Detections that end at an inner border of a tile.
        boxes_joined: Parts that were joined.
        longest_cut: Extent of the longest of both in px.
        scaled_tile: Side in px of tiles that are cut for the model's scale; else 0.
    """

    failure: str | None
    class_ids: tuple[int, ...]
    tiles: int
    tiles_empty: int
    tiles_failed: tuple[str, ...]
    dark: bool = False
    read_as: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    tiles_full: int = 0
    boxes_cut: int = 0
    boxes_joined: int = 0
    longest_cut: int = 0
    scaled_tile: int = 0

    @classmethod
    def of(cls, result: ImageResult) -> Tally:
        """The counts of a result."""
        found = result.detections
        class_ids = () if found is None else tuple(found.class_id.tolist())
        return cls(class_ids=class_ids, **{name: getattr(result, name) for name in COUNTED})


COUNTED = tuple(name for name in Tally._fields if name != "class_ids")
"""Facts of an image that are counted: fields of `ImageResult` and of `Tally`."""

_OTHERS = frozenset(("name", "path", "detections", "positions", "outlines", "stamp"))
PLAIN = tuple(one.name for one in fields(ImageResult) if one.name not in _OTHERS)
"""Facts of an image that are a number, a text or a list of texts: a journal keeps them by their names."""


@dataclass(slots=True)
class RunSummary:
    """Counts over the images of a run; `add` each result as it comes.

    Attributes:
        expected: Number of images the run was to process.
        done: Images with a result, failed ones included.
        with_detections: Images with at least one detection.
        detections: All detections.
        tiles: Tiles run through the model.
        counts: Detections for each class id.
        failures: Reason for each failed image's name.
        tiles_empty: Tiles left out, as a raster has no data there.
        tiles_failed: The tiles that could not be read, for each image that has some and did not fail.
        dark: Names of the images that are almost black.
        read_as: Names of the images for each way of reading that is not plain.
        doubts: Names of the images for each doubt.
        full: Number of tiles in which a limit was reached, for each image that has some.
        cut: Number of detections that end at an inner border of a tile, for each image that has some.
        joined: Parts that were joined across such borders.
        longest_cut: Extent of the longest of both in px.
        scaled: Number of images for each side in px of tiles that are cut for the model's scale.
    """

    expected: int = 0
    done: int = 0
    with_detections: int = 0
    detections: int = 0
    tiles: int = 0
    counts: Counter[int] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    tiles_empty: int = 0
    tiles_failed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    dark: list[str] = field(default_factory=list)
    read_as: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    doubts: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    full: dict[str, int] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    joined: int = 0
    longest_cut: int = 0
    scaled: Counter[int] = field(default_factory=Counter)

    @classmethod
    def of(cls, results: Iterable[ImageResult], expected: int | None = None) -> RunSummary:
        """The summary of results at hand; without `expected` they are all there is."""
        summary = cls()
        for result in results:
            summary.add(result)
        summary.expected = summary.done if expected is None else expected
        return summary

    @property
    def many_cut(self) -> bool:
        """Whether so many boxes end at borders of tiles that animals may count more than once."""
        return sum(self.cut.values()) > MANY_CUT * self.detections

    @property
    def failed(self) -> int:
        """Number of failed images."""
        return len(self.failures)

    @property
    def read(self) -> int:
        """Number of images that did not fail."""
        return self.done - self.failed

    @property
    def left(self) -> int:
        """Images that the run did not come to, because it was stopped."""
        return self.expected - self.done

    def add(self, result: ImageResult) -> None:
        """Count one more image."""
        self.count(result.name, Tally.of(result))

    def count(self, name: str, tally: Tally) -> None:
        """Count one more image, of which only the counts are at hand."""
        self.done += 1
        self.tiles += tally.tiles
        self.tiles_empty += tally.tiles_empty
        if tally.failure is not None:
            self.failures[name] = tally.failure
            return
        if tally.tiles_failed:
            self.tiles_failed[name] = tally.tiles_failed
        if tally.dark:
            self.dark.append(name)
        for told, by_text in ((tally.read_as, self.read_as), (tally.doubts, self.doubts)):
            for text in told:
                by_text[text].append(name)
        if tally.tiles_full:
            self.full[name] = tally.tiles_full
        if tally.boxes_cut:
            self.cut[name] = tally.boxes_cut
        self.joined += tally.boxes_joined
        self.longest_cut = max(self.longest_cut, tally.longest_cut)
        if tally.scaled_tile:
            self.scaled[tally.scaled_tile] += 1
        self.detections += len(tally.class_ids)
        self.with_detections += len(tally.class_ids) > 0
        self.counts.update(tally.class_ids)

    def per_class(self, class_names: Sequence[str]) -> dict[str, int]:
        """Detections for each class name, those without any included, in the model's order."""
        return {name: self.counts[class_id] for class_id, name in enumerate(class_names)}
