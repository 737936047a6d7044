"""Exports through the real program: with the run, and later from its folder."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from tests.workspaces import Workspace, unused_uri

HERD = "images/herdnetdemo_livestock_120.jpg"


@pytest.fixture(scope="module")
def done(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace.make(
        tmp_path_factory.mktemp("exports") / "project", MLFLOW_TRACKING_URI=unused_uri()
    )
    weights = shared_data / "models/yolov8n_int8.onnx"
    words = ("--source", shared_data / HERD, "--model", weights, "--tile-size", "320", "--confidence", "0.35")
    said = workspace.succeed("detect.run", *words, "--export", "gpkg", "--overlays", "none")
    assert f"report:  {workspace.root / 'results' / 'report.html'}" in said
    return workspace


def test_what_the_run_wrote(done: Workspace) -> None:
    folder = done.root / "results"
    named = json.loads((folder / "run.json").read_text(encoding="utf-8"))["files"]
    assert all((folder / name).is_file() for name in named)
    assert {"coco.json", "coco_results.json", "detections.gpkg", "report.html"} <= set(named)
    assert not (folder / "overlays").exists()
    assert (folder / "report.html").read_text(encoding="utf-8").count('class="crop"') >= 20


def test_exports_later(done: Workspace) -> None:
    config = done.root / "configs" / "labels.yaml"
    config.write_text("labelstudio: {from_name: boxes, to_name: picture}\n", encoding="utf-8")
    words = ("--run", "results", "--export", "labelstudio", "--export", "overlays", "--overlays", "all")
    document = done.document("detect.export", *words, "--config", config)
    overlay = f"overlays/{Path(HERD).name}"
    assert document["files"] == ["labelstudio.json", "labelstudio_setup.xml", overlay]
    ended = done.invoke("detect.export", "--run", "results", "--export", "csv", "--overlays", "none")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.endswith("detections.csv\n1 overlay removed\n")
    assert "--export report" in ended.stderr
    assert not (done.root / "results" / overlay).exists()
    named = json.loads((done.root / "results/run.json").read_text(encoding="utf-8"))["files"]
    assert overlay not in named
    assert "labelstudio.json" in named
    (task,) = json.loads((done.root / "results/labelstudio.json").read_text(encoding="utf-8"))
    assert task["data"]["image"].endswith(f"?d={HERD}")
    assert task["predictions"][0]["result"][0]["from_name"] == "boxes"


def test_what_people_changed_is_kept_where_it_is_written_again(done: Workspace) -> None:
    """QGIS shows a form for verdicts in detections.gpkg, and a spreadsheet has room for a column of them."""
    folder = done.root / "results"
    words = ("detect.export", "--run", "results", "--export", "csv", "--export", "gpkg")
    done.succeed(*words)
    with contextlib.closing(sqlite3.connect(folder / "detections.gpkg")) as layers:
        layers.execute("PRAGMA user_version = 10300")  # a program that only opens it counts so in its head
        layers.commit()
    assert ".edited" not in done.invoke(*words).stderr
    with contextlib.closing(sqlite3.connect(folder / "detections.gpkg")) as layers:
        for number in range(1, 5):  # they ask for functions that Python's sqlite3 has not
            layers.execute(f"DROP TRIGGER rtree_detections_geom_update{number}")
        layers.execute("UPDATE detections SET verdict = 'wrong' WHERE fid = 1")
        layers.commit()
    table = (folder / "detections.csv").read_bytes()
    (folder / "detections.csv").write_bytes(table.replace(b"0.", b"1.", 1))
    ended = done.invoke(*words)
    assert ended.returncode == 0, ended.stderr
    assert "was changed after it was written: what it held is kept in" in ended.stderr
    assert (folder / "detections.csv").read_bytes() == table
    assert (folder / "detections.edited.csv").read_bytes() == table.replace(b"0.", b"1.", 1)
    said = done.succeed("review.import", "--run", "results", "--source", folder / "detections.edited.gpkg")
    assert "1 wrong" in said
    (folder / "detections.gpkg-wal").write_bytes(b"lines that another program has not written back")
    error, hint = done.fail(5, *words)
    assert "detections.gpkg: it is open in another program" in error
    assert "Close it there" in hint
    (folder / "detections.gpkg-wal").unlink()


def test_mistakes(done: Workspace) -> None:
    error, hint = done.fail(2, "detect.export", "--run", "results")
    assert "an export" in error
    assert "--export gpkg" in hint
    error, _ = done.fail(2, "detect.export", "--run", "results", "--export", "shapefile")
    assert "--export" in error
    assert "'gpkg'" in error
    error, _ = done.fail(5, "detect.export", "--run", "configs", "--export", "csv")
    assert "run.json" in error
    error, _ = done.fail(2, "detect.run", "--source", "x", "--overlays", "some")
    assert "--overlays" in error


def test_a_rewrite_never_replaces_pictures_by_none(shared_data: Path, tmp_path: Path) -> None:
    """The photographs' disk is away: the report keeps its crops, and what needs no pictures is written."""
    workspace = Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    shutil.copy(shared_data / HERD, photographs)
    weights = shared_data / "models/yolov8n_int8.onnx"
    words = ("--source", photographs, "--model", weights, "--tile-size", "640", "--confidence", "0.35")
    workspace.succeed("detect.run", *words)
    report = workspace.root / "results/report.html"
    before = report.read_bytes()
    photographs.rename(tmp_path / "away")
    for export in ("report", "overlays"):
        error, hint = workspace.fail(5, "detect.export", "--run", "results", "--export", export)
        assert "would lose its pictures" in error
        assert "Connect the disk" in hint
    assert report.read_bytes() == before
    workspace.succeed("detect.export", "--run", "results", "--export", "csv")
    (tmp_path / "away").rename(photographs)
    workspace.succeed("detect.export", "--run", "results", "--export", "report")
