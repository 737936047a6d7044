"""Manifests of the real models in shared/data/models."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.coco_names import COCO_NAMES

from wildetect.detection.checks.inspection import inspect
from wildetect.detection.families.table import TABLE
from wildetect.registry.manifest import Feeding, Manifest, Source, Thresholds
from wildetect.settings.words import Family

FAMILIES: dict[str, Family] = {
    "deimv2_atto_coco": "detr",
    "fastestdet": "fastestdet",
    "v5lite_e_sim_320": "yolov5-raw",
    "yolo26n_int8": "end-to-end",
    "yolov8n_int8": "yolov8",
    "yolox_nano": "yolox",
}


def manifest_of(
    weights: Path,
    family: Family,
    class_names: tuple[str, ...] = COCO_NAMES,
    thresholds: Thresholds | None = None,
) -> Manifest:
    """The manifest that a registration without further settings gives a weights file."""
    file = inspect(weights)
    assert file.width is not None
    assert file.height is not None
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    return Manifest(
        family=family,
        feeding=Feeding.model_validate(
            {
                "width": file.width,
                "height": file.height,
                "dtype": file.dtype,
                "batch": file.batch,
                **TABLE[family].feeding,
            }
        ),
        thresholds=thresholds or Thresholds(),
        class_names=class_names,
        sha256=sha256,
        source=Source(file=weights.name, size=weights.stat().st_size, sha256=sha256),
    )
