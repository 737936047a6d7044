"""What a run would meet: images, tiles, time and space, looked at before anything is written."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from wildetect.detection.detector import Detector
from wildetect.detection.options import PipelineOptions
from wildetect.errors import InputError
from wildetect.imagery.discovery import ImageFile
from wildetect.imagery.source import ImageFacts, Pixels, UnreadableImageError, look_at, open_image

__all__ = ["Space", "Survey", "check_space", "seconds_per_tile", "space_for", "survey"]

_HEADER_THREADS = 8  # headers wait for the disk, on a network drive most of all
_TIMED_PASSES = 4  # for each worker thread
_LOOKED_AT = 5
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
        pixels: Of all readable images.
    """

    unreadable: dict[str, str] = field(default_factory=dict)
    without_position: int = 0
    tiles: dict[str, int] = field(default_factory=dict)
    pixels: int = 0


@dataclass(frozen=True, slots=True)
class Space:
    """Space on the drive of the output folder, in bytes."""

    needed: int
    free: int


def survey(images: Sequence[ImageFile], options: PipelineOptions) -> Survey:
    """Look at the headers of images."""
    found = Survey()
    with ThreadPoolExecutor(_HEADER_THREADS) as threads:
        for image, facts in zip(images, threads.map(_facts, images), strict=True):
            if isinstance(facts, str):
                found.unreadable[image.name] = facts
                continue
            found.tiles[image.name] = len(options.tiles(facts))
            found.pixels += facts.width * facts.height
            found.without_position += not (facts.position or facts.georeference or image.position)
    return found


def _facts(image: ImageFile) -> ImageFacts | str:
    try:
        return look_at(image.path)
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
            source = open_image(image.path)
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
    pictures = drawn * min(pixels_each, _LARGEST_OVERLAY) * _OVERLAY_BYTES_PER_PX
    there = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        raise InputError(
            f"the drive of {folder} cannot be used: {error.strerror or error}",
            hint="Check the drive, or give another folder with --output.",
        ) from error
    return Space(_BASE_BYTES + images * _BYTES_PER_IMAGE + round(pictures), free)


def check_space(
    folder: Path, images: Sequence[ImageFile], options: PipelineOptions, overlays: int | None
) -> Space:
    """The part of a preflight that costs nothing: whether the results find room.

    Raises:
        InputError: They do not.
    """
    step = max(len(images) // _LOOKED_AT, 1)
    looked_at = survey(images[::step], options)
    each = looked_at.pixels / max(len(looked_at.tiles), 1)
    space = space_for(folder, len(images), overlays=overlays, pixels_each=each)
    if space.free < space.needed:
        raise InputError(
            f"the results need about {space.needed / 1e6:,.0f} MB, "
            f"but {folder} has {space.free / 1e6:,.0f} MB free",
            hint="Make room, give another folder with --output, or draw fewer pictures with --overlays none.",
        )
    return space
