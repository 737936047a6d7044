"""What the files beside the photographs say: strata, transects, positions, terrain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wildetect.census.design.vector_files import Area, Line, read_areas, read_lines
from wildetect.errors import InputError
from wildetect.imagery.positions.table import TableRow, read_position_table
from wildetect.settings.census import SurveyKeys
from wildetect.settings.detection import PositionTable

__all__ = ["SurveyFiles"]


@dataclass(frozen=True, slots=True)
class SurveyFiles:
    """The content of the files that the settings name, read before any long work begins.

    Attributes:
        strata: Null where none are given.
        lines: Transects; null where none are given.
        positions: Positions by name of the photograph.
        terrain: The file of heights; null for flat ground.
    """

    strata: Sequence[Area] | None = None
    lines: Sequence[Line] | None = None
    positions: Mapping[str, TableRow] = field(default_factory=dict)
    terrain: Path | None = None

    @classmethod
    def read(cls, keys: SurveyKeys, table: PositionTable | None) -> SurveyFiles:
        """Read them.

        Args:
            keys: Settings with absolute paths.
            table: Positions of photographs, with an absolute path; null for none.

        Raises:
            InputError: A file is missing or cannot be used.
        """
        if keys.terrain is not None and not keys.terrain.is_file():
            raise InputError(
                f"there is no terrain file {keys.terrain}",
                hint="Name a GeoTIFF as survey.terrain in configs/census.yaml, or null for flat ground.",
            )
        return cls(
            None if keys.strata is None else read_areas(keys.strata, keys.strata_name),
            None if keys.transects is None else read_lines(keys.transects, keys.transects_name),
            {} if table is None or table.csv_path is None else read_position_table(table),
            keys.terrain,
        )
