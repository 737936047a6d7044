"""Which ground is a photograph's own, from its tags: what a plan of overlapping photographs needs."""

from __future__ import annotations

from wildetect.census.design.survey_files import SurveyFiles
from wildetect.census.gathering import gather
from wildetect.census.ground.photographs import View, make_views
from wildetect.errors import InputError
from wildetect.results.finished_run import FinishedRun
from wildetect.review.outlines import GroundView, own_grounds
from wildetect.review.plan import Outline
from wildetect.settings import Project
from wildetect.workflows.census import CensusRequest, keys_of, photograph_folders, settings_for, table_of
from wildetect.workflows.watching import SILENT, Watcher

__all__ = ["own_grounds_of"]


def own_grounds_of(project: Project, run: FinishedRun, watcher: Watcher = SILENT) -> dict[str, Outline]:
    """Find the own ground of the photographs of a run that overlap, as far as their places are known.

    Args:
        project: Its configs/census.yaml says what the photographs do not tell.
        run: The detections.
        watcher: Told where no place is known.
    """
    settings = settings_for(project, CensusRequest(detections=(str(run.folder),)))
    files = SurveyFiles.read(keys_of(project, settings), table_of(project, settings))
    try:
        gathered = gather(run, photograph_folders(project, settings), lambda _done, _total: None)
    except InputError as error:
        watcher.notice(f"warning: {error.message}; each is taken as a unit of its own")
        return {}
    views = make_views(
        gathered.photographs,
        settings.detection.flight_specs,
        files.positions,
        files.terrain,
        corrections=settings.survey.corrections,
    )
    return own_grounds(
        [
            GroundView(view.file, view.width, view.height, view.footprint)
            for view in views.views
            if isinstance(view, View)
        ]
    )
