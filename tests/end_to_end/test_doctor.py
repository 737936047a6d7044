"""The doctor through the real program: each of ten planted faults is found, and none where there is none."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper
from tests.hinted import commands_told, follow
from tests.servers import database_of, small_disk
from tests.workspaces import REPOSITORY, Workspace, unused_uri

NAME = "examined"
KEYS = {"healthy", "exit_code", "problems", "warnings", "findings"}
MODEL = "WILDETECT_DETECTION__MODEL__MLFLOW_MODEL"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())


@pytest.fixture(scope="module")
def served_model(served: Workspace) -> Workspace:
    """The workspace with a server, whose settings name a model that is registered."""
    words = ("--name", NAME, "--alias", "production", "--alias", "fleeting")
    served.succeed("model.register", "--weights", REPOSITORY / "demo/detector.onnx", *words)
    return with_variables(served, **{f"{MODEL}_NAME": NAME})


def with_variables(workspace: Workspace, **variables: str) -> Workspace:
    return Workspace(workspace.root, {**workspace.variables, **variables})


def examined(workspace: Workspace, *words: str) -> tuple[dict[str, Any], int]:
    """What the doctor finds, and its exit code."""
    ended = workspace.invoke("doctor", "--json", *words)
    assert "Traceback" not in ended.stderr, ended.stderr
    document = json.loads(ended.stdout)
    assert set(document) == KEYS
    for finding in document["findings"]:
        assert set(finding) == {"check", "verdict", "says", "mend", "exit_code"}
        assert (finding["mend"] is None) == (finding["verdict"] == "ok")
    assert document["exit_code"] == ended.returncode
    assert document["healthy"] == (ended.returncode == 0)
    return document, ended.returncode


def the_problem(workspace: Workspace, *words: str, check: str, code: int) -> dict[str, Any]:
    """The only problem, which is of that check and gives that exit code."""
    document, ended = examined(workspace, *words)
    problems = [finding for finding in document["findings"] if finding["verdict"] == "problem"]
    assert [(one["check"], one["exit_code"]) for one in problems] == [(check, code)], problems
    assert ended == code
    (found,) = problems
    return dict(found)


def test_a_healthy_project(served_model: Workspace) -> None:
    document, code = examined(served_model)
    assert (code, document["problems"], document["warnings"]) == (0, 0, 0), document["findings"]
    checks = {finding["check"] for finding in document["findings"]}
    assert checks == {
        *(
            "system",
            "folder",
            "clock",
            "versions",
            "python",
            "packages",
            "shadowing",
            "uv",
            ".env",
            "settings",
            "shims",
        ),
        *("places", "disk", "store", "port", "server", "model", "weights", "device"),
    }
    says = " ".join(finding["says"] for finding in document["findings"])
    assert "this project's own" in says
    assert f"{NAME}@production is version 1" in says


def test_a_fresh_project_as_text_and_nothing_is_changed(workspace: Workspace) -> None:
    before = {path: path.stat().st_mtime_ns for path in workspace.root.rglob("*")}
    ended = workspace.invoke("doctor")
    assert ended.returncode == 0, ended.stdout
    assert {path: path.stat().st_mtime_ns for path in workspace.root.rglob("*")} == before
    assert ended.stderr == ""
    lines = ended.stdout.splitlines()
    assert lines[-1] == "no problems, 2 warnings"
    (server,) = [
        number for number, line in enumerate(lines) if line.startswith("warning  server     no MLflow")
    ]
    assert lines[server + 1].split("-> ")[1] == "Start it: uv run invoke mlflow.serve"
    assert "\x1b" not in ended.stdout


def test_a_wrong_tracking_uri(served_model: Workspace) -> None:
    wrong = with_variables(served_model, MLFLOW_TRACKING_URI=unused_uri())
    found = the_problem(wrong, check="server", code=3)
    right = served_model.variables["MLFLOW_TRACKING_URI"]
    assert found["mend"] == f"Write MLFLOW_TRACKING_URI={right} into .env"


def test_a_port_held_by_another_program(workspace: Workspace) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        (workspace.root / "configs/mlflow.yaml").write_text(f"port: {port}\n", encoding="utf-8")
        found = the_problem(workspace, check="port", code=3)
    assert f"port {port} is held by " in found["says"]
    assert f"(pid {os.getpid()})" in found["says"]
    assert "mlflow.serve --port" in found["mend"]


def test_broken_yaml(workspace: Workspace) -> None:
    (workspace.root / "configs/detection.yaml").write_text("model:\n  device: [cpu\n", encoding="utf-8")
    found = the_problem(workspace, check="settings", code=2)
    assert found["says"].startswith("configs/detection.yaml:2: [ is opened here and not closed")


def test_an_unreadable_store(workspace: Workspace) -> None:
    database = database_of(workspace)
    database.parent.mkdir(parents=True)
    database.write_bytes(b"no database " * 1000)
    found = the_problem(workspace, check="store", code=3)
    assert "is damaged: file is not a database" in found["says"]
    assert "mlflow.restore" in found["mend"]


@contextlib.contextmanager
def without_weights(workspace: Workspace) -> Iterator[None]:
    """The artifact of the registered version is gone, for a while."""
    uri = workspace.variables["MLFLOW_TRACKING_URI"]
    query = f"name={NAME}&version=1"
    with urllib.request.urlopen(f"{uri}/api/2.0/mlflow/model-versions/get-download-uri?{query}") as answer:  # noqa: S310
        place = json.load(answer)["artifact_uri"].removeprefix("mlflow-artifacts:/")
    weights = workspace.root / "runs/mlflow/artifacts" / place.strip("/") / "model.onnx"
    aside = weights.rename(weights.with_suffix(".aside"))
    try:
        yield
    finally:
        aside.rename(weights)


def test_missing_weights(served_model: Workspace) -> None:
    with without_weights(served_model):
        found = the_problem(served_model, check="weights", code=4)
    assert found["says"] == f"the registry has lost model.onnx of {NAME}/1"
    assert found["mend"].startswith("uv run invoke model.register --weights FILE")


def test_an_alias_that_is_gone(served_model: Workspace) -> None:
    asking = with_variables(served_model, **{f"{MODEL}_ALIAS": "fleeting"})
    uri = served_model.variables["MLFLOW_TRACKING_URI"]
    gone = urllib.request.Request(  # noqa: S310
        f"{uri}/api/2.0/mlflow/registered-models/alias",
        data=json.dumps({"name": NAME, "alias": "fleeting"}).encode(),
        headers={"Content-Type": "application/json"},
        method="DELETE",
    )
    urllib.request.urlopen(gone).close()  # noqa: S310
    found = the_problem(asking, check="model", code=4)
    assert found["says"] == f"{NAME} has no alias fleeting"
    follow(served_model, found["mend"], "checkup/model.py: uv run invoke model.promote")
    assert examined(asking)[1] == 0


def test_an_old_shim(workspace: Workspace) -> None:
    workspace.succeed("shims.write")
    shim = workspace.root / "scripts/run_detection.bat"
    shim.write_bytes(shim.read_bytes().replace(b"detect.run", b"detection.run"))
    found = the_problem(workspace, check="shims", code=2)
    assert found["says"] == "scripts/run_detection.bat is out of date or was edited"
    assert found["mend"] == "uv run invoke shims.write"


def test_a_project_that_can_only_be_read_is_named_once(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "1g"):
        copy = Workspace.make(tmp_path / "disk/project", MLFLOW_TRACKING_URI=unused_uri())
        subprocess.run(["mount", "-o", "remount,ro", tmp_path / "disk"], check=True)
        found = the_problem(copy, check="folder", code=2)
        assert found["says"] == f"{copy.root} cannot be written to"


def test_no_disk_space(workspace: Workspace) -> None:
    found = the_problem(workspace, "--space", "999999", check="disk", code=5)
    assert "999,999.0 GB are wanted" in found["says"]


def test_pythonpath_that_shadows_a_package(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "yaml.py").write_text("version = 1\n", encoding="utf-8")
    found = the_problem(
        with_variables(workspace, PYTHONPATH=str(tmp_path / "old")), check="shadowing", code=2
    )
    assert found["says"] == f"{tmp_path / 'old'} (PYTHONPATH) hides yaml"


def test_uv_missing(workspace: Workspace, tmp_path: Path) -> None:
    nowhere = dict.fromkeys(("HOME", "USERPROFILE", "PATH"), str(tmp_path))
    found = the_problem(with_variables(workspace, **nowhere, UV=""), check="uv", code=2)
    assert found["says"].startswith("uv was not found")
    assert "install" in found["mend"]


def test_the_first_problem_gives_the_exit_code(workspace: Workspace) -> None:
    (workspace.root / ".env").write_text("WORDS\n", encoding="utf-8")
    database_of(workspace).parent.mkdir(parents=True)
    database_of(workspace).write_bytes(b"x" * 1000)
    document, code = examined(workspace)
    assert document["problems"] == 2
    assert code == 2


def test_a_bad_option(workspace: Workspace) -> None:
    error, _ = workspace.fail(2, "doctor", "--space", "lots")
    assert error == "error: --space lots: not a number above 0"


def test_speed_runs_the_detector_of_a_file_and_says_why_openvino_could_not_be_tried(
    workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    without_uv = with_variables(workspace, PATH=str(tmp_path / "empty"), UV="")
    document, _ = examined(without_uv, "--speed", "--model", str(REPOSITORY / "demo/detector.onnx"))
    (speed,) = [finding for finding in document["findings"] if finding["check"] == "speed"]
    assert re.match(r"detector\.onnx: \d+\.\d tiles/s with the processor's own build; ", speed["says"])
    assert speed["says"].endswith("OpenVINO's could not be tried: uv is not on the PATH")
    assert "uv pip install onnxruntime-openvino" in speed["mend"]
    document, code = examined(without_uv, "--speed", "--model", "nothing.onnx")
    (speed,) = [finding for finding in document["findings"] if finding["check"] == "speed"]
    assert speed["verdict"] == "problem"
    assert code == 2


def fails_at_white(path: Path) -> Path:
    """The demo's detector, which an onnxruntime takes and which fails in a tile that has a white pixel."""
    model = onnx.load(REPOSITORY / "demo/detector.onnx")
    graph = model.graph
    fed, given = graph.input[0].name, graph.output[0].name
    for node in graph.node:
        node.output[:] = ["whole" if name == given else name for name in node.output]
    zero = helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0])
    graph.initializer.append(zero)
    graph.node.extend(
        [
            helper.make_node("ReduceMax", [fed], ["brightest"], keepdims=0),
            helper.make_node("Cast", ["brightest"], ["which"], to=TensorProto.INT64),  # 0 but for white
            helper.make_node("Gather", ["zero", "which"], ["nothing"]),
            helper.make_node("Add", ["whole", "nothing"], [given]),
        ]
    )
    onnx.save(model, path)
    return path


