"""Quick questions to a server, and what is said where the answer is no good."""

# ruff: noqa: S104 - addresses are named here, nothing listens on them

from __future__ import annotations

import base64
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from tests.workspaces import unused_uri

from wildetect.errors import ServerError
from wildetect.registry.connection import connect
from wildetect.registry.probe import Credentials, Probe, how_to_start, is_loopback
from wildetect.server.process.status import held_models


class Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        answers = {
            "/health": (200, "OK"),
            "/version": (200, "3.17.2"),
            "/json?a=1": (200, '{"found": "é"}'),
            "/page": (200, "<html>"),
            "/other/version": (200, "<html>"),
            "/missing": (404, '{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such\\nmodel"}'),
            "/broken": (500, "<html>"),
        }
        code, text = answers.get(self.path, (404, ""))
        if self.path == "/closed":
            expected = "Basic " + base64.b64encode("zoë:pass:word".encode()).decode()
            code, text = (200, "{}") if self.headers.get("Authorization") == expected else (401, "")
        if self.path == "/elsewhere":
            code = 302
        self.send_response(code)
        if code == 302:
            self.send_header("Location", "http://localhost:1/")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def uri() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_answers(uri: str) -> None:
    assert Probe(uri).healthy()
    assert Probe(uri + "/").version() == "3.17.2"
    assert Probe(uri).get("/json", {"a": 1}) == {"found": "é"}
    assert Probe(uri, Credentials("zoë", "pass:word")).get("/closed") == {}


BEGINNINGS = [
    b"",
    b"HTTP/1.1 200 OK\r\nX-Long: ",
    b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 500 Broken\r\nContent-Length: 90000\r\n\r\n",
]


@pytest.fixture
def dripping(request: pytest.FixtureRequest) -> Iterator[str]:
    """A port that begins an answer and then gives a byte every 50 ms, for ever."""
    ended = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.sendall(request.param)
            while not ended.wait(0.05):
                connection.sendall(b"1")

    def accept() -> None:
        with contextlib.suppress(OSError):
            while not ended.is_set():
                connection, _ = listener.accept()
                if not ended.is_set():
                    threads.append(threading.Thread(target=drip, args=(connection,)))
                    threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads = [threading.Thread(target=accept)]
        threads[0].start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        ended.set()
        socket.create_connection(listener.getsockname()).close()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("dripping", BEGINNINGS, indirect=True)
def test_an_answer_that_drips_has_an_end(dripping: str) -> None:
    begun = time.monotonic()
    assert not Probe(dripping, timeout=0.3).healthy()
    with pytest.raises(ServerError):
        Probe(dripping, timeout=0.3, total=0.5).get("/json")
    with pytest.raises(ServerError):
        list(held_models(Probe(dripping, timeout=0.3, total=0.5)))
    assert time.monotonic() - begun < 3


SHAPES = ["[]", "7", "null", '"text"', "[" * 100_000, "1" * 5_000]


@pytest.mark.parametrize("answer", SHAPES)
def test_json_of_another_shape_is_named(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Probe, "_asked", lambda *_: answer.encode())
    with pytest.raises(ServerError, match="answered with"):
        Probe("http://127.0.0.1:5000").get("/json")


MODELS = [
    {"model_versions": 5},
    {"model_versions": [[]]},
    {"model_versions": [{"name": "a"}]},
    {"model_versions": [{"name": [], "version": "1"}]},
    {"model_versions": [{"name": "a", "version": "one"}]},
    {"registered_models": [{"aliases": []}]},
    {"registered_models": [{"name": "a", "aliases": [{"alias": "b"}]}]},
    {"registered_models": [{"name": "a", "aliases": 5}]},
]


@pytest.mark.parametrize("answer", MODELS)
def test_a_registry_of_another_shape_is_named(answer: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Probe, "_asked", lambda *_: json.dumps(answer).encode())
    with pytest.raises(ServerError, match="another shape"):
        list(held_models(Probe("http://127.0.0.1:5000")))


def test_a_servers_words_are_no_commands_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"registered_models": [{"name": "a\x1b[2J\u202eb"}]}
    monkeypatch.setattr(Probe, "_asked", lambda *_: json.dumps(answer).encode())
    (model,) = held_models(Probe("http://127.0.0.1:5000"))
    assert model.name == "a?[2J?b"


def test_the_password_goes_to_no_other_host(uri: str) -> None:
    with pytest.raises(ServerError, match="sends us on to http://localhost"):
        Probe(uri, Credentials("zoë", "pass:word")).get("/elsewhere")


def test_a_proxy_is_not_asked_for_this_machine(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", unused_uri())
    monkeypatch.delenv("no_proxy", raising=False)
    assert Probe(uri).healthy()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/missing", "answered RESOURCE_DOES_NOT_EXIST: no such model"),
        ("/broken", "answered 500 Internal Server Error"),
        ("/page", "answered with something that is not JSON"),
        ("/closed", "wants a sign-in"),
    ],
)
def test_no_good_answers(uri: str, path: str, expected: str) -> None:
    with pytest.raises(ServerError, match=r"127\.0\.0\.1") as caught:
        Probe(uri).get(path)
    assert expected in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_a_refused_sign_in_names_the_user_only(uri: str) -> None:
    with pytest.raises(ServerError, match="refuses that of admin") as caught:
        Probe(uri, Credentials("admin", "hunter2")).get("/closed")
    assert "hunter2" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("address", ["", "ftp://127.0.0.1", "http://127.0.0.1:1", "nonsense"])
def test_nobody_answers(address: str) -> None:
    address = address or unused_uri()
    assert not Probe(address).healthy()
    with pytest.raises(ServerError, match="no MLflow server answers") as caught:
        Probe(address).version()
    assert "mlflow.serve" in caught.value.hint


def test_something_else_answers(uri: str) -> None:
    with pytest.raises(ServerError, match="is not an MLflow server"):
        Probe(uri + "/other").version()


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("example.org", False),
    ],
)
def test_is_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) == expected


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("http://127.0.0.1:5001", "Start it with: uv run invoke mlflow.serve ("),
        ("http://localhost:5001", "Start it with: uv run invoke mlflow.serve ("),
        ("https://127.0.0.1:5001", "set MLFLOW_TRACKING_URI=http://127.0.0.1:5001 in .env"),
        ("http://127.0.0.1:5001/mlflow", "set MLFLOW_TRACKING_URI=http://127.0.0.1:5001 in .env"),
        (
            "http://office:5000",
            "On that machine it is started with: uv run invoke mlflow.serve --host 0.0.0.0",
        ),
    ],
)
def test_a_server_is_offered_where_one_would_answer(address: str, hint: str) -> None:
    assert hint in how_to_start(address)


@pytest.mark.parametrize("port", ["abc", "99999", "0"])
def test_a_port_that_cannot_be_one_is_told(port: str) -> None:
    with pytest.raises(ServerError, match="port"):
        connect(f"http://127.0.0.1:{port}")
