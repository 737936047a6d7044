"""A detection run from images to a folder of results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from wildetect.detection.network.detector import Detector
from wildetect.detection.run.continuation import Continuation, logged_before, shape_of
from wildetect.detection.run.copies import doubled
from wildetect.detection.run.keeping import TileKeeper
from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.run.pipeline import Engine, detect_images, never
from wildetect.detection.tiles.overlap import AutoOverlap
from wildetect.imagery.discovery import ImageFile
from wildetect.registry.cache import FetchedModel
from wildetect.remote.place import Place
from wildetect.results.dataset import PictureSet
from wildetect.results.exports.folder import Wanted, made_before, write_exports
from wildetect.results.files import make_folder
from wildetect.results.finished_run import FinishedRun
from wildetect.results.journal.command import Command
from wildetect.results.journal.journal import Journal
from wildetect.results.leftovers import remove_drafts, remove_overlays, remove_run
from wildetect.results.lock import sole_writer
from wildetect.results.records import ImageResult, RunSummary, TileResult
from wildetect.results.reviewed import ReviewedRun
from wildetect.results.run import DetectionRun, RunFacts, run_of
from wildetect.results.run_file import mark_running, write_run_file
from wildetect.results.run_parts import State
from wildetect.wording import number_of

__all__ = ["Clock", "JournalKeeper", "RunPlan", "detect_into_folder", "settings_of", "what_is_kept"]


class Clock:
    """Seconds of work, those of earlier starts included.

    Args:
        earlier: How many these are.
    """

    def __init__(self, earlier: float) -> None:
        self._zero = time.monotonic() - earlier

    @property
    def seconds(self) -> float:
        """Until now."""
        return time.monotonic() - self._zero


@dataclass(frozen=True, slots=True)
class JournalKeeper(TileKeeper):
    """Keeps tiles of long images in the journal.

    Attributes:
        journal: Journal of the run.
        work: Its images.
        clock: Its time.
    """

    journal: Journal
    work: Continuation
    clock: Clock

    def known(self, image: ImageFile) -> Sequence[TileResult]:
        """The tiles that an earlier start has done."""
        return self.journal.record.tiles(image.name, self.work.stamps[image.name])

    def keep(self, image: ImageFile, tiles: Sequence[TileResult]) -> None:
        """Keep some more tiles."""
        read = [tile for tile in tiles if tile.failure is None]  # the others are tried again
        if read:
            self.journal.add_tiles(image.name, self.work.stamps[image.name], read, self.clock.seconds)


Progress = Callable[[RunSummary], None]
_ENOUGH = 20  # detections, for a class that never comes to be noticed
_STANDING = (
    "read by an earlier start alone: what it found there counts, as this one could not read them as far; see "
    "that their files open, then give the same command again"
)


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """A run that is known to be possible.

    Attributes:
        images: What to detect in.
        model: The detector's files.
        detector: The detector, loaded.
        options: Tiles, thresholds, threads.
        output: Folder of the results.
        wanted: Which files to write.
        sources: What the user named, absolute: files, folders, addresses.
        not_read: Names of the files that look like pictures and are not read, for each reason.
        restart: Remove the run that is in the output folder, instead of going on with it.
        stop: Asked now and then; once it says yes, the images at hand are finished, no more; of a
            long one what is done is kept.
        engine: What makes the results.
        auto_overlap: What automatic overlap would go by, whether the run has it or not; None: it is unknown.
        command: What the run was asked for with; a hint gives it again. None: it is not known.
        review_of: Gives what people said of a finished run, which its files then hold; None: nothing.
    """

    images: Sequence[ImageFile]
    model: FetchedModel
    detector: Detector
    options: PipelineOptions
    output: Path
    wanted: Wanted = field(default_factory=Wanted)
    sources: Sequence[Place] = ()
    not_read: Mapping[str, Sequence[str]] = field(default_factory=dict)
    restart: bool = False
    stop: Callable[[], bool] = never
    engine: Engine = detect_images
    auto_overlap: AutoOverlap | None = None
    command: Command | None = None
    review_of: Callable[[FinishedRun], ReviewedRun | None] | None = None


def detect_into_folder(plan: RunPlan, progress: Progress) -> DetectionRun:
    """Detect in all images that are not done yet, and write the results of all.

    The results are the same as if the run had never been stopped or killed. An interrupt ends it early:
    what is done is written, then the interrupt goes on.

    Args:
        plan: What to do.
        progress: Callback that is told after each image.

    Returns:
        The content of run.json.

    Raises:
        ConfigurationError: The output folder holds another run, or another run is writing into it.
        InputError: The output folder cannot be written.
        KeyboardInterrupt: The one that interrupted the run.
    """
    make_folder(plan.output, hint="Give another folder with --output.")
    with sole_writer(plan.output):
        if plan.restart:
            remove_run(plan.output)
        settings = settings_of(plan.detector, plan.options)
        shape = shape_of(plan.detector, settings, plan.sources)
        with Journal(plan.output, shape, plan.model.on_command_line, plan.images, plan.command) as journal:
            remove_drafts(plan.output)
            remove_overlays(plan.output, journal.record.entries)
            return _go_on(replace(plan, images=journal.images), journal, progress)


def _go_on(plan: RunPlan, journal: Journal, progress: Progress) -> DetectionRun:
    work = Continuation.of(plan.images, journal.record)
    earlier = mark_running(plan.output)
    journal.begun_by(plan.command)
    journal.leave_out(work.left_out)
    work.warn_of_left_out()
    summary = RunSummary(expected=len(plan.images))
    journal.record.count(work.done, summary)
    progress(summary)
    interrupt: KeyboardInterrupt | None = None
    try:
        for result in _detected(plan, work, journal):
            summary.add(result)
            progress(summary)
    except KeyboardInterrupt as caught:
        interrupt = caught
    journal.sync()
    finished, standing = work.finished(journal.record)
    summary = _in_order(plan, journal, finished)
    summary.doubts |= {_STANDING: standing} if standing else {}
    stopped: State = "interrupted" if interrupt or plan.stop() else "stopped"
    facts = RunFacts(
        model=plan.model,
        settings=settings_of(plan.detector, plan.options),
        device=plan.detector.device,
        state=stopped if summary.left else "finished",
        started=journal.record.started,
        seconds=journal.record.seconds_of(finished),
        dataset=PictureSet(plan.sources, work.stamps),
        resumed=len(work.done),
        left_out=work.left_out_done,
        not_read=plan.not_read,
    )
    run = run_of(facts, summary)
    run = replace(run, mlflow=logged_before(earlier, run), sensitive=plan.wanted.places.species)
    results = journal.record.results(image for image in plan.images if image.name in finished)
    run = _written(plan, results, run)
    if interrupt:
        raise KeyboardInterrupt(what_is_kept(run)) from interrupt
    return run


def what_is_kept(run: DetectionRun) -> str:
    """Say what an interrupted run keeps, and how it goes on."""
    return f"{run.images} are done; the same command goes on from there"


def _in_order(plan: RunPlan, journal: Journal, finished: set[str]) -> RunSummary:
    """The counts of what is done, in the order of the images, whichever was done first."""
    summary = RunSummary(expected=len(plan.images))
    journal.record.count((image for image in plan.images if image.name in finished), summary)
    read = finished - summary.failures.keys()
    summary.doubts |= doubled(plan.images, read)
    if told := _unsure_names(plan.detector, summary):
        summary.doubts[told] = [image.name for image in plan.images if image.name in read]
    return summary


def _unsure_names(detector: Detector, summary: RunSummary) -> str | None:
    """Say so where each name may be that of the class before, as the first class never comes."""
    names = detector.manifest.class_names
    if summary.counts[0] or summary.detections < _ENOUGH or len(names) < 2:  # noqa: PLR2004 - one has no other
        return None
    if not detector.may_count_from_1 or detector.classifier is not None:
        return None
    return (
        f"none of {number_of(summary.detections, 'detection')} is of the model's first class, {names[0]}: a "
        "file that numbers its classes from 1 would shift each name by one; look at some, and register it "
        "with first_label: 1 where the names are wrong, with first_label: 0 where they are right"
    )


def _detected(plan: RunPlan, work: Continuation, journal: Journal) -> Iterator[ImageResult]:
    """The results of the images that are left, each in the journal by then."""
    clock = Clock(journal.record.seconds)
    keeper = JournalKeeper(journal, work, clock)
    results = plan.engine(
        work.left, plan.detector, plan.options, stop=plan.stop, keeper=keeper, known=work.failed_before
    )
    with closing(results):
        for result in results:
            stamp = work.stamps[result.name]
            if not journal.record.stands(result.name, stamp, result):
                journal.add(result, stamp, clock.seconds)
            yield result


def settings_of(detector: Detector, options: PipelineOptions) -> dict[str, object]:
    """What shapes the result; the number of threads and the size of batches do not."""
    thresholds = detector.manifest.thresholds
    return {
        "tile_size": options.tile_size,
        **({} if len(set(options.shape)) == 1 else {"tile_shape": list(options.shape)}),
        **_overlap_of(options),
        "confidence": thresholds.confidence,
        "nms_threshold": thresholds.iou,
        "overlap_metric": thresholds.overlap_metric,
        "max_detections_per_tile": thresholds.max_detections,
        "max_errors": options.max_errors,
        **({} if options.windows is None else {"windows": options.windows.most}),
        **options.reading.document,
        **({} if options.scale is None else options.scale.document),
    }


def _overlap_of(options: PipelineOptions) -> dict[str, object]:
    auto = options.auto_overlap
    if auto is None:
        return {"overlap_ratio": options.overlap_ratio}
    return {
        "overlap_ratio": "auto",
        "largest_animal": auto.largest_animal,
        **{f"flight_specs.{name}": value for name, value in asdict(auto.flight).items()},
    }


def _written(plan: RunPlan, results: Sequence[ImageResult], run: DetectionRun) -> DetectionRun:
    exports = dict.fromkeys([*plan.wanted.exports, *made_before(plan.output)])
    wanted = replace(plan.wanted, exports=tuple(exports))
    if run.state == "interrupted":
        wanted = replace(wanted, overlays=0, crops=0)  # who presses Ctrl+C does not want to wait for them
    review = None
    if plan.review_of is not None and run.state == "finished":
        review = plan.review_of(FinishedRun(plan.output, run, results))
    if review is not None:
        run = replace(run, summary=review.summary)
    boxes = None if review is None else review.boxes
    made = write_exports(plan.output, run, results, wanted, boxes)
    run = replace(run, files=tuple(made.files), digests=made.digests, blurred=made.blurred)
    write_run_file(plan.output, run)
    return run
