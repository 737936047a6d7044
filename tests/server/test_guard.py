"""Where a shared server may write, and how often a password may be tried."""

from __future__ import annotations

import json

import pytest

from wildetect.server.access.guard import foreign_place

CREATE = "/api/2.0/mlflow/experiments/create"
VERSION = "/ajax-api/2.0/mlflow/model-versions/create"
FOREIGN = [
    "file:///etc",
    "/etc",
    "C:\\Windows",
    "s3://bucket/a",
    "mlflow-artifacts://elsewhere:5000/a",
    "mlflow-artifacts:/../../etc",
    "mlflow-artifacts:/%2e%2e/%252e%252e/etc",
    "mlflow-artifacts:/a\\..\\..\\b",
    "http://elsewhere/api/2.0/mlflow-artifacts/artifacts",
    "dbfs:/a",
    "./a",
    " file:///etc",
]


@pytest.mark.parametrize("place", FOREIGN)
@pytest.mark.parametrize("key", ["artifact_location", "artifactLocation", "default_artifact_root"])
def test_no_place_outside_the_servers_store(place: str, key: str) -> None:
    body = json.dumps({"name": "a", key: place})
    assert foreign_place(CREATE, body.encode()) == place
    assert foreign_place(CREATE, json.dumps(body).encode()) == place  # MLflow takes it in a text, too
    tags = {"a": [{"tags": [{"key": "mlflow.artifactLocation", "value": place}]}]}
    assert foreign_place("/api/2.0/mlflow/traces", json.dumps(tags).encode()) == place
    assert foreign_place(VERSION, json.dumps({"source": place}).encode()) == place


@pytest.mark.parametrize("place", ["", "mlflow-artifacts:/7/models/m-1/artifacts", "mlflow-artifacts:/7"])
def test_places_in_the_servers_store(place: str) -> None:
    assert foreign_place(CREATE, json.dumps({"artifact_location": place}).encode()) is None


@pytest.mark.parametrize("source", ["models:/m-0123", "runs:/0123/model", "mlflow-artifacts:/7/models"])
def test_sources_of_a_version(source: str) -> None:
    assert foreign_place(VERSION, json.dumps({"source": source}).encode()) is None


def test_a_source_of_pictures_is_no_place_for_files() -> None:
    inputs = {"datasets": [{"dataset": {"source": "/survey/2026", "name": "camp"}}]}
    assert foreign_place("/api/2.0/mlflow/runs/log-inputs", json.dumps(inputs).encode()) is None
    assert foreign_place(CREATE, b"[" * 100_000) is None
