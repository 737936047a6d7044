"""Speed and memory of detection, each as a value, its limit, and whether it holds.

Wall times are compared with pure forward passes of the same tiles, taken in turn in this process: the
machine's speed drifts, the ratio of neighbours does not. From the project folder:

    uv run python -m benchmarks.detection [--quick] [--turns N] [--plain]

The detector has YOLOv8's layers. With --plain it has nothing but convolutions of 3 x 3, which a processor
does at its highest rate: the same work beside the passes is a larger share then, by about a half.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.material import make_photograph, make_raster
from benchmarks.networks import detector_of, make_network, plain, yolov8

from wildetect.detection.network.detector import Detector
from wildetect.detection.network.preprocess import network_input
from wildetect.detection.network.session import open_session
from wildetect.detection.run.continuation import Continuation
from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.run.pipeline import detect_images
from wildetect.detection.tiles.borders import TilePart, stitch
from wildetect.detection.tiles.stitching import nms
from wildetect.detection.tiles.tiling import tile_windows
from wildetect.detections import Detections
from wildetect.geometry import Window
from wildetect.imagery.discovery import ImageFile, discover
from wildetect.imagery.opening import open_image
from wildetect.results.journal.journal import Journal
from wildetect.results.journal.lines import document_of
from wildetect.results.pictures.stamps import Stamp, stamp_of
from wildetect.results.records import ImageResult
from wildetect.results.sealed import sealed

PHOTOGRAPH = (5472, 3648)
PHOTOGRAPHS = 8  # the first ones are decoded into fresh memory, as in a survey of thousands few are
SHAPE = {"tile_size": 800}
TENSORS = 6  # inputs made ahead for the pure passes, again and again: all of them would not fit in memory

Row = tuple[str, float, float]


def forward_seconds(detector: Detector, source: Path, count: int) -> float:
    """Wall time of so many pure forward passes, on as many threads as the pipeline uses.

    They are of the network as its file holds it, with pictures cast and scaled before; the detector's own
    session may read pixels as they lie.
    """
    image = open_image(source)
    tiles = [image.read(Window(800 * n, 400, 800, 800)).copy() for n in range(TENSORS)]
    image.close()
    inputs = [network_input([tile], detector.manifest.feeding)[0] for tile in tiles]
    session = open_session(detector.session.weights, "cpu")
    name = session.inputs[0].name
    outputs = [spec.name for spec in session.outputs]

    def one(number: int) -> None:
        session.run({name: inputs[number % TENSORS]}, outputs)

    with ThreadPoolExecutor(detector.workers) as threads:
        begun = time.perf_counter()
        list(threads.map(one, range(count)))
        return time.perf_counter() - begun


def over_forward(detector: Detector, sources: Sequence[Path], turns: int) -> float:
    """Median over some turns of the pipeline's wall time over that of the pure passes around it."""
    images = discover(sources)
    ratios = []
    tiles = sum(len(PipelineOptions().tiles(open_image(image.path))) for image in images)
    before = forward_seconds(detector, sources[0], tiles)
    for _ in range(turns):
        begun = time.perf_counter()
        list(detect_images(images, detector, PipelineOptions()))
        wall = time.perf_counter() - begun
        after = forward_seconds(detector, sources[0], tiles)
        ratios.append(wall / ((before + after) / 2))
        print(f"  wall {wall:.1f} s, forward {before:.1f} and {after:.1f} s", file=sys.stderr)
        before = after
    return statistics.median(ratios)


