"""int8 forms of real detectors: agreement with the float ones, and time in turn in one process.

    uv run python -m benchmarks.optimize [--models FOLDER] [--pictures FOLDER]

By default the detectors and pictures that lie beside the project in shared/data, and the demo's. The first
half of the pictures gives the ranges, the other half the agreement, as in `model.optimize`. The goal is
0.6 of the float form's time at an agreement of 0.99, where the processor has the instructions for it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import onnx
from tests.coco_names import COCO_NAMES
from tests.real_models import FAMILIES, manifest_of

from wildetect.detection.faster.agreement import agreement_of, speed_ratio
from wildetect.detection.faster.lighter import SHARES_KEPT, lighter
from wildetect.detection.network.detector import Detector
from wildetect.errors import ModelError
from wildetect.geometry import Window
from wildetect.imagery.discovery import discover
from wildetect.imagery.opening import open_image
from wildetect.imagery.source import Pixels
from wildetect.registry.manifest import Thresholds

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"
CONFIDENCE = 0.3
ENOUGH = 0.99
GOAL = 0.6
DEMO_NAMES = ("elephant", "zebra", "antelope")


def main() -> None:
    """Print a row for each detector and share of it that stays in float."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--models", type=Path, default=SHARED / "models")
    arguments.add_argument("--pictures", type=Path, default=SHARED / "images")
    given = arguments.parse_args()
    print(f"instructions: {_instructions()}")
    print(f"{'detector':<22} {'in float':>8} {'agreement':>9} {'boxes':>11} {'time':>5}")
    _measure(ROOT / "demo/detector.onnx", ROOT / "demo/pictures", tiled=True)
    for weights in sorted(given.models.glob("*.onnx")):
        if weights.stem in FAMILIES:
            _measure(weights, given.pictures, tiled=False)


def _measure(weights: Path, pictures: Path, *, tiled: bool) -> None:
    thresholds = Thresholds(confidence=CONFIDENCE)
    family, names = FAMILIES.get(weights.stem, "yolov8"), COCO_NAMES
    if weights.stem not in FAMILIES:
        names = DEMO_NAMES
    manifest = manifest_of(weights, family, names, thresholds)
    before = Detector(weights, manifest, "cpu")
    tiles = _tiles(pictures, manifest.feeding.width if tiled else 0)
    first = before.detect(tiles[1::2])
    with tempfile.TemporaryDirectory() as folder:
        for kept in SHARES_KEPT:
            path = Path(folder) / f"{kept}.onnx"
            try:
                onnx.save(
                    lighter(onnx.load(str(weights)), "int8", manifest.feeding, tiles[::2], kept), str(path)
                )
            except ModelError as error:
                print(f"{weights.stem:<22} refused: {error.message}")
                return
            after = Detector(path, manifest, "cpu")
            second = after.detect(tiles[1::2])
            found = agreement_of(
                {str(number): one for number, one in enumerate(first)},
                {str(number): one for number, one in enumerate(second)},
                names,
            )
            speed = speed_ratio(before, after, tiles[:8])
            share = found.share or 0.0
            reached = "goal" if share >= ENOUGH and speed <= GOAL else ""
            print(
                f"{weights.stem:<22} {kept:>8.0%} {share:>9.3f} {found.first:>5} {found.second:>5} "
                f"{speed:>5.2f} {reached}"
            )
            if share >= ENOUGH:
                return


def _tiles(pictures: Path, side: int) -> list[Pixels]:
    tiles = []
    for image in discover([pictures])[:16]:
        source = open_image(image.path)
        try:
            pixels = source.read(Window(0, 0, source.width, source.height)).copy()
        finally:
            source.close()
        if not side:
            tiles.append(pixels)
            continue
        for y in range(0, pixels.shape[0] - side + 1, side):
            tiles += [pixels[y : y + side, x : x + side] for x in range(0, pixels.shape[1] - side + 1, side)]
    return tiles[:96]


def _instructions() -> str:
    """The processor's instructions for 8 bits, where the system tells."""
    info = Path("/proc/cpuinfo")
    if not info.is_file():
        return "unknown"
    words = set(info.read_text(encoding="utf-8").split())
    return " ".join(sorted(words & {"avx2", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp"})) or "none"


if __name__ == "__main__":
    main()
