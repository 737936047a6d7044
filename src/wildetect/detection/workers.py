"""The threads of a detection run.

    decoder threads    open an image, cut it into tiles, queue them in batches
    worker threads     read tiles, run the model, decode its outputs; the last of an image stitches it
    calling thread     fetches the results, in the order of the images

Decoders pause while enough batches wait for the workers, and while results wait to be fetched: so only
a few images are in memory, however many there are. What a result holds depends on its image alone,
not on the number of threads or the size of batches.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from wildetect.detection.detector import Detector
from wildetect.detection.options import PipelineOptions
from wildetect.detection.stitching import one_class_each, stitch
from wildetect.detection.tiling import tile_windows
from wildetect.detections import Detections
from wildetect.errors import WildDetectError
from wildetect.geometry import Window
from wildetect.imagery.discovery import ImageFile
from wildetect.imagery.source import ImageSource, UnreadableImageError, open_image
from wildetect.results.records import ImageResult

__all__ = ["Workers"]

_LOOK_UP_SECONDS = 0.2  # how often the calling thread looks for Ctrl+C: Windows cannot interrupt a wait
_UNFETCHED = 64  # results that may wait to be fetched

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Image:
    """An image in progress."""

    index: int
    file: ImageFile
    started: float
    source: ImageSource | None = None
    parts: list[Detections] = field(default_factory=list)
    tiles: int = 0
    batches_left: int = 1
    begun: bool = False
    failure: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """Some tiles of an image, for one forward pass."""

    image: _Image
    windows: Sequence[Window]


class Workers:
    """The threads of one run, and what they share: guarded by one condition.

    Args:
        images: What to work on.
        detector: Used by all worker threads.
        options: Tiles, thresholds, number of threads.
    """

    def __init__(self, images: Sequence[ImageFile], detector: Detector, options: PipelineOptions) -> None:
        self._files = images
        self._detector = detector
        self._options = options
        self._metric = options.overlap_metric or detector.manifest.thresholds.overlap_metric
        self._workers = options.workers or detector.workers
        self._queue: queue.SimpleQueue[_Batch | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._done: dict[int, ImageResult] = {}
        self._next = 0  # image to decode next
        self._fetched = 0  # results the caller has
        self._waiting_images = 0  # decoded, or being decoded, and not begun by a worker
        self._waiting_batches = 0
        self._stopped = False
        self._crash: BaseException | None = None
        jobs = [self._decode_images] * max(options.decode_threads, 1) + [self._run_batches] * self._workers
        self._threads = [
            threading.Thread(target=self._guard, args=(job,), name=f"wildetect-{number}", daemon=True)
            for number, job in enumerate(jobs)
        ]

    def start(self) -> None:
        """Start all threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End all threads: each finishes the image it decodes or the batch it runs, nothing more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for _ in range(self._workers):
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def fetch(self, index: int) -> ImageResult:
        """Wait for the result of one image."""
        with self._changed:
            while index not in self._done:
                if self._crash is not None:
                    raise self._crash
                self._changed.wait(_LOOK_UP_SECONDS)
            self._fetched = index + 1
            self._changed.notify_all()
            return self._done.pop(index)

    def _guard(self, job: Callable[[], None]) -> None:
        """Hand a bug in a thread over to the caller, who would wait for ever."""
        try:
            job()
        except BaseException as error:  # noqa: BLE001 - raised again by fetch
            with self._changed:
                self._crash = error
                self._changed.notify_all()

    def _decode_images(self) -> None:
        while (image := self._take_next()) is not None:
            windows: list[Window] = []
            try:
                image.source = open_image(image.file.path)
                size = image.source.width, image.source.height
                windows = tile_windows(*size, self._options.tile_size, self._options.overlap_ratio)
            except Exception as error:  # noqa: BLE001 - one image must not cost the run
                image.failure = _reason(error, image)
            if image.failure is not None:
                self._finish_batch(image)
                continue
            image.tiles = len(windows)
            per_pass = self._detector.tiles_per_pass(self._options.batch_size)
            batches = [
                _Batch(image, windows[start : start + per_pass]) for start in range(0, len(windows), per_pass)
            ]
            image.batches_left = len(batches)
            with self._changed:
                self._waiting_batches += len(batches)
            for batch in batches:
                self._queue.put(batch)

    def _take_next(self) -> _Image | None:
        """The next image, once there is room for it; None at the end."""
        with self._changed:
            while not self._stopped and self._next < len(self._files):
                if (
                    self._waiting_images < max(self._options.decode_ahead, 1)
                    and self._waiting_batches < 2 * self._workers
                    and self._next < self._fetched + _UNFETCHED
                ):
                    index = self._next
                    self._next += 1
                    self._waiting_images += 1
                    return _Image(index, self._files[index], time.perf_counter())
                self._changed.wait()
            return None

    def _run_batches(self) -> None:
        while (batch := self._queue.get()) is not None and not self._stopped:
            image = batch.image
            with self._changed:
                self._waiting_batches -= 1
                self._begin(image)
                self._changed.notify_all()
            if image.failure is None and image.source is not None:
                try:
                    self._run_batch(batch, image.source)
                except Exception as error:  # noqa: BLE001 - one image must not cost the run
                    image.failure = _reason(error, image)
            self._finish_batch(image)

    def _run_batch(self, batch: _Batch, source: ImageSource) -> None:
        tiles = [source.read(window) for window in batch.windows]
        found = self._detector.detect(tiles, self._options.confidence)
        # appended in any order: stitching does not depend on it
        batch.image.parts.extend(
            part.shift(window.x, window.y) for part, window in zip(found, batch.windows, strict=True)
        )

    def _begin(self, image: _Image) -> None:
        if not image.begun:
            image.begun = True
            self._waiting_images -= 1

    def _finish_batch(self, image: _Image) -> None:
        with self._changed:
            image.batches_left -= 1
            if image.batches_left > 0:
                return
        result = self._result(image)
        with self._changed:
            self._begin(image)  # a failed one never was
            self._done[image.index] = result
            self._changed.notify_all()

    def _result(self, image: _Image) -> ImageResult:
        source, image.source = image.source, None
        position = source.position if source is not None else None
        detections = None
        if source is not None:
            if image.failure is None:
                # one tile has no borders to other tiles, and has had its NMS
                parts = image.parts
                joined = (
                    stitch(parts, self._options.nms_threshold, self._metric) if len(parts) > 1 else parts[0]
                )
                detections = one_class_each(joined).clip(source.width, source.height)
            source.close()
        return ImageResult(
            name=image.file.name,
            path=image.file.path,
            detections=detections,
            failure=image.failure,
            width=source.width if source is not None else None,
            height=source.height if source is not None else None,
            tiles=image.tiles,
            seconds=time.perf_counter() - image.started,
            longitude=position.longitude if position else None,
            latitude=position.latitude if position else None,
        )


def _reason(error: Exception, image: _Image) -> str:
    """Why an image failed, for a person; the log gets the whole story of what nobody expected."""
    if isinstance(error, UnreadableImageError):
        return error.reason
    if isinstance(error, WildDetectError):
        return error.message
    logger.error("%s failed", image.file.name, exc_info=error)
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    return f"unexpected {type(error).__name__}: {error}"
