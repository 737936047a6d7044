"""The photographs of a run with the tags of their cameras."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from wildetect.census.ground.photographs import Photograph
from wildetect.detections import Detections
from wildetect.errors import InputError
from wildetect.imagery.camera.camera import read_camera
from wildetect.imagery.opening import georeference_of
from wildetect.remote.place import Place, of_each
from wildetect.remote.remote_file import RemoteFile
from wildetect.results.finished_run import FinishedRun
from wildetect.results.records import ImageResult
from wildetect.wording import number_of

__all__ = ["Gathered", "gather"]

_THREADS = 8  # reading tags waits for the drive more than it works

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a census looks at.

    Attributes:
        photographs: Of the run, as far as their files are there, without those that failed.
        vanished: Number of boxes in each photograph whose file is no longer there.
        failed: Reason for each image that the run could not process.
    """

    photographs: tuple[Photograph, ...]
    vanished: dict[str, int]
    failed: dict[str, str]


def gather(run: FinishedRun, progress: Progress) -> Gathered:
    """Read the tags of a run's photographs.

    Args:
        run: Names the files.
        progress: Told how many of how many are done.

    Raises:
        InputError: None of the files is there.
    """
    done = [(result, result.detections) for result in run.results if result.detections is not None]
    paths = of_each(lambda one: _path_of(one[0]), done)
    found = [(result, boxes, path) for (result, boxes), path in zip(done, paths, strict=True)]
    there = [(result, boxes, path) for result, boxes, path in found if path is not None]
    if done and not there:
        raise InputError(
            f"none of the {number_of(len(done), 'photograph')} of the run in {run.folder} is where it was: "
            f"{done[0][0].path}",
            hint="The census reads their tags: bring the drive back, or say where they are now: "
            "--source FOLDER",
        )
    photographs: list[Photograph] = []
    lost: dict[str, int] = {}
    with ThreadPoolExecutor(_THREADS) as threads:
        for number, photograph in enumerate(threads.map(lambda one: _photograph(*one), there), start=1):
            place = photograph.path
            if not isinstance(place, RemoteFile) or place.take_trouble() is None:
                photographs.append(photograph)
            else:  # its tags may say where it was taken, and nobody knows
                lost[photograph.file] = len(photograph.detections)
            progress(number, len(there))
    return Gathered(
        tuple(photographs),
        {result.name: len(boxes) for result, boxes, path in found if path is None} | lost,
        {result.name: result.failure for result in run.results if result.failure is not None},
    )


def _path_of(result: ImageResult) -> Place | None:
    """The photograph's file; null where it is gone."""
    return result.path if result.path.is_file() else None


def _photograph(result: ImageResult, detections: Detections, path: Place) -> Photograph:
    return Photograph(
        file=result.name,
        path=path,
        width=result.width or 0,
        height=result.height or 0,
        tags=read_camera(path),
        detections=detections,
        georeference=georeference_of(path),
        dark=result.dark,
    )
