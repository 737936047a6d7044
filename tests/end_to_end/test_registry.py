"""The registry through the real program: provenance, the same file twice, offline, at once, killed."""

from __future__ import annotations

import concurrent.futures
import json
import random
import shutil
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.bad_servers import BadServer
from tests.hinted import commands_told, follow
from tests.servers import folder_of, port_of
from tests.workspaces import REPOSITORY, Workspace, unused_uri


@pytest.fixture(scope="module")
def weights(shared_data: Path) -> Path:
    return shared_data / "models/yolov8n_int8.onnx"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    from PIL import Image

    path = tmp_path / "green.jpg"
    Image.new("RGB", (64, 48), "green").save(path)
    return path


def client_of(workspace: Workspace) -> Any:
    import mlflow

    return mlflow.MlflowClient(workspace.variables["MLFLOW_TRACKING_URI"])


def test_what_is_known_of_a_version(served: Workspace, weights: Path) -> None:
    config = served.root / "configs/known.yaml"
    config.write_text("description: The **herd** of 2026\ntags: {training_data: camp-23}\n", encoding="utf-8")
    words = ("--config", config, "--weights", weights, "--name", "known-herd", "--alias", "production")
    served.succeed("model.register", *words)
    shown = served.document("model.show", "--model", "known-herd@production")
    assert shown["version"] == "1"
    assert shown["aliases"] == ["production"]
    assert shown["description"] == "The **herd** of 2026"
    assert shown["tags"]["training_data"] == "camp-23"
    assert {"registered_by", "registered_at", "registered_on", "sha256"} <= set(shown["tags"])
    assert shown["manifest"]["source"]["file"] == weights.name
    assert shown["manifest"]["source"]["size"] == weights.stat().st_size
    text = served.succeed("model.show", "--model", "known-herd/1")
    assert "known-herd version 1 (production)" in text
    assert "camp-23" in text


def test_the_same_file_twice_makes_no_second_version(served: Workspace, weights: Path) -> None:
    words = ("model.register", "--weights", weights, "--name", "twice")
    first = served.document(*words)
    again = served.invoke(*words, "--alias", "production")
    assert again.returncode == 0
    assert "twice version 1 holds this very file already as production" in again.stdout
    assert "--force" in again.stderr
    assert first["made"]
    assert client_of(served).get_model_version_by_alias("twice", "production").version == "1"
    assert served.document(*words, "--force")["version"] == "2"
    otherwise = served.root / "configs/otherwise.yaml"
    otherwise.write_text("localizer: {yolo: {conf_thres: 0.9}}\n", encoding="utf-8")
    assert served.document(*words, "--config", otherwise)["version"] == "3"


def test_promote_says_where_the_alias_was(served: Workspace, weights: Path) -> None:
    words = ("model.register", "--weights", weights, "--name", "moved", "--force")
    served.succeed(*words, "--alias", "production")
    second = served.invoke(*words)
    moved = follow(served, second.stderr, "tasks/model/register.py: To use it as production")
    assert moved.stdout == "moved@production is version 2 (was version 1)\n"
    follow(served, moved.stderr, "tasks/model/promotion.py: --undo takes it back")
    better = ("model.promote", "moved/2", "production", "--better-than", "production")
    _, hint = served.fail(4, *better)
    truth = Path(__file__).parents[2] / "demo/truth.json"
    where = "workflows/learning/comparing.py: uv run invoke model.evaluate --model FILLER --annotations FILE"
    follow(served, hint, where, "--limit", "1", "--tile-size", "640", FILE=truth)
    _, hint = served.fail(4, *better)
    assert "moved/2" in hint
    move = ("model.promote", "--name", "moved", "--version", "2", "--alias", "production")
    served.succeed(*move)
    third = served.invoke(*words, "--alias", "production")
    assert "warning: moved@production is version 3 now; version 2 lost it\n" in third.stderr
    error, hint = served.fail(4, "model.promote", "moved/3", "production", "--better-than", "production")
    assert error == (
        "error: --better-than production names moved version 3 itself, which cannot be better than itself"
    )
    assert hint == "hint: See the other versions: uv run invoke model.list moved"
    told = follow(served, third.stderr, "workflows/versions/aliases.py: --undo takes it back").stdout
    assert told.startswith("moved@production is version 2")
    error, _ = served.fail(4, "model.promote", "--name", "moved", "--version", "1", "--alias", "v9")
    assert "reserved" in error
    error, hint = served.fail(4, *move, "--require", "map50>=0.6")
    assert "moved/2 has no metric map50" in error
    assert "model.evaluate" in hint


