"""A project's tasks talk to its own server; another project's only where it is named."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from wildetect.errors import ServerError
from wildetect.registry import connection
from wildetect.server.process.server import address_of_tasks
from wildetect.settings import Project
from wildetect.settings.project import Variables
from wildetect.tasks.progress import Terminal
from wildetect.workflows.connecting import connect_for
from wildetect.workflows.people import accounts_of


class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"OK")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server of nobody we know, at the port that tasks look at by default."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Healthy)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    uri = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(connection, "DEFAULT_URI", uri)
    yield uri
    server.shutdown()
    thread.join()
    server.server_close()


def test_another_project_s_server_is_refused_where_nothing_names_it(stranger: str, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="another project's") as refused:
        connect_for(Project(tmp_path), Terminal())
    assert f"MLFLOW_TRACKING_URI={stranger}" in refused.value.hint
    assert "mlflow.serve --port " in refused.value.hint


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
