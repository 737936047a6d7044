"""What a form of results is: one record of its files, of who writes them, and whether every run does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wildetect.results.records import ImageResult
from wildetect.results.reviewed import ReviewedBox
from wildetect.results.run import DetectionRun
from wildetect.settings.words import Export

__all__ = ["ExportFormat", "ExportedRun", "LabelNames"]


@dataclass(frozen=True)
class LabelNames:
    """Names of two tags in the project's labelling setup.

    Attributes:
        from_name: Name of its RectangleLabels.
        to_name: Name of its Image.
    """

    from_name: str = "label"
    to_name: str = "image"


@dataclass(frozen=True)
class ExportedRun:
    """What a form is made from.

    Attributes:
        folder: The run's output folder.
        record: What run.json says of the run.
        results: Results of its images, in the order of the files; may be gone through several times.
        labels: Names of the tags in Label Studio's labelling setup.
        reviewed: The animals of each image that people looked at as a whole.
    """

    folder: Path
    record: DetectionRun
    results: Sequence[ImageResult]
    labels: LabelNames
    reviewed: Mapping[str, Sequence[ReviewedBox]]

    @property
    def class_names(self) -> tuple[str, ...]:
        """The detector's classes."""
        return self.record.class_names

    @property
    def model(self) -> str:
        """Name and version of the detector."""
        return str(self.record.model)


@dataclass(frozen=True, kw_only=True)
class ExportFormat:
    """One form in which results are written.

    Attributes:
        name: The word in the settings.
        about: What reads it, for the documentation.
        files: Names of all files that it may write; the first shows whether it was once asked for.
        write: Writes them; gives the names of those that are there now.
        always: Whether every run writes them, unasked.
    """

    name: Export
    about: str
    files: tuple[str, ...]
    write: Callable[[ExportedRun], list[str]]
    always: bool = False
