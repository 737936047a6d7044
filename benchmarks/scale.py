"""Recall and precision over scales: the demo's pictures with more and with fewer px, tiles cut or not.

    uv run python -m benchmarks.scale [--pictures A1,B3] [--scales 0.5,1,2] [--shrunk lanczos]

A picture with half of its px is averaged over them, as a sensor does, or shrunk with Lanczos, as programs do
that change pictures; its tags stay, so that its ground resolution is known. A detection is right when its IoU
with an animal of its class is 0.5 or more. "native" takes tiles of the network's size whatever they show,
"auto" those that show the ground as in training.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tests.real_models import manifest_of

from wildetect.detection.network.detector import Detector
from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.run.pipeline import detect_images
from wildetect.detection.tiles.scale import ModelScale
from wildetect.geometry import overlap
from wildetect.imagery.discovery import ImageFile
from wildetect.registry.manifest import Thresholds

DEMO = Path(__file__).resolve().parents[1] / "demo"
CLASSES = ("elephant", "zebra", "antelope")
TRAINED = 180 / 35 * 24 / 2400 * 100  # cm/px: height, lens, sensor and rows of the demo's pictures
SCALES = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
INPUT, OVERLAP, CONFIDENCE, IOU = 640, 0.2, 0.35, 0.5

Animals = tuple[NDArray[np.float32], NDArray[np.int64]]
"""Boxes (n, 4) in px of a demo picture, and the class of each."""


@dataclass
class Score:
    """Animals and what was found of them; detections and how many of them are wrong."""

    animals: Counter[int] = field(default_factory=Counter)
    found: Counter[int] = field(default_factory=Counter)
    detections: int = 0
    wrong: int = 0

    @property
    def recall(self) -> float:
        """Share of the animals that were found."""
        return self.found.total() / self.animals.total()

    @property
    def precision(self) -> float:
        """Share of the detections that are right; 1 where there are none."""
        return 1 - self.wrong / max(self.detections, 1)

    def recall_of(self, class_id: int) -> float:
        """Share of the animals of one class that were found."""
        return self.found[class_id] / max(self.animals[class_id], 1)


def main() -> None:
    """Print a row for each scale."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pictures", default=",".join(sorted(picture_names())))
    arguments.add_argument("--scales", default=",".join(map(str, SCALES)))
    arguments.add_argument("--shrunk", choices=("box", "lanczos"), default="box")
    given = arguments.parse_args()
    names = given.pictures.split(",")
    print(f"{'scale':>5} {'cm/px':>6}  native         auto           " + " ".join(CLASSES))
    for scale in map(float, given.scales.split(",")):
        native, auto = (measure(names, scale, given.shrunk, cut=cut) for cut in (False, True))
        of_classes = " ".join(f"{auto.recall_of(one):>{len(name)}.3f}" for one, name in enumerate(CLASSES))
        print(
            f"{scale:>5g} {TRAINED / scale:>6.2f}  {native.recall:.3f} / {native.precision:.3f}  "
            f"{auto.recall:.3f} / {auto.precision:.3f}  {of_classes}",
            flush=True,
        )


def picture_names() -> Iterator[str]:
    """Names of the demo's pictures."""
    return (path.stem for path in (DEMO / "pictures").glob("*.jpg"))


def measure(names: Sequence[str], scale: float, shrunk: str = "box", *, cut: bool) -> Score:
    """Detect in pictures with so many times the px, and compare with what stands there."""
    weights = DEMO / "detector.onnx"
    thresholds = Thresholds(confidence=CONFIDENCE, iou=IOU)
    detector = Detector(weights, manifest_of(weights, "yolov8", CLASSES, thresholds), "cpu")
    model = ModelScale(trained=TRAINED, width=INPUT, height=INPUT, cut=cut)
    options = PipelineOptions(tile_size=INPUT, overlap_ratio=OVERLAP, scale=model)
    truth, score = _truth(), Score()
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            path = _resized(name, scale, shrunk, Path(folder))
            (result,) = detect_images([ImageFile(path, name)], detector, options)
        if result.detections is None:
            raise RuntimeError(result.failure)
        boxes = (result.detections.xyxy / np.float32(scale)).astype(np.float32)
        _add(score, truth[name], (boxes, result.detections.class_id))
    return score


def _resized(name: str, scale: float, shrunk: str, folder: Path) -> Path:
    path = folder / f"{name}.jpg"
    with Image.open(DEMO / f"pictures/{name}.jpg") as picture:
        tags = {"exif": picture.getexif(), "xmp": picture.info["xmp"]}
        size = round(picture.width * scale), round(picture.height * scale)
        how = Image.Resampling.BICUBIC if scale > 1 else Image.Resampling[shrunk.upper()]
        (picture if scale == 1 else picture.resize(size, how)).save(path, quality=95, **tags)
    return path


def _truth() -> dict[str, Animals]:
    document = json.loads((DEMO / "truth.json").read_text(encoding="utf-8"))
    called = {one["id"]: CLASSES.index(one["name"]) for one in document["categories"]}
    animals = {}
    for image in document["images"]:
        mine = [one for one in document["annotations"] if one["image_id"] == image["id"]]
        boxes = np.array([one["bbox"] for one in mine], np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        classes = np.array([called[one["category_id"]] for one in mine], np.int64)
        animals[Path(image["file_name"]).stem] = (boxes, classes)
    return animals


def _add(score: Score, there: Animals, found: Animals) -> None:
    right = overlap(there[0], found[0], "IOU") >= IOU
    right &= there[1][:, None] == found[1][None]
    score.animals.update(there[1].tolist())
    score.found.update(there[1][right.any(axis=1)].tolist())
    score.detections += len(found[0])
    score.wrong += int((~right.any(axis=0)).sum())


if __name__ == "__main__":
    main()
