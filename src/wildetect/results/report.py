"""report.html: one page that tells a run, in one file, without any network (module page)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from wildetect.results.crops import Crop
from wildetect.results.files import write_text
from wildetect.results.overlay import overlay_name
from wildetect.results.page import TEMPLATES, environment, picture_source, policy, text_of
from wildetect.results.records import ImageResult
from wildetect.results.report_map import survey_map
from wildetect.results.report_numbers import BINS, Histogram, Numbers, colour_code, numbers_of

__all__ = ["write_report"]

_MOST_FAILURES = 500


@dataclass(frozen=True)
class _Thumbnail:
    """A crop as the page shows it."""

    crop: Crop
    class_name: str
    overlay: str | None

    @property
    def source(self) -> str:
        return picture_source(self.crop.jpeg)

    @property
    def colour(self) -> str:
        return colour_code(self.crop.class_id)

    @property
    def confidence(self) -> str:
        return f"{self.crop.confidence:.5f}"


def write_report(
    path: Path,
    document: Mapping[str, Any],
    results: Sequence[ImageResult],
    *,
    crops: Sequence[Crop] = (),
    files: Collection[str] = (),
) -> None:
    """Write the report of a run.

    Args:
        path: The file.
        document: The content of run.json.
        results: Gone through twice.
        crops: For the gallery, the surest first.
        files: What else was written, relative to the report: overlays among them are linked.

    Raises:
        InputError: The file cannot be written.
    """
    class_names = document["model"]["class_names"]
    numbers = numbers_of(results, class_names)
    overlays = {name for name in files if name.startswith("overlays/")}
    style, script = text_of(TEMPLATES / "report.css"), text_of(TEMPLATES / "report.js")
    page = environment().get_template("report.html.j2")
    pieces = page.generate(
        run=document,
        numbers=numbers,
        histogram=Histogram.of(numbers),
        bins=BINS,
        lowest=_lowest(document, numbers),
        map=survey_map(results),
        crops=[_thumbnail(crop, class_names, overlays) for crop in crops],
        busiest=[(image, _link(image.name, overlays)) for image in numbers.busiest],
        most_failures=_MOST_FAILURES,
        files=sorted(name for name in files if name not in overlays),
        style=style,
        script=script,
        policy=policy(style, script),
    )
    write_text(path, pieces)


def _lowest(document: Mapping[str, Any], numbers: Numbers) -> float:
    """Where the threshold's slider begins: the run's own threshold, or the lowest bin with detections."""
    used = [place for one in numbers.found for place, count in enumerate(one.bins) if count]
    wanted = int(float(document["settings"].get("confidence") or 0.0) * BINS + 1e-6)
    return min([wanted, *used]) / BINS


def _thumbnail(crop: Crop, class_names: Sequence[str], overlays: Collection[str]) -> _Thumbnail:
    return _Thumbnail(crop, class_names[crop.class_id], _link(crop.image, overlays))


def _link(image: str, overlays: Collection[str]) -> str | None:
    """Address of an image's overlay, relative to the page; None where none was drawn."""
    name = f"overlays/{overlay_name(image)}"
    return quote(name) if name in overlays else None
