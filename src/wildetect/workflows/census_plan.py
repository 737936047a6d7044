"""What a census is asked for: the command line, its settings, the files that they name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wildetect.errors import ConfigurationError
from wildetect.results.finished_run import FinishedRun
from wildetect.results.journal.command import Command
from wildetect.results.pictures.moved import with_lost_photographs_in
from wildetect.settings import Option, Project, load_settings
from wildetect.settings.census import CensusSettings, SurveyKeys
from wildetect.settings.detection import PositionTable
from wildetect.settings.project import from_caller, given_path, place_from_caller

__all__ = ["CensusRequest", "keys_of", "settings_for", "table_of", "with_lost_photographs"]


@dataclass(frozen=True)
class CensusRequest:
    """What a caller asks for; None, or nothing, leaves it to the settings."""

    config: str | None = None
    detections: tuple[str, ...] = ()
    output: str | None = None
    tolerance: str | float | None = None
    confidence: str | float | None = None
    source: tuple[str, ...] = ()
    blur: str | None = None
    restart: bool = False

    @property
    def command(self) -> Command:
        """The command that asks for the same, whatever folder it is given in."""
        options: list[tuple[str, object]] = [
            ("--config", given_path(self.config)),
            *(("--source", place_from_caller(one)) for one in self.source),
            ("--output", given_path(self.output)),
            ("--tolerance", self.tolerance),
            ("--confidence", self.confidence),
            ("--blur", self.blur),
        ]
        return Command.given("census.run", options)


def settings_for(project: Project, request: CensusRequest) -> CensusSettings:
    """The settings of a census: the command line before the environment, .env and the file.

    Raises:
        ConfigurationError: Something is wrong with them, or several runs are named.
    """
    if len(request.detections) > 1:
        raise ConfigurationError(
            f"{len(request.detections)} folders of detections are given",
            hint="Detect in the photographs of all flights in one run, or take a census of each.",
        )
    detections = from_caller(request.detections[0]) if request.detections else None
    return load_settings(
        CensusSettings,
        project,
        file=given_path(request.config),
        options={
            ("survey", "detections"): Option("--detections", detections),
            ("export", "output_directory"): Option("--output", given_path(request.output)),
            ("survey", "tolerance"): Option("--tolerance", request.tolerance),
            ("survey", "confidence"): Option("--confidence", request.confidence),
        },
    )


def keys_of(project: Project, settings: CensusSettings) -> SurveyKeys:
    """The survey's keys with absolute paths."""
    keys = settings.survey
    paths = {name: getattr(keys, name) for name in ("detections", "strata", "transects", "terrain")}
    return keys.model_copy(
        update={name: project.path(path) for name, path in paths.items() if path is not None}
    )


def table_of(project: Project, settings: CensusSettings) -> PositionTable | None:
    """The table of positions, with absolute paths; None where no file is named."""
    table = settings.detection.exif_gps_update
    if table is None or table.csv_path is None:
        return None
    return table.model_copy(update={"csv_path": project.path(table.csv_path)})


def with_lost_photographs(run: FinishedRun, project: Project, settings: CensusSettings) -> FinishedRun:
    """Look in the folders that the settings name for photographs that were moved after detection."""
    named = [path for paths in settings.detection.sources.values() for path in paths]
    places = [project.place(place) for place in named]
    there = [place for place in places if not isinstance(place, Path) or place.is_dir()]
    return with_lost_photographs_in(run, there)