def child(*words: str | Path) -> dict[str, Any]:
    """What benchmarks/memory.py says of some work."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", *words],
        cwd=Path(__file__).parents[1],
        check=True,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def fastest(work: Callable[[], object], turns: int = 7) -> float:
    """Least wall time of some turns: what else runs on the machine only adds to it."""
    times = []
    for _ in range(turns):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def stitching() -> list[Row]:
    """50,000 boxes in the tiles of a photograph, and 5,000 on 200 animals."""
    random = np.random.default_rng(0)
    windows = tile_windows(*PHOTOGRAPH, 800, 0.2)
    parts = []
    for window in windows:
        corner = random.uniform((window.x, window.y), (window.right - 40, window.bottom - 40), (926, 2))
        boxes = np.hstack([corner, corner + random.uniform(20, 60, (926, 2))])
        parts.append(TilePart(Detections(boxes, random.random(926), random.integers(0, 3, 926)), window))
    animals = random.uniform(0, 3000, (200, 2))[random.integers(0, 200, 5000)] + random.normal(
        0, 3, (5000, 2)
    )
    dense = Detections(np.hstack([animals, animals + 40]), random.random(5000), np.zeros(5000))
    return [
        ("50,000 boxes stitched, s", fastest(lambda: stitch(parts, PHOTOGRAPH, 0.5)), 0.3),
        ("5,000 boxes over 200 animals, s", fastest(lambda: nms(dense, 0.5)), 0.1),
    ]


def journal(folder: Path, count: int) -> Row:
    """Read a journal, compare it with the files that are there, add a line."""
    random = np.random.default_rng(0)
    images = []
    with Journal(folder, SHAPE):
        pass
    with (folder / "journal.jsonl").open("ab") as file:
        for number in range(count):
            image = ImageFile(folder / f"{number}.jpg", f"{number}.jpg")
            Path(str(image.path)).touch()
            images.append(image)
            boxes = random.random((number % 5, 4)) * 1000
            found = Detections(boxes, boxes[:, 0] / 1000, np.zeros(len(boxes)))
            result = ImageResult(name=image.name, path=image.path, detections=found, tiles=54)
            file.write(sealed(document_of(result, stamp_of(image.path)) | {"elapsed": 1.0}))

    def go_on() -> None:
        with Journal(folder, SHAPE) as opened:
            work = Continuation.of(images, opened.record)
            if len(work.done) != count:
                raise RuntimeError(f"{len(work.done)} of {count} images are done")
            opened.add(ImageResult(name="0.jpg", path=images[0].path, failure="x"), Stamp(0, 0), 2.0)
            opened.add(result_again, stamp_of(images[0].path), 2.0)

    result_again = ImageResult(name="0.jpg", path=images[0].path, detections=Detections.empty())
    return f"journal of {count:,} images read and continued, s", fastest(go_on, 3), 3.0


def memory(folder: Path, tiny: Path, network: Path, raster_sides: tuple[int, int]) -> list[Row]:
    """Peaks, each in a process of its own."""
    low, high = raster_sides
    rasters = [make_raster(folder / f"{side}.tif", side) for side in raster_sides]
    peaks = [child("raster", raster, tiny)["peak_mb"] for raster in rasters]
    rasters[1].unlink()
    return [
        (
            "peak memory over photographs, MB",
            child("photographs", folder / "photographs", network)["peak_mb"],
            600,
        ),
        (f"peak of a raster of {high:,} over one of {low:,}", peaks[1] / peaks[0], 1.1),
        (
            "memory after 1,000 small images over 200",
            child("small", folder / "small", folder / "tiny64.onnx")["growth"],
            1.05,
        ),
    ]


def main() -> int:
    """Make everything, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one turn, smaller rasters")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--plain", action="store_true", help="a detector of plain convolutions")
    options = parser.parse_args()
    turns = 1 if options.quick else options.turns
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        network = make_network(folder / "network.onnx", plain() if options.plain else yolov8)
        tiny = make_network(folder / "tiny.onnx", plain(8, 0))
        make_network(folder / "tiny64.onnx", plain(16, 2), side=64)
        for kind, size, count in (("photographs", PHOTOGRAPH, PHOTOGRAPHS), ("small", (256, 192), 20)):
            (folder / kind).mkdir()
            for number in range(count):
                make_photograph(folder / kind / f"{number}.jpg", *size, number)
        detector = detector_of(network)
        photographs = sorted((folder / "photographs").iterdir())
        rows: list[Row] = [*stitching()]
        (folder / "journal").mkdir()
        rows.append(journal(folder / "journal", 100_000))
        rows += memory(folder, tiny, network, (6_000, 12_000 if options.quick else 24_000))
        rows.append(("photographs: wall over pure forward", over_forward(detector, photographs, turns), 1.05))
        rows.append(
            ("raster: wall over pure forward", over_forward(detector, [folder / "6000.tif"], turns), 1.08)
        )
    for text, value, limit in rows:
        print(f"{text:<52} {value:>8.3f}   limit {limit:<6} {'ok' if value <= limit else 'NOT'}")
    return 0 if all(value <= limit for _, value, limit in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
