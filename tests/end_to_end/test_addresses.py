"""The server's address as people and offices give it."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest
from tests.workspaces import REPOSITORY, Workspace, unused_uri

DETECTOR = REPOSITORY / "demo/detector.onnx"
PROXY = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")


def test_an_address_pasted_from_the_browser(served: Workspace) -> None:
    pasted = Workspace(
        served.root, {"MLFLOW_TRACKING_URI": f"{served.variables['MLFLOW_TRACKING_URI']}/#/models"}
    )
    assert pasted.document("model.list")["models"] == served.document("model.list")["models"]
    assert pasted.document("mlflow.status")["tracking_uri_matches"] is True


def test_a_proxy_of_the_office_is_not_asked_for_this_machine(served: Workspace) -> None:
    office = Workspace(served.root, {**served.variables, **PROXY, "NO_PROXY": "intranet.example.org"})
    office.succeed("model.register", DETECTOR, "--name", "behind-a-proxy", "--alias", "production")
    shown = office.document("model.show", "behind-a-proxy@production")
    assert shown["version"] == "1"


def test_an_inherited_registry_is_named_and_not_used(served: Workspace) -> None:
    inherited = Workspace(served.root, {**served.variables, "MLFLOW_REGISTRY_URI": unused_uri()})
    ended = inherited.invoke("model.register", DETECTOR, "--name", "inherited")
    assert ended.returncode == 0, ended.stderr
    assert "MLFLOW_REGISTRY_URI of the environment is not used" in ended.stderr
    assert served.document("model.show", "inherited/1")["version"] == "1"


def test_a_broken_number_for_mlflows_client_is_named_and_not_used(served: Workspace) -> None:
    broken = Workspace(served.root, {**served.variables, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "two"})
    ended = broken.invoke("model.list")
    assert ended.returncode == 0, ended.stderr
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES of the environment is not used" in ended.stderr


def test_where_nothing_names_a_server_status_and_tasks_agree_on_the_projects_own(served: Workspace) -> None:
    plain = Workspace(served.root, {})
    assert plain.document("model.list")["models"] == served.document("model.list")["models"]
    assert plain.document("mlflow.status")["tracking_uri_matches"] is True
    assert "  tasks " not in plain.invoke("mlflow.status").stdout


@pytest.mark.parametrize("line", ["mlflow_tracking_uri={uri}", 'Mlflow_Tracking_Uri="{uri}/"'])
def test_env_in_any_case_and_with_quotes(served: Workspace, line: str) -> None:
    other = Workspace.make(served.root.parent / f"case{len(line)}")
    (other.root / ".env").write_text(
        line.format(uri=served.variables["MLFLOW_TRACKING_URI"]) + "\n", encoding="utf-8"
    )
    try:
        ended = other.invoke("model.list")
        assert ended.returncode == 0, ended.stderr
        assert "(.env:1), which is not this project's own" in ended.stderr
    finally:
        shutil.rmtree(other.root)


def test_the_server_of_another_project_is_said_whoever_names_it(served: Workspace, tmp_path: Path) -> None:
    other = Workspace.make(tmp_path / "other", **served.variables)
    said = other.invoke("model.register", DETECTOR, "--name", "from-elsewhere").stderr
    assert "(environment variable MLFLOW_TRACKING_URI), which is not this project's own" in said
    assert "not this project's own" not in served.invoke("model.list").stderr
    status = other.invoke("mlflow.status")
    assert status.returncode == 3  # its own does not run
    uri = served.variables["MLFLOW_TRACKING_URI"]
    assert f"  tasks     use {uri} (environment variable MLFLOW_TRACKING_URI), which answers" in status.stdout
    assert "hint" not in status.stderr
    elsewhere = unused_uri()
    led_away = Workspace(served.root, {"MLFLOW_TRACKING_URI": elsewhere}).invoke("mlflow.status")
    assert led_away.returncode == 0  # the own one runs
    assert f"  tasks     use {elsewhere} (environment" in led_away.stdout
    assert f"MLFLOW_TRACKING_URI={uri} in .env" in led_away.stdout


def test_a_task_names_the_own_server_where_another_program_is_at_the_address(served: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        uri = f"http://127.0.0.1:{mute.getsockname()[1]}"
        other = Workspace(served.root, {"MLFLOW_TRACKING_URI": uri})
        error, hint = other.fail(3, "model.list")
    assert error.startswith(f"error: no MLflow server answers at {uri}")  # its own runs elsewhere
    assert f"MLFLOW_TRACKING_URI={served.variables['MLFLOW_TRACKING_URI']}" in hint


def test_env_txt_is_named(served: Workspace) -> None:
    named = served.root / ".env.txt"
    named.write_text("A=b\n", encoding="utf-8")
    try:
        assert "rename it to .env" in served.invoke("model.list").stderr
    finally:
        named.unlink()


def test_invoke_in_another_folder_with_r(served: Workspace) -> None:
    here = served.invoke("-r", served.root, "config.show", "detection", folder=served.root.parent)
    assert here.returncode == 0, here.stderr
    assert "nms_threshold" in here.stdout
