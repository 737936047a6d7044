"""Hand a run's images out to the workers of a Dask cluster, and take their results.

Portions are small, and few of them are under way for each worker: Dask gives each to the worker that is
idle first, and one that dies costs no more than its portion, which another worker does again. Only this
process writes: the workers send lines of the journal.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import dask
from distributed import Client, Future, KilledWorker

from wildetect.detection.network.detector import Detector
from wildetect.detection.run.keeping import TileKeeper
from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.run.pipeline import never, until_too_many_fail
from wildetect.errors import ServerError
from wildetect.execution.model_files import send
from wildetect.execution.portion import (
    Answer,
    Job,
    Photo,
    Unfit,
    image_now,
    photo_of,
    same_as_told,
    stop_run,
    work,
)
from wildetect.execution.stretches import LongImage, Part
from wildetect.geometry import Window
from wildetect.imagery.discovery import ImageFile
from wildetect.results.journal.lines import result_from, tiles_from
from wildetect.results.records import ImageResult

__all__ = ["DaskEngine"]

_PORTION = 4  # images: a lost one costs half a minute; one message carries them
_AHEAD = 2  # portions for each thread of the workers: the next one is there when one is done
_LOOK_UP_SECONDS = 0.2  # how often the calling thread looks for Ctrl+C
_COUNT_SECONDS = 2.0  # how often the workers are counted
_MOST_SENDINGS = 3  # of a file of the model to one worker
_SILENCE = 30.0  # s without any worker before a word is said
_PATIENCE = 600.0  # s for one task; Dask's setting `wildetect.patience` says otherwise
_PATIENCE_RATIO = 10  # times the longest task so far: a laptop may be slow, a drive may sleep

logger = logging.getLogger(__name__)


class _Task(NamedTuple):
    """What a worker does at a time: some images, or a part of a long one."""

    images: list[ImageFile]
    part: Part | None = None


class _Portion(NamedTuple):
    """A task under way, and what the workers were told of its images."""

    future: Future
    task: _Task
    photos: list[Photo]
    since: float


class DaskEngine:
    """Makes results of images on a cluster; called as `detect_images` is.

    Args:
        client: Client of the cluster.
        job: What all portions share.
        notice: Callback that is told what a person should know.
    """

    def __init__(self, client: Client, job: Job, notice: Callable[[str], None]) -> None:
        self._client = client
        self._job = job
        self._notice = notice

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
        """Results as they come. Once `stop` says yes, the images in work are finished, no more.

        Raises:
            ServerError: The scheduler is gone, or there is no worker that can take part.
        """
        del detector  # each worker has its own
        job = replace(self._job, options=options)
        hand_out = _HandOut(self._client, job, images, self._notice, keeper or TileKeeper())
        try:
            yield from until_too_many_fail(hand_out.results(stop), images, options, known)
        finally:
            hand_out.end()


class _HandOut:
    """The images of one start of a run on their way to the workers and back."""

    def __init__(
        self,
        client: Client,
        job: Job,
        images: Sequence[ImageFile],
        notice: Callable[[str], None],
        keeper: TileKeeper,
    ) -> None:
        self._client = client
        self._job = job
        self._notice = notice
        self._keeper = keeper
        self._left = deque(images)
        self._first: deque[_Task] = deque()  # those that come again, and parts of long images
        self._long: dict[str, LongImage] = {}
        self._suspects: deque[_Task] = deque()  # under way while workers died
        self._suspected: list[tuple[str, Part | None]] = []
        self._running: dict[str, _Portion] = {}
        self._done: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._left_out: set[str] = set()
        self._sent: Counter[tuple[str, str]] = Counter()
        self._threads = 0
        self._longest = 0.0  # s that a task took so far
        self._patience = float(dask.config.get("wildetect.patience", _PATIENCE))
        self._counted = -_COUNT_SECONDS
        self._seen = time.monotonic()
        self._stopping = False

    def results(self, stop: Callable[[], bool]) -> Iterator[ImageResult]:
        """All results, portion by portion."""
        while self._running or self._left or self._first or self._suspects:
            if stop() and not self._stopping:
                self._stop()
            self._count_workers()
            self._fill()
            try:
                key = self._done.get(timeout=_LOOK_UP_SECONDS)
            except queue.Empty:
                yield from self._overdue()
                continue
            if key in self._running:  # else it was given up
                yield from self._taken(self._running.pop(key))

    def _fill(self) -> None:
        """Keep the workers busy; at the end try the suspects, one by one."""
        while (self._left or self._first) and len(self._running) < _AHEAD * self._threads:
            self._submit(self._first.popleft() if self._first else _Task(self._next()))
        if self._suspects and self._threads and not self._running:
            self._submit(self._suspects.popleft())

    def end(self) -> None:
        """Forget what is under way."""
        futures = [portion.future for portion in self._running.values()]
        self._running.clear()
        with contextlib.suppress(OSError, RuntimeError):  # the scheduler may be gone
            if futures:
                self._tell_to_stop()
                self._client.cancel(futures)

    def _stop(self) -> None:
        self._stopping = True
        self._left.clear()
        self._first.clear()
        self._suspects.clear()
        self._tell_to_stop()

    def _tell_to_stop(self) -> None:
        self._client.run(stop_run, self._job.run, wait=False, on_error="ignore")

    def _next(self) -> list[ImageFile]:
        """The next portion; the last ones are smaller, so that no worker waits long for another."""
        fair = len(self._left) // (_AHEAD * self._threads)
        return [self._left.popleft() for _ in range(max(min(_PORTION, fair), 1))]

    def _submit(self, task: _Task) -> None:
        photos = [photo_of(image) for image in task.images]
        future = self._client.submit(work, self._job, photos, task.part, pure=False)
        self._running[future.key] = _Portion(future, task, photos, time.monotonic())
        future.add_done_callback(lambda done: self._done.put(done.key))

    def _count_workers(self) -> None:
        now = time.monotonic()
        if now - self._counted < _COUNT_SECONDS:
            return
        if self._client.status != "running":
            raise _gone()
        try:
            self._threads = sum(self._client.nthreads().values())
        except OSError as error:
            raise _gone() from error
        self._counted = now
        if self._threads:
            self._seen = now
        elif self._left_out:
            raise ServerError(
                "no worker is left that can take part",
                hint="Start workers that can, and give the same command again: it goes on from there.",
            )
        elif now - self._seen > _SILENCE:
            self._seen = now
            self._notice("no worker is left; waiting for one (Ctrl+C ends the run, which can go on later)")

    def _taken(self, portion: _Portion) -> Iterator[ImageResult]:
        if portion.future.status == "error":
            yield from self._failed(portion.task, portion.future.exception())
            return
        if portion.future.status != "finished":
            raise _gone()
        self._longest = max(self._longest, time.monotonic() - portion.since)
        answer: Answer = portion.future.result()
        if answer.needs:
            self._send_model(answer)
            self._again(portion.task)
        elif answer.unfit is not None:
            now = [image_now(image) for image in portion.task.images]
            # a photograph that is not here any more, or is another one now, is no fault of the worker's
            if not answer.unfit.photograph or same_as_told(now, portion.photos):
                self._leave_out(answer.worker, answer.unfit)
            self._again(portion.task._replace(images=now))
        elif portion.task.part is not None:
            yield from self._part_taken(portion.task.images[0], answer)
        else:
            for name, windows in answer.long.items():
                self._share(next(image for image in portion.task.images if image.name == name), windows)
            yield from _results_of(answer.lines, portion.task.images)

    def _share(self, image: ImageFile, windows: Sequence[Window]) -> None:
        """Hand out a long image in stretches; tiles that an earlier start had done are not done again."""
        long = self._long[image.name] = LongImage.of(image, windows, self._keeper.known(image))
        for part in long.stretches:
            self._again(_Task([image], part))
        self._make_whole(long)

    def _make_whole(self, long: LongImage) -> None:
        if long.whole is not None:
            self._again(_Task([long.image], long.whole))

    def _part_taken(self, image: ImageFile, answer: Answer) -> Iterator[ImageResult]:
        long = self._long.get(image.name)
        if long is None:  # it has failed meanwhile
            return
        if answer.tiles is not None:
            tiles = list(tiles_from(answer.tiles))
            long.take(tiles, answer.seconds)
            self._keeper.keep(image, tiles)
            self._make_whole(long)
            return
        for result in _results_of(answer.lines, [image]):
            self._forget(image)
            yield replace(result, seconds=result.seconds + long.seconds)

    def _forget(self, image: ImageFile) -> None:
        """A long image has its result, good or bad."""
        self._long.pop(image.name, None)
        for tasks in (self._first, self._suspects):
            left = [task for task in tasks if task.part is None or task.images != [image]]
            tasks.clear()
            tasks.extend(left)

    def _failed(self, task: _Task, error: BaseException) -> Iterator[ImageResult]:
        """Workers died while it was with them: an image that they die of by itself has failed."""
        if isinstance(error, ImportError):
            raise ServerError(
                f"a worker that came later does not run this program: {error}",
                hint="End it, and give the same command again: it goes on from there.",
            ) from error
        if not isinstance(error, KilledWorker):
            raise error
        yield from self._suspect(task, "the workers that were given it died, one after another")

    def _suspect(self, task: _Task, what: str) -> Iterator[ImageResult]:
        """Try each image of a task by itself at the end; one that was tried so has failed."""
        for image in task.images:
            if task.part is not None and image.name not in self._long:
                continue  # another part of it failed
            known = image.name, task.part
            if known not in self._suspected:
                if not self._stopping:
                    self._suspected.append(known)
                    self._suspects.append(_Task([image], task.part))
                continue
            self._forget(image)
            yield ImageResult(name=image.name, path=image.path, failure=f"{what} (their logs may say why)")

    def _overdue(self) -> Iterator[ImageResult]:
        """Give up a task that a worker does not come to an end with, and the worker with it."""
        now, patience = time.monotonic(), max(self._patience, _PATIENCE_RATIO * self._longest)
        late = {key for key, portion in self._running.items() if now - portion.since > patience}
        if not late:
            return
        hung = Unfit(f"has not come to an end of its task for {patience:.0f} s", "Start it again.")
        for worker, keys in self._client.processing().items():
            stuck = late.intersection(map(str, keys))
            # what waits behind it goes to others, with new patience
            for key in map(str, keys):
                if key in self._running:
                    self._running[key] = self._running[key]._replace(since=now)
            if not stuck:
                continue
            given_up = [self._running.pop(key) for key in sorted(stuck)]
            self._client.cancel([portion.future for portion in given_up], force=True)
            self._leave_out(worker, hung)
            for portion in given_up:
                yield from self._suspect(portion.task, "no worker came to an end with it")

    def _again(self, task: _Task) -> None:
        if not self._stopping:
            self._first.append(task)

    def _send_model(self, answer: Answer) -> None:
        for file in self._job.files:
            if file.sha256 not in answer.needs:
                continue
            if self._sent[answer.worker, file.sha256] == _MOST_SENDINGS:
                self._leave_out(answer.worker, Unfit.without_model())
                return
            self._sent[answer.worker, file.sha256] += 1
            send(self._client, file, [answer.worker])

    def _leave_out(self, worker: str, unfit: Unfit) -> None:
        """Send a worker away."""
        if worker in self._left_out:
            return
        self._left_out.add(worker)
        self._notice(f"warning: the worker {worker} is left out, and closed: it {unfit.what}. {unfit.hint}")
        with contextlib.suppress(OSError):
            self._client.retire_workers([worker], close_workers=True)
        self._counted = -_COUNT_SECONDS


def _results_of(lines: Sequence[dict[str, Any]], images: Sequence[ImageFile]) -> Iterator[ImageResult]:
    paths = {image.name: image.path for image in images}
    for line in lines:
        yield result_from(line, paths[line["image"]])


def _gone() -> ServerError:
    return ServerError(
        "the scheduler of the cluster does not answer any more",
        hint="What is done is kept. Start the scheduler and its workers again, then give the same command.",
    )
