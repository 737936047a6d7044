"""What a run would meet: images, tiles, time and space, looked at before anything is written."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from wildetect.detection.network.detector import Detector
from wildetect.detection.run.image_work import ImageWork, reason_of
from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.tiles.overlap import OverlapSummary
from wildetect.detection.tiles.scale import ScaleSummary
from wildetect.detections import Detections
from wildetect.errors import InputError
from wildetect.how_far import through
from wildetect.imagery.discovery import ImageFile
from wildetect.imagery.opening import look_at_file, open_file
from wildetect.imagery.reading import Reading
from wildetect.imagery.source import ArraySource, ImageFacts, Pixels, UnreadableImageError
from wildetect.results.records import ImageResult, RunSummary
from wildetect.wording import in_bytes

__all__ = ["Space", "Survey", "check_space", "glance", "sample", "seconds_per_tile", "space_for", "survey"]

_HEADER_THREADS = 8  # headers wait for the disk, on a network drive most of all
_TIMED_PASSES = 4  # for each worker thread
_LOOKED_AT = 5
_GLANCE_THREADS = 4  # each holds a decoded photograph
_GLANCES = 24  # tiles of a raster
_SAMPLE = 50  # headers; a second even where a network drive takes a tenth of one for each
_BASE_BYTES = 20_000_000  # report and log
_BYTES_PER_IMAGE = 4_000  # a line in the journal and in each export
_OVERLAY_BYTES_PER_PX = 0.3
_LARGEST_OVERLAY = 50_000_000  # px


@dataclass(slots=True)
class Survey:
    """What the headers of the images say.

    Attributes:
        unreadable: Reason for each image that cannot be read; much that is broken shows only later.
        without_position: Images without GPS position or place on the map.
        tiles: For each readable image; a raster's empty tiles are among them.
        pixels: Number of pixels of all readable images.
        doubts: Names of the images for each reason why detections in them may be wrong.
        read_as: Names of the images for each way of reading that is not plain.
        dark: Names of the images that are almost black.
        tiles_failed: Tiles that cannot be read, for each image that has some.
        glanced_at: Number of images whose pixels were looked at, too.
        overlap: What overlap_ratio: auto comes to; None where the overlap is given.
        scale: What scale: auto comes to; None where it is native.
        otherwise: For other options by name the number of tiles of each readable image.
    """

    unreadable: dict[str, str] = field(default_factory=dict)
    without_position: int = 0
    tiles: dict[str, int] = field(default_factory=dict)
    pixels: int = 0
    doubts: dict[str, list[str]] = field(default_factory=dict)
    read_as: dict[str, list[str]] = field(default_factory=dict)
    dark: list[str] = field(default_factory=list)
    tiles_failed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    glanced_at: int = 0
    overlap: OverlapSummary | None = None
    scale: ScaleSummary | None = None
    otherwise: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def pixels_each(self) -> float:
        """Mean size of a readable image in px."""
        return self.pixels / max(len(self.tiles), 1)

    def add(self, seen: RunSummary, images: Sequence[ImageFile]) -> None:
        """Add what pixels say of some of the images.

        Args:
            seen: What a run would say of them.
            images: All, whose order names keep.
        """
        self.glanced_at += seen.done
        self.unreadable = _in_order({**self.unreadable, **seen.failures}, images)
        for name in seen.failures:
            self.tiles.pop(name, None)
        self.dark += seen.dark
        self.tiles_failed |= seen.tiles_failed
        for told, known in ((seen.doubts, self.doubts), (seen.read_as, self.read_as)):
            for text, names in told.items():
                known[text] = [*_in_order(dict.fromkeys([*known.get(text, ()), *names], ""), images)]


@dataclass(frozen=True, slots=True)
class Space:
    """Space on the drive of the output folder, in bytes.

    Attributes:
        needed: For all results.
        free: What is there.
        pictures: How much of what is needed is for pictures with boxes.
    """

    needed: int
    free: int
    pictures: int = 0

    @property
    def fix(self) -> str:
        """What to do where it is too little."""
        if self.needed - self.pictures > self.free:
            return "Make room, or give another folder with --output."
        return "Make room, give another folder with --output, or draw fewer pictures with --overlays none."


def survey(
    images: Sequence[ImageFile],
    options: PipelineOptions,
    others: Mapping[str, PipelineOptions] | None = None,
) -> Survey:
    """Look at the headers of images.

    Args:
        images: All, or a sample.
        options: Options of the run.
        others: Options for which tiles are counted as well, by name.
    """
    auto, scale, others = options.auto_overlap, options.scale, others or {}
    found = Survey(
        otherwise={name: {} for name in others},
        overlap=None if auto is None else OverlapSummary(),
        scale=None if scale is None or not scale.cut else ScaleSummary(scale.trained),
    )
    with ThreadPoolExecutor(_HEADER_THREADS) as threads:
        looked = threads.map(lambda image: _facts(image, options.reading), images)
        for image, facts in through(zip(images, looked, strict=True), "headers of images read", len(images)):
            if isinstance(facts, str):
                found.unreadable[image.name] = facts
                continue
            tiles = options.tiles(facts)
            found.tiles[image.name] = len(tiles)
            for name, other in others.items():
                found.otherwise[name][image.name] = len(other.tiles(facts))
            if auto is not None and found.overlap is not None and len(tiles) > 1:
                found.overlap.add(auto.measure(facts, options.side(facts)))
            if scale is not None and found.scale is not None:
                found.scale.add(scale.measure(facts))
            far_off = options.scale_doubt(facts, tiles[0])
            for text in (*facts.doubts, *([far_off] if far_off else [])):
                found.doubts.setdefault(text, []).append(image.name)
            for text in facts.read_as:
                found.read_as.setdefault(text, []).append(image.name)
            found.pixels += facts.width * facts.height
            found.without_position += not (facts.position or facts.georeference or image.position)
    return found


def sample(images: Sequence[ImageFile]) -> Sequence[ImageFile]:
    """At most 50 of the images, from first to last: to look at all would hold up a large run."""
    return images[:: max(math.ceil(len(images) / _SAMPLE), 1)]


def glance(images: Sequence[ImageFile], options: PipelineOptions) -> RunSummary:
    """What a run would say of images by their pixels, in its own words; no model looks at them.

    Photographs are decoded whole; of rasters some tiles are read, from the first to the last.
    """
    with ThreadPoolExecutor(_GLANCE_THREADS) as threads:
        looked = threads.map(lambda image: _glanced_at(image, options), images)
        return RunSummary.of(through(looked, "images looked at", len(images)))


def _glanced_at(image: ImageFile, options: PipelineOptions) -> ImageResult:
    work = ImageWork(0, image, time.perf_counter())
    try:
        source = work.source = open_file(image, options.reading)
        tiles = options.tiles(source)
        work.scale = options.scale_doubt(source, tiles[0])
        for window in tiles[:: 1 if isinstance(source, ArraySource) else -(-len(tiles) // _GLANCES)]:
            work.glance(window, source)
    except Exception as error:  # noqa: BLE001 - one image must not cost the others, as in a run
        work.failure = reason_of(error, image)
    work.fail_if_unread()
    return work.result(None if work.failure is not None else Detections.empty())


def _in_order(names: Mapping[str, str], images: Sequence[ImageFile]) -> dict[str, str]:
    return {image.name: names[image.name] for image in images if image.name in names}


def _facts(image: ImageFile, reading: Reading) -> ImageFacts | str:
    try:
        return look_at_file(image, reading)
    except UnreadableImageError as error:
        return error.reason


def seconds_per_tile(
    images: Sequence[ImageFile], detector: Detector, options: PipelineOptions
) -> float | None:
    """Time some tiles from the middle of the run, as many at once as the run will have in work.

    Returns:
        None if no image could be read.
    """
    workers = options.workers or detector.workers
    size = detector.tiles_per_pass
    tiles = _some_tiles(images, options, size)
    if not tiles:
        return None
    batch = [tiles[number % len(tiles)] for number in range(size)]
    detector.detect(batch, options.confidence)  # the first pass takes longer
    passes = workers * _TIMED_PASSES
    with ThreadPoolExecutor(workers) as threads:
        begun = time.perf_counter()
        list(threads.map(lambda _: detector.detect(batch, options.confidence), range(passes)))
        return (time.perf_counter() - begun) / (passes * size)


def _some_tiles(images: Sequence[ImageFile], options: PipelineOptions, count: int) -> list[Pixels]:
    middle = len(images) // 2
    for image in [*images[middle:], *images[:middle]][:_LOOKED_AT]:
        try:
            source = open_file(image, options.reading)
        except UnreadableImageError:
            continue
        try:
            windows = options.tiles(source)
            start = max(len(windows) - count, 0) // 2
            return [source.read(window).copy() for window in windows[start : start + count]]
        except UnreadableImageError:
            continue
        finally:
            source.close()
    return []


def space_for(folder: Path, images: int, *, overlays: int | None, pixels_each: float) -> Space:
    """Space that results take, estimated on the safe side, and what is free.

    Args:
        folder: The output folder; it need not exist yet.
        images: Number of images.
        overlays: Most pictures to draw; None: all.
        pixels_each: Mean size of an image in px.
    """
    drawn = images if overlays is None else min(images, overlays)
    pictures = round(drawn * min(pixels_each, _LARGEST_OVERLAY) * _OVERLAY_BYTES_PER_PX)
    there = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        raise InputError(
            f"the drive of {folder} cannot be used: {error.strerror or error}",
            hint="Check the drive, or give another folder with --output.",
        ) from error
    return Space(_BASE_BYTES + images * _BYTES_PER_IMAGE + pictures, free, pictures)


def check_space(folder: Path, images: int, looked_at: Survey, overlays: int | None) -> Space:
    """The part of a preflight that costs nothing: whether the results find room.

    Args:
        folder: The output folder; it need not exist yet.
        images: Number of images.
        looked_at: Some of them.
        overlays: Most pictures to draw; None: all.

    Raises:
        InputError: They do not.
    """
    space = space_for(folder, images, overlays=overlays, pixels_each=looked_at.pixels_each)
    if space.free < space.needed:
        raise InputError(
            f"the results need about {in_bytes(space.needed)}, but {folder} has {in_bytes(space.free)} free",
            hint=space.fix,
        )
    return space
