"""The photographs of a run with the tags of their cameras."""

from __future__ import annotations

from collections.abc import Container
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from wildetect.census.ground.photographs import Photograph
from wildetect.detections import Detections
from wildetect.errors import InputError
from wildetect.how_far import through
from wildetect.imagery.camera.camera import read_camera
from wildetect.imagery.opening import georeference_of
from wildetect.remote.place import Place, are_there, way_back, why_away
from wildetect.remote.remote_file import RemoteFile
from wildetect.results.finished_run import FinishedRun
from wildetect.results.pictures.sight import all_unseen
from wildetect.results.records import ImageResult
from wildetect.wording import number_of

__all__ = ["Gathered", "gather"]

_THREADS = 8  # reading tags waits for the drive more than it works


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a census looks at.

    Attributes:
        photographs: Photographs of the run, as far as their files are there, without those that failed.
        vanished: Number of boxes in each photograph whose file cannot be read any more.
        failed: Reason for each image that the run could not process.
        changed: What tells the file of each photograph from the one that the run read, where they differ.
        way_back: What makes the first of those readable again that vanished, for a hint; "" without any.
    """

    photographs: tuple[Photograph, ...]
    vanished: dict[str, int]
    failed: dict[str, str]
    changed: dict[str, str] = field(default_factory=dict)
    way_back: str = ""


def gather(run: FinishedRun) -> Gathered:
    """Read the tags of a run's photographs.

    Args:
        run: Names the files.

    Raises:
        InputError: None of the files is there, or a server does not answer: which of them it has is not
            known, and a count without them would take the place of one that may have them.
    """
    done = [(result, result.detections) for result in run.results if result.detections is not None]
    found = are_there(result.path for result, _ in done)
    there = [one for one, is_there in zip(done, found, strict=True) if is_there]
    away = [result.path for (result, _), is_there in zip(done, found, strict=True) if not is_there]
    for path in away:
        _refuse_silence(path)
    if away and not there:
        raise InputError(
            f"none of the {number_of(len(done), 'photograph')} of the run in {run.folder} is where it was: "
            f"{why_away(away[0])}",
            hint=_fix(away[0]),
        )
    photographs: list[Photograph] = []
    with ThreadPoolExecutor(_THREADS) as threads:
        read = threads.map(lambda one: _photograph(*one), there)
        for photograph in through(read, "photographs' tags read", len(there)):
            place = photograph.path
            if isinstance(place, RemoteFile):
                _refuse_silence(place)
            if isinstance(place, RemoteFile) and place.take_trouble() is not None:
                away.append(place)  # its tags may say where it was taken, and nobody knows
            else:
                photographs.append(photograph)
    known = {photograph.file for photograph in photographs}
    return Gathered(
        tuple(photographs),
        {result.name: len(boxes) for result, boxes in done if result.name not in known},
        {result.name: result.failure for result in run.results if result.failure is not None},
        _changed(run, known),
        way_back(away[0]) if away else "",
    )


def _changed(run: FinishedRun, read: Container[str]) -> dict[str, str]:
    """Photographs that were written again, or whose name another picture has: their tags were read."""
    hidden = all_unseen(result for result in run.results if result.name in read)
    return {name: one.reason for name, one in hidden.items() if one.why == "another"}


def _refuse_silence(place: Place) -> None:
    if isinstance(place, RemoteFile) and place.trouble is not None and place.trouble.silent:
        raise InputError(f"{place} cannot be read: {place.trouble.reason}", hint=_fix(place))


def _fix(place: Place) -> str:
    return f"{way_back(place)}, or say where the photographs are now: --source FOLDER (their tags are read)"


def _photograph(result: ImageResult, detections: Detections) -> Photograph:
    path = result.path
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
