"""How often registration takes a detector that is fed rightly for one that is not, and the other way round.

    uv run python -m benchmarks.feedings ../shared/data/models ../shared/data/images [--wrong]

Each public detector of a folder looks at each picture of another one, the demo's at its own. Fed rightly, any
feeding that is named is a false alarm. With `--wrong` each is also fed in other ways, one at a time: what is
named then should be the right one. A picture without anything that the detector knows tells nothing.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.real_models import FAMILIES, manifest_of

from wildetect.detection.checks.feeding_check import likelier_feeding
from wildetect.errors import InputError
from wildetect.registry.manifest import Feeding, Manifest

DEMO = Path(__file__).resolve().parents[1] / "demo"
CLASSES = ("elephant", "zebra", "antelope")
PICTURES = {".jpg", ".jpeg", ".tif"}
NORMAL: dict[str, Any] = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


def main() -> None:
    """Print each feeding that is named, and the shares."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--wrong", action="store_true")
    given = parser.parse_args()
    named: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    for weights, manifest, pictures in detectors(given.models, given.pictures):
        ways = {"right": {}, **(wrongly(manifest.feeding) if given.wrong else {})}
        for way, changed in ways.items():
            feeding = manifest.feeding.model_copy(update=changed)
            for picture in pictures:
                try:
                    told = likelier_feeding(
                        weights, manifest.model_copy(update={"feeding": feeding}), picture
                    )
                except InputError:
                    continue
                tried[way] += 1
                named[way] += told is not None
                if told is not None:
                    print(f"{weights.stem} fed {way}, {picture.name}: {told}", flush=True)
    for way, number in tried.items():
        print(f"fed {way}: another feeding named in {named[way]} of {number}")


def detectors(models: Path, pictures: Path) -> Iterator[tuple[Path, Manifest, list[Path]]]:
    """Weights, how they are fed rightly, and the pictures for them."""
    seen = sorted(path for path in pictures.iterdir() if path.suffix.lower() in PICTURES)
    for name, family in FAMILIES.items():
        weights = models / f"{name}.onnx"
        if weights.is_file():
            yield weights, manifest_of(weights, family), seen
    weights = DEMO / "detector.onnx"
    yield weights, manifest_of(weights, "yolov8", CLASSES), sorted((DEMO / "pictures").glob("*.jpg"))


def wrongly(feeding: Feeding) -> dict[str, dict[str, Any]]:
    """Other ways to feed a detector, by what is wrong then."""
    scaled = feeding.scale != 1
    return {
        "in the other order": {"channel_order": "bgr" if feeding.channel_order == "rgb" else "rgb"},
        "at the other scale": {"scale": 1.0 if scaled else 1 / 255},
        "with a mean": {"scale": 1 / 255, **NORMAL},
        "in the other shape": {"resize": "letterbox" if feeding.resize == "stretch" else "stretch"},
    }


if __name__ == "__main__":
    main()