def test_an_alias_has_a_history_and_a_way_back(served: Workspace, weights: Path) -> None:
    words = ("model.register", "--weights", weights, "--name", "storied", "--force")
    served.succeed(*words, "--alias", "production")
    served.succeed(*words)
    client = client_of(served)
    tag = {"dataset": "camp", "at": "2026-01-01T00:00:00Z", "run_id": "0" * 32, "metrics": {"map50": 0.71}}
    client.set_model_version_tag("storied", "2", "eval.camp", json.dumps(tag))
    served.succeed("model.promote", "storied/2", "production", "--require", "map50>=0.6")
    served.succeed("model.promote", "storied/2", "production")  # moves nothing

    found = served.document("model.history", "storied")
    assert [(one["from"], one["to"]) for one in found["moves"]] == [(None, "1"), ("1", "2")]
    assert found["moves"][1]["requirements"] == ["map50>=0.6 (0.71)"]
    assert found["moves"][1]["by"]
    on_the_page = client.get_registered_model("storied").tags
    assert any("map50>=0.6 (0.71)" in value for key, value in on_the_page.items() if "production" in key)

    said = served.succeed("model.promote", "storied@production", "--undo")
    assert said == "storied@production is version 1 again (was version 2)\n"
    assert client.get_model_version_by_alias("storied", "production").version == "1"
    client.set_registered_model_alias("storied", "production", "2")
    error, hint = served.fail(4, "model.promote", "storied@production", "--undo")
    assert "somebody moved it in another way" in error
    where = "registry/history.py: Name the version"
    assert commands_told(hint, where, NUMBER="1") == [["model.promote", "storied/1", "production"]]
    text = served.succeed("model.history", "storied")
    assert "(map50>=0.6 (0.71))" in text
    assert "(undo)" in text
    assert text.splitlines()[-1].startswith("not recorded")
    served.fail(2, "model.promote", "storied@production", "--undo", "--version", "1")
    served.fail(4, "model.history", "never-was")


def test_a_laptop_without_the_server(served: Workspace, weights: Path, picture: Path) -> None:
    served.succeed("model.register", "--weights", weights, "--name", "field", "--alias", "production")
    run = ("detect.run", "--source", picture, "--model", "field@production")
    served.succeed(*run, "--output", "results/field")
    offline = Workspace(served.root, {"MLFLOW_TRACKING_URI": unused_uri()})
    ended = offline.invoke(*run, "--output", "results/offline")
    assert ended.returncode == 0, ended.stderr
    assert "taking field version 1 from this machine" in ended.stderr
    assert "field@production was when the registry was last asked" in ended.stderr
    document = json.loads((served.root / "results/offline/run.json").read_text(encoding="utf-8"))
    assert document["model"]["version"] == "1"
    assert document["mlflow"] is None
    offline.fail(3, "detect.run", "--source", picture, "--model", "field@another")
    with BadServer(port_of(served), "login").running() as server:  # of a hotel's network
        hotel = Workspace(served.root, {"MLFLOW_TRACKING_URI": server.uri})
        ended = hotel.invoke(*run, "--output", "results/hotel")
    assert ended.returncode == 0, ended.stderr
    assert "taking field version 1 from this machine" in ended.stderr
    document = json.loads((served.root / "results/hotel/run.json").read_text(encoding="utf-8"))
    today = datetime.now().astimezone().strftime("%Y-%m-")
    assert document["model"]["as_of"].startswith(f"when the registry was last asked ({today}")
    assert document["model"]["as_of"] in (served.root / "results/hotel/report.html").read_text(
        encoding="utf-8"
    )


def test_a_damaged_copy_is_fetched_again(served: Workspace, weights: Path, picture: Path) -> None:
    served.succeed("model.register", "--weights", weights, "--name", "damaged", "--alias", "production")
    run = ("detect.run", "--source", picture, "--model", "damaged@production")
    served.succeed(*run, "--output", "results/damaged")
    cached = served.root / "runs/models/damaged/1/model.onnx"
    cached.write_bytes(b"not what was fetched")
    served.succeed(*run, "--output", "results/repaired")
    assert cached.stat().st_size == weights.stat().st_size


