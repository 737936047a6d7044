"""The demo, as a newcomer runs it."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hinted import follow
from tests.workspaces import REPOSITORY, Workspace, free_port


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    port = free_port()
    workspace = Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=f"http://localhost:{port}")
    shutil.copytree(REPOSITORY / "demo", workspace.root / "demo")
    yield workspace
    workspace.succeed("mlflow.stop")


def test_from_nothing_to_counts_and_back(workspace: Workspace) -> None:
    said = workspace.succeed("demo", timeout=280)
    lines = {line.split()[0]: line for line in said.splitlines() if line[:1].isalpha()}
    recall, precision = (float(word.strip(",")) for word in lines["measured"].split()[2:5:2])
    assert recall > 0.9
    assert precision > 0.9
    assert "rendered scenes" in said
    animals = int(lines["census"].split()[1])
    assert 230 < animals <= 240
    assert "there are 240 in the scenes" in lines["census"]
    # two lines of 185 m on 1010 m: 2.7 times the animals on them
    estimate = int(lines["estimate"].split()[1])
    assert estimate == pytest.approx(2.73 * animals, rel=0.03)
    lower, upper = (int(word.replace(",", "")) for word in lines["estimate"].split()[-3::2])
    assert 240 < lower < estimate < upper < 2000
    (plan,) = [
        one
        for one in workspace.document("census.plan", "results/demo/census")["plans"]
        if one["species"] is None
    ]
    assert "only 2 transects were flown" in plan["doubt"]
    assert plan["effort"]["needed"] == 5
    results = workspace.root / "results" / "demo"
    page = (results / "census" / "census_report.html").read_text(encoding="utf-8")
    assert "never measured" not in page
    assert "The detector was measured on rendered scenes of the demo (8 pictures" in page
    assert f"recall {recall:.0%}" in page or f"recall {recall:.2f}" in page
    found = json.loads((results / "detections.json").read_text(encoding="utf-8"))
    assert found["info"]["format_version"] == "1.6"
    assert len(found["images"]) == 8
    run = json.loads((results / "run.json").read_text(encoding="utf-8"))
    assert run["state"] == "finished"
    assert run["mlflow"]["run_id"]
    assert len(list((results / "overlays").iterdir())) == 8
    status = workspace.document("mlflow.status")
    assert status["healthy"] is True
    (row,) = workspace.document("model.list")["models"]
    assert (row["name"], row["version"], row["aliases"]) == ("demo", "1", ["production"])
    again = workspace.succeed("demo", timeout=280)
    assert "demo version 1" in again
    stopped = follow(workspace, again, "tasks/demo.py: stop it: uv run invoke mlflow.stop").stdout
    assert "stopped http://127.0.0.1:" in stopped
    port = int(workspace.variables["MLFLOW_TRACKING_URI"].rpartition(":")[2])
    with socket.socket() as asking:
        assert asking.connect_ex(("127.0.0.1", port)) != 0


def test_a_port_that_another_program_holds(workspace: Workspace) -> None:
    port = int(workspace.variables["MLFLOW_TRACKING_URI"].rpartition(":")[2])
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", port))
        holder.listen()
        ended = workspace.invoke("demo", timeout=280)
    assert ended.returncode == 0, ended.stderr
    assert f"port {port} is held by" in ended.stderr
    url = workspace.document("mlflow.status")["url"]
    assert f"server    {url}" in ended.stdout
    assert not url.endswith(f":{port}")


def test_what_is_shipped() -> None:
    folder = REPOSITORY / "demo"
    pictures = sorted(path.name for path in (folder / "pictures").iterdir())
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    assert len(pictures) >= 6
    assert sorted(Path(image["file_name"]).name for image in truth["images"]) == pictures
    assert {category["name"] for category in truth["categories"]} == {"elephant", "zebra", "antelope"}
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 10_000_000
    assert (folder / "detector.onnx").stat().st_size < 3_000_000
