"""Runs over pictures at addresses, by the real program: as those over the folder, and without secrets."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from benchmarks.kill_and_resume import Trial
from PIL import Image
from rasterio.transform import from_origin
from tests.web_pictures import Web, s3_server, web_server
from tests.workspaces import Workspace, unused_uri

WORDS = ("--model", "tiny.onnx", "--tile-size", "64", "--confidence", "0.5")
FILES = ("detections.json", "detections.csv", "coco_results.json")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    trial = Trial(tmp_path_factory.mktemp("remote") / "trial", images=6)
    trial.make()
    workspace = Workspace(trial.root, {"MLFLOW_TRACKING_URI": unused_uri()})
    ended = workspace.invoke("detect.run", "photographs", *WORDS, "--output", "here")
    assert ended.returncode == 5, ended.stderr
    return workspace


@pytest.fixture
def web(workspace: Workspace) -> Iterator[Web]:
    with web_server(workspace.root / "photographs") as server:
        yield server


@pytest.fixture(autouse=True)
def anew(workspace: Workspace) -> None:
    shutil.rmtree(workspace.root / "there", ignore_errors=True)


def everything_written(folder: Path) -> str:
    return "".join(path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file())


def same_files(workspace: Workspace) -> None:
    for name in FILES:
        here, there = ((workspace.root / folder / name).read_text("utf-8") for folder in ("here", "there"))
        if name.endswith(".json"):
            here, there = (json.dumps(_plain(json.loads(text))) for text in (here, there))
        assert there == here, name


def _plain(document: object) -> object:
    """Without moments, and the reason of the broken one, which is read in another way."""
    if isinstance(document, dict):
        return {k: _plain(v) for k, v in document.items() if k not in {"detection_completion_time", "info"}}
    return [_plain(one) for one in document] if isinstance(document, list) else document


def test_a_bucket_is_detected_in_as_its_folder_is(workspace: Workspace) -> None:
    with s3_server(workspace.root / "photographs") as variables:
        camp = Workspace(workspace.root, {**workspace.variables, **variables})
        dry = camp.invoke("detect.run", "s3://survey/", *WORDS, "--output", "there", "--dry-run", "--json")
        assert json.loads(dry.stdout)["images"]["found"] == 7, dry.stderr
        ended = camp.invoke("detect.run", "s3://survey/", *WORDS, "--output", "there", timeout=300)
        assert ended.returncode == 5, ended.stderr
        same_files(workspace)
        record = json.loads((workspace.root / "there" / "run.json").read_text("utf-8"))
        assert record["dataset"]["sources"] == ["s3://survey/"]
        assert list((workspace.root / "there" / "overlays").glob("*.jpg"))
        said = everything_written(workspace.root / "there") + ended.stdout + ended.stderr
        assert not any(secret in said for secret in ("lions-and-keys", variables["AWS_ENDPOINT_URL"]))
        report = (workspace.root / "there" / "report.html").stat().st_size
        again = camp.invoke("detect.export", "--run", "there", "--export", "report", "--export", "wisdam")
        assert again.returncode == 0, again.stderr
        assert (workspace.root / "there" / "report.html").stat().st_size == pytest.approx(report, rel=0.2)
        assert "s3://survey/0.jpg" in (workspace.root / "there" / "wisdam.csv").read_text("utf-8")


def test_the_end_of_a_run_says_how_many_tiles_were_left_out(workspace: Workspace, tmp_path: Path) -> None:
    ground = np.random.default_rng(4).integers(1, 250, (3, 256, 256), np.uint8)
    ground[:, :, :160] = 0
    shape = {"driver": "GTiff", "width": 256, "height": 256, "count": 3, "dtype": "uint8", "nodata": 0}
    place = {"crs": "EPSG:32737", "transform": from_origin(5e5, 9.8e6, 0.05, 0.05)}
    with rasterio.open(tmp_path / "mosaic.tif", "w", **shape, **place) as raster:
        raster.write(ground)
    with web_server(tmp_path) as web:
        for source in (tmp_path, f"{web.address}/"):
            words = ("detect.run", source, *WORDS, "--output", "there", "--restart")
            ended = workspace.invoke(*words)
            assert ended.returncode == 0, ended.stderr
            record = json.loads((workspace.root / "there" / "run.json").read_text("utf-8"))
            empty, run = record["tiles_empty"], record["tiles"]
            assert empty > 2
            assert f"{empty} tiles of {empty + run} left out: they hold no data" in ended.stderr


def test_signatures_and_passwords_are_written_nowhere(workspace: Workspace, web: Web) -> None:
    web.query = "X-Amz-Signature=c0ffee"
    web.authorization = "Basic cm9zYTpmZWxpcw=="
    host = web.address.removeprefix("http://")
    source = f"http://rosa:felis@{host}/0.jpg?X-Amz-Signature=c0ffee"
    logged = ("--config", "configs/detection.yaml")
    ended = workspace.invoke("detect.run", source, *WORDS, "--output", "there", *logged)
    assert ended.returncode == 0, ended.stderr
    said = everything_written(workspace.root / "there") + ended.stdout + ended.stderr
    said += everything_written(workspace.root / "runs")
    assert f"{web.address}/0.jpg" in said
    assert not any(secret in said for secret in ("felis", "c0ffee", "rosa"))


def test_a_run_goes_on_and_does_again_what_changed(workspace: Workspace, web: Web) -> None:
    source = (f"{web.address}/", *WORDS, "--output", "there")
    web.faults["3.jpg"] = [500] * 50
    ended = workspace.invoke("detect.run", *source, timeout=300)
    assert ended.returncode == 5, ended.stderr
    document = json.loads((workspace.root / "there" / "run.json").read_text("utf-8"))
    assert "3.jpg" in json.dumps(document["failures"])
    photograph = workspace.root / "photographs" / "1.jpg"
    before = photograph.read_bytes()
    Image.new("RGB", (320, 256), (90, 120, 60)).save(photograph)
    try:
        web.faults.clear()
        again = workspace.invoke("detect.run", *source)
        assert again.returncode == 5, again.stderr
        document = json.loads((workspace.root / "there" / "run.json").read_text("utf-8"))
        assert document["resumed_images"] == 4  # not 1.jpg, which changed, 3.jpg and the broken one
        table = (workspace.root / "there" / "detections.csv").read_text("utf-8")
        assert table != (workspace.root / "here" / "detections.csv").read_text("utf-8")
    finally:
        photograph.write_bytes(before)
    assert workspace.invoke("detect.run", *source).returncode == 5
    same_files(workspace)


def test_what_was_read_before_a_signature_expired_stays(workspace: Workspace, tmp_path: Path) -> None:
    ground = np.random.default_rng(4).integers(1, 250, (3, 1024, 1024), np.uint8)
    shape = {"driver": "GTiff", "width": 1024, "height": 1024, "count": 3, "dtype": "uint8"}
    blocks = {"tiled": True, "blockxsize": 64, "blockysize": 64}
    place = {"crs": "EPSG:32737", "transform": from_origin(5e5, 9.8e6, 0.05, 0.05)}
    with rasterio.open(tmp_path / "mosaic.tif", "w", **shape, **blocks, **place) as raster:
        raster.write(ground)
    shutil.copy(workspace.root / "photographs" / "1.jpg", tmp_path / "whole.jpg")
    (tmp_path / "list.txt").write_text("mosaic.tif\nwhole.jpg\n", encoding="utf-8")
    record = workspace.root / "there" / "run.json"
    with web_server(tmp_path) as web:
        words = ("detect.run", f"{web.address}/list.txt", *WORDS, "--output", "there")
        web.faults["mosaic.tif"] = [""] * 5 + [403] * 1000
        ended = workspace.invoke(*words)
        assert ended.returncode == 5, ended.stderr
        assert "give the address with a new one" in ended.stderr
        partly = json.loads(record.read_text("utf-8"))
        assert partly["tiles_failed"][0]["file"] == "mosaic.tif"
        assert partly["tiles"] > 0
        web.faults = {name: [403] * 1000 for name in ("mosaic.tif", "whole.jpg")}
        again = workspace.invoke(*words)
        assert again.returncode == 5, again.stderr
        assert "2 of 2 images (mosaic.tif and whole.jpg): read by an earlier start alone" in again.stderr
        stays = json.loads(record.read_text("utf-8"))
        assert stays["failures"] == []
        for what in ("detections", "tiles", "tiles_failed"):
            assert stays[what] == partly[what]
        assert "read by an earlier start alone" in (record.parent / "report.html").read_text("utf-8")
        web.faults.clear()
        whole = workspace.invoke(*words)
        assert whole.returncode == 0, whole.stderr
        assert "earlier start" not in record.read_text("utf-8") + whole.stderr
        assert json.loads(record.read_text("utf-8"))["tiles_failed"] == []


def test_workers_read_the_addresses_themselves(workspace: Workspace, web: Web) -> None:
    pytest.importorskip("distributed", reason="the extra cluster")
    web.query = "sig=c0ffee"
    names = [f"{number}.jpg?sig=c0ffee" for number in range(6)] + ["broken.jpg?sig=c0ffee"]
    (web.root / "list.txt").write_text("\n".join(names), encoding="utf-8")
    try:
        source = f"{web.address}/list.txt?sig=c0ffee"
        words = (*WORDS, "--output", "there", "--cluster", "local:2")
        ended = workspace.invoke("detect.run", source, *words, timeout=300)
        assert ended.returncode == 5, ended.stderr
        same_files(workspace)
        assert "c0ffee" not in everything_written(workspace.root / "there") + ended.stderr
    finally:
        (web.root / "list.txt").unlink()
