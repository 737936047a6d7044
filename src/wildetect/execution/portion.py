"""What a worker does: a few images, by the same pipeline as a run in one process.

Only names, numbers and lines of a journal cross the network, so that a parent on Windows and workers on
Linux understand each other; lines of a journal bring every digit back.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from distributed import get_worker

from wildetect.detection.network.detector import Detector
from wildetect.detection.network.devices import cores
from wildetect.detection.run.keeping import TileKeeper
from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.run.pipeline import detect_images
from wildetect.errors import WildDetectError
from wildetect.execution.address import mapped
from wildetect.execution.likeness import differences, versions_here
from wildetect.execution.model_files import WeightsFile, file_here
from wildetect.execution.stretches import LongFinder, Part, PartKeeper
from wildetect.geometry import Window
from wildetect.imagery.discovery import ImageFile
from wildetect.imagery.positions.metadata import Position
from wildetect.registry.manifest import Manifest
from wildetect.remote.place import Place, place_of_text
from wildetect.remote.remote_file import RemoteFile
from wildetect.results.journal.lines import document_of
from wildetect.results.pictures.stamps import stamp_of
from wildetect.settings.words import Device
from wildetect.wording import with_extra

__all__ = [
    "Answer",
    "Job",
    "Photo",
    "Unfit",
    "image_now",
    "made_ready",
    "photo_of",
    "same_as_told",
    "stop_run",
    "work",
]

_SAME_PROGRAM = (
    f"Bring the worker's checkout to the same state (git pull; {with_extra('cluster')}) and start it again."
)
_SAME_FOLDER = (
    "Share the folder with the worker, and say what it is called there: --path-map D:/survey=/mnt/survey"
)

_SAME_NETWORK = (
    "Let the worker reach that address, with the extra remote and its own sign-in (AWS_PROFILE, .netrc), "
    "and see that the picture was not changed meanwhile."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What all portions of a run share.

    Attributes:
        run: Names this start of the run.
        weights: Weights of the detector.
        classifier: Weights of its second stage.
        manifest: How they are fed and read, with the run's thresholds, as JSON.
        device: Device that the parent picked.
        batch_size: Tiles in a pass on a GPU.
        options: Options of the pipeline.
        versions: Versions of the parent's packages.
        path_maps: What its folders are called on workers.
        threads: Threads of each worker; None: all its cores.
    """

    run: str
    weights: WeightsFile
    classifier: WeightsFile | None
    manifest: str
    device: Device
    batch_size: int
    options: PipelineOptions
    versions: dict[str, str]
    path_maps: tuple[tuple[str, str], ...] = ()
    threads: int | None = None

    @property
    def files(self) -> list[WeightsFile]:
        """All files of the model."""
        return [file for file in (self.weights, self.classifier) if file is not None]


@dataclass(frozen=True, slots=True)
class Photo:
    """An image of the parent.

    Attributes:
        name: Name of the image in the run.
        path: Where the parent has it, or its address.
        size: Size of its file in bytes; None where the parent cannot see it.
        position: Position by a table of positions.
        above_ground: Height in m by that table.
        remote: What the parent knows of an image at an address, with what signs in there.
    """

    name: str
    path: str
    size: int | None
    position: Position | None = None
    above_ground: float | None = None
    remote: RemoteFile | None = field(default=None, repr=False)


def photo_of(image: ImageFile) -> Photo:
    """What a worker is told of an image."""
    stamp = stamp_of(image.path)
    remote = image.path if isinstance(image.path, RemoteFile) else None
    return Photo(
        image.name,
        str(image.path),
        None if stamp is None else stamp.size,
        image.position,
        image.above_ground,
        remote,
    )


def image_now(image: ImageFile) -> ImageFile:
    """An image of which nothing is known from before: its server is asked again."""
    if not isinstance(image.path, RemoteFile):
        return image
    return replace(image, path=RemoteFile(image.path.address, siblings=image.path.siblings))


