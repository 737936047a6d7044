"""report.html: one page that tells a run, in one file, without any network.

The page's own Content-Security-Policy allows its style and script by their digests and pictures that
are part of it, nothing else: whatever a file name or class name holds, nothing runs and nothing is sent.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from wildetect.results.crops import Crop
from wildetect.results.files import write_text
from wildetect.results.overlay import overlay_name
from wildetect.results.records import ImageResult
from wildetect.results.report_map import survey_map
from wildetect.results.report_numbers import BINS, Histogram, Numbers, colour_code, numbers_of

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["write_report"]

_TEMPLATES = Path(__file__).with_name("templates")
_MOST_FAILURES = 500
_MINUTE, _HOUR = 60, 3600


@dataclass(frozen=True)
class _Thumbnail:
    """A crop as the page shows it."""

    crop: Crop
    class_name: str
    overlay: str | None

    @property
    def source(self) -> str:
        return "data:image/jpeg;base64," + base64.b64encode(self.crop.jpeg).decode("ascii")

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
    style, script = _text("report.css"), _text("report.js")
    page = _environment().get_template("report.html.j2")
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
        policy=_policy(style, script),
    )
    write_text(path, pieces)


def _policy(style: str, script: str) -> str:
    """What the browser may load: https://www.w3.org/TR/CSP3/."""
    return (
        f"default-src 'none'; img-src data:; style-src {_digest(style)}; script-src {_digest(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _text(name: str) -> str:
    # line ends as a browser sees them: the digest is made of these
    return "\n" + (_TEMPLATES / name).read_text(encoding="utf-8").replace("\r\n", "\n")


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


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"duration": _duration, "moment": _moment, "words": _words}
    return environment


def _duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE)} s"
    return f"{int(seconds // _HOUR):,} h {int(seconds % _HOUR // _MINUTE)} min"


def _moment(text: str) -> str:
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M UTC")


def _words(name: str) -> str:
    return name.replace("_", " ")