def test_a_detector_that_fails_while_it_runs_is_not_the_fault_of_photographs(
    served_model: Workspace, tmp_path: Path
) -> None:
    failing = fails_at_white(tmp_path / "failing.onnx")
    document, _ = examined(served_model, "--speed", "--model", str(failing))
    (speed,) = [finding for finding in document["findings"] if finding["check"] == "speed"]
    assert "failing.onnx cannot be measured: " in speed["says"]
    follow(served_model, speed["mend"], "detection/faster/speeds.py: Detection would fail likewise")
    words = ("--limit", "1", "--tile-size", "640", "--output", tmp_path / "run")
    _, hint = served_model.fail(5, "detect.run", REPOSITORY / "demo/pictures", "--model", failing, *words)
    assert "the detector that failed, not the photograph" in hint


@pytest.mark.skipif(sys.platform == "win32", reason="a script of Python starts with a line that names it")
def test_another_environment_and_another_copy_are_left_as_told(workspace: Workspace) -> None:
    uv = shutil.which("uv") or os.environ.get("UV")
    if not uv:
        pytest.skip("uv is not on the PATH")
    root, packages = workspace.root, next(path for path in sys.path if path.endswith("site-packages"))
    shutil.copytree(REPOSITORY / "src/wildetect", root / "src/wildetect")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, root / ".venv"], cwd=root, check=True)
    (own,) = (root / ".venv").glob("lib/python*/site-packages")
    (own / "_here.pth").write_text(f"{root / 'src'}\n{packages}\n", encoding="utf-8")
    script = root / ".venv/bin/invoke"
    script.write_text(f"#!{root}/.venv/bin/python\nfrom invoke.main import program\nprogram.run()\n")
    script.chmod(0o755)
    said = workspace.invoke("doctor").stdout
    wrong = ("not the one of this project", "not the project's own environment .venv")
    assert all(text in said for text in wrong), said
    places = ("checkup/environment.py: uv run invoke doctor", "checkup/environment.py: Start it as")
    ((first,), (second,)) = (commands_told(said, where) for where in places)
    assert first == second == ["doctor"]
    variables = {name: text for name, text in workspace.environment.items() if name != "VIRTUAL_ENV"}
    command = [uv, "run", "invoke", *first]
    again = subprocess.run(command, cwd=root, env=variables, capture_output=True, text=True, timeout=300)  # noqa: PLW1510
    assert f"in {root / 'src'};" in again.stdout, again.stdout + again.stderr
    assert not any(text in again.stdout for text in wrong)