def same_as_told(images: Sequence[ImageFile], told: Sequence[Photo]) -> bool:
    """Whether images are still those of which a worker was told.

    Args:
        images: Images as they are now, as `image_now` gives them.
        told: Photos that the worker is told of, in the same order.
    """
    for image, photo in zip(images, told, strict=True):
        if photo_of(image) != photo:
            return False
        known = None if photo.remote is None else photo.remote.facts
        if isinstance(image.path, RemoteFile) and known is not None and not known.fits(image.path.stat()):
            return False
    return True


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a worker cannot take part, and what fixes it; whether it is about a photograph."""

    what: str
    hint: str
    photograph: bool = False

    @classmethod
    def without_model(cls) -> Unfit:
        """One that was sent the model, and does not have it."""
        return cls("cannot keep the model's file", "Look for room on its disk.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What comes of a portion.

    Attributes:
        worker: Its address.
        lines: Lines of the journal, one for each image that is done: all, unless the run was stopped or
            they are long.
        long: For each image that is long its tiles.
        tiles: What came of a stretch of a long image, as a line of the journal; None where that was not
            asked for.
        seconds: Seconds that the stretch took.
        unfit: Why nothing was done.
        needs: The sha256 of files that the worker does not have.
    """

    worker: str
    lines: tuple[dict[str, Any], ...] = ()
    long: dict[str, tuple[Window, ...]] = field(default_factory=dict)
    tiles: dict[str, Any] | None = None
    seconds: float = 0.0
    unfit: Unfit | None = None
    needs: tuple[str, ...] = ()


_stopped: set[str] = set()
_loading = threading.Lock()
_loaded: dict[str, Detector] = {}


async def made_ready(job: Job, photos: Sequence[Photo], patience: float, dask_worker: Any) -> Answer:
    """Whether this process can do its part of a run; if so, its detector is there when work starts.

    Args:
        job: The run.
        photos: Some of its images, which have to be here.
        patience: Seconds for a folder to answer: that of a drive which is gone may never do.
        dask_worker: This process, as Dask gives it.
    """
    address, folder = str(dask_worker.address), Path(dask_worker.local_directory)
    try:
        unfit = await asyncio.wait_for(asyncio.to_thread(_unfit, job, photos), patience)
    except TimeoutError:
        what = f"has looked for {photos[0].path} for {patience:.0f} s without an end"
        unfit = Unfit(what, "See that the folder opens there; end the worker, and start it again.")
    if unfit is not None:
        return Answer(worker=address, unfit=unfit)
    detector = await asyncio.to_thread(_detector_or_why, job, address, folder)
    return detector if isinstance(detector, Answer) else Answer(worker=address)


def _unfit(job: Job, photos: Sequence[Photo]) -> Unfit | None:
    other = differences(job.versions, versions_here())
    if other:
        return Unfit("; ".join(other), _SAME_PROGRAM)
    for photo in photos:
        if photo.size is None:
            continue
        _, size = _found(photo, job)
        if size is None:
            hint = _SAME_FOLDER if photo.remote is None else _SAME_NETWORK
            return Unfit(f"cannot read {photo.path}", hint, photograph=True)
        if size != photo.size:
            what = f"has another file as {photo.path}: {size:,} bytes, not {photo.size:,}"
            return Unfit(what, _SAME_FOLDER, photograph=True)
    return None


def _detector_or_why(job: Job, address: str, folder: Path) -> Detector | Answer:
    """The run's detector, or what is missing for it."""
    files = {file.sha256: file_here(file, folder) for file in job.files}
    missing = tuple(sha256 for sha256, path in files.items() if path is None)
    if missing:
        return Answer(worker=address, needs=missing)
    try:
        return _detector(job, {sha256: path for sha256, path in files.items() if path is not None})
    except WildDetectError as error:
        return Answer(worker=address, unfit=Unfit(error.message, error.hint))


