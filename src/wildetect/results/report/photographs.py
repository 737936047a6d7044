"""All photographs of a run as data inside report.html, which its script searches and draws.

The page holds no row for a photograph: 10,000 of them would make it slow. It holds one block of JSON,
which is data to a browser and never runs (https://html.spec.whatwg.org/multipage/scripting.html, "data
block"), and only what is looked at becomes a part of the page.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from wildetect.results.records import ImageResult
from wildetect.results.report.numbers import colour_code
from wildetect.results.report.overlay import overlay_name
from wildetect.results.rows import CONFIDENCE_DIGITS
from wildetect.results.run import DetectionRun

__all__ = ["json_block", "photographs"]

_MOST_BOXES = 200_000  # about 5 MB of the page
_GOOD, _DOUBTFUL, _FAILED = range(3)


def photographs(
    record: DetectionRun, results: Iterable[ImageResult], overlays: Collection[str]
) -> Iterator[str]:
    """The data of the photographs, piece by piece, safe inside a script element.

    `rows` holds for each photograph its name, its state (0 good, 1 in doubt, 2 failed), the number of its
    detections, its width and height in px, the file of its overlay ("" where there is none), what is to
    be said of it as numbers of `reasons`, and its boxes, the surest first: x, y, width, height in px,
    confidence and class of one after the other. `classes` holds name and colour by class id.

    Args:
        record: What run.json says.
        results: Gone through once.
        overlays: Files of overlays that are there, relative to the page.
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
        yield ",\n" * bool(place) + json_block(row)
    classes = [[name, colour_code(number)] for number, name in enumerate(record.class_names)]
    yield f'],"classes":{json_block(classes)},"reasons":{json_block(list(reasons))}}}'


def json_block(value: object) -> str:
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
        yield "parts of it could not be read: animals there are not counted"
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
