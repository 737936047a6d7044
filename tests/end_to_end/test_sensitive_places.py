"""Exact places of sensitive species stay in the output folder: nothing that others see holds them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyogrio
import pytest
import shapely
import yaml
from tests.exact_places import Place, exact_places, needles
from tests.reviewed_runs import verdicts
from tests.workspaces import REPOSITORY, Workspace

from wildetect.census.output.outputs import FILES
from wildetect.results.finished_run import read_finished_run
from wildetect.review.verdict_file import writing_verdicts

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
        output={"directory": str(served.root / "guarded"), "exports": ["gpkg", "labelstudio"], "overlays": 2},
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
    assert (
        f"MLflow was given this run with exact places, as it was logged before (run {run_id}" in ended.stderr
    )
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


def test_a_review_and_a_training_set_hold_no_places(
    detected: tuple[Path, dict[str, Any], str], served: Workspace, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(detected[0], folder, ignore=shutil.ignore_patterns("blurred"))
    served.succeed("review.plan", folder, "--for", "training", "--photographs", "4")
    served.succeed("review.plan", folder, "--photographs", "4", "--seed", "3")
    run, places = read_finished_run(folder), places_of(folder)
    with writing_verdicts(folder) as file:
        file.append(*verdicts(run))
    served.succeed("dataset.build", folder, "--output", tmp_path / "set")
    review = folder / "review"
    (review / "verdicts.jsonl").unlink()  # boxes in px, whose digits are those of a place by chance
    assert {path.name for path in review.iterdir()} >= {"plan.csv", "training.csv"}
    assert exact_places(review, places) == []
    assert exact_places(tmp_path / "set", places) == []


@pytest.fixture(scope="module")
def counted(
    served: Workspace, detected: tuple[Path, dict[str, Any], str]
) -> tuple[Path, dict[str, Any], str]:
    """A census of these pictures, in an outline; the run, and not the settings, names the species."""
    config = settings_with(
        served,
        "census-guarded.yaml",
        campaign={"id": "guarded"},
        survey={"detections": str(detected[0]), "strata": str(DEMO / "survey" / "outline.geojson")},
        export={"output_directory": str(served.root / "guarded-census")},
    )
    ended = served.invoke("census.run", "--config", config, "--json")
    assert ended.returncode == 0, ended.stderr
    return served.root / "guarded-census", json.loads(ended.stdout), ended.stderr


def all_places(census: Path, detections: Path) -> list[Place]:
    """Where the photographs were taken and the animals stand, and the corners of outline and footprints."""
    document = json.loads((census / "census.json").read_text(encoding="utf-8"))
    found = [Place(one["longitude"], one["latitude"]) for one in document["animals"][:60]]
    features = json.loads((census / "animals.geojson").read_text(encoding="utf-8"))["features"]
    for kind in ("photograph", "transect", "stratum"):
        shapes = [one["geometry"]["coordinates"] for one in features if one["properties"]["kind"] == kind]
        assert shapes, kind
        found += [Place(*pair) for pair in pairs_in(shapes)]
    return [*places_of(detections), *found]


def pairs_in(nested: Any) -> list[list[float]]:
    if isinstance(nested[0], float):
        return [nested]
    return [pair for one in nested for pair in pairs_in(one)]


def test_a_census_has_files_for_others_and_mlflow_gets_these(
    served: Workspace,
    detected: tuple[Path, dict[str, Any], str],
    counted: tuple[Path, dict[str, Any], str],
    tmp_path: Path,
) -> None:
    folder, document, said = counted
    places, inner = all_places(folder, detected[0]), folder / "blurred"
    assert f"for others: {inner}" in said
    exact = {found.file for found in exact_places(folder, places) if not found.file.startswith("blurred/")}
    assert exact >= {"animals.csv", "animals.geojson", "animals.gpkg", "census.json"}
    assert exact_places(inner, places) == []
    assert {path.name for path in inner.iterdir()} == {*FILES, "places.txt"}
    coarse = json.loads((inner / "census.json").read_text(encoding="utf-8"))
    assert coarse["places_km"] == 10
    assert {name: coarse[name] for name in ("counts", "estimates", "summary")} == {
        name: document[name] for name in ("counts", "estimates", "summary")
    }
    page = (inner / "census_report.html").read_text(encoding="utf-8")
    assert "No map: coordinates are the middles of cells" in page
    assert 'class="map"' not in page
    artifacts, words = logged(served, document, tmp_path / "artifacts")
    assert (artifacts / "animals.gpkg").is_file()
    assert exact_places(artifacts, places) == []
    assert [text for needle, text in needles(places).items() if needle in words.encode("utf-8")] == []


def test_a_class_that_counts_as_a_species_is_guarded_by_either_name(
    served: Workspace, detected: tuple[Path, dict[str, Any], str], tmp_path: Path
) -> None:
    config = settings_with(
        served,
        "census-rolled.yaml",
        campaign={"id": "rolled", "roll_up": {"plains game": ["zebra", "antelope"]}},
        survey={"detections": str(detected[0])},
        export={"output_directory": str(tmp_path / "census")},
    )
    ended = served.invoke("census.run", "--config", config, "--json")
    assert ended.returncode == 0, ended.stderr
    assert f"for others: {tmp_path / 'census' / 'blurred'}" in ended.stderr
    assert "names Zebra" not in ended.stderr  # it protects
    artifacts, _ = logged(served, json.loads(ended.stdout), tmp_path / "artifacts")
    assert exact_places(artifacts, places_of(detected[0])) == []
    ended = served.invoke("census.export", tmp_path / "census", "--format", "dwc", "--format", "xlsx")
    assert "a sensitive species was found" in ended.stderr
    assert exact_places(tmp_path / "census" / "export-blurred", places_of(detected[0])) == []


def layer_of(path: Path, name: str) -> tuple[Any, dict[str, Any]]:
    """Shapes and columns of a layer, as GDAL reads them."""
    meta, _, shapes, columns = pyogrio.raw.read(path, layer=name)
    return shapely.from_wkb(shapes), dict(zip(meta["fields"].tolist(), columns, strict=True))


def test_the_layers_for_others_are_cells_and_lie_around_the_exact_ones(
    counted: tuple[Path, dict[str, Any], str],
) -> None:
    exact, coarse = counted[0] / "animals.gpkg", counted[0] / "blurred" / "animals.gpkg"
    for name in ("animals", "photographs", "strata"):
        (fine, _), (rough, _) = layer_of(exact, name), layer_of(coarse, name)
        assert len(fine) == len(rough) > 0
        corners = shapely.get_coordinates(rough)
        assert abs(corners * 20 - (corners * 20).round()).max() < 1e-6  # sides and middles of 0.1 degrees
    (stratum, *_), (cells, *_) = layer_of(exact, "strata")[0], layer_of(coarse, "strata")[0]
    assert cells.buffer(1e-9).contains(stratum)
    counts = layer_of(coarse, "cells")[1]
    assert counts["animals"].sum() == counted[1]["counts"]["animals"]
    assert counts["photographs"].sum() == counted[1]["counts"]["photographs"]


def test_forms_for_others_are_coarsened_without_being_asked(
    served: Workspace,
    detected: tuple[Path, dict[str, Any], str],
    counted: tuple[Path, dict[str, Any], str],
    tmp_path: Path,
) -> None:
    folder = counted[0]
    formats = ("dwc", "xlsx", "summary", "citation")
    words = [word for one in formats for word in ("--format", one)]
    ended = served.invoke("census.export", folder, *words, "--output", tmp_path / "out")
    assert ended.returncode == 0, ended.stderr
    assert "a sensitive species was found" in ended.stderr
    places = all_places(folder, detected[0])
    assert exact_places(tmp_path / "out", places) == []
    # the census of others is coarse whatever is asked of it
    inner = folder / "blurred"
    ended = served.invoke("census.export", inner, *words, "--output", tmp_path / "again", "--blur", "none")
    assert "a census here has no exact places" in ended.stderr
    assert exact_places(tmp_path / "again", places) == []
    # exact ones are to be had by a word
    ended = served.invoke("census.export", folder, *words, "--output", tmp_path / "exact", "--blur", "none")
    assert "sensitive" not in ended.stderr
    assert {found.file.split("/")[0] for found in exact_places(tmp_path / "exact", places)} == {
        "dwc-archive.zip",
        "census.xlsx",
    }


def test_a_hint_keeps_the_blur(
    served: Workspace,
    detected: tuple[Path, dict[str, Any], str],
    counted: tuple[Path, dict[str, Any], str],
    tmp_path: Path,
) -> None:
    _, hint = served.fail(2, "census.export", counted[0], "--blur", "20", "--output", tmp_path / "a b")
    assert "--blur 20" in hint
    assert "a b" in hint
    _, hint = served.fail(2, "detect.export", detected[0], "--blur", "20")
    assert hint.endswith("--export gpkg --blur 20")
