"""What a review takes from photographs' tags and from a census: own grounds, and animals to compare."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from wildetect.census.ground.views import View
from wildetect.census.output.parts import AnimalRecord
from wildetect.census.output.record import CensusRecord, read_census_file
from wildetect.errors import InputError, WildDetectError
from wildetect.remote.place import Place
from wildetect.results.finished_run import FinishedRun
from wildetect.results.pictures.moved import with_photographs_in
from wildetect.results.pictures.sight import all_unseen
from wildetect.review.outlines import GroundView, own_grounds
from wildetect.review.page.animals import AnimalCase, AnimalCases, Neighbour
from wildetect.review.plan import Outline
from wildetect.review.teaching import Lesson, lessons_of
from wildetect.settings import Project
from wildetect.wording import form, listed, number_of, quoted
from wildetect.workflows.census_plan import CensusRequest, settings_for
from wildetect.workflows.learning.placing import gathered_of, views_of
from wildetect.workflows.watching import SILENT, Watcher

__all__ = ["cases_of", "lessons_for", "own_grounds_of", "run_and_census", "with_photographs_to_look_at"]

_MOST_NEIGHBOURS = 4
_LOOKED_AT = 24  # animals around each
_EARTH_M = 6_371_000.0


def own_grounds_of(project: Project, run: FinishedRun, watcher: Watcher = SILENT) -> dict[str, Outline]:
    """Find the own ground of the photographs of a run that overlap, as far as their places are known.

    Args:
        project: Its configs/census.yaml says what the photographs do not tell.
        run: The detections.
        watcher: Observer that is told where no place is known.
    """
    try:
        gathered = gathered_of(project, run)
    except InputError as error:
        watcher.notice(f"warning: {error.message}; each is taken as a unit of its own")
        return {}
    views = views_of(project, run, gathered.photographs)
    return own_grounds(
        [
            GroundView(view.file, view.width, view.height, view.footprint)
            for view in views.views
            if isinstance(view, View)
        ]
    )


def run_and_census(folder: Path, census: Path | None) -> tuple[Path, Path | None]:
    """Tell the folder of a run from that of a census, which names its run.

    Args:
        folder: Folder that was given.
        census: Census that was given beside it; null: none.

    Returns:
        The folder of the run, and that of the census where one is named.
    """
    if (folder / "run.json").is_file() or not (folder / "census.json").is_file():
        return folder, census
    inside, named = folder / "detections", Path(read_census_file(folder).detections.folder)
    return (named if named.is_dir() and not inside.is_dir() else inside), census or folder


def with_photographs_to_look_at(
    run: FinishedRun, sources: Sequence[Place], watcher: Watcher = SILENT
) -> FinishedRun:
    """Have the photographs of a run where they lie now: nobody can judge what nobody sees.

    Args:
        run: Run as it was read.
        sources: Where they are now; empty: where the run found them.
        watcher: Observer that is told which ones are away.

    Raises:
        InputError: None of them is there.
    """
    if sources:
        run = with_photographs_in(run, sources)
    hidden = all_unseen(run.results, inside=False)
    if not hidden:
        return run
    away = [name for name, one in hidden.items() if one.why == "away"]
    another = [name for name, one in hidden.items() if one.why == "another"]
    command = f"uv run invoke review.open --run {quoted(str(run.folder))} --source FOLDER"
    if away and len(away) == sum(not one.failed for one in run.results):
        first = next(one for one in run.results if one.name in away)
        raise InputError(
            f"the photographs of this run are not where it found them, such as {first.path}",
            hint=f"Name the folder that they are in now: {command}",
        )
    what = [
        f"{len(names):,} {form(len(names), 'is', 'are')} {why}, such as {names[0]}"
        for names, why in ((away, "away"), (another, "another picture by that name"))
        if names
    ]
    boxes = sum(
        len(one.detections) for one in run.results if one.name in hidden and one.detections is not None
    )
    watcher.notice(
        f"warning: {number_of(len(hidden), 'photograph')} of {len(run.results):,} with "
        f"{number_of(boxes, 'detection')} cannot be judged: {listed(what)}; if they were moved: {command}"
    )
    return run


def cases_of(project: Project, run: FinishedRun, census: Path | None) -> AnimalCases:
    """Find the census of a run, and the animals of it that people can judge.

    Args:
        project: Its configs/census.yaml says where censuses are written.
        run: The detections.
        census: Folder of the census; null: the run's own, the one around it, or the one of the settings.

    Raises:
        InputError: `census` holds none, or that of another run.
    """
    if census is not None:
        return _cases(_named(census, run))
    later = False
    for record in _likely_censuses(project, run):
        if _counts_in(record, run):
            return _cases(record)
        later = later or _names(record, run)
    if later:
        return AnimalCases(
            missing="the detections were made again since the census: take it again (census.run)"
        )
    return AnimalCases()


def _named(census: Path, run: FinishedRun) -> CensusRecord:
    """The census in a folder, which must be one of the run."""
    record = read_census_file(census)
    if not _counts_in(record, run):
        raise InputError(
            f"the census in {census} does not count in the detections of {run.folder} as they are now",
            hint=f"Take it again: uv run invoke census.run --detections {quoted(str(run.folder))} "
            f"--output {quoted(str(census))}",
        )
    return record


def lessons_for(project: Project, run: FinishedRun, census: Path | None = None) -> list[Lesson]:
    """Weigh what each photograph of a run may teach a detector, by a census of it, too.

    Args:
        project: Its configs/census.yaml says where censuses are written.
        run: The detections.
        census: Folder of the census; null: the run's own, the one around it, or the one of the settings.

    Raises:
        InputError: `census` holds none, or that of another run.
    """
    if census is not None:
        record: CensusRecord | None = _named(census, run)
    else:
        likely = _likely_censuses(project, run)
        record = next((one for one in likely if _counts_in(one, run)), None)
    return lessons_of(list(run.results), None if record is None else _near_misses(record))


def _near_misses(record: CensusRecord) -> dict[str, int]:
    """Boxes that nearly were one animal in a census, by photograph."""
    return dict(Counter(name for one in record.near_misses for name in one.photographs))


def _likely_censuses(project: Project, run: FinishedRun) -> Iterator[CensusRecord]:
    for folder in _likely_folders(project, run):
        with suppress(InputError):
            yield read_census_file(folder)


def _likely_folders(project: Project, run: FinishedRun) -> Iterator[Path]:
    yield run.folder
    yield run.folder.parent
    try:
        settings = settings_for(project, CensusRequest(detections=(str(run.folder),)))
    except WildDetectError:
        return  # what is wrong with it is no matter of a review
    yield project.path(settings.output)


def _counts_in(record: CensusRecord, run: FinishedRun) -> bool:
    """Whether a census counted in these very detections, wherever they lie now."""
    of, now = record.detections, run.record
    return (of.started, of.detections, of.images) == (now.times.started, now.detections, now.images)


def _names(record: CensusRecord, run: FinishedRun) -> bool:
    return record.detections.folder != "" and Path(record.detections.folder) == run.folder


def _cases(record: CensusRecord) -> AnimalCases:
    """The animals that more than one photograph shows, and those that may be one."""
    if any(not one.id for one in record.animals):
        return AnimalCases(missing="the census is of an earlier version: take it again (census.run)")
    near = _neighbours(record)
    judged = [row for row, one in enumerate(record.animals) if len(one.boxes) > 1 or near[row]]
    case_of = {row: case for case, row in enumerate(judged)}
    cases = []
    for row in judged:
        one = record.animals[row]
        surest = sorted(one.boxes, key=lambda box: (box.confidence, box.file), reverse=True)
        cases.append(
            AnimalCase(
                number=one.animal,
                species=one.species,
                boxes=tuple(box.id for box in surest),
                apart_m=one.apart_m,
                neighbours=tuple(
                    Neighbour(case_of[other], metres) for metres, other in near[row] if other in case_of
                ),
            )
        )
    return AnimalCases(animals=tuple(cases), tolerance=record.tolerance.metres, missing=None)


def _neighbours(record: CensusRecord) -> list[list[tuple[float, int]]]:
    """Find others that each animal may be: near misses, and those within the tolerance, the nearest first.

    What one photograph shows beside it is another animal.
    """
    animals = record.animals
    row_of = {box.id: row for row, one in enumerate(animals) for box in one.boxes}
    apart: dict[tuple[int, int], float] = {}
    for miss in record.near_misses:
        if miss.ids[0] in row_of and miss.ids[1] in row_of:
            one, other = sorted(row_of[key] for key in miss.ids)
            apart[one, other] = min(miss.metres, apart.get((one, other), math.inf))
    for one, other, metres in _near(animals, record.tolerance.metres):
        apart.setdefault((one, other), metres)
    found: list[list[tuple[float, int]]] = [[] for _ in animals]
    for (one, other), metres in apart.items():
        if set(animals[one].photographs).isdisjoint(animals[other].photographs):
            found[one].append((metres, other))
            found[other].append((metres, one))
    return [sorted(each)[:_MOST_NEIGHBOURS] for each in found]


def _near(animals: Sequence[AnimalRecord], tolerance: float) -> Iterator[tuple[int, int, float]]:
    """Rows of animals within the tolerance of each other, the lower one first, and their distance in m."""
    if not animals:
        return
    places = _metres([(one.longitude, one.latitude) for one in animals])
    # in a colony each has thousands around it: those nearest are enough
    metres, others = cKDTree(places).query(
        places, k=min(_LOOKED_AT, len(places)), distance_upper_bound=tolerance
    )
    for row, (far, near) in enumerate(
        zip(metres.reshape(len(places), -1), others.reshape(len(places), -1), strict=True)
    ):
        for distance, other in zip(far.tolist(), near.tolist(), strict=True):
            if other != row and math.isfinite(distance):
                yield min(row, other), max(row, other), round(distance, 2)


def _metres(degrees: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """Places in a plane: right to a thousandth over the few metres that matter; shape (n, 2)."""
    places = np.radians(np.array(degrees, np.float64).reshape(-1, 2)) * _EARTH_M
    places[:, 0] *= np.cos(places[:, 1] / _EARTH_M)
    return places
