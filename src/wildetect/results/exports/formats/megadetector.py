"""Detections in MegaDetector's batch output format. The same results always give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from wildetect.results.exports.format import ExportedRun, ExportFormat
from wildetect.results.files import write_text
from wildetect.results.ids import ids_of
from wildetect.results.records import ImageResult
from wildetect.results.rows import CONFIDENCE_DIGITS

__all__ = ["MEGADETECTOR", "write_megadetector"]

_SHARE_DIGITS = 7  # a hundredth of a px in a raster of 100,000 px


def write_megadetector(
    path: Path,
    results: Iterable[ImageResult],
    class_names: Sequence[str],
    *,
    detector: str | None = None,
    confidence: float | None = None,
) -> None:
    """Write detections.json in MegaDetector's batch output format, version 1.6.

    Timelapse and most camera-trap tools read it: https://lila.science/megadetector-output-format

    Args:
        path: The file.
        results: Results in the order of the file; each image takes one line of it.
        class_names: Category "1" is the first of them.
        detector: Name of the model, for the file's `info`.
        confidence: Lowest that was kept; without it Timelapse hides what is less sure than its own default.

    Raises:
        InputError: The file cannot be written.
    """
    info: dict[str, Any] = {"format_version": "1.6"} | ({"detector": detector} if detector else {})
    if confidence is not None:
        info["detector_metadata"] = {
            "megadetector_version": "unknown",
            "typical_detection_threshold": confidence,
            "conservative_detection_threshold": confidence,
        }
    categories = {str(number): name for number, name in enumerate(class_names, start=1)}
    write_text(path, _megadetector_pieces(info, categories, results))


def _megadetector_pieces(
    info: Mapping[str, Any], categories: Mapping[str, str], results: Iterable[ImageResult]
) -> Iterator[str]:
    yield f'{{\n"info": {_json(info)},\n"detection_categories": {_json(categories)},\n"images": ['
    for number, result in enumerate(results):
        yield ("," if number else "") + "\n" + _json(_megadetector_image(result))
    yield "\n]\n}\n"


def _megadetector_image(result: ImageResult) -> dict[str, Any]:
    """An entry of `images`: boxes as shares of the upright image, or why there are none."""
    if result.detections is None or result.width is None or result.height is None:
        return {"file": result.name, "failure": result.failure, "detections": None}
    width, height = float(result.width), float(result.height)
    found = result.detections
    columns = zip(
        found.xyxy.tolist(), found.confidence.tolist(), found.class_id.tolist(), ids_of(result), strict=True
    )
    turned: list[list[float] | None] = [None] * len(found)
    if found.corners is not None:
        turned = found.corners.tolist()
    detections = [
        {
            "category": str(class_id + 1),
            "conf": round(confidence, CONFIDENCE_DIGITS),
            "bbox": [
                round(x_min / width, _SHARE_DIGITS),
                round(y_min / height, _SHARE_DIGITS),
                round((x_max - x_min) / width, _SHARE_DIGITS),
                round((y_max - y_min) / height, _SHARE_DIGITS),
            ],
            **({} if corners is None else {"polygon": _polygon(corners, width, height)}),
            "id": key,
        }
        for ((x_min, y_min, x_max, y_max), confidence, class_id, key), corners in zip(
            columns, turned, strict=True
        )
    ]
    return {"file": result.name, "width": result.width, "height": result.height, "detections": detections}


def _polygon(corners: Sequence[float], width: float, height: float) -> list[list[float]]:
    """The corners of an oriented box as shares of the upright image, x and y of each."""
    pairs = zip(corners[::2], corners[1::2], strict=True)
    return [[round(x / width, _SHARE_DIGITS), round(y / height, _SHARE_DIGITS)] for x, y in pairs]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _write(run: ExportedRun) -> list[str]:
    write_megadetector(
        run.folder / "detections.json",
        run.results,
        run.class_names,
        detector=run.model,
        confidence=run.record.confidence,
    )
    return ["detections.json"]


MEGADETECTOR = ExportFormat(
    name="megadetector",
    about="Timelapse and most camera-trap tools",
    files=("detections.json",),
    write=_write,
    always=True,
)
