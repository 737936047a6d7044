"""The threads of a detection run.

    decoder threads    open an image, cut it into tiles, queue them
    worker threads     take a tile (on a GPU a batch, of several images if need be), run the model, decode
                       its outputs; the last of an image stitches it and, where there is a second stage,
                       queues the passes of its boxes for all of them
    calling thread     fetches the results, in the order of the images

Decoders pause while enough images or tiles wait for the workers, and while results wait to be fetched:
so only a few images are in memory, however many there are. What a result holds depends on its image
alone, not on the number of threads or the size of batches.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from wildetect.detection.network.detector import Detector
from wildetect.detection.network.own_limits import left_out
from wildetect.detection.network.relabelling import Relabelling
from wildetect.detection.run.image_work import ImageWork, reason_of
from wildetect.detection.run.keeping import Keeping, TileKeeper
from wildetect.detection.run.options import PipelineOptions
from wildetect.detections import Detections
from wildetect.geometry import Window
from wildetect.imagery.discovery import ImageFile
from wildetect.imagery.opening import open_file
from wildetect.imagery.pixel_memory import release_spare_memory
from wildetect.imagery.source import ImageSource, Pixels
from wildetect.results.records import ImageResult

__all__ = ["Workers"]

_LOOK_UP_SECONDS = 0.2  # how often the calling thread looks for Ctrl+C: Windows cannot interrupt a wait
_UNFETCHED = 64  # results that may wait to be fetched
_PASSES_AHEAD = 2  # whose tiles wait for each worker: time to decode the next image
_LEAST_AHEAD = 2  # while one decoded image is begun, another one waits


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """A tile of an image; without a window the pass of this number of its second stage."""

    image: ImageWork
    window: Window | None = None
    number: int = 0


class Workers:
    """The threads of one run, and what they share: guarded by one condition.

    Args:
        images: What to work on.
        detector: Used by all worker threads.
        options: Tiles, thresholds, number of threads.
        keeper: Keeper of the tiles of long images.
    """

    def __init__(
        self,
        images: Sequence[ImageFile],
        detector: Detector,
        options: PipelineOptions,
        keeper: TileKeeper,
    ) -> None:
        self._keeping = Keeping(keeper)
        self._files = images
        self._detector = detector
        self._options = options
        self._thresholds = detector.manifest.thresholds
        self._lowest = self._thresholds.confidence if options.confidence is None else options.confidence
        self._workers = options.workers or detector.workers
        self._decoders = options.decode_threads or detector.decode_threads
        self._ahead = min(options.decode_ahead or max(self._decoders, _LEAST_AHEAD), options.most_ahead)
        # a GPU is done with the tiles of a few images before the next one is decoded
        self._enough = (
            math.inf if detector.batched else _PASSES_AHEAD * self._workers * detector.tiles_per_pass
        )
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._done: dict[int, ImageResult] = {}
        self._next = 0  # image to decode next
        self._fetched = 0  # results the caller has
        self._waiting_images = 0  # decoded, or being decoded, and not begun by a worker
        self._begun = 0  # every image before it is in work or done, or will be, also after closing
        self._closed = False  # no image from there on is begun
        self._stopped = False
        self._crash: BaseException | None = None
        jobs = [self._decode_images] * self._decoders + [self._run_jobs] * self._workers
        self._threads = [
            threading.Thread(target=self._guard, args=(job,), name=f"wildetect-{number}", daemon=True)
            for number, job in enumerate(jobs)
        ]

    def start(self) -> None:
        """Start all threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End all threads: each finishes the image it decodes or the pass it runs, nothing more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        release_spare_memory()

    def fetch(self, index: int, stop: Callable[[], bool]) -> ImageResult | None:
        """Wait for the result of one image.

        Args:
            index: Index of the image.
            stop: Once it says yes, only images that are in work are finished; of a long one its tiles
                are kept.

        Returns:
            None if the image was not finished because `stop` said yes.
        """
        while (result := self._done_or_wait(index)) is None:
            self._keeping.hand_over()
            if stop() and not self._is_finished_after_closing(index):
                self._keeping.hand_over(now=True)
                return None
        return result

    def _done_or_wait(self, index: int) -> ImageResult | None:
        """A result, if it is there or comes within a moment."""
        with self._changed:
            if self._crash is not None:
                raise self._crash
            if index not in self._done:
                self._changed.wait(_LOOK_UP_SECONDS)
            if index not in self._done:
                return None
            self._fetched = index + 1
            self._changed.notify_all()
            return self._done.pop(index)

    def _is_finished_after_closing(self, index: int) -> bool:
        """Begin no more images; whether this one is in work, and short enough to wait for it."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            return index in self._done or (index < self._begun and not self._keeping.is_long(index))

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
                image.source = open_file(image.file, self._options.reading)
                tiles = self._options.tiles(image.source)
                image.scale = self._options.scale_doubt(image.source, tiles[0])
                image.scaled = self._options.scaled_side(image.source)
                windows = self._keeping.begin(image, tiles)
            except Exception as error:  # noqa: BLE001 - one image must not cost the run
                image.failure = reason_of(error, image.file)
            if image.failure is not None or not windows:
                self._finish_job(image)  # all of its tiles may be known from an earlier start
                continue
            image.jobs_left = len(windows)
            self._queue([_Job(image, window) for window in windows])

    def _queue(self, jobs: Sequence[_Job]) -> None:
        with self._changed:
            self._jobs.extend(jobs)
            self._changed.notify_all()

    def _take_next(self) -> ImageWork | None:
        """The next image, once there is room for it; None at the end."""
        with self._changed:
            while not (self._stopped or self._closed) and self._next < len(self._files):
                if (
                    self._waiting_images < self._ahead
                    and len(self._jobs) < self._enough
                    and self._next < self._fetched + _UNFETCHED
                ):
                    index = self._next
                    self._next += 1
                    self._waiting_images += 1
                    return ImageWork(index, self._files[index], time.perf_counter())
                self._changed.wait()
            return None

    def _run_jobs(self) -> None:
        while (jobs := self._take_jobs()) is not None:
            self._run_tiles([job for job in jobs if job.window is not None])
            for job in jobs:
                if job.window is None:
                    self._run_second_stage(job)
                self._finish_job(job.image)

    def _take_jobs(self) -> list[_Job] | None:
        """The tiles of a forward pass, or one pass of a second stage; None at the end.

        Those of images that are not begun any more are dropped: there may be none.
        """
        with self._changed:
            while not self._jobs and not self._stopped:
                self._changed.wait()
            if self._stopped:
                return None
            taken = [self._jobs.popleft()]
            most = 1 if taken[0].window is None else self._detector.tiles_per_pass
            while len(taken) < most and self._jobs and self._jobs[0].window is not None:
                taken.append(self._jobs.popleft())
            jobs = [job for job in taken if not self._closed or job.image.index < self._begun]
            for job in jobs:
                self._begin(job.image)
            self._changed.notify_all()
            return jobs

    def _run_tiles(self, jobs: Sequence[_Job]) -> None:
        held: list[tuple[ImageWork, Window, Pixels]] = []
        for job in jobs:
            with _failing(job.image):
                if job.image.failure is None and job.image.source is not None and job.window is not None:
                    pixels = job.image.read(job.window, job.image.source)
                    held += [(job.image, job.window, pixels)] if pixels is not None else []
        if not held:
            return
        with _failing(*dict.fromkeys(image for image, _, _ in held)):
            scaled = [image.scaled > 0 for image, _, _ in held]
            # of windows, whose side it must know, it takes one at a time
            side = held[0][0].scaled or self._options.tile_size
            found = self._detector.find([pixels for _, _, pixels in held], self._lowest, scaled, side)
            # noted in any order: stitching does not depend on it
            for (image, window, pixels), part in zip(held, found, strict=True):
                image.found(window, pixels, part)

    def _run_second_stage(self, job: _Job) -> None:
        image = job.image
        with _failing(image):
            if image.failure is None and image.second_stage is not None and image.source is not None:
                image.second_stage.run(job.number, image.source)

    def _begin(self, image: ImageWork) -> None:
        if not image.begun:
            image.begun = True
            self._waiting_images -= 1
            if not self._closed:
                self._begun = max(self._begun, image.index + 1)

    def _finish_job(self, image: ImageWork) -> None:
        with self._changed:
            image.jobs_left -= 1
            if image.jobs_left > 0:
                return
        image.fail_if_unread()
        if self._relabel(image):
            return
        result = self._result(image)
        self._keeping.end(image)
        with self._changed:
            self._begin(image)  # a failed one never was
            self._done[image.index] = result
            self._changed.notify_all()

    def _relabel(self, image: ImageWork) -> bool:
        """Queue the second stage of an image whose tiles are done; says whether there is one to wait for."""
        classifier, source = self._detector.classifier, image.source
        if classifier is None or source is None or image.failure is not None or image.second_stage:
            return False
        if image.partial:  # whoever has all of its tiles does that
            return False
        stage = image.second_stage = Relabelling(self._stitched(image, source), classifier)
        image.jobs_left = stage.passes
        self._queue([_Job(image, number=number) for number in range(stage.passes)])
        return stage.passes > 0

    def _stitched(self, image: ImageWork, source: ImageSource) -> Detections:
        found = (part.detections for part in image.parts)
        image.left_out = left_out(self._detector.limits, self._lowest, found)
        return image.stitched(source, self._thresholds.iou, self._thresholds.overlap_metric)

    def _detections(self, image: ImageWork, source: ImageSource) -> Detections:
        if image.second_stage is None:
            return self._stitched(image, source)
        limits = self._thresholds
        return image.second_stage.outcome(self._lowest, limits.iou, limits.overlap_metric)

    def _result(self, image: ImageWork) -> ImageResult:
        source = image.source
        if source is None or image.failure is not None:
            return image.result(None)
        return image.result(Detections.empty() if image.partial else self._detections(image, source))


@contextmanager
def _failing(*images: ImageWork) -> Iterator[None]:
    """What goes wrong in it costs these images, not the run."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - one image must not cost the run
        for image in images:
            image.failure = reason_of(error, image.file)
