"""From image files to results, in order: the one pipeline for all images and devices."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from itertools import islice
from typing import Protocol

from wildetect.detection.network.detector import Detector
from wildetect.detection.run.keeping import TileKeeper
from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.run.workers import Workers
from wildetect.imagery.discovery import ImageFile
from wildetect.remote.place import Place, are_there
from wildetect.results.records import ImageResult

__all__ = ["Engine", "detect_images", "never", "until_too_many_fail"]

_LOOK_AFTER = 20  # images that fail one after the other

logger = logging.getLogger(__name__)


def never() -> bool:
    """Says no: the run goes on to its end."""
    return False


def _say_why(failures: int, options: PipelineOptions) -> None:
    if options.max_errors is None:
        logger.warning("stopped: the first %d images all failed", failures)
    else:
        logger.warning("stopped: %d images failed, more than max_errors: %g", failures, options.max_errors)


def _are_gone(places: Collection[Place]) -> bool:
    """Whether none of the next places can be read."""
    return bool(places) and not any(are_there(islice(places, _LOOK_AFTER)))


class Engine(Protocol):
    """What makes results of images: `detect_images`, or a cluster whose workers each run it on a part."""

    def __call__(
        self,
        images: Sequence[ImageFile],
        detector: Detector,
        options: PipelineOptions,
        *,
        stop: Callable[[], bool] = never,
        keeper: TileKeeper | None = None,
        known: Collection[str] = (),
    ) -> Generator[ImageResult, None, None]:
        """Results as they are done, in any order; arguments as of `detect_images`."""


def detect_images(
    images: Sequence[ImageFile],
    detector: Detector,
    options: PipelineOptions,
    *,
    stop: Callable[[], bool] = never,
    keeper: TileKeeper | None = None,
    known: Collection[str] = (),
) -> Generator[ImageResult, None, None]:
    """Results in the order of `images`, as they are done.

    An image that cannot be processed gives a result with its failure. Where the options say so, too many of
    them end the results early, those of images in `known`, which failed before, not counted; so they end
    once `stop` says yes, after the images that are in work.
    The tiles of long images (large rasters) are handed to `keeper` as they are done.
    Closing the generator stops all threads, after the tiles at hand.
    """
    workers = Workers(images, detector, options, keeper or TileKeeper())
    try:
        workers.start()
        yield from until_too_many_fail(_fetched(workers, len(images), stop), images, options, known)
    finally:
        workers.stop()


def _fetched(workers: Workers, images: int, stop: Callable[[], bool]) -> Generator[ImageResult, None, None]:
    for index in range(images):
        result = workers.fetch(index, stop)
        if result is None:
            return
        yield result


def until_too_many_fail(
    results: Iterable[ImageResult],
    images: Sequence[ImageFile],
    options: PipelineOptions,
    known: Collection[str],
) -> Generator[ImageResult, None, None]:
    """These results, up to the one with which, by the options, too many images have failed.

    Where a drive or a server went in the middle, no options let thousands of images fail one by one.

    Args:
        results: Results in any order.
        images: Images of the run.
        options: Say how many are too many.
        known: Names of images that failed before: they do not count.
    """
    failures = looked_at = in_a_row = 0
    new = sum(image.name not in known for image in images)
    left = {image.name: image.path for image in images}
    for result in results:
        yield result
        del left[result.name]
        in_a_row = in_a_row + 1 if result.failed else 0
        if in_a_row and in_a_row % _LOOK_AFTER == 0 and _are_gone(left.values()):
            logger.warning("stopped: the images that are left are no longer there")
            return
        if result.name in known:
            continue
        looked_at += 1
        failures += result.failed
        if options.stops(failures, looked_at, new):
            _say_why(failures, options)
            return
