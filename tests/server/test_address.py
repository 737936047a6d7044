"""A project's tasks talk to its own server; another project's only where it is named."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hinted import commands_told, follow, write_setting
from tests.servers import ended_after, status_of
from tests.workspaces import Workspace

from wildetect.errors import ServerError
from wildetect.registry import connection
from wildetect.server.process.plan import DEFAULT_PORT
from wildetect.server.process.server import address_of_tasks
from wildetect.settings import Project
from wildetect.settings.project import Variables
from wildetect.tasks.progress import Terminal
from wildetect.workflows.connecting import connect_for
from wildetect.workflows.people import accounts_of


class Healthy(http.server.BaseHTTPRequestHandler):
    code = 200

    def do_GET(self) -> None:
        self.send_response(self.code)
        self.end_headers()
        self.wfile.write(b"OK")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Forbidding(Healthy):
    code = 403


@contextlib.contextmanager
def at_port(port: int, kind: type[Healthy] = Healthy) -> Iterator[str]:
    """A server of nobody we know; one that is there already is as good."""
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), kind)
    except OSError:
        if (status_of(f"http://127.0.0.1:{port}/health") == 200) != (kind is Healthy):
            pytest.skip(f"port {port} is taken by something else")
        yield f"http://127.0.0.1:{port}"
        return
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server of nobody we know, at the port that tasks look at by default."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with at_port(0) as uri:
        monkeypatch.setattr(connection, "DEFAULT_URI", uri)
        yield uri


def test_another_project_s_server_is_refused_where_nothing_names_it(stranger: str, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="another project's") as refused:
        connect_for(Project(tmp_path), Terminal())
    assert f"MLFLOW_TRACKING_URI={stranger}" in refused.value.hint
    assert "mlflow.serve --port " in refused.value.hint


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        (Healthy, "server/process/server.py: Start this project's own"),
        (Forbidding, "checkup/server.py: or start this project's server beside it"),  # as AirPlay on a Mac
    ],
)
def test_a_hint_starts_the_projects_own_server_beside_what_has_the_usual_port(
    kind: type[Healthy], where: str, tmp_path: Path
) -> None:
    workspace = Workspace.make(tmp_path / "project")
    with at_port(DEFAULT_PORT, kind), ended_after(workspace):
        _, hint = workspace.fail(3, "model.list")
        error, taken = workspace.fail(3, "mlflow.serve", "--detach")
        assert f"port {DEFAULT_PORT} is held by " in error
        (other,) = commands_told(taken, "server/process/preflight.py: End it, or take another port with")
        assert commands_told(hint, where) == [["mlflow.serve", *other[2:]]]
        if kind is Forbidding:
            follow(workspace, hint, where, "--detach", "--no-browser")
        else:  # for ever
            config = workspace.root / "configs/mlflow.yaml"
            write_setting(config, taken, "server/process/preflight.py: to keep it, port")
            workspace.succeed("mlflow.serve", "--detach")
        assert workspace.document("mlflow.status")["url"].endswith(f":{other[-1]}")
        workspace.succeed("model.list")
        workspace.succeed("mlflow.stop")


def test_another_project_s_accounts_are_left_alone(stranger: str, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="another project's"):
        accounts_of(Project(tmp_path))


def test_a_program_that_does_not_speak_is_not_offered_a_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{mute.getsockname()[1]}")
        with pytest.raises(ServerError, match="something that is not an MLflow server answers at"):
            connect_for(Project(tmp_path))


def test_a_line_for_env_says_that_the_environment_comes_first(tmp_path: Path) -> None:
    workspace = Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI="ftp://elsewhere")
    said = workspace.invoke("doctor").stdout
    assert "MLFLOW_TRACKING_URI is set in the environment here, which comes before .env" in said


def test_a_named_one_is_used_and_said(
    stranger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_text(f"MLFLOW_TRACKING_URI={stranger}\n", encoding="utf-8")
    project = Project(tmp_path, Variables.read(tmp_path / ".env"))
    assert connect_for(project, Terminal()).uri == stranger
    assert "not this project's own" in capsys.readouterr().err


@pytest.mark.parametrize("uri", ["http://[::1", "https://elsewhere.example", "nonsense"])
def test_other_addresses_are_nobody_s_on_this_machine(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    address = address_of_tasks(Project(tmp_path))
    assert (address.uri, address.named, address.foreign) == (uri, True, False)
