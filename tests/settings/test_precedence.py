"""Precedence: one test for each of its edges."""

from __future__ import annotations

from pathlib import Path

import pytest

from wildetect.settings import PRECEDENCE, Option, Project, load_settings
from wildetect.settings.detection import DetectionSettings
from wildetect.settings.problems import Key

ENVIRONMENT = "WILDETECT_DETECTION__PROCESSING__TILE_SIZE"
KEY = ("processing", "tile_size")


def tile_size(option: object = None) -> int:
    options: dict[Key, Option] = {KEY: Option("--tile-size", option)}
    return load_settings(DetectionSettings, Project.find(), options=options).processing.tile_size


def test_the_order_is_the_documented_one() -> None:
    assert PRECEDENCE == ("command line", "environment", ".env", "YAML", "default")


def test_default_where_nothing_is_said(workspace: Path) -> None:
    assert tile_size() == 800


def test_yaml_beats_default(workspace: Path) -> None:
    (workspace / "configs/detection.yaml").write_text("processing: {tile_size: 100}", encoding="utf-8")
    assert tile_size() == 100


def test_null_in_yaml_is_the_default(workspace: Path) -> None:
    (workspace / "configs/detection.yaml").write_text(
        "processing:\n  tile_size: null\nmodel:\n", encoding="utf-8"
    )
    assert tile_size() == 800


def test_dotenv_beats_yaml(workspace: Path) -> None:
    (workspace / "configs/detection.yaml").write_text("processing: {tile_size: 100}", encoding="utf-8")
    (workspace / ".env").write_text(f"{ENVIRONMENT}=200\n", encoding="utf-8")
    assert tile_size() == 200


def test_environment_beats_dotenv(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / ".env").write_text(f"{ENVIRONMENT}=200\n", encoding="utf-8")
    monkeypatch.setenv(ENVIRONMENT, "300")
    assert tile_size() == 300


def test_command_line_beats_environment(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, "300")
    assert tile_size("400") == 400


def test_layers_fill_each_other_up(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "processing: {tile_size: 100, overlap_ratio: 0.3}"
    (workspace / "configs/detection.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv(ENVIRONMENT, "300")
    settings = load_settings(DetectionSettings, Project.find())
    assert (settings.processing.tile_size, settings.processing.overlap_ratio) == (300, 0.3)


def test_environment_beats_dotenv_for_variables(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / ".env").write_text("MLFLOW_TRACKING_URI=http://from-file:1\n", encoding="utf-8")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert Project.find().variable("MLFLOW_TRACKING_URI") == "http://from-file:1"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://outside:2")
    assert Project.find().variable("MLFLOW_TRACKING_URI") == "http://outside:2"


def test_a_project_is_found_from_a_folder_inside(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = workspace / "a" / "b"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert Project.find().root == workspace
