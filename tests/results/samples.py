"""Results as a small survey gives them: names to stumble over, a failure, positions of each kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from wildetect.detections import Detections
from wildetect.results.records import ImageResult, RunSummary
from wildetect.results.run import DetectionRun
from wildetect.results.run_file import run_from

NAMES = ("plains zebra", "gnu, <blue>", "lion")
NASTY = "<img src=x onerror=alert(1)>.jpg"


def found(*boxes: tuple[float, float, float, float, float, int]) -> Detections:
    """Boxes as x_min, y_min, x_max, y_max, confidence, class."""
    table = np.array(boxes, dtype=np.float64).reshape(-1, 6)
    return Detections(table[:, :4], table[:, 4], table[:, 5].astype(int))


def survey(folder: Path = Path("/survey/flight")) -> list[ImageResult]:
    """A photograph with a position, a raster, an empty picture, one without a position, a broken one."""
    size = {"width": 200, "height": 100, "tiles": 2}

    def result(name: str, detections: Detections | None, **more: Any) -> ImageResult:
        return ImageResult(name=name, path=folder / name, detections=detections, **{**size, **more})

    return [
        result(
            NASTY, found((10, 20, 30, 60, 0.9, 1), (0, 0, 200, 100, 0.35, 0)), longitude=34.75, latitude=-2.5
        ),
        result(
            "map/ortho.tif",
            found((50, 50, 60, 60.456, 0.123456, 2)),
            positions=np.array([[34.7512345678, -2.4987654321]]),
        ),
        result("empty.jpg", Detections.empty(), longitude=34.751, latitude=-2.501),
        result("ü 1.jpg", found((1, 2, 3, 4, 0.5, 0))),
        result(
            "broken.jpg", None, failure="the file is cut short (truncated)", width=None, height=None, tiles=0
        ),
    ]


def run_of(
    results: list[ImageResult], *, state: str = "finished", expected: int = 0, **changes: Any
) -> DetectionRun:
    """The run that left them."""
    return run_from(document_of(results, state=state, expected=expected) | changes)


def document_of(results: list[ImageResult], *, state: str = "finished", expected: int = 0) -> dict[str, Any]:
    """What run.json says of them."""
    summary = RunSummary.of(results, expected or len(results))
    return {
        "state": state,
        "model": {
            "name": "herd",
            "version": "3",
            "file": "herd.onnx",
            "sha256": "0123456789abcdef" * 4,
            "family": "yolov8",
            "class_names": list(NAMES),
        },
        "settings": {"tile_size": 640, "confidence": 0.1, "overlap_metric": "IOU", "max_errors": None},
        "device": "cpu",
        "images": {
            "found": summary.expected,
            "done": summary.done,
            "failed": summary.failed,
            "left": summary.left,
            "with_detections": summary.with_detections,
        },
        "detections": summary.detections,
        "counts": summary.per_class(NAMES),
        "tiles": summary.tiles,
        "failures": [{"file": name, "reason": reason} for name, reason in summary.failures.items()],
        "times": {"started": "2026-11-23T04:12:09+00:00", "seconds": 4000.5, "tiles_per_second": 0.002},
        "versions": {"wildetect": "0.1.0", "python": "3.11.2"},
    }
