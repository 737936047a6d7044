"""Which ground is a photograph's own, from its tags: what a plan of overlapping photographs needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wildetect.tasks.support import say

if TYPE_CHECKING:
    from wildetect.results.finished_run import FinishedRun
    from wildetect.review.plan import Outline
    from wildetect.settings import Project

__all__ = ["own_grounds_of", "run_folder"]


def own_grounds_of(project: Project, run: FinishedRun) -> dict[str, Outline]:
    """Find the own ground of the photographs of a run that overlap, as far as their places are known.

    Args:
        project: Its configs/census.yaml says what the photographs do not tell.
        run: The detections.
    """
    from wildetect.census.design.survey_files import SurveyFiles
    from wildetect.census.gathering import gather
    from wildetect.census.ground.photographs import View, make_views
    from wildetect.errors import InputError
    from wildetect.review.outlines import GroundView, own_grounds
    from wildetect.workflows.census import (
        CensusRequest,
        keys_of,
        photograph_folders,
        settings_for,
        table_of,
    )

    settings = settings_for(project, CensusRequest(detections=(str(run.folder),)))
    files = SurveyFiles.read(keys_of(project, settings), table_of(project, settings))
    try:
        gathered = gather(run, photograph_folders(project, settings), lambda _done, _total: None)
    except InputError as error:
        say(f"warning: {error.message}; each is taken as a unit of its own")
        return {}
    views = make_views(gathered.photographs, settings.detection.flight_specs, files.positions, files.terrain)
    return own_grounds(
        [
            GroundView(view.file, view.width, view.height, view.footprint)
            for view in views.views
            if isinstance(view, View)
        ]
    )


def run_folder(run: Sequence[str] | None) -> Path:
    """The folder of a run that a task is about.

    Raises:
        ConfigurationError: None is named, or several are.
    """
    from wildetect.errors import ConfigurationError
    from wildetect.settings.project import from_caller

    if not run:
        raise ConfigurationError(
            "the folder of a detection run is needed", hint="uv run invoke review.plan --run results"
        )
    if len(run) > 1:
        raise ConfigurationError(
            f"{len(run)} folders of runs are given", hint="Review one run after the other."
        )
    return Path(from_caller(run[0]))
