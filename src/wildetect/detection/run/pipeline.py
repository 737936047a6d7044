"""From image files to results, in order: the one pipeline for all images and devices."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence

from wildetect.detection.network.detector import Detector
from wildetect.detection.run.keeping import NoKeeper, TileKeeper
from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.run.workers import Workers
from wildetect.imagery.discovery import ImageFile
from wildetect.results.records import ImageResult

__all__ = ["PipelineOptions", "detect_images", "never"]

logger = logging.getLogger(__name__)


def never() -> bool:
    """Says no: the run goes on to its end."""
    return False


def detect_images(
    images: Sequence[ImageFile],
    detector: Detector,
    options: PipelineOptions,
    *,
    stop: Callable[[], bool] = never,
    keeper: TileKeeper | None = None,
) -> Generator[ImageResult, None, None]:
    """Results in the order of `images`, as they are done.

    An image that cannot be processed gives a result with its failure. After more than `max_errors` of
    them the results end early; so they do once `stop` says yes, after the images that are in work.
    The tiles of long images (large rasters) are handed to `keeper` as they are done.
    Closing the generator stops all threads, after the tiles at hand.
    """
    workers = Workers(images, detector, options, keeper or NoKeeper())
    failures = 0
    try:
        workers.start()
        for index in range(len(images)):
            result = workers.fetch(index, stop)
            if result is None:
                return
            failures += result.failed
            yield result
            if failures > options.max_errors:
                logger.warning(
                    "stopped: %d images failed, more than max_errors: %d", failures, options.max_errors
                )
                return
    finally:
        workers.stop()
