"""report.html: one page that tells a run, in one file, without any network (module page).

The page holds no element for each photograph: 10,000 of them would make it slow. It holds one block of
JSON, which is data to a browser and never runs (https://html.spec.whatwg.org/multipage/scripting.html,
"data block"), and its script makes elements only of what is looked at.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from wildetect.results.files import write_text
from wildetect.results.records import ImageResult
from wildetect.results.report.crops import Crop
from wildetect.results.report.map import SurveyMap, survey_map
from wildetect.results.report.numbers import BINS, Histogram, Numbers, colour_code, numbers_of
from wildetect.results.report.overlay import overlay_name
from wildetect.results.report.page import TEMPLATES, environment, picture_source, policy, text_of
from wildetect.results.rows import CONFIDENCE_DIGITS
from wildetect.results.run import DetectionRun

__all__ = ["write_report"]

_MOST_FAILURES = 500
_MOST_SOURCES = 5
_MOST_BOXES = 200_000  # about 5 MB of the page
_GOOD, _DOUBTFUL, _FAILED = range(3)
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
    style = text_of(TEMPLATES / "report.css", TEMPLATES / "photographs.css", TEMPLATES / "map.css")
    script = text_of(*(TEMPLATES / name for name in ("photographs.js", "map.js", "report.js")))
    drawn = survey_map(results)
    page = environment().get_template("report.html.j2")
    pieces = page.generate(
        run=record,
        numbers=numbers,
        histogram=Histogram.of(numbers),
        bins=BINS,
        begins=_Beginning.of(record, numbers),
        map=drawn,
        crops=[_thumbnail(crop, class_names, overlays) for crop in crops],
        busiest=[(image, _link(image.name, overlays)) for image in numbers.busiest],
        photographs=_photographs(record, results, overlays, drawn),
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


def _photographs(
    record: DetectionRun, results: Iterable[ImageResult], overlays: Collection[str], drawn: SurveyMap | None
) -> Iterator[str]:
    """The data of the photographs, piece by piece, safe inside a script element.

    `rows` holds for each photograph its name, its state (0 good, 1 in doubt, 2 failed), the number of its
    detections, its width and height in px, the file of its overlay ("" where there is none), what is to
    be said of it as numbers of `reasons`, and its boxes, the surest first: x, y, width, height in px,
    confidence and class of one after the other. `classes` holds name and colour by class id; `map` is
    what the map of a large survey is drawn of (`SurveyMap`).

    Args:
        record: What run.json says.
        results: Gone through once.
        overlays: Files of overlays that are there, relative to the page.
        drawn: The map; None where there is none.
    """
    most = _most_boxes(record)
    doubts = _doubts(record)
    reasons: dict[str, int] = {}
    yield '{"rows":['
    for place, result in enumerate(results):
        told = [*_told(result), *doubts.get(result.name, ())]
        overlay = f"overlays/{overlay_name(result.name)}"
        row = [
            result.name.encode("utf-8", errors="backslashreplace").decode(),
            _FAILED if result.failed else _DOUBTFUL if told else _GOOD,
            0 if result.detections is None else len(result.detections),
            result.width or 0,
            result.height or 0,
            overlay if overlay in overlays else "",
            [reasons.setdefault(text, len(reasons)) for text in dict.fromkeys(told)],
            _boxes(result, most),
        ]
        yield ",\n" * bool(place) + _json(row)
    classes = [[name, colour_code(number)] for number, name in enumerate(record.class_names)]
    yield f'],"classes":{_json(classes)},"reasons":{_json(list(reasons))}'
    large = drawn if drawn and drawn.points else None
    if large:
        size = {"height": large.height, "perMetre": large.per_metre}
        yield f',"map":{_json({**size, "points": large.points})}'
    yield "}"


def _json(value: object) -> str:
    """JSON that cannot end the script element it stands in, nor begin a comment there."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _most_boxes(record: DetectionRun) -> int | None:
    """Most boxes of a photograph; None: all."""
    if record.detections <= _MOST_BOXES:
        return None
    return max(_MOST_BOXES // max(record.images.with_detections, 1), 1)


def _doubts(record: DetectionRun) -> Mapping[str, list[str]]:
    """What the run as a whole says of single photographs, by their names."""
    told: dict[str, list[str]] = defaultdict(list)
    for doubt in record.doubts:
        for name in doubt.files:
            told[name].append(doubt.what)
    for name in record.dark_images:
        told[name].append("it is almost black: animals can hardly be seen")
    if record.many_cut:
        for name in record.cut_boxes.files:
            told[name].append("boxes end at the border of a tile: an animal may count more than once")
    return told


def _told(result: ImageResult) -> Iterator[str]:
    if result.failure is not None:
        yield result.failure
    yield from result.doubts
    if result.tiles_failed:
        yield "parts of it failed: animals there are not counted"
    if result.tiles_full:
        yield "the model gave as many boxes as it can in a tile: animals may be missing"


def _boxes(result: ImageResult, most: int | None) -> list[Any]:
    found = result.detections
    if found is None or not len(found):
        return []
    surest = found.ranking()[:most]
    confidence = found.confidence[surest].astype(float).round(CONFIDENCE_DIGITS).tolist()
    flat: list[Any] = []
    for corners, sure, class_id in zip(
        found.xyxy[surest].tolist(), confidence, found.class_id[surest].tolist(), strict=True
    ):
        # a tenth of a pixel is finer than any screen shows
        x, y, right, bottom = (round(edge, 1) for edge in corners)
        flat += [x, y, round(right - x, 1), round(bottom - y, 1), sure, class_id]
    return flat
