"""What becomes of a training."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.detection.networks import manifest as make_manifest

from wildetect.registry.manifest import Thresholds
from wildetect.settings.registration import Yolo
from wildetect.workflows.learning import training


def test_a_candidate_takes_over_the_thresholds_of_the_version_that_it_began_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    manifest = make_manifest("yolov8").model_copy(
        update={"thresholds": Thresholds(confidence=0.35, iou=0.6, max_detections=50)}
    )
    monkeypatch.setattr(training, "stored_manifest", lambda _connection, _version: manifest)
    begun = SimpleNamespace(connection=None, weights=SimpleNamespace(version="herd/3"))
    yolo = training._yolo(begun, Path("best.pt"), 640)  # type: ignore[arg-type]
    assert (yolo.conf_thres, yolo.iou_thres, yolo.max_det, yolo.imgsz) == (0.35, 0.6, 50, 640)
    begun.weights.version = None
    assert training._yolo(begun, Path("best.pt"), 640).conf_thres == Yolo().conf_thres  # type: ignore[arg-type]