def test_eight_at_once(served: Workspace, weights: Path) -> None:
    def one(_: int) -> subprocess.CompletedProcess[str]:
        return served.invoke("model.register", "--weights", weights, "--name", "many", "--force", timeout=280)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(one, range(8)))
    assert [process.returncode for process in ended] == [0] * 8, [process.stderr for process in ended]
    versions = client_of(served).search_model_versions("name = 'many'")
    assert sorted(int(version.version) for version in versions) == list(range(1, 9))


def test_a_killed_registration_leaves_no_version_without_files(served: Workspace, weights: Path) -> None:
    import mlflow

    moments = random.Random(7)
    for _ in range(4):
        words = ["model.register", "--weights", str(weights), "--name", "killed", "--force"]
        process = subprocess.Popen(
            [sys.executable, "-m", "invoke", *words],
            cwd=served.root,
            env=served.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(moments.uniform(1.5, 5.0))
        process.kill()
        process.wait()
    mlflow.set_tracking_uri(served.variables["MLFLOW_TRACKING_URI"])
    for version in client_of(served).search_model_versions("name = 'killed'"):
        assert mlflow.models.get_model_info(f"models:/killed/{version.version}").flavors["onnx"]
    served.succeed("model.register", "--weights", weights, "--name", "killed", "--force")


def test_other_mlflow_programs_load_it(served: Workspace, weights: Path, tmp_path: Path) -> None:
    served.succeed("model.register", "--weights", weights, "--name", "open", "--alias", "production")
    program = (
        "import sys; sys.modules['wildetect'] = None\n"
        "import mlflow\n"
        "model = mlflow.onnx.load_model('models:/open@production')\n"
        "print(model.graph.output[0].name)\n"
        "loaded = mlflow.pyfunc.load_model('models:/open@production')\n"
        "print(loaded.metadata.signature.inputs.inputs[0].shape)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=served.environment | {"TMPDIR": str(tmp_path), "TEMP": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == ["output0", "(1, 3, 640, 640)"]


def test_looking_at_versions_leaves_nothing_in_the_temporary_folder(
    served: Workspace, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.succeed("model.register", "--weights", weights, "--name", "tidy")
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setitem(served.variables, name, str(tmp_path))
    served.succeed("model.show", "tidy/1")
    served.succeed("model.register", "--weights", weights, "--name", "tidy", "--force")
    served.succeed("model.compare", "tidy", "1,2")
    assert list(tmp_path.iterdir()) == []


def test_what_another_program_made_or_changed_is_registered_as_told(
    served: Workspace, picture: Path, tmp_path: Path
) -> None:
    client, detector = client_of(served), REPOSITORY / "demo/detector.onnx"
    (tmp_path / "model").mkdir()
    shutil.copy(detector, tmp_path / "model/model.onnx")
    (tmp_path / "model/MLmodel").write_text("flavors: {onnx: {data: model.onnx}}\n", encoding="utf-8")
    run = client.create_run(client.create_experiment("by hand"))
    client.log_artifacts(run.info.run_id, str(tmp_path / "model"), "model")
    client.create_registered_model("by-hand")
    client.create_model_version("by-hand", f"{run.info.artifact_uri}/model", run.info.run_id)
    detect = ("detect.run", picture, "--tile-size", "640", "--output", tmp_path / "run", "--model")
    error, hint = served.fail(4, *detect, "by-hand/1")
    assert "by-hand/1 was not registered by this project" in error
    follow(served, hint, "registry/cache.py: Register its ONNX file with", FILE=detector)

    source = client.get_model_version("by-hand", "2").source
    (kept,) = (folder_of(served) / "artifacts").glob(f"*/models/{source.removeprefix('models:/')}")
    (stored,) = kept.rglob("model.onnx")
    stored.write_bytes(stored.read_bytes()[:-1] + b"?")
    shutil.rmtree(served.root / "runs/models/by-hand", ignore_errors=True)
    error, hint = served.fail(4, *detect, "by-hand/2")
    assert "by-hand/2 is not the one that was registered" in error
    follow(served, hint, "registry/cache.py: Register the weights again with", FILE=detector)
    served.succeed(*detect, "by-hand/3")
