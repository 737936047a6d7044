"""A photograph of a survey, and what was detected in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wildetect.detections import Detections
from wildetect.imagery.camera import CameraTags
from wildetect.imagery.georeference import Georeference

__all__ = ["Photograph"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Photograph:
    """A photograph, or a raster, and what was detected in it.

    Attributes:
        file: Its name in the run.
        path: Where it lies; null if it is no longer there.
        width: Of the upright picture in px.
        height: Of the upright picture in px.
        tags: What it says of its camera.
        detections: In px of the upright picture.
        georeference: Place on the map of a raster; null for a photograph.
        dark: Whether it is almost black.
    """

    file: str
    path: Path | None
    width: int
    height: int
    tags: CameraTags
    detections: Detections
    georeference: Georeference | None = None
    dark: bool = False
