"""Measures the demo's detector on the demo's pictures: precision, recall, time a tile.

Tiles of 640 px, overlap 0.2, class-wise suppression at IoU 0.5; a detection is right
when its IoU with an animal of its class is 0.5 or more. Run: python tools/measure_detector.py
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from scoring import TILE, Forward, Found, Score, compare, detect, total

CONFIDENCES = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6)


def open_session(path: Path, threads: int) -> Forward:
    """Opens an exported detector on the CPU.

    Args:
        path: the ONNX file.
        threads: processor cores to use.

    Returns:
        A function from pictures (b, 3, h, w) of 0 to 1 to the file's output.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def forward(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(session.run(["output0"], {"images": pictures})[0])

    return forward


def read_truth(path: Path) -> tuple[dict[str, Found], list[str]]:
    """Animals of each picture and the class names, from a COCO file."""
    with path.open(encoding="utf-8") as file:
        document = json.load(file)
    truth = {}
    for image in document["images"]:
        mine = [a for a in document["annotations"] if a["image_id"] == image["id"]]
        boxes = np.array([a["bbox"] for a in mine], dtype=np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        class_ids = np.array([a["category_id"] - 1 for a in mine], dtype=np.int64)
        truth[image["file_name"]] = Found(boxes, class_ids, np.ones(len(mine), dtype=np.float32))
    return truth, [category["name"] for category in document["categories"]]


def measure(demo: Path, forward: Forward, classes: int) -> dict[float, list[Score]]:
    """Scores of the demo's pictures at each of `CONFIDENCES`: each class, then all."""
    truth, _ = read_truth(demo / "truth.json")
    each: dict[float, list[list[Score]]] = {confidence: [] for confidence in CONFIDENCES}
    for name, animals in truth.items():
        picture = np.asarray(Image.open(demo / "pictures" / name).convert("RGB"))
        found = detect(picture, forward, min(CONFIDENCES))
        for confidence, scores in each.items():
            scores.append(compare(found, animals, confidence, classes))
    return {confidence: total(scores) for confidence, scores in each.items()}


def milliseconds(forward: Forward, runs: int = 40) -> float:
    """Median time of one tile."""
    tile = np.random.default_rng(0).random((1, 3, TILE, TILE), dtype=np.float32)
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        forward(tile)
        times.append(time.perf_counter() - begun)
    return 1000 * float(np.median(times))


def main() -> None:
    """Prints a table for every confidence, then the time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    demo = Path(__file__).resolve().parent.parent / "demo"
    parser.add_argument("--demo", type=Path, default=demo, help="folder (default: demo)")
    parser.add_argument("--detector", type=Path, help="default: detector.onnx in the folder")
    parser.add_argument("--threads", type=int, default=1, help="default: %(default)s")
    arguments = parser.parse_args()
    forward = open_session(arguments.detector or arguments.demo / "detector.onnx", arguments.threads)
    _, names = read_truth(arguments.demo / "truth.json")
    for confidence, scores in measure(arguments.demo, forward, len(names)).items():
        print(f"confidence {confidence:.2f}")
        for name, score in zip([*names, "all"], scores, strict=True):
            print(
                f"  {name:9} precision {score.precision:.3f} recall {score.recall:.3f} "
                f"({score.right} right of {score.detected} found, {score.animals} animals)"
            )
    print(f"{milliseconds(forward):.1f} ms a tile on {arguments.threads} core(s)")


if __name__ == "__main__":
    main()
