"""The schemas that editors check settings files with: no valid file is marked, a wrong one is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.workspaces import REPOSITORY

from wildetect.errors import ConfigurationError
from wildetect.settings import Project, load_settings
from wildetect.settings.keys import SectionKeys, keys_without_effect
from wildetect.settings.schema import check_schemas, schema_of, write_schemas
from wildetect.settings.sections import file_stem, section_named, sections

BY_FILE = {
    "census.yaml": "census",
    "classifier_registration_example.yaml": "registration",
    "detection.yaml": "detection",
    "detector_registration.yaml": "registration",
    "detector_registration_example.yaml": "registration",
}


def marks(name: str, content: Any) -> list[str]:
    """What an editor would mark in a file."""
    schema = schema_of(section_named(name))
    jsonschema.Draft7Validator.check_schema(schema)
    return [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(content)]


def loads(model: type[SectionKeys], text: str, folder: Path) -> bool:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        load_settings(model, Project(folder), file=path)
    except ConfigurationError:
        return False
    return True


def in_block(node: dict[str, Any], *names: str) -> dict[str, Any]:
    """The schema of a key."""
    found = node["properties"][names[0]]
    for name in names[1:]:
        (reference,) = [one["$ref"] for one in found["anyOf"] if "$ref" in one]
        found = node["definitions"][reference.rpartition("/")[2]]["properties"][name]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("name", ["census", "detection", "detector_registration", "mlflow"])
def test_our_own_files_are_valid_and_name_their_schema(name: str) -> None:
    text = (REPOSITORY / f"configs/{name}.yaml").read_text(encoding="utf-8")
    assert text.splitlines()[0] == f"# yaml-language-server: $schema=schema/{name}.schema.json"
    assert (REPOSITORY / f"configs/schema/{name}.schema.json").is_file()
    assert marks(name, yaml.safe_load(text)) == []


@pytest.mark.parametrize("name", sorted(BY_FILE))
def test_files_of_users_are_valid(shared_data: Path, name: str) -> None:
    text = (shared_data / "configs" / name).read_text(encoding="utf-8")
    assert marks(BY_FILE[name], yaml.safe_load(text)) == []


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ("detection", ""),
        ("detection", "processing:\nmodel:\n"),
        ("detection", "processing: {tile_size: null, batch_size: '8', max_errors: '${ERRORS:-3}'}"),
        ("detection", "processing: {overlap_ratio: auto, confidence: 1e-1, nms_threshold: '0.5'}"),
        ("detection", "processing: {overlap_ratio: 0, num_data_workers: 0}"),
        ("detection", "model: {mlflow_model_alias: 3, device: '${DEVICE:-cpu}'}"),
        ("detection", "model:\n  mlflow_model_name: ${NAME:-x}\n  mlflow_model_alias: latest"),
        ("detection", "logging: {verbose: 'yes', log_file: null}\noutput: {overlays: 5, exports: [gpkg]}"),
        ("detection", "logging: {verbose: 1}\noutput: {overlays: none, exports: null}"),
        ("detection", "image_paths: [a.jpg, 'b c.jpg']\nexif_gps_update: null"),
        ("detector_registration", "mean: [0, 0.5, '1']\ntags: {year: 2026, camp: a}\naliases: [a]"),
        ("detector_registration", "localizer: {mmdet: {any: thing}, yolo: {imgsz: 640}}\nclassifier: null"),
        ("detector_registration", "model_path: a.onnx\nmodel_name: x\nmodel_type: detector"),
        ("mlflow", "sign_in: off\nport: '${PORT:-5001}'"),
        ("mlflow", "sign_in: 'on'\nopen_browser: no\nhost: 0.0.0.0"),
        ("census", "campaign: {id: 2026, target_species: elephant}"),
        ("census", "campaign: {id: a, target_species: [elephant]}\nsurvey: {confidence: {elephant: 0.4}}"),
        ("census", "campaign: {id: a}\nsurvey: {confidence: 0.4}\ndetection: {processing: null}"),
    ],
)
def test_what_loads_is_not_marked(tmp_path: Path, section: str, text: str) -> None:
    assert loads(section_named(section), text, tmp_path)
    assert marks(section, yaml.safe_load(text)) == []


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ("detection", "procesing: {}"),
        ("detection", "processing: {tilesize: 5}"),
        ("detection", "processing: {batch_size: 0}"),
        ("detection", "processing: {overlap_ratio: 1}"),
        ("detection", "processing: {overlap_ratio: a lot}"),
        ("detection", "processing: {tile_size: big}"),
        ("detection", "processing: 5"),
        ("detection", "model: {device: gpu}"),
        ("detection", "output: {exports: [shapefile]}"),
        ("detection", "logging: {verbose: maybe}"),
        ("detection", "image_paths: a.jpg"),
        ("detector_registration", "mean: [1, 2]"),
        ("detector_registration", "family: yolov99"),
        ("mlflow", "port: 70000"),
        ("mlflow", "sign_in: perhaps"),
        ("census", "campaign: {id: null}"),
        ("census", "campaign: {id: a}\nsurvey: {tolerance: -1}"),
    ],
)
def test_what_does_not_load_is_marked(tmp_path: Path, section: str, text: str) -> None:
    assert not loads(section_named(section), text, tmp_path)
    assert marks(section, yaml.safe_load(text))


def test_hints_for_a_person() -> None:
    schema = schema_of(section_named("detection"))
    tile_size = in_block(schema, "processing", "tile_size")
    assert tile_size["description"] == "longer side of a tile in px; 0: each image whole"
    assert tile_size["default"] == 800
    assert "auto" in str(in_block(schema, "model", "device"))
    pinned = in_block(schema, "processing", "pin_memory")
    assert pinned["deprecated"] is True
    assert pinned["deprecationMessage"].startswith("No effect here: onnxruntime copies")


@pytest.mark.parametrize("model", sections(), ids=file_stem)
def test_every_key_without_effect_is_marked_as_such(model: type[SectionKeys]) -> None:
    schema = schema_of(model)
    for key, marker in keys_without_effect(model):
        found = in_block(schema, *map(str, key))
        assert marker.reason in found["deprecationMessage"], key


def test_the_files_are_held_to_the_settings(tmp_path: Path) -> None:
    assert check_schemas(REPOSITORY) == len(sections()) == 4
    written = write_schemas(tmp_path)
    assert check_schemas(tmp_path) == len(written)
    assert all(json.loads(path.read_text(encoding="utf-8"))["$schema"] for path in written)
    written[0].write_text("{}", encoding="utf-8")
    written[1].unlink()
    written[0].with_name("gone.schema.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        check_schemas(tmp_path)
    assert caught.value.hint == "uv run invoke config.schema"
    assert caught.value.details == (
        "configs/schema/census.schema.json is out of date or was edited",
        "configs/schema/detection.schema.json is missing",
        "configs/schema/gone.schema.json belongs to no settings file",
    )
