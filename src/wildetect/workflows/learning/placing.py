"""Where and when the photographs of runs were taken: what splits a training set, and describes it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from wildetect.census.design.survey_files import SurveyFiles
from wildetect.census.gathering import Gathered, gather
from wildetect.census.ground.photographs import Photograph, Views, make_views
from wildetect.results.finished_run import FinishedRun
from wildetect.results.records import ImageResult
from wildetect.settings import Project
from wildetect.training.manifest import Taken
from wildetect.training.reviewed import Reviewed
from wildetect.training.splitting import Shot
from wildetect.wording import form, number_of
from wildetect.workflows.census_plan import (
    CensusRequest,
    keys_of,
    settings_for,
    table_of,
    with_lost_photographs,
)

__all__ = ["Source", "gathered_of", "shots_of", "split_of", "taken_of", "views_of"]


@dataclass(frozen=True, slots=True)
class Source:
    """A run that photographs come from.

    Attributes:
        run: The run.
        name: Name of its folder; no other source has it.
        reviewed: The photographs that are complete.
        begun: Number of those that have verdicts and are not.
    """

    run: FinishedRun
    name: str
    reviewed: list[Reviewed]
    begun: int


def shots_of(project: Project, sources: Sequence[Source]) -> tuple[list[Shot], tuple[str, ...]]:
    """Find where all photographs of runs were taken, and what is not known.

    Args:
        project: Its configs/census.yaml says of positions what photographs do not.
        sources: The runs.

    Returns:
        The photographs, and notes for a person.

    Raises:
        InputError: The photographs of a run are gone.
    """
    gathered = [gathered_of(project, source.run) for source in sources]
    photographs = [
        replace(one, file=f"{number}/{one.file}")
        for number, each in enumerate(gathered)
        for one in each.photographs
    ]
    views = views_of(project, sources[0].run, photographs)
    by_key = {view.file: view for view in views.views}
    shots: list[Shot] = []
    for number, (source, tags) in enumerate(zip(sources, gathered, strict=True)):
        digests = {one.result.name: one.digest for one in source.reviewed}
        taken = {one.file: one.tags.taken for one in tags.photographs}
        for result in source.run.results:
            if result.failed:
                continue
            view = by_key.get(f"{number}/{result.name}")
            camera = None if view is None else (view.x, view.y)
            if camera is None and result.longitude is not None and result.latitude is not None:
                x, y = views.projection.to_metres([(result.longitude, result.latitude)])[0].tolist()
                camera = (x, y)
            footprint = None if view is None else view.footprint
            shots.append(
                Shot(
                    run=number,
                    name=result.name,
                    digest=digests.get(result.name),
                    footprint=footprint,
                    camera=camera,
                    taken=taken.get(result.name),
                    place=_place(views, camera),
                    gsd_cm=_gsd_cm(footprint, result),
                )
            )
    return shots, _unplaced(shots)


def _place(views: Views, camera: tuple[float, float] | None) -> tuple[float, float] | None:
    """Latitude and longitude in degrees of a place in m."""
    if camera is None:
        return None
    longitude, latitude = views.projection.to_degrees([camera])[0].tolist()
    return latitude, longitude


def _gsd_cm(footprint: NDArray[np.float64] | None, result: ImageResult) -> float | None:
    """Ground resolution in cm/px: root of the ground that a pixel shows in the mean."""
    if footprint is None or not result.width or not result.height:
        return None
    return 100 * math.sqrt(shapely.Polygon(footprint).area / (result.width * result.height))


def taken_of(shot: Shot) -> Taken:
    """What the training set says of how a photograph was taken."""
    return Taken(
        month=None if shot.taken is None else f"{shot.taken:%Y-%m}",
        place=None if shot.place is None else (round(shot.place[0], 1), round(shot.place[1], 1)),
        gsd_cm=None if shot.gsd_cm is None else round(shot.gsd_cm, 2),
    )


def gathered_of(project: Project, run: FinishedRun) -> Gathered:
    """Read the tags of a run's photographs.

    Args:
        project: Its configs/census.yaml says where photographs lie that are away.
        run: The run.

    Raises:
        InputError: None of the photographs is there.
    """
    settings = settings_for(project, CensusRequest(detections=(str(run.folder),)))
    return gather(with_lost_photographs(run, project, settings))


def views_of(project: Project, run: FinishedRun, photographs: Sequence[Photograph]) -> Views:
    """Find where photographs look, in one plane.

    Args:
        project: Its configs/census.yaml says of positions what photographs do not.
        run: A run that they are of.
        photographs: Photographs with their tags.
    """
    settings = settings_for(project, CensusRequest(detections=(str(run.folder),)))
    files = SurveyFiles.read(keys_of(project, settings), table_of(project, settings))
    return make_views(
        photographs,
        settings.detection.flight_specs,
        files.positions,
        files.terrain,
        corrections=settings.survey.corrections,
    )


def _unplaced(shots: Sequence[Shot]) -> tuple[str, ...]:
    without = [shot for shot in shots if shot.digest is not None and shot.camera is None]
    if not without:
        return ()
    note = (
        f"{number_of(len(without), 'reviewed photograph')} {form(len(without), 'has', 'have')} no "
        f"position, such as {without[0].name}: "
        "each flight stays in one part, but whether two flights show the same ground is not known"
    )
    return (note,)


def split_of(shots: Sequence[Shot]) -> str:
    """Say by what the set is split: "ground", "flight", or both."""
    placed = {shot.camera is not None for shot in shots if shot.digest is not None}
    return "ground and flight" if len(placed) > 1 else "ground" if True in placed else "flight"
