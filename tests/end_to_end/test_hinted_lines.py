"""The lines of settings that hints give: each is written where its hint says, and the mistake is gone."""

from __future__ import annotations

from pathlib import Path

import yaml
from tests.hinted import write_line_for_env, write_setting
from tests.servers import port_of, uri_of
from tests.workspaces import REPOSITORY, Workspace, unused_uri

DETECTOR = REPOSITORY / "demo/detector.onnx"


def test_a_line_for_env_makes_the_task_work(served: Workspace, tmp_path: Path) -> None:
    workspace, uri = Workspace.make(tmp_path / "project"), uri_of(served)
    for wrong in (
        f"set MLFLOW_TRACKING_URI={uri}",
        f"MLFLOW_TRACKING_URI: {uri}",
        f"MLFLOW_TRACKING_URI=\N{LEFT DOUBLE QUOTATION MARK}{uri}\N{RIGHT DOUBLE QUOTATION MARK}",
        f"MLFLOW_TRACKING_URI=https://127.0.0.1:{port_of(served)}",
    ):
        (workspace.root / ".env").write_text(f"{wrong}\n", encoding="utf-8")
        ended = workspace.invoke("model.list")
        assert ended.returncode in (2, 3), f"{wrong}\n{ended.stdout}{ended.stderr}"
        write_line_for_env(workspace, ended.stderr, uri)
        ended = workspace.invoke("model.list")
        assert ended.returncode == 0, f"{wrong}\n{ended.stderr}"


def test_a_line_for_a_settings_file_makes_the_task_work(tmp_path: Path) -> None:
    workspace = Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())
    (workspace.root / "pictures").mkdir()
    content = (REPOSITORY / "demo/pictures/A1.jpg").read_bytes()
    (workspace.root / "pictures/whole.jpg").write_bytes(content)
    (workspace.root / "pictures/cut.jpg").write_bytes(content[: len(content) // 2])
    detection = workspace.root / "configs/detection.yaml"
    document = yaml.safe_load(detection.read_text(encoding="utf-8"))
    document["model"]["device"] = "cuda"
    detection.write_text(yaml.safe_dump(document), encoding="utf-8")
    words = ("detect.run", "pictures", "--model", DETECTOR, "--tile-size", "640", "--output", "results")
    ended = workspace.invoke(*words)
    assert "device: cuda is not available" in ended.stderr
    assert write_setting(detection, ended.stderr) == "model.device"
    ended = workspace.invoke(*words)
    assert "cut.jpg" in ended.stderr
    assert write_setting(detection, ended.stderr) == "processing.on_damage"
    ended = workspace.invoke(*words, "--restart")
    assert ended.returncode == 0, ended.stderr

    registration = workspace.root / "configs/detector_registration.yaml"
    document = yaml.safe_load(registration.read_text(encoding="utf-8"))
    document["classifier"] = {"weights": "gone.onnx"}
    registration.write_text(yaml.safe_dump(document), encoding="utf-8")
    register = ("model.register", "--weights", DETECTOR, "--name", "herd", "--dry-run")
    ended = workspace.invoke(*register)
    assert "gone.onnx" in ended.stderr
    assert write_setting(registration, ended.stderr) == "classifier"
    ended = workspace.invoke(*register)
    assert "gone.onnx" not in ended.stderr
