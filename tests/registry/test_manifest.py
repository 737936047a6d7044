"""Digests of manifests: what an earlier WildDetect registered or began is still known as the same."""

from __future__ import annotations

import hashlib
import json

from wildetect.registry.manifest import Feeding, Manifest, Source, Windows

# as the first version stored it, before any field was added
FEEDING = {
    "width": 640,
    "height": 640,
    "dtype": "float32",
    "batch": None,
    "channel_order": "rgb",
    "scale": 1 / 255,
    "mean": [0.0, 0.0, 0.0],
    "std": [1.0, 1.0, 1.0],
    "resize": "letterbox",
    "pad": 114,
}
READING = {
    "manifest_version": 1,
    "family": "yolov8",
    "feeding": FEEDING,
    "class_names": ["elephant", "zebra"],
    "classifier": None,
    "detector_class_names": None,
}


def digest(content: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def manifest() -> Manifest:
    return Manifest(
        family="yolov8",
        feeding=Feeding(width=640, height=640),
        class_names=("elephant", "zebra"),
        sha256="5" * 64,
        source=Source(file="a.onnx", size=3, sha256="5" * 64),
    )


def test_a_run_that_an_earlier_version_began_goes_on_with_the_same_detector() -> None:
    assert manifest().reading_digest == digest(READING)


def test_a_version_that_an_earlier_version_registered_is_known_as_the_same() -> None:
    thresholds = manifest().thresholds.model_dump(mode="json")
    assert manifest().fingerprint == digest({**READING, "thresholds": thresholds, "sha256": "5" * 64})


def test_another_reading_is_another_run_and_another_threshold_is_not() -> None:
    one = manifest()
    grown = one.model_copy(update={"windows": Windows(most=2, agreement=0.99)})
    assert grown.reading_digest != one.reading_digest
    sampled = one.model_copy(update={"feeding": one.feeding.model_copy(update={"shrink": "sample"})})
    assert sampled.reading_digest != one.reading_digest
    assert sampled.fingerprint != one.fingerprint
    surer = one.model_copy(update={"thresholds": one.thresholds.model_copy(update={"confidence": 0.9})})
    assert surer.reading_digest == one.reading_digest
    assert surer.fingerprint != one.fingerprint
