"""Who answers at the tracking URI, and who holds the port."""

from __future__ import annotations

import contextlib
import http.server
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.checkup.findings import bad, only, subject

from wildetect.checkup.server import check_port, check_server
from wildetect.server.process.processes import MARKER


@contextlib.contextmanager
def web_server(status: int, content: bytes) -> Iterator[str]:
    """A server that gives one answer to everything."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("sqlite:///mlflow.db", "not the address of a server"),
        ("http://localhost:port", "not the address of a server"),
        ("http://localhost:99999", "not the address of a server"),
        ("http://[::1", "not the address of a server"),
        ("http://me:geheim@no-such-name.invalid:5000", "the name no-such-name.invalid of"),
        ("http://no-such-name.invalid:5000", "the name no-such-name.invalid of MLFLOW_TRACKING_URI"),
    ],
)
def test_an_address_that_leads_nowhere(
    root: Path, monkeypatch: pytest.MonkeyPatch, uri: str, says: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    found = bad(check_server(subject()))
    assert says in found.says
    assert "geheim" not in found.says
    assert found.exit_code == 3


def test_nobody(root: Path) -> None:
    found = bad(check_server(subject()))
    assert found.verdict == "warning"
    assert found.fix == "Start it: uv run invoke mlflow.serve"
    assert only(check_port(subject())).says.endswith(" is free")


@pytest.mark.parametrize(("status", "content"), [(404, b"nothing"), (200, b"<html>hello</html>")])
def test_something_that_is_no_mlflow(
    root: Path, monkeypatch: pytest.MonkeyPatch, status: int, content: bytes
) -> None:
    with web_server(status, content) as url:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
        one = subject()
        assert "not an MLflow server" in bad(check_server(one)).says
        assert "is held by" in bad(check_port(one)).says


def test_another_mlflow(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with web_server(200, b"3.17.2") as url:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
        one = subject()
        assert only(check_server(one)).says.endswith("not of this project")
        assert only(check_port(one)).says.endswith("is held by the MLflow server that the tasks use")


def test_another_mlflow_that_nothing_names_is_not_said_to_be_used(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with web_server(200, b"3.17.2") as url:
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
        monkeypatch.setattr("wildetect.registry.connection.DEFAULT_URI", url)
        monkeypatch.setattr("wildetect.server.process.plan.DEFAULT_PORT", int(url.rpartition(":")[2]))
        one = subject()
        assert only(check_server(one)).says.endswith("is another project's")
        port = only(check_port(one))
        assert port.verdict == "warning"
        assert "is held by" in port.says


def test_a_program_that_never_answers_is_not_waited_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{mute.getsockname()[1]}")
        begun = time.monotonic()
        found = bad(check_server(subject()))
        assert time.monotonic() - begun < 5
    assert "something that is not an MLflow server answers" in found.says


def test_a_server_that_died(root: Path) -> None:
    folder = root / "runs/mlflow"
    folder.mkdir(parents=True)
    left = subprocess.Popen(
        [sys.executable, "-c", "input()"], env={**os.environ, MARKER: str(folder)}, stdin=subprocess.PIPE
    )
    (folder / "server.json").write_text(
        f'{{"pid": 1, "create_time": 1.0, "phase": "running", "url": "http://127.0.0.1:1", "port": 1, '
        f'"host": "127.0.0.1", "store": "x", "artifacts": "x", '
        f'"processes": [[{left.pid}, 1.0]]}}',
        encoding="utf-8",
    )
    found = bad(check_server(subject()))
    left.communicate(b"\n")
    assert found.says == "this project's server has died and left processes"
    assert "mlflow.restart" in str(found.fix)