def work(job: Job, photos: Sequence[Photo], part: Part | None = None) -> Answer:
    """Detect in a portion of a run's images, or do a part of a long one.

    Args:
        job: The run.
        photos: Its images.
        part: What to do of the only one of them.
    """
    worker = get_worker()
    address = str(worker.address)
    unfit = _unfit(job, photos)
    if unfit is not None:
        return Answer(worker=address, unfit=unfit)
    detector = _detector_or_why(job, address, Path(worker.local_directory))
    if isinstance(detector, Answer):
        return detector
    images = [
        ImageFile(_found(photo, job)[0], photo.name, photo.position, photo.above_ground) for photo in photos
    ]
    options = _options(job, detector, max(worker.state.nthreads, 1))
    if part is not None:
        return _part_done(part, images[0], _Working(job, detector, options, address))
    finder = LongFinder()
    lines = _lines(images, _Working(job, detector, options, address), finder)
    short = tuple(line for line in lines if line["image"] not in finder.long)
    return Answer(worker=address, lines=short, long=finder.long)


class _Working(NamedTuple):
    """What a call of `work` has at hand."""

    job: Job
    detector: Detector
    options: PipelineOptions
    worker: str


def _options(job: Job, detector: Detector, at_once: int) -> PipelineOptions:
    # how many failures end a run is the parent's to say, which sees all
    options = replace(job.options, max_errors=None)
    return (
        options if detector.batched else replace(options, workers=job.threads or max(cores() // at_once, 1))
    )


def _part_done(part: Part, image: ImageFile, working: _Working) -> Answer:
    keeper = PartKeeper(part)
    lines = _lines([image], working, keeper)
    failed = any(line["failure"] is not None for line in lines)
    if not part.windows or (failed and not keeper.is_done):
        return Answer(worker=working.worker, lines=lines)
    seconds = sum(line["seconds"] for line in lines)
    return Answer(worker=working.worker, tiles=keeper.document(image.name), seconds=seconds)


def _lines(
    images: Sequence[ImageFile], working: _Working, keeper: TileKeeper | None = None
) -> tuple[dict[str, Any], ...]:
    job, detector, options, _ = working

    def stop() -> bool:
        return job.run in _stopped

    with contextlib.closing(detect_images(images, detector, options, stop=stop, keeper=keeper)) as results:
        return tuple(document_of(result, None) for result in results)


def _found(photo: Photo, job: Job) -> tuple[Place, int | None]:
    """Where this machine has an image, and its size in bytes; None where it has not."""
    if photo.remote is not None:
        return _asked(photo.remote)
    paths = [place_of_text(path) for path in mapped(photo.path, job.path_maps)]
    sizes = [(path, stamp.size) for path in paths if (stamp := stamp_of(path)) is not None]
    # of several folders of that name the one with the very file
    sizes.sort(key=lambda one: one[1] != photo.size)
    return sizes[0] if sizes else (paths[0], None)


def _asked(known: RemoteFile) -> tuple[Place, int | None]:
    """An image at an address, if this machine can read it and it is the one that the parent knows."""
    place = RemoteFile(known.address, siblings=known.siblings)
    stamp = stamp_of(place)
    if stamp is None or (known.facts is not None and not known.facts.fits(place.stat())):
        return place, None
    return place, stamp.size


def _detector(job: Job, files: dict[str, Path]) -> Detector:
    """The detector of a run, loaded once in each process."""
    key = repr((job.weights.sha256, job.manifest, job.device, job.batch_size))
    with _loading:
        if key not in _loaded:
            _loaded.clear()
            _loaded[key] = Detector(
                files[job.weights.sha256],
                Manifest.model_validate_json(job.manifest),
                job.device,
                classifier=None if job.classifier is None else files[job.classifier.sha256],
                batch_size=job.batch_size,
            )
        return _loaded[key]


async def stop_run(run: str) -> None:
    """Begin no more images of a run; those in work are finished."""
    _stopped.add(run)
