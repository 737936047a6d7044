"""Exact places of sensitive species stay in the output folder: nothing that others see holds them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.exact_places import Place, exact_places, needles
from tests.workspaces import REPOSITORY, Workspace

from wildetect.results.finished_run import read_finished_run

DEMO = REPOSITORY / "demo"
DETECTOR = DEMO / "detector.onnx"


def settings_with(workspace: Workspace, name: str, **keys: Any) -> Path:
    path = workspace.root / "configs" / name
    path.write_text(yaml.safe_dump(keys), encoding="utf-8")
    return path


def places_of(folder: Path) -> list[Place]:
    """Where the photographs of a run were taken."""
    results = read_finished_run(folder).results
    return [Place(r.longitude, r.latitude) for r in results if r.longitude is not None and r.latitude]


def logged(workspace: Workspace, document: dict[str, Any], folder: Path) -> tuple[Path, str]:
    """What MLflow keeps of a run: its artifacts, fetched, and all its words."""
    mlflow = pytest.importorskip("mlflow")
    client = mlflow.MlflowClient(workspace.variables["MLFLOW_TRACKING_URI"])
    run = client.get_run(document["mlflow"]["run_id"])
    folder.mkdir()
    for one in client.list_artifacts(run.info.run_id):
        client.download_artifacts(run.info.run_id, one.path, str(folder))
    words = {**run.data.params, **run.data.tags, "inputs": str(run.inputs), "name": run.info.run_name}
    return folder, json.dumps(words, ensure_ascii=False)


@pytest.fixture(scope="module")
def detected(served: Workspace) -> tuple[Path, dict[str, Any], str]:
    """The demo's pictures, with zebras named as sensitive."""
    config = settings_with(
        served,
        "guarded.yaml",
        image_dir=str(DEMO / "pictures"),
        sensitive={"species": ["Zebra", "okapi"], "blur": 10},
        output={"directory": str(served.root / "guarded"), "exports": ["gpkg", "labelstudio"]},
        logging={"keep_in_mlflow": "all"},
    )
    ended = served.invoke("detect.run", "--config", config, "--model", DETECTOR, "--json")
    assert ended.returncode == 0, ended.stderr
    return served.root / "guarded", json.loads(ended.stdout), ended.stderr


def test_a_run_that_finds_a_sensitive_species_writes_files_for_others(
    detected: tuple[Path, dict[str, Any], str],
) -> None:
    folder, document, said = detected
    places = places_of(folder)
    assert len(places) == 8
    # the reader of this test finds exact places, in each form that the exact files have them in
    exact = {found.file for found in exact_places(folder, places)}
    assert exact >= {"detections.csv", "detections.geojson", "detections.gpkg", "journal.jsonl"}
    inner = folder / "blurred"
    assert exact_places(inner, places) == []
    written = {path.relative_to(inner).as_posix() for path in inner.rglob("*") if path.is_file()}
    assert written == {*document["blurred"]["files"], "run.json"}
    assert written >= {"detections.gpkg", "labelstudio.json", "report.html", "overlays/A1.jpg", "places.txt"}
    assert f"for others: {inner}" in said
    assert "sensitive.species names okapi, which is no class of this model" in said
    twin = json.loads((inner / "run.json").read_text(encoding="utf-8"))
    assert twin["counts"] == document["counts"]
    assert "at least 10 km wide" in twin["places"]
    assert "Places are coarsened" in (inner / "report.html").read_text(encoding="utf-8")
    assert "Places are coarsened" not in (folder / "report.html").read_text(encoding="utf-8")
    geojson = json.loads((inner / "detections.geojson").read_text(encoding="utf-8"))
    assert {one["properties"]["position_of"] for one in geojson["features"]} == {"cell"}
    assert {tuple(one["geometry"]["coordinates"]) for one in geojson["features"]} == {(23.45, -19.25)}


def test_mlflow_has_the_coarsened_places_alone(
    detected: tuple[Path, dict[str, Any], str], served: Workspace, tmp_path: Path
) -> None:
    folder, document, _ = detected
    artifacts, words = logged(served, document, tmp_path / "artifacts")
    places = places_of(folder)
    assert (artifacts / "detections.gpkg").is_file()
    assert (artifacts / "overlays" / "A1.jpg").is_file()  # keep_in_mlflow: all
    assert not (artifacts / "journal.jsonl").exists()
    assert exact_places(artifacts, places) == []
    assert [text for needle, text in needles(places).items() if needle in words.encode("utf-8")] == []
    assert "at least 10 km wide" in words
    assert document["mlflow"]["places_km"] == 10


def test_files_for_others_are_kept_up_to_date_and_go_where_exact_ones_are_asked_for(
    served: Workspace, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    words = ("--source", DEMO / "pictures", "--limit", "2", "--model", DETECTOR, "--output", folder)
    first = served.document("detect.run", *words, "--overlays", "1")
    assert first["blurred"] is None
    assert not (folder / "blurred").exists()
    ended = served.invoke("detect.export", folder, "--export", "gpkg", "--blur", "25")
    assert ended.returncode == 0, ended.stderr
    assert "for others" in ended.stderr
    # it was logged with exact places before: that is said, with what to do
    run_id = first["mlflow"]["run_id"]
    assert f"MLflow has this run with exact places, as it was logged before (run {run_id}" in ended.stderr
    assert (folder / "detections.gpkg").is_file()
    places, inner = places_of(folder), folder / "blurred"
    assert {path.name for path in inner.iterdir()} == {"detections.gpkg", "places.txt", "run.json"}
    assert exact_places(inner, places) == []
    # a later export keeps them up to date without being told
    served.succeed("detect.export", folder, "--export", "csv", "--export", "report")
    assert {path.name for path in inner.iterdir()} >= {"detections.gpkg", "detections.csv", "report.html"}
    assert exact_places(inner, places) == []
    # other cells: none of the old ones stay
    served.succeed("detect.export", folder, "--export", "csv", "--blur", "50")
    assert {path.name for path in inner.iterdir()} == {"detections.csv", "places.txt", "run.json"}
    assert "at least 50 km" in (inner / "places.txt").read_text(encoding="utf-8")
    served.succeed("detect.export", folder, "--export", "csv", "--blur", "none")
    assert not inner.exists()
    error, hint = served.fail(2, "detect.export", folder, "--export", "csv", "--blur", "far")
    assert "far is not a valid grid" in error
    assert "--blur 10" in hint
