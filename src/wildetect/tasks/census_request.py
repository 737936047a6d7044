"""What the command line and the settings ask of a census, made into what the census needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from wildetect.settings import Project
    from wildetect.settings.census import CensusSettings, SurveyKeys
    from wildetect.settings.detection import PositionTable

__all__ = ["CensusRequest", "keys_of", "photograph_folders", "settings_for", "table_of"]


@dataclass(frozen=True)
class CensusRequest:
    """What the command line asks for; None, or nothing, leaves it to the settings."""

    config: str | None = None
    detections: tuple[str, ...] = ()
    output: str | None = None
    tolerance: str | None = None
    confidence: str | None = None


def settings_for(project: Project, request: CensusRequest) -> CensusSettings:
    """The settings of a census: the command line before the environment, .env and the file.

    Raises:
        ConfigurationError: Something is wrong with them, or several runs are named.
    """
    from wildetect.errors import ConfigurationError
    from wildetect.settings import Option, load_settings
    from wildetect.settings.census import CensusSettings
    from wildetect.settings.project import from_caller

    if len(request.detections) > 1:
        raise ConfigurationError(
            f"{len(request.detections)} folders of detections are given",
            hint="Detect in the photographs of all flights in one run, or take a census of each.",
        )
    detections = from_caller(request.detections[0]) if request.detections else None
    return load_settings(
        CensusSettings,
        project,
        file=from_caller(request.config) if request.config else None,
        options={
            ("survey", "detections"): Option("--detections", detections),
            ("export", "output_directory"): Option(
                "--output", from_caller(request.output) if request.output else None
            ),
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


def photograph_folders(project: Project, settings: CensusSettings) -> list[Path]:
    """Folders that the settings name: photographs that were moved after detection are looked for there."""
    named = [path for paths in settings.detection.sources.values() for path in paths]
    return [folder for folder in map(project.path, named) if folder.is_dir()]
