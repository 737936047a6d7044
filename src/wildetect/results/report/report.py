"""report.html: one page that tells a run, in one file, without any network (module page)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from wildetect.results.files import write_text
from wildetect.results.records import ImageResult
from wildetect.results.report.crops import Crop
from wildetect.results.report.map import survey_map
from wildetect.results.report.numbers import BINS, Histogram, Numbers, colour_code, numbers_of
from wildetect.results.report.overlay import overlay_name
from wildetect.results.report.page import TEMPLATES, environment, picture_source, policy, text_of
from wildetect.results.report.photographs import photographs
from wildetect.results.run import DetectionRun

__all__ = ["write_report"]

_MOST_FAILURES = 500
_MOST_SOURCES = 5
_TAIL = 10  # letters at the end of a file's name, which tell photographs apart: "I_0005.JPG"


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

    @property
    def file(self) -> tuple[str, str]:
        """The file's name in two parts: where it is too long for its place, the first is cut."""
        name = PurePosixPath(self.crop.image).name
        return name[:-_TAIL], name[-_TAIL:]


@dataclass(frozen=True)
class _Beginning:
    """Where the threshold's slider begins.

    Attributes:
        limit: The lower limit of a bin, 0 to 1.
        text: The confidence that detections have there at least, for a person.
    """

    limit: float
    text: str

    @classmethod
    def of(cls, record: DetectionRun, numbers: Numbers) -> _Beginning:
        """The run's own threshold, in the bin that it lies in; the lowest bin with detections, if lower."""
        wanted = record.confidence
        place = int(wanted * BINS + 1e-6)
        used = [place for one in numbers.found for place, count in enumerate(one.bins) if count]
        lowest = min([place, BINS - 1, *used])
        least = wanted if lowest == place else lowest / BINS
        return cls(lowest / BINS, max(f"{least:.2f}", f"{least:.4g}", key=len))


def write_report(
    path: Path,
    record: DetectionRun,
    results: Sequence[ImageResult],
    *,
    crops: Sequence[Crop] = (),
    files: Collection[str] = (),
) -> None:
    """Write the report of a run.

    Args:
        path: The file.
        record: What run.json says.
        results: Gone through three times.
        crops: For the gallery, the surest first.
        files: What else was written, relative to the report: overlays among them are linked.

    Raises:
        InputError: The file cannot be written.
    """
    class_names = record.class_names
    numbers = numbers_of(results, class_names)
    overlays = {name for name in files if name.startswith("overlays/")}
    style = text_of(TEMPLATES / "report.css", TEMPLATES / "photographs.css")
    script = text_of(TEMPLATES / "photographs.js", TEMPLATES / "report.js")
    page = environment().get_template("report.html.j2")
    pieces = page.generate(
        run=record,
        numbers=numbers,
        histogram=Histogram.of(numbers),
        bins=BINS,
        begins=_Beginning.of(record, numbers),
        map=survey_map(results),
        crops=[_thumbnail(crop, class_names, overlays) for crop in crops],
        busiest=[(image, _link(image.name, overlays)) for image in numbers.busiest],
        photographs=photographs(record, results, overlays),
        most_failures=_MOST_FAILURES,
        most_sources=_MOST_SOURCES,
        files=sorted(name for name in files if name not in overlays),
        style=style,
        script=script,
        policy=policy(style, script, pictures=bool(overlays)),
    )
    write_text(path, pieces)


def _thumbnail(crop: Crop, class_names: Sequence[str], overlays: Collection[str]) -> _Thumbnail:
    return _Thumbnail(crop, class_names[crop.class_id], _link(crop.image, overlays))


def _link(image: str, overlays: Collection[str]) -> str | None:
    """Address of an image's overlay, relative to the page; None where none was drawn."""
    name = f"overlays/{overlay_name(image)}"
    return quote(name) if name in overlays else None
