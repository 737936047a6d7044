"""The model and the device, without a server; end_to_end/test_doctor.py has one."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from tests.checkup.findings import bad, only, subject
from tests.workspaces import REPOSITORY

from wildetect.checkup.model import check_device, check_model


def test_a_weights_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WILDETECT_DETECTION__MODEL__MLFLOW_MODEL_NAME", "best.onnx")
    assert "best.onnx does not exist" in bad(check_model(subject())).says
    shutil.copy(REPOSITORY / "demo/detector.onnx", root / "best.onnx")
    assert only(check_model(subject())).verdict == "ok"


def test_no_name_and_wrong_settings(root: Path) -> None:
    (root / "configs/detection.yaml").write_text("", encoding="utf-8")
    assert "no model is named" in bad(check_model(subject())).says
    (root / "configs/detection.yaml").write_text("modell: {}", encoding="utf-8")
    assert "not looked at" in bad(check_model(subject())).says


def test_without_a_server(root: Path) -> None:
    found = bad(check_model(subject()))
    assert (found.verdict, found.says.partition(" is ")[0]) == ("warning", "detector@production")


def test_a_device_that_this_machine_lacks(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert only(check_device(subject())).says.startswith("auto: ")
    wanted = "cuda" if sys.platform == "darwin" else "directml" if sys.platform == "linux" else "openvino"
    monkeypatch.setenv("WILDETECT_DETECTION__MODEL__DEVICE", wanted)
    found = bad(check_device(subject()))
    assert f"device: {wanted} is not available" in found.says
    assert found.exit_code == 2
