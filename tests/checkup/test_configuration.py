""".env and the settings files."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.checkup.findings import bad, only, subject

from wildetect.checkup.configuration import check_dotenv, check_settings


def test_names_of_dotenv_without_values(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / ".env").write_text("B=geheim1\nA=geheim2\nMLFLOW_ALIAS=x\n", encoding="utf-8")
    monkeypatch.setenv("MLFLOW_ALIAS", "y")
    found = only(check_dotenv(subject()))
    assert found.says == "sets A, B and MLFLOW_ALIAS; the environment has another MLFLOW_ALIAS, which counts"


def test_a_broken_dotenv(root: Path) -> None:
    (root / ".env").write_text("A=1\nno equals sign geheim\n", encoding="utf-8")
    assert bad(check_dotenv(subject())).says == ".env:2: not NAME=value"


@pytest.mark.parametrize("name", ["WILDETECT_DETECTOR__A", "WILDETECT_DETECTION_PROCESSING__TILE_SIZE"])
def test_a_variable_that_nothing_reads(root: Path, name: str) -> None:
    (root / ".env").write_text(f"{name}=1\nWILDETECT_DEBUG=1\n", encoding="utf-8")
    assert bad(check_dotenv(subject())).says == f"nothing reads the variable {name}"


def test_settings(root: Path) -> None:
    (root / "configs/census.yaml").unlink()
    (root / "configs/mlflow.yaml").unlink()
    text = "processing:\n  tilesize: 5\n  batch_size: 0\n"
    (root / "configs/detection.yaml").write_text(text, encoding="utf-8")
    text = "localizer: {mmdet: x}\n"
    (root / "configs/detector_registration.yaml").write_text(text, encoding="utf-8")
    found = [(finding.verdict, finding.says) for finding in check_settings(subject())]
    assert [verdict for verdict, _ in found] == ["ok", "problem", "problem", "ok", "warning", "ok"]
    says = [says for _, says in found]
    assert says[0] == "configs/census.yaml does not exist: defaults count"
    assert says[1].startswith("configs/detection.yaml:2: processing.tilesize = 5: unknown key")
    assert says[2].startswith("configs/detection.yaml:3: ")
    assert "localizer.mmdet (configs/detector_registration.yaml:1) has no effect" in says[4]
    assert says[5] == "configs/mlflow.yaml does not exist: defaults count"
