"""Who gets to see exact places."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.checkup.findings import bad, only, subject

from wildetect.checkup.places import check_places


def sensitive(root: Path, name: str, value: str) -> None:
    file = root / "configs" / name
    text = file.read_text(encoding="utf-8")
    assert text.count("  species: []") == 1
    file.write_text(text.replace("  species: []", f"  species: {value}"), encoding="utf-8")


def test_nothing_is_sensitive_as_shipped() -> None:
    found = only(check_places(subject()))
    assert found.verdict == "ok"
    assert "exact ones of all species go to MLflow" in found.says


def test_a_shared_server_without_a_list_costs_a_warning(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WILDETECT_MLFLOW__HOST", "192.0.2.7")
    assert "others on the network can read MLflow" in bad(check_places(subject())).says
    for name in ("detection.yaml", "census.yaml"):
        sensitive(root, name, "[rhino, elephant]")
    assert "exact ones of rhino and elephant stay in output folders" in only(check_places(subject())).says


def test_lists_that_differ_cost_a_warning(root: Path) -> None:
    sensitive(root, "detection.yaml", "[rhino]")
    found = bad(check_places(subject()))
    assert "rhino in configs/detection.yaml and nothing in configs/census.yaml" in found.says
    sensitive(root, "census.yaml", "Rhino")
    assert only(check_places(subject())).verdict == "ok"
