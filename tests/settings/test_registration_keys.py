"""Keys of configs/detector_registration.yaml that say how weights are exported, and the second stage."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from wildetect.settings import Project, load_settings
from wildetect.settings.registration import RegistrationSettings


def loaded(workspace: Path, text: str) -> RegistrationSettings:
    (workspace / "configs/detector_registration.yaml").write_text(text, encoding="utf-8")
    return load_settings(RegistrationSettings, Project.find())


@pytest.mark.parametrize(
    ("keys", "batch"),
    [
        ("{}", None),
        ("{dynamic: null, batch_size: null}", None),
        ("{dynamic: true, batch_size: 4}", None),
        ("{dynamic: false, batch_size: 4}", 4),
        ("{dynamic: false}", 1),
        ("{batch_size: 4}", 4),
        ("{export_format: onnx, dynamic: false, batch_size: 4}", 4),
        # files of the original: there it was no ONNX export that the batch size was for
        ("{export_format: pt, dynamic: false, batch_size: 32}", None),
    ],
)
def test_tiles_in_a_pass_of_an_export(workspace: Path, keys: str, batch: int | None) -> None:
    settings = loaded(workspace, f"localizer:\n  processing: {keys}\n")
    assert settings.localizer.processing.fixed_batch == batch


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        ("localizer:\n  processing: {export_format: onnx, dynamic: true, batch_size: 8}\n", 0),
        ("localizer:\n  processing: {export_format: pt}\n", 1),
        ("classifier:\n  weights: c.onnx\n  processing: {batch_size: 16, export_format: onnx}\n", 0),
        ("classifier:\n  weights: c.onnx\n  processing: {export_format: torchscript, dynamic: true}\n", 1),
        ("processing: {batch_size: 8, dynamic: true}\n", 1),
    ],
)
def test_only_what_does_nothing_is_warned_of(
    workspace: Path, caplog: pytest.LogCaptureFixture, text: str, warnings: int
) -> None:
    with caplog.at_level(logging.WARNING):
        loaded(workspace, text)
    assert len(caplog.records) == warnings


def test_the_second_stage(workspace: Path) -> None:
    keys = "classifier:\n  weights: c.onnx\n  imgsz: 224\n  class_names: [a, b]\n  margin: 0.2\n"
    classifier = loaded(workspace, keys).classifier
    assert classifier is not None
    assert (classifier.imgsz, classifier.class_names, classifier.margin) == (224, ["a", "b"], 0.2)
    assert (classifier.crop, classifier.confidence, classifier.processing.batch_size) == (
        "square",
        "product",
        8,
    )
    assert loaded(workspace, "classifier: null\n").classifier is None
