"""Detections as predictions for Label Studio, to be corrected by hand.

Format: https://labelstud.io/guide/predictions. Pictures are named as local files; Label Studio finds
them when LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT is the folder that the pictures' own folder lies in (it
refuses to serve the root itself: https://labelstud.io/guide/storage).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from wildetect.results.exports.format import ExportedRun, ExportFormat, LabelNames
from wildetect.results.files import write_text
from wildetect.results.records import ImageResult
from wildetect.results.rows import CONFIDENCE_DIGITS, Row, rows

__all__ = ["LABELSTUDIO", "labelling_setup", "write_labelstudio"]

_PERCENT_DIGITS = 5


def write_labelstudio(
    path: Path,
    results: Iterable[ImageResult],
    class_names: Sequence[str],
    *,
    model: str,
    names: LabelNames | None = None,
) -> None:
    """Write tasks with predictions, one a picture; failed ones are left out.

    Args:
        path: The file.
        results: Results in the order of the file.
        class_names: The labels.
        model: Name and version, for `model_version`.
        names: Names of the tags in the labelling setup.

    Raises:
        InputError: The file cannot be written.
    """
    write_text(path, _pieces(results, class_names, model, names or LabelNames()))


def _pieces(
    results: Iterable[ImageResult], class_names: Sequence[str], model: str, names: LabelNames
) -> Iterator[str]:
    yield "["
    comma = ""
    for result in results:
        if not result.failed:
            task = _task(result, class_names, model, names)
            yield f"{comma}\n{json.dumps(task, ensure_ascii=False, allow_nan=False)}"
            comma = ","
    yield "\n]\n"


def _task(result: ImageResult, class_names: Sequence[str], model: str, names: LabelNames) -> dict[str, Any]:
    found = list(rows(result))
    mean = sum(row.confidence for row in found) / len(found) if found else 0.0
    return {
        "data": {"image": "/data/local-files/?d=" + quote(_local_path(result), errors="surrogateescape")},
        "predictions": [
            {
                "model_version": model,
                "score": round(mean, CONFIDENCE_DIGITS),
                "result": [_region(result, row, class_names[row.class_id], names) for row in found],
            }
        ],
    }


def _region(result: ImageResult, row: Row, label: str, names: LabelNames) -> dict[str, Any]:
    width, height = result.width or 1, result.height or 1
    x, y, across, down, rotation = _turned(row)
    return {
        "id": row.id,
        "from_name": names.from_name,
        "to_name": names.to_name,
        "type": "rectanglelabels",
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "score": row.confidence,
        "value": {
            "x": round(100 * x / width, _PERCENT_DIGITS),
            "y": round(100 * y / height, _PERCENT_DIGITS),
            "width": round(100 * across / width, _PERCENT_DIGITS),
            "height": round(100 * down / height, _PERCENT_DIGITS),
            "rotation": rotation,
            "rectanglelabels": [label],
        },
    }


def _turned(row: Row) -> tuple[float, float, float, float, float]:
    """Corner, width and height in px, and the degrees by which a box is turned clockwise around it."""
    if row.corners is None:
        x, y, across, down = row.xywh
        return x, y, across, down, 0
    x, y, *_ = row.corners
    along, beside = ((row.corners[one] - x, row.corners[one + 1] - y) for one in (2, 6))
    rotation = round(math.degrees(math.atan2(along[1], along[0])) % 360, _PERCENT_DIGITS)
    return x, y, math.hypot(*along), math.hypot(*beside), rotation


def _local_path(result: ImageResult) -> str:
    """The picture's folder and its path in it, with forward slashes."""
    inside = len(Path(result.name).parts)
    if not isinstance(result.path, Path):
        return str(result.path)
    parts = result.path.parts
    # what lies above the folder of all pictures differs between the machines that detect and label
    folder = parts[-inside - 1] if len(parts) > inside + 1 else ""
    return f"{folder}/{result.name}" if folder else result.name


def labelling_setup(class_names: Sequence[str], names: LabelNames | None = None) -> str:
    """The labelling setup (XML) of a Label Studio project that takes the predictions."""
    from xml.sax.saxutils import quoteattr

    names = names or LabelNames()
    labels = "\n".join(f"    <Label value={quoteattr(name)}/>" for name in class_names)
    image, boxes = quoteattr(names.to_name), quoteattr(names.from_name)
    return (
        f'<View>\n  <Image name={image} value="$image" zoom="true"/>\n'
        f"  <RectangleLabels name={boxes} toName={image}>\n{labels}\n  </RectangleLabels>\n</View>\n"
    )


def _write(run: ExportedRun) -> list[str]:
    path, setup = run.folder / "labelstudio.json", run.folder / "labelstudio_setup.xml"
    write_labelstudio(path, run.results, run.class_names, model=run.model, names=run.labels)
    write_text(setup, labelling_setup(run.class_names, run.labels))
    return [path.name, setup.name]


LABELSTUDIO = ExportFormat(
    name="labelstudio",
    about="Label Studio, as predictions to correct",
    files=("labelstudio.json", "labelstudio_setup.xml"),
    write=_write,
)
