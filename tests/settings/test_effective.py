"""config.show: each key as tasks get it, and who said so."""

from __future__ import annotations

from pathlib import Path

import pytest

from wildetect.errors import ConfigurationError
from wildetect.settings import PRECEDENCE, Project, load_settings
from wildetect.settings.effective import EffectiveKey, effective_keys
from wildetect.settings.keys import SectionKeys
from wildetect.settings.sections import file_stem, section_named, sections

TILE_SIZE = "WILDETECT_DETECTION__PROCESSING__TILE_SIZE"
YAML = "processing:\n  tile_size: 100\n  batch_size: null\n  pin_memory: true\noutput:\n"


def keys_of(section: str, file: Path | None = None) -> dict[str, EffectiveKey]:
    return {key.key: key for key in effective_keys(section_named(section), Project.find(), file=file)}


def said(key: EffectiveKey) -> tuple[object, str, str | None]:
    return key.value, key.origin, key.place


def test_each_layer_is_named_with_its_place(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "processing.tile_size"
    assert said(keys_of("detection")[name]) == (800, "default", None)
    (workspace / "configs/detection.yaml").write_text(YAML, encoding="utf-8")
    assert said(keys_of("detection")[name]) == (100, "YAML", "configs/detection.yaml:2")
    (workspace / ".env").write_text(f"A=1\n{TILE_SIZE}=200\n", encoding="utf-8")
    assert said(keys_of("detection")[name]) == (200, ".env", ".env:2")
    monkeypatch.setenv(TILE_SIZE, "300")
    assert said(keys_of("detection")[name]) == (300, "environment", f"environment variable {TILE_SIZE}")


def test_null_is_the_default_where_it_is_no_value(workspace: Path) -> None:
    (workspace / "configs/detection.yaml").write_text(YAML, encoding="utf-8")
    keys = keys_of("detection")
    assert said(keys["processing.batch_size"]) == (32, "default", None)
    assert said(keys["output.directory"]) == ("results", "default", None)
    assert keys["labelstudio"].value is None


def test_null_of_a_higher_layer_hides_a_lower_one(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "configs/detection.yaml").write_text(YAML, encoding="utf-8")
    monkeypatch.setenv(TILE_SIZE, "null")
    monkeypatch.setenv("WILDETECT_DETECTION__OUTPUT", "null")
    assert said(keys_of("detection")["processing.tile_size"]) == (800, "default", None)


def test_a_null_block_hides_the_keys_of_lower_layers(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "configs/detection.yaml").write_text(YAML, encoding="utf-8")
    monkeypatch.setenv("WILDETECT_DETECTION__PROCESSING", "null")
    assert said(keys_of("detection")["processing.tile_size"]) == (800, "default", None)


def test_keys_without_effect(workspace: Path) -> None:
    (workspace / "configs/detection.yaml").write_text(YAML, encoding="utf-8")
    keys = keys_of("detection")
    assert keys["processing.pin_memory"].no_effect == "onnxruntime copies tiles to the device itself"
    assert keys["processing.tile_size"].no_effect is None


def test_variables_that_stand_in_for_keys(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / ".env").write_text("\nMLFLOW_REGISTRY_NAME=elephants\n", encoding="utf-8")
    (workspace / "configs/detection.yaml").write_text("model: {mlflow_model_alias: a}", encoding="utf-8")
    (workspace / "configs/detector_registration.yaml").write_text(
        "processing: {mlflow_tracking_uri: 'http://file:1'}", encoding="utf-8"
    )
    monkeypatch.setenv("MLFLOW_ALIAS", "b")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:geheim@outside:2")
    keys = keys_of("detection")
    assert said(keys["model.mlflow_model_name"]) == ("elephants", ".env", ".env:2 (MLFLOW_REGISTRY_NAME)")
    assert said(keys["model.mlflow_model_alias"]) == ("a", "YAML", "configs/detection.yaml:1")
    uri = keys_of("detector_registration")["processing.mlflow_tracking_uri"]
    assert said(uri) == (
        "http://outside:2",
        "environment",
        "environment variable MLFLOW_TRACKING_URI",
    )


def test_secrets_are_hidden(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / ".env").write_text("DB_PASSWORD=geheim-db\nS3_TOKEN=geheim-s3\n", encoding="utf-8")
    monkeypatch.setenv("ANY_SECRET", "geheim-env")
    (workspace / "configs/mlflow.yaml").write_text(
        "backend_store_uri: postgresql://me:${DB_PASSWORD}@host/name\n"
        "artifacts_destination: s3://bucket/x?token=geheim-query&b=1\n",
        encoding="utf-8",
    )
    (workspace / "configs/detection.yaml").write_text(
        "labelstudio: {api_key: geheim-key, url: 'http://a/${S3_TOKEN}'}\nimage_paths: ['${ANY_SECRET}/a']\n",
        encoding="utf-8",
    )
    mlflow, detection = keys_of("mlflow"), keys_of("detection")
    assert mlflow["backend_store_uri"].value == "postgresql://***@host/name"
    assert mlflow["artifacts_destination"].value == "s3://bucket/x?token=***&b=1"
    assert detection["labelstudio.api_key"].value == "***"
    assert detection["labelstudio.url"].value == "http://a/***"
    assert detection["image_paths"].value == ["***/a"]
    assert "geheim" not in f"{mlflow}{detection}"


@pytest.mark.parametrize("model", sections(), ids=file_stem)
def test_every_value_is_that_of_load_settings(model: type[SectionKeys]) -> None:
    project = Project(Path(__file__).parents[2])
    settings = load_settings(model, project).model_dump(mode="json")
    keys = effective_keys(model, project)
    assert len(keys) > 5
    for key in keys:
        value = settings
        for part in key.key.split("."):
            value = value[part]
        assert key.value == value
        assert key.origin in PRECEDENCE
        assert (key.place is None) == (key.origin == "default")


def test_another_file_and_a_wrong_one(workspace: Path) -> None:
    other = workspace / "other.yaml"
    other.write_text("port: 5001\n", encoding="utf-8")
    assert said(keys_of("mlflow", other)["port"]) == (5001, "YAML", "other.yaml:1")
    other.write_text("port: many\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"other\.yaml:1: port = 'many'"):
        keys_of("mlflow", other)


@pytest.mark.parametrize(
    "name", ["detection", "detector_registration", "registration", "configs/mlflow.yaml"]
)
def test_sections_by_the_names_that_users_give(name: str) -> None:
    assert section_named(name).file.endswith(".yaml")


def test_an_unknown_section() -> None:
    with pytest.raises(ConfigurationError, match="no section 'detektion'") as caught:
        section_named("detektion")
    assert caught.value.hint == "Give --section detection, detector_registration, census or mlflow."


@pytest.mark.parametrize(("text", "means"), [("on", "on"), ("off", "off"), ("'on'", "on"), ("auto", "auto")])
def test_sign_in_is_read_without_quotes(workspace: Path, text: str, means: str) -> None:
    (workspace / "configs/mlflow.yaml").write_text(f"sign_in: {text}\n", encoding="utf-8")
    assert keys_of("mlflow")["sign_in"].value == means
